#!/usr/bin/env python3
"""Counts the ReLU masks that float32 PyTorch sets otherwise than float64, in the first training forward pass.

Rounding moves every number a little, but a pre-activation that lies within rounding of zero changes sides: the gradient
then loses or gains a whole path. That is why measure_float32.py finds gradient norms that agree to 1e-6 in one order of
summation and to 1e-3 in another. Prints one row a case: masks, then flips in the eight runs of measure_float32.py.
"""
import os, sys
import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import make_golden

masks = []
relu = make_golden.F.relu


def recording_relu(x):
    masks.append((x.detach() > 0).contiguous())
    return relu(x)


def forward_masks(case, dtype, memory_format, threads, onednn):
    _, depth, version, stem, classes, batch, size, _, _ = case
    model = make_golden.ResNet(depth, version, stem, classes).double()
    make_golden.init(model)
    model = model.to(dtype).to(memory_format=memory_format).train()
    x = torch.from_numpy(2 * (2 * make_golden.fill("input", batch * 3 * size * size) - 1)).reshape(batch, 3, size, size)
    torch.set_num_threads(threads)
    masks.clear()
    with torch.backends.mkldnn.flags(enabled=onednn), torch.no_grad():
        model(x.to(dtype).contiguous(memory_format=memory_format))
    return list(masks)


if __name__ == "__main__":
    make_golden.F.relu = recording_relu
    for case in make_golden.CASES:
        if case[7] == 0:
            continue
        truth = forward_masks(case, torch.float64, torch.contiguous_format, 2, True)
        flips = [sum(int((a != b).sum()) for a, b in zip(truth, forward_masks(case, torch.float32, layout, threads, onednn)))
                 for layout in (torch.contiguous_format, torch.channels_last) for threads in (1, 2) for onednn in (True, False)]
        print(case[0], sum(m.numel() for m in truth), flips, flush=True)
