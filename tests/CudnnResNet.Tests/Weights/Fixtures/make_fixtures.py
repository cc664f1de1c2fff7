#!/usr/bin/env python3
"""Writes mixed.safetensors from the format's description alone (Python 3.11, standard library). Run inside the folder."""
import json
import struct

tensors = [
    ("double", "F64", [2], struct.pack("<2d", 0.1, -1e300)),
    ("step", "I64", [], struct.pack("<q", -(2**63))),
    ("layer1.0.conv1.weight", "F32", [2, 1, 1, 3], struct.pack("<6f", 0.1, -2.5, 3e38, 1e-45, 0.0, -0.0)),
    ("int", "I32", [2], struct.pack("<2i", -7, 2**31 - 1)),
    ("empty", "F32", [0, 5], b""),
    ("half", "F16", [4], struct.pack("<4e", 0.1, -65504.0, 6e-8, 1.0)),
    ("brain \u00e9\u4e2d", "BF16", [4], struct.pack("<4H", 0x3DCD, 0xC020, 0x0001, 0x7F80)),
    ("bytes", "U8", [3], bytes([0, 127, 255])),
]
header = {"__metadata__": {"format": "pt", "spec": '{"depth": 18}'}}
at = 0
for name, dtype, shape, data in tensors:
    header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
    at += len(data)
# The order of the header's keys is free: put the tensors last to first.
names = list(header)
text = json.dumps({name: header[name] for name in [names[0], *reversed(names[1:])]}, ensure_ascii=False).encode()
text += b" " * (-len(text) % 8)
with open("mixed.safetensors", "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + b"".join(data for *_, data in tensors))
