#!/usr/bin/env python3
"""How far PyTorch itself, in float32 and in bfloat16 autocast, stands from the golden float64 numbers.

Runs the network of make_golden.py, with the same values, batch and steps as each golden file, in both memory formats
(NCHW, channels_last), and records the deviations from the file. They are the yardstick for our own float32 and bf16
tolerances (docs/numerics.md): what a well-kept peer needs is allowed, several times that is a defect.

Each format runs with one and with two threads, with oneDNN's convolutions and with PyTorch's own: eight orders of the
same float32 sums. They agree on the logits and the first loss. On gradients and later losses they differ by orders of
magnitude from run to run, because a pre-activation within rounding of zero puts its ReLU mask on the other side in one
run and not in another; `worst` is the worst of the eight, and `worstDefault` that of oneDNN with two threads alone.

  evalLogits          largest |difference|, relative to the case's largest |logit|
  firstLoss           relative
  laterLosses         the worst of the later steps, relative
  gradientNorms       first step, the worst tensor, relative to that tensor's own norm
  finalNorms          parameters and running statistics after the last step: the worst tensor, relative to its own norm
  finalElements       first and last element of each tensor, relative to the tensor's root mean square

The gradient norms need no floor: no tensor of the cases has a gradient that vanishes analytically (there is no bias
before a batch norm). `smallestGradient` records the evidence: the smallest norm per root of the element count, relative
to the largest of the case. Norms are taken in float64 of the rounded gradients, so that only the gradients' error counts.

Run:  python3 measure_float32.py [CASE ...]        (Debian: apt-get install python3-torch python3-torchvision)
writes float32-deviation.json beside itself and prints the tables of docs/numerics.md.
"""
import contextlib, json, math, os, sys
import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import make_golden

METRICS = ["evalLogits", "firstLoss", "laterLosses", "gradientNorms", "finalNorms", "finalElements"]


def deviations(golden, memory_format, autocast):
    model = make_golden.ResNet(golden["depth"], golden["version"], golden["stem"], golden["classes"],
                               golden.get("width", 64), golden.get("padded", False)).double()
    make_golden.init(model)
    model = model.float().to(memory_format=memory_format)
    batch, size, classes = golden["batch"], golden["imageSize"], golden["classes"]
    x = torch.from_numpy(2 * (2 * make_golden.fill("input", batch * 3 * size * size) - 1)).reshape(batch, 3, size, size)
    x = x.float().to(memory_format=memory_format)
    y = torch.tensor([(37 * n + 11) % classes for n in range(batch)])
    precision = (lambda: torch.autocast("cpu", dtype=torch.bfloat16)) if autocast else contextlib.nullcontext

    model.eval()
    with torch.no_grad(), precision():
        logits = model(x).double().numpy()
    expected = np.array(golden["evalLogits"])
    result = {"evalLogits": float(np.abs(logits - expected).max() / np.abs(expected).max())}
    if not golden["trainLosses"]:
        return result

    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=golden["learningRate"], momentum=golden["momentum"],
                                weight_decay=golden["weightDecay"])
    losses = []
    for step in range(len(golden["trainLosses"])):
        optimizer.zero_grad()
        with precision():
            logits = model(x)
        loss = F.cross_entropy(logits.float(), y, label_smoothing=golden["labelSmoothing"])
        loss.backward()
        if step == 0:
            norms = golden["firstStepGradientNorms"]
            result["gradientNorms"], result["worstGradient"] = max(
                (abs(p.grad.double().norm().item() - norms[n]) / norms[n], n) for n, p in model.named_parameters())
            rms = [norms[n] / math.sqrt(p.numel()) for n, p in model.named_parameters()]
            result["smallestGradient"] = min(rms) / max(rms)
        optimizer.step()
        losses.append(loss.item())
    relative = [abs(a - b) / abs(b) for a, b in zip(losses, golden["trainLosses"])]
    result["firstLoss"] = relative[0]
    if len(relative) > 1:
        result["laterLosses"] = max(relative[1:])
    norms_off, elements_off = [], []
    for name, t in model.state_dict().items():
        if t.dim() == 0:
            continue
        norm, first, last = golden["finalNormFirstLast"][name]
        t = t.double().contiguous().flatten()
        norms_off.append(abs(t.norm().item() - norm) / norm)
        root_mean_square = norm / math.sqrt(t.numel())
        elements_off += [abs(t[0].item() - first) / root_mean_square, abs(t[-1].item() - last) / root_mean_square]
    result["finalNorms"], result["finalElements"] = max(norms_off), max(elements_off)
    return result


def table(title, key, results):
    print(f"\n{title}\n\n| case | " + " | ".join(METRICS) + " |\n|---|" + "---:|" * len(METRICS))
    for name, entry in results.items():
        if key in entry:
            cells = [f"{entry[key][m]:.1e}" if m in entry[key] else "" for m in METRICS]
            print(f"| {name} | " + " | ".join(cells) + " |")


def worst(runs):
    runs = list(runs)
    return {m: max(r[m] for r in runs if m in r) for m in METRICS if any(m in r for r in runs)}


if __name__ == "__main__":
    formats = {"nchw": torch.contiguous_format, "channelsLast": torch.channels_last}
    with open(f"{HERE}/float32-deviation.json") as f:
        results = json.load(f)["cases"] if len(sys.argv) > 1 else {}
    for case in make_golden.CASES:
        if len(sys.argv) > 1 and case[0] not in sys.argv[1:]:
            continue
        with open(f"{HERE}/{case[0]}.json") as f:
            golden = json.load(f)
        runs, bf16 = {}, {}
        for layout, memory_format in formats.items():
            for threads in (1, 2):
                torch.set_num_threads(threads)
                for engine in ("onednn", "native"):
                    with torch.backends.mkldnn.flags(enabled=engine == "onednn"):
                        runs[f"{layout}-{engine}-{threads}"] = deviations(golden, memory_format, False)
            if golden["depth"] <= 50:
                bf16[layout] = deviations(golden, memory_format, True)
        entry = {"worst": worst(runs.values()),
                 "worstDefault": worst(runs[f"{layout}-onednn-2"] for layout in formats), "runs": runs}
        if bf16:
            entry.update(bf16Worst=worst(bf16.values()), bf16=bf16)
        results[case[0]] = entry
        print(case[0], entry["worst"], entry.get("bf16Worst"), file=sys.stderr, flush=True)
    with open(f"{HERE}/float32-deviation.json", "w") as f:
        json.dump(dict(torch=torch.__version__, cases=results), f, indent=1)
        f.write("\n")
    table("float32, the worst of the eight runs", "worst", results)
    table("float32, the worse of NCHW and channels_last with oneDNN and two threads", "worstDefault", results)
    table("bfloat16 autocast, the worse of NCHW and channels_last", "bf16Worst", results)
