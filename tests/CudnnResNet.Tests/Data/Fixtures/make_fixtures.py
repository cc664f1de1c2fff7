#!/usr/bin/env python3
"""Writes the .npy and IDX files of this folder with NumPy 1.24.2 and Python 3.11 (Debian 12). Run inside the folder."""
import gzip
import struct

import numpy as np
from numpy.lib import format as npy


def save(name, array, version=None):
    with open(name, "wb") as f:
        npy.write_array(f, array, version=version)


save("f4.npy", np.array([[0.1, -2.5, 3e38], [1e-45, 0.0, -0.0]], np.float32))
save("f8.npy", np.array([0.1, -1e300, np.pi], np.float64))
save("i4.npy", np.array([[[-2147483648], [2147483647]]], np.int32))
save("i8.npy", np.array([-(2**63), 2**63 - 1, 7], np.int64))
save("u1.npy", np.arange(24, dtype=np.uint8).reshape(1, 2, 3, 4))
save("scalar.npy", np.array(2.5, np.float32))
save("empty.npy", np.zeros((3, 0, 2), np.float32))
save("version2.npy", np.arange(3, dtype=np.float32), (2, 0))
save("version3.npy", np.arange(3, dtype=np.float32), (3, 0))
save("fortran.npy", np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)))
save("big-endian.npy", np.arange(3, dtype=">f4"))
save("int16.npy", np.arange(3, dtype=np.int16))
save("structured.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))

idx = struct.pack(">HBBIIII", 0, 8, 4, 2, 2, 3, 2) + bytes(range(24))
open("images.idx", "wb").write(idx)
with open("images.idx.gz", "wb") as f:
    # Python's GzipFile writes the file's name into the header; gzip.compress does not.
    with gzip.GzipFile("images.idx", "wb", 9, f, mtime=0) as g:
        g.write(idx)
open("labels.idx.gz", "wb").write(gzip.compress(struct.pack(">HBBI", 0, 8, 1, 2) + bytes([1, 0]), mtime=0))
