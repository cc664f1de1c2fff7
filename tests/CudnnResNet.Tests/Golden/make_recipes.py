#!/usr/bin/env python3
"""What PyTorch makes of every option of a training recipe, on a small network, to hold ours against.

The network is a resnet18 v1.5 of width 8 with the cifar stem. Values come from the formula of make_golden.py (fc.bias
within 1/sqrt(512), as for the full width). 48 images of 3x16x16 from the stream "input", rounded to float32 so that a
float32 file holds them exactly; label of image n (37 n + 11) mod 10; batches in the files' order, 6 an epoch; 9 steps.

Each run has the command-line `flags` of ours that should do the same, and per step `lr` and `loss` (the mean over the
batches of the step, before the update); after the last step [norm, first, last] of every parameter and running
statistic, and of their moving averages where there are any. In float64 (`float64`); in float32 in both memory formats
only what it costs a peer: the largest relative deviation of a loss, and of a norm (`float32`).

Optimizers and schedules are PyTorch's own (torch.optim.SGD, lr_scheduler, clip_grad_norm_). LARS is not among them: it is
the algorithm of You et al. 2017 (arXiv 1708.03888) in front of torch.optim.SGD, as apex.parallel.LARC has it, with
vectors (batch norms, biases) left out. The moving average is timm's ModelEmaV2.

`schedules` holds learning rates alone, over more steps. `lastGammas` names the last batch norm of every branch.

Run:  python3 make_recipes.py       writes recipes.json beside itself
"""
import json, os, sys
import numpy as np
import torch
import torch.nn.functional as F
from torch.optim import lr_scheduler

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import make_golden

IMAGES, SIZE, BATCH, STEPS, CLASSES, WIDTH = 48, 16, 8, 9, 10, 8
STEPS_PER_EPOCH = IMAGES // BATCH

DEFAULTS = dict(lr=0.05, momentum=0.9, nesterov=False, decay=5e-4, noDecayBnBias=False, smoothing=0.1, schedule="constant",
                lars=None, clip=None, ema=None, accumulate=1, zeroGammas=False, flags=[])
RUNS = {
    "plain": {},
    "nesterov": dict(nesterov=True, flags=["--nesterov"]),
    "zero-gammas": dict(zeroGammas=True),
    "warmup-cosine": dict(schedule="warmup-cosine",
                          flags=["--schedule", "cosine", "--warmup-steps", "4", "--warmup-from", "0.005"]),
    "step": dict(schedule="step", flags=["--schedule", "step", "--step-epochs", "1", "--step-gamma", "0.2"]),
    "linear": dict(schedule="linear", flags=["--schedule", "linear", "--points", "0:0.01,0.5:0.08,1.5:0.02"]),
    "lars": dict(lars=0.02, noDecayBnBias=True, flags=["--optimizer", "lars", "--trust-coefficient", "0.02"]),
    "clip": dict(clip=0.7, flags=["--clip-norm", "0.7"]),
    "ema": dict(ema=0.8, flags=["--ema", "0.8"]),
    "accumulate": dict(accumulate=3, flags=["--accumulate", "3"]),
    "lars-clip": dict(lars=0.02, clip=0.7, noDecayBnBias=True,
                      flags=["--optimizer", "lars", "--trust-coefficient", "0.02", "--clip-norm", "0.7"]),
    "everything": dict(nesterov=True, lars=0.02, clip=0.7, ema=0.8, accumulate=2, noDecayBnBias=True, smoothing=0.2,
                       flags=["--nesterov", "--optimizer", "lars", "--trust-coefficient", "0.02", "--clip-norm", "0.7",
                              "--ema", "0.8", "--accumulate", "2", "--label-smoothing", "0.2"]),
}


def last_gammas(model):
    """Names of the weight of the last BatchNorm2d before the addition, by the module structure."""
    names = []
    for name, module in model.named_modules():
        if isinstance(module, (make_golden.BasicBlock, make_golden.Bottleneck)):
            last = "bn2" if isinstance(module, make_golden.BasicBlock) else "bn3"
            names.append(f"{name}.{last}.weight")
    return names


def network(options):
    model = make_golden.ResNet(18, "v1.5", "cifar", CLASSES, WIDTH).double()
    make_golden.init(model)
    with torch.no_grad():
        model.fc.bias.copy_(torch.from_numpy((2 * make_golden.fill("fc.bias", CLASSES) - 1) / np.sqrt(512)))
        if options["zeroGammas"]:
            for name in last_gammas(model):
                model.get_parameter(name).zero_()
    return model


def scheduler(optimizer, options, steps):
    kind = options["schedule"]
    if kind == "constant":
        return lr_scheduler.ConstantLR(optimizer, factor=1.0)
    if kind == "warmup-cosine":
        return warmup_cosine(optimizer, 4, 0.1, steps)
    if kind == "step":
        return lr_scheduler.MultiStepLR(optimizer, [STEPS_PER_EPOCH], gamma=0.2)
    if kind == "linear":
        return piecewise(optimizer, [(0, 0.01), (0.5, 0.08), (1.5, 0.02)], STEPS_PER_EPOCH)
    raise ValueError(kind)


def warmup_cosine(optimizer, warmup, start, steps):
    first = lr_scheduler.LinearLR(optimizer, start_factor=start, end_factor=1.0, total_iters=warmup)
    second = lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps - warmup, eta_min=0)
    return lr_scheduler.SequentialLR(optimizer, [first, second], milestones=[warmup])


