"""PyTorch's part of the benchmarks: the work of Ours/TrainingStep.swift, one JSON line for each measurement."""

import json
import sys
import time

try:
    import torch
except ImportError:
    sys.exit(0)
from torch import nn, optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_num_threads(1)


def report(work, steps, make, **settings):
    """With the optimiser as it comes, and with its fused kernels."""
    for program, fused in [("PyTorch", False), ("PyTorch, fused", True)]:
        torch.manual_seed(1)
        parameters, loss, kind = make()
        optimizer = kind(parameters, lr=1e-3, **settings, **({"fused": True} if fused else {}))
        for step in range(steps + 3):
            optimizer.zero_grad()
            value = loss()
            value.backward()
            optimizer.step()
            if step == 2:
                check = value.item()
                start = time.process_time()
        seconds = time.process_time() - start
        print(json.dumps({"work": work, "program": program, "seconds": seconds, "check": check}))


def perceptron(kind):
    def make():
        net = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        x, y = torch.randn(64, 32), torch.randn(64, 10)
        return net.parameters(), lambda: (net(x) - y).square().mean(), kind

    return make


def recurrent():
    gru = nn.GRU(64, 128, bidirectional=True, batch_first=True)
    x, lengths = torch.randn(32, 20, 64), torch.tensor([5 + i % 16 for i in range(32)])

    def loss():
        output, _ = gru(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
        return pad_packed_sequence(output, batch_first=True, total_length=20)[0].square().mean()

    return gru.parameters(), loss, optim.Adam


def convolutional():
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 7 * 7, 10))
    x = torch.randn(32, 1, 28, 28)
    return net.parameters(), lambda: net(x).square().mean(), optim.Adam


report("2000 steps, perceptron 32-64-64-10, AdamW", 2000, perceptron(optim.AdamW), weight_decay=0.01)
report("2000 steps, perceptron 32-64-64-10, SGD", 2000, perceptron(optim.SGD), momentum=0.9)
report("20 steps, GRU 64-128 both ways, Adam", 20, recurrent)
report("20 steps, convolutions on 32 pictures, Adam", 20, convolutional)
