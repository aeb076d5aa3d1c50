"""Writes checkpoints/*.pt as PyTorch writes them in the wild, for TorchCheckpointTests.

Run with a Python that has torch 2.13 and numpy: python make_checkpoints.py
Tensors hold 0, 1, 2, ... divided by 8, so that every float type has them exactly.
"""
import argparse
import collections
import os
import pickle
import zipfile

import numpy as np
import torch

out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "checkpoints")
os.makedirs(out, exist_ok=True)


def numbers(*shape, dtype=torch.float32):
    count = int(np.prod(shape)) if shape else 1
    return (torch.arange(count, dtype=torch.float64) / 8).reshape(shape).to(dtype)


def state():
    return collections.OrderedDict([("fc.weight", numbers(3, 4)), ("fc.bias", numbers(3))])


def save(value, name, **options):
    torch.save(value, os.path.join(out, name), **options)


save(state(), "state_dict.pt")
save(state(), "protocol4.pt", pickle_protocol=4)
save(state(), "old_format.pt", _use_new_zipfile_serialization=False)
save(
    {
        "epoch": 7,
        "model": [state(), collections.OrderedDict([("embed.weight", numbers(5, 2))])],
        "best_rsum": 402.5,
        "opt": argparse.Namespace(margin=0.2, max_violation=True, data_name="f30k_precomp"),
        "Eiters": 100,
    },
    "nested.pt")
save(
    {"state_dict": collections.OrderedDict([("module." + k, v) for k, v in state().items()]),
     "optimizer": {"state": {0: {"exp_avg": numbers(3, 4)}}, "param_groups": [{"lr": 0.1}]}},
    "parallel.pt")
save(
    {
        "half": numbers(4, dtype=torch.float16), "bfloat": numbers(4, dtype=torch.bfloat16),
        "double": numbers(4, dtype=torch.float64), "long": torch.arange(4), "bool": torch.tensor([True, False]),
        "byte": torch.arange(4, dtype=torch.uint8), "transposed": numbers(3, 4).t(), "view": numbers(10)[2:8:2],
        "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3), "parameter": torch.nn.Parameter(numbers(2, 2)),
        "array": numbers(2, 3, dtype=torch.float64).numpy(), "fortran": np.asfortranarray(numbers(2, 3).numpy()),
        "number": np.float32(1.5),
    },
    "types.pt")
save({"array": numbers(2, 3).numpy(), "fortran": np.asfortranarray(numbers(2, 3).numpy())}, "protocol5.pt", pickle_protocol=5)
save({"weights": {"first": numbers(4), "same": numbers(8)[4:]}}, "old_types.pt", _use_new_zipfile_serialization=False)


class Callable:
    """Unpickled by anything that executes, it would make a file."""

    def __reduce__(self):
        return (os.system, ("touch EXECUTED",))


with open(os.path.join(out, "callable.pkl"), "wb") as file:
    pickle.dump({"weight": Callable()}, file, protocol=2)
# The same inside a checkpoint, beside a tensor.
save({"good": numbers(2)}, "callable.pt")
path = os.path.join(out, "callable.pt")
with zipfile.ZipFile(path) as archive:
    members = {name: archive.read(name) for name in archive.namelist()}
name = next(name for name in members if name.endswith("data.pkl"))
# Before the dictionary's end: the key 'bad' and a call of posix.system.
call = b"X\x03\x00\x00\x00badcposix\nsystem\n(X\x0e\x00\x00\x00touch EXECUTEDtRs."
members[name] = members[name][:-1] + call
with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
    for name, data in members.items():
        archive.writestr(name, data)
os.remove(os.path.join(out, "callable.pkl"))
print(sorted((name, os.path.getsize(os.path.join(out, name))) for name in os.listdir(out)))
