#!/usr/bin/env python3
"""Losses of short training runs with PyTorch on the CPU, step by step, to hold our trainer against.

Values come from the formula of make_golden.py (salt "" and the names of torchvision). Every run: resnet18 v1.5, cifar
stem, 24 images of 3x16x16 (one stream "input" over all of them, in order), label of image n (37 n + 11) mod classes
(one class: n mod 2 as the target of a sigmoid), batch 8 in the files' order without shuffling or augmentation, 7 steps
(so the data are gone through twice and a third of a time), SGD with momentum 0.9, training-mode batch norm.

Per step: `lr`, and `loss` of that batch before the update. Before the first step and after the last: the evaluation
logits of the first batch (running statistics; a bias before a batch norm cancels in training and shows only here), and
after the last [norm, first, last] of every parameter and running statistic, elements in PyTorch's flat order. In float64 (`float64`), and in float32 in both memory formats (`float32`,
`float32ChannelsLast`) to show what float32 costs a peer.

Run:  python3 make_training_run.py       writes training-runs.json beside itself
"""
import json, math, os, sys
import torch
import torch.nn as nn
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import make_golden

IMAGES, SIZE, BATCH, STEPS, LEARNING_RATE, MOMENTUM = 24, 16, 8, 7, 0.05, 0.9

# name -> what differs from the defaults
DEFAULTS = dict(classes=10, schedule="constant", weightDecay=5e-4, noDecayBnBias=False, labelSmoothing=0.1,
                convBias=False, normEpsilon=1e-5, normMomentum=0.1, learningRate=LEARNING_RATE)
RUNS = {
    "decay-all": {},
    "no-decay-bn-bias": dict(noDecayBnBias=True),
    "cosine": dict(schedule="cosine"),
    "sigmoid": dict(classes=1, labelSmoothing=0.0),
    "conv-bias": dict(convBias=True),
    "keras-norm": dict(normEpsilon=1e-3, normMomentum=0.01),
}


def network(options):
    model = make_golden.ResNet(18, "v1.5", "cifar", options["classes"]).double()
    for module in list(model.modules()):
        if isinstance(module, nn.BatchNorm2d):
            module.eps, module.momentum = options["normEpsilon"], options["normMomentum"]
        elif isinstance(module, nn.Conv2d) and options["convBias"]:
            module.bias = nn.Parameter(torch.empty(module.out_channels, dtype=torch.float64))
    make_golden.init(model)  # a convolution's bias ends with ".bias": 0.1 s
    return model


def train(options, dtype, memory_format):
    model = network(options).to(dtype).to(memory_format=memory_format)
    classes = options["classes"]
    images = torch.from_numpy(2 * (2 * make_golden.fill("input", IMAGES * 3 * SIZE * SIZE) - 1))
    images = images.reshape(IMAGES, 3, SIZE, SIZE).to(dtype).contiguous(memory_format=memory_format)
    labels = torch.tensor([n % 2 if classes == 1 else (37 * n + 11) % classes for n in range(IMAGES)])
    decayed = [p for p in model.parameters() if p.dim() > 1 or not options["noDecayBnBias"]]
    rest = [p for p in model.parameters() if p.dim() <= 1 and options["noDecayBnBias"]]
    optimizer = torch.optim.SGD([dict(params=decayed, weight_decay=options["weightDecay"]),
                                 dict(params=rest, weight_decay=0.0)], lr=options["learningRate"], momentum=MOMENTUM)
    model.eval()
    with torch.no_grad():
        initial = model(images[:BATCH]).tolist()
    model.train()
    steps = []
    for step in range(STEPS):
        lr = options["learningRate"]
        if options["schedule"] == "cosine":
            lr = lr / 2 * (1 + math.cos(math.pi * step / STEPS))
        for group in optimizer.param_groups:
            group["lr"] = lr
        index = [(step * BATCH + i) % IMAGES for i in range(BATCH)]
        logits, y = model(images[index]), labels[index]
        if classes == 1:
            loss = F.binary_cross_entropy_with_logits(logits[:, 0], y.to(dtype))
        else:
            loss = F.cross_entropy(logits, y, label_smoothing=options["labelSmoothing"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        steps.append(dict(step=step + 1, lr=lr, loss=loss.item()))
    model.eval()
    with torch.no_grad():
        logits = model(images[:BATCH]).tolist()
    flat = {n: t.detach().double().contiguous().flatten() for n, t in model.state_dict().items() if t.dim() > 0}
    final = {n: [t.norm().item(), t[0].item(), t[-1].item()] for n, t in flat.items()}
    return dict(steps=steps, initialLogits=initial, finalLogits=logits, finalNormFirstLast=final)


if __name__ == "__main__":
    torch.set_num_threads(2)
    runs = {}
    for name, changes in RUNS.items():
        options = {**DEFAULTS, **changes}
        runs[name] = dict(
            options=options, float64=train(options, torch.float64, torch.contiguous_format),
            float32=train(options, torch.float32, torch.contiguous_format),
            float32ChannelsLast=train(options, torch.float32, torch.channels_last))
        off = [max(abs(a["loss"] - b["loss"]) / abs(b["loss"]) for a, b in zip(runs[name][k]["steps"], runs[name]["float64"]["steps"]))
               for k in ("float32", "float32ChannelsLast")]
        print(name, [s["loss"] for s in runs[name]["float64"]["steps"]], off)
    with open(f"{HERE}/training-runs.json", "w") as f:
        json.dump(dict(torch=torch.__version__, depth=18, version="v1.5", stem="cifar", images=IMAGES, imageSize=SIZE,
                       batch=BATCH, momentum=MOMENTUM, runs=runs), f, indent=1)
        f.write("\n")
