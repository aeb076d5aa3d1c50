"""The released VSE++ program's work beside Ours/VisualSemantic.swift: its training step in PyTorch, and its evaluation
query by query in NumPy. One JSON line for each measurement; weights and data are those that our program wrote."""

import json
import pathlib
import sys
import time

import numpy

folder = pathlib.Path(sys.argv[1])


def load(name):
    return numpy.load(folder / f"vsepp-{name}.npy")


def report(work, program, seconds, check):
    print(json.dumps({"work": work, "program": program, "seconds": seconds, "check": float(check)}))


def i2t(images, captions):
    """Ranks of the best of each picture's five captions (evaluation.py of the released program)."""
    ranks = numpy.zeros(len(images) // 5)
    for index in range(len(ranks)):
        im = images[5 * index].reshape(1, images.shape[1])
        d = numpy.dot(im, captions.T).flatten()
        inds = numpy.argsort(d)[::-1]
        ranks[index] = min(numpy.where(inds == i)[0][0] for i in range(5 * index, 5 * index + 5))
    return ranks


def t2i(images, captions):
    """Ranks of each caption's picture."""
    ims = numpy.array([images[i] for i in range(0, len(images), 5)])
    ranks = numpy.zeros(5 * len(ims))
    for index in range(len(ims)):
        queries = captions[5 * index:5 * index + 5]
        d = numpy.dot(queries, ims.T)
        for i in range(5):
            inds = numpy.argsort(d[i])[::-1]
            ranks[5 * index + i] = numpy.where(inds == index)[0][0]
    return ranks


# The released program keeps every picture five times and all vectors in float64.
images = numpy.repeat(load("x"), 5, axis=0).astype(numpy.float64)
captions = load("y").astype(numpy.float64)
start = time.process_time()
# Our ranks count the best caption of a picture among all that are not its own.
ranks = numpy.concatenate([i2t(images, captions) + 1, t2i(images, captions) + 1])
report("VSE++ retrieval, 1000 pictures, 5000 captions", "released program, NumPy", time.process_time() - start,
       ranks.sum())

try:
    import torch
except ImportError:
    sys.exit(0)
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_num_threads(1)


def order_sim(im, s):
    """Order similarity as the released program computes it."""
    above = s.unsqueeze(1).expand(s.size(0), im.size(0), s.size(1)) - im.unsqueeze(0).expand(
        s.size(0), im.size(0), s.size(1))
    return -above.clamp(min=0).pow(2).sum(2).sqrt().t()


def place(scores, own):
    """How many items stand before an own one."""
    inds = numpy.argsort(scores)[::-1]
    return min(numpy.where(inds == i)[0][0] for i in own)


# Blocks of 100 queries, as there; a tenth of the queries, whose time is a tenth of that of all.
x, y = (torch.from_numpy(load(name)).abs() for name in "xy")
start = time.process_time()
d = order_sim(x[:100], y).numpy()
ranks = sum(place(d[i], range(5 * i, 5 * i + 5)) + 1 for i in range(100))
for first in range(0, 500, 100):
    d = order_sim(x, y[first:first + 100]).numpy().T
    ranks += sum(place(d[i], [(first + i) // 5]) + 1 for i in range(100))
report("order retrieval, 1000 pictures, 5000 captions", "released program, a tenth ×10",
       10 * (time.process_time() - start), ranks)

order = numpy.argsort(-load("lengths"), kind="stable")
lengths = torch.from_numpy(load("lengths")[order])
features, tokens = torch.from_numpy(load("images")[order]), torch.from_numpy(load("captions")[order])


def l2norm(x):
    return x / x.pow(2).sum(1, keepdim=True).sqrt()


for program, fused in [("PyTorch", False), ("PyTorch, fused", True)]:
    fc, embed, rnn = nn.Linear(2048, 1024), nn.Embedding(8000, 300), nn.GRU(300, 1024, batch_first=True)
    with torch.no_grad():
        for prefix, module in [("img_enc.fc", fc), ("txt_enc.embed", embed), ("txt_enc.rnn", rnn)]:
            for name, parameter in module.named_parameters():
                parameter.copy_(torch.from_numpy(load(f"{prefix}.{name}")))
    parameters = [*fc.parameters(), *embed.parameters(), *rnn.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=2e-4, **({"fused": True} if fused else {}))
    own = torch.eye(len(lengths)) > 0.5
    for step in range(8):
        optimizer.zero_grad()
        im = l2norm(fc(features))
        out = pad_packed_sequence(rnn(pack_padded_sequence(embed(tokens), lengths, batch_first=True))[0],
                                  batch_first=True)[0]
        last = (lengths - 1).view(-1, 1, 1).expand(-1, 1, 1024)
        s = l2norm(out.gather(1, last).squeeze(1))
        scores = im.mm(s.t())
        diagonal = scores.diag().view(-1, 1)
        cost_s = (0.2 + scores - diagonal.expand_as(scores)).clamp(min=0).masked_fill(own, 0)
        cost_im = (0.2 + scores - diagonal.t().expand_as(scores)).clamp(min=0).masked_fill(own, 0)
        loss = cost_s.max(1)[0].sum() + cost_im.max(0)[0].sum()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 2.0)
        optimizer.step()
        if step == 2:
            check, start = loss.item(), time.process_time()
    report("5 steps of VSE++, batch 128, GRU 1024", program, time.process_time() - start, check)