def piecewise(optimizer, points, steps_per_epoch):
    base = optimizer.param_groups[0]["lr"]
    epochs, rates = zip(*points)
    return lr_scheduler.LambdaLR(optimizer, lambda step: np.interp(step / steps_per_epoch, epochs, rates) / base)


def trust(model, coefficient, decay):
    """Gradients as LARS hands them to momentum: decayed, and scaled tensor by tensor; vectors stay."""
    for p in model.parameters():
        if p.dim() > 1:
            w, g = p.detach().norm(), p.grad.norm()
            ratio = coefficient * w / (g + decay * w) if w > 0 and g > 0 else 1.0
            p.grad = (p.grad + decay * p.detach()) * ratio


def train(options, dtype, memory_format):
    model = network(options).to(dtype).to(memory_format=memory_format)
    images = 2 * (2 * make_golden.fill("input", IMAGES * 3 * SIZE * SIZE) - 1)
    images = torch.from_numpy(images.astype(np.float32)).reshape(IMAGES, 3, SIZE, SIZE)
    images = images.to(dtype).contiguous(memory_format=memory_format)
    labels = torch.tensor([(37 * n + 11) % CLASSES for n in range(IMAGES)])
    lars, decay, count = options["lars"], options["decay"], options["accumulate"]
    exempt = lambda p: p.dim() <= 1 and options["noDecayBnBias"]
    groups = [dict(params=[p for p in model.parameters() if not exempt(p)], weight_decay=0.0 if lars else decay),
              dict(params=[p for p in model.parameters() if exempt(p)], weight_decay=0.0)]
    optimizer = torch.optim.SGD(groups, lr=options["lr"], momentum=options["momentum"], nesterov=options["nesterov"])
    schedule = scheduler(optimizer, options, STEPS)
    average = {n: t.clone() for n, t in model.state_dict().items() if t.dim() > 0} if options["ema"] else None
    model.train()
    steps, position = [], 0
    for step in range(STEPS):
        lr, losses = optimizer.param_groups[0]["lr"], []
        optimizer.zero_grad()
        for _ in range(count):
            index = [(position + i) % IMAGES for i in range(BATCH)]
            position += BATCH
            loss = F.cross_entropy(model(images[index]), labels[index], label_smoothing=options["smoothing"])
            (loss / count).backward()
            losses.append(loss.item())
        if options["clip"]:
            torch.nn.utils.clip_grad_norm_(model.parameters(), options["clip"])
        if lars:
            trust(model, lars, decay)
        optimizer.step()
        schedule.step()
        if average:
            for n, t in model.state_dict().items():
                if n in average:
                    average[n].mul_(options["ema"]).add_(t, alpha=1 - options["ema"])
        steps.append(dict(lr=float(lr), loss=sum(losses) / count))
    triples = lambda state: {n: [t.double().norm().item(), t.double().contiguous().flatten()[0].item(),
                                 t.double().contiguous().flatten()[-1].item()] for n, t in state.items() if t.dim() > 0}
    return dict(steps=steps, final=triples({n: t.detach() for n, t in model.state_dict().items()}),
                average=triples(average) if average else None)


def deviation(a, b):
    losses = max(abs(x["loss"] / y["loss"] - 1) for x, y in zip(a["steps"], b["steps"]))
    norms = max(abs(a[k][n][0] - b[k][n][0]) / b[k][n][0] for k in ("final", "average") if b[k] for n in b[k] if b[k][n][0] > 0)
    return losses, norms


def rates(make, steps, lr):
    optimizer = torch.optim.SGD([torch.zeros(1, dtype=torch.float64, requires_grad=True)], lr=lr)
    schedule, values = make(optimizer), []
    for _ in range(steps):
        values.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        schedule.step()
    return values


def warmup_step(optimizer):
    """The warm-up does not move the milestones: both factors at once."""
    return lr_scheduler.ChainedScheduler([
        lr_scheduler.LinearLR(optimizer, start_factor=0.25, end_factor=1.0, total_iters=10),
        lr_scheduler.MultiStepLR(optimizer, [20, 40], gamma=0.1)])


if __name__ == "__main__":
    torch.set_num_threads(2)
    runs = {}
    for name, changes in RUNS.items():
        options = {**DEFAULTS, **changes}
        truth = train(options, torch.float64, torch.contiguous_format)
        peers = [deviation(train(options, torch.float32, f), truth) for f in (torch.contiguous_format, torch.channels_last)]
        runs[name] = dict(flags=options["flags"], zeroGammas=options["zeroGammas"], smoothing=options["smoothing"], float64=truth,
                          float32=dict(losses=max(p[0] for p in peers), norms=max(p[1] for p in peers)))
        print(name, [round(s["loss"], 4) for s in truth["steps"]], [round(s["lr"], 5) for s in truth["steps"]], runs[name]["float32"])
    schedules = {
        "warmup-cosine": rates(lambda o: warmup_cosine(o, 10, 0.01, 60), 60, 0.4),
        "warmup-step": rates(warmup_step, 60, 0.4),
        "step": rates(lambda o: lr_scheduler.MultiStepLR(o, [20, 30, 50], gamma=0.2), 60, 0.4),
        "linear": rates(lambda o: piecewise(o, [(0, 0), (1.25, 0.4), (6, 0.04)], 8), 60, 0.4),
        "cosine": rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=60), 60, 0.4),
    }
    gammas = {str(d): last_gammas(make_golden.ResNet(d, "v1.5", "cifar", 2, 4)) for d in (18, 50)}
    with open(f"{HERE}/recipes.json", "w") as f:
        json.dump(dict(torch=torch.__version__, runs=runs, schedules=schedules, lastGammas=gammas), f, indent=1)
        f.write("\n")
