#!/usr/bin/env python3
"""Writes the PyTorch and NumPy files beside it that the readers are tested with.

Run:  python3 make_pytorch.py        (Debian: apt-get install python3-torch)

Every tensor holds k / 8 for k = 0, 1, 2, ... in the order in which PyTorch would print it, except where it says otherwise, so
that every float type has it exactly. `views` are tensors that are not contiguous, or that share a storage.
"""
import collections, os
import numpy as np
import torch

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def eighths(*shape, dtype=torch.float32):
    return (torch.arange(int(np.prod(shape))).reshape(shape).double() / 8).to(dtype)


def tensors():
    shared = eighths(4, 6)
    wide = torch.zeros(3, 8)
    wide[:, 2:6] = eighths(3, 4)
    return collections.OrderedDict([
        ("f32", eighths(2, 3)), ("f64", eighths(3, dtype=torch.float64)), ("f16", eighths(2, 2, dtype=torch.float16)),
        ("bf16", eighths(5, dtype=torch.bfloat16)), ("i64", torch.arange(4)), ("u8", torch.arange(3, dtype=torch.uint8)),
        ("scalar", torch.tensor(0.0)), ("empty", torch.zeros(0, 3)),
        ("transposed", eighths(2, 3).t().contiguous().t()), ("column", wide[:, 2:6]),
        ("channelsLast", eighths(2, 3, 2, 2).contiguous(memory_format=torch.channels_last)),
        ("shared", shared), ("sharedTail", shared.flatten()[18:]),
    ])


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 2, 1)
        self.bn1 = torch.nn.BatchNorm2d(2)


for zipped, name in ((True, "zip"), (False, "legacy")):
    def save(value, file):
        torch.save(value, file, _use_new_zipfile_serialization=zipped)
    save(tensors(), f"tensors-{name}.pth")
    net = Net()
    with torch.no_grad():
        net.conv1.weight.copy_(eighths(2, 1, 1, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net.conv1(torch.ones(2, 1, 2, 2)).sum().backward()
    optimizer.step()
    with torch.no_grad():
        net.conv1.weight.copy_(eighths(2, 1, 1, 1))
    save({"epoch": 3, "arch": "resnet18", "best_acc1": torch.tensor(1.5), "history": [0.5, (1, None, True)], "big": 2 ** 70,
          "state_dict": collections.OrderedDict((f"module.{k}", v) for k, v in net.state_dict().items()),
          "optimizer": optimizer.state_dict()}, f"checkpoint-{name}.pth")
    save({"model": net.state_dict()}, f"model-{name}.pth")

np.savez("stored.npz", **{k: (np.arange(n) / 8).reshape(s).astype(t) for k, n, s, t in
                          (("f32", 6, (2, 3), "<f4"), ("f16", 4, (4,), "<f2"), ("f64", 3, (3,), "<f8"))})
np.savez_compressed("deflated.npz", **{"f32": (np.arange(512) / 8).astype("<f4").reshape(16, 32)})
