"""PyTorch's part of Ours/ClipWordSteps.swift: the losses of clips and words with a loop over every clip and word, as the
released program of LocVTP has it, and with the loops taken out."""

import json
import pathlib
import sys
import time

try:
    import numpy
    import torch
except ImportError:
    sys.exit(0)
from torch.nn import functional

torch.set_num_threads(1)
folder = pathlib.Path(sys.argv[1])
given = {path.name[len("locvtp-"):-4]: torch.from_numpy(numpy.load(path)) for path in folder.glob("locvtp-*.npy")}
if not given:
    sys.exit(0)
draws = {name: given.pop(name) for name in ("negative_words", "moved_words", "negative_clips", "moved_clips")}
arrays = {name: tensor.requires_grad_() for name, tensor in given.items()}


def code(name, ahead):
    ahead = ahead.float()[..., None]
    return (functional.linear(ahead.sign(), arrays[f"sign_{name}_weight"], arrays[f"sign_{name}_bias"])
            + functional.linear(ahead.abs(), arrays[f"distance_{name}_weight"], arrays[f"distance_{name}_bias"]))


def contrast(query, positive, negatives):
    query, positive, negatives = (functional.normalize(x, dim=-1) for x in (query, positive, negatives))
    logits = torch.cat([(query * positive).sum(-1, keepdim=True), (negatives @ query[..., None]).squeeze(-1)], -1)
    return functional.cross_entropy(logits / 0.07, torch.zeros(len(logits), dtype=torch.long))


def coarse(clips, captions):
    videos = clips.mean(1)
    logits = captions @ videos.T
    targets = torch.softmax((videos @ videos.T + captions @ captions.T) / 2, -1)
    there = (-targets * functional.log_softmax(logits, -1)).sum(1)
    back = (-targets.T * functional.log_softmax(logits.T, -1)).sum(1)
    return ((there + back) / 2).mean()


def one_side(asking, asked, meant, negatives, moved, name):
    """Vectors are put into lists one by one."""
    positives, others, ahead = [], [], []
    for item in range(asking.shape[0]):
        for place in range(asking.shape[1]):
            target = meant[item, place].item()
            positives.append(asked[item, target])
            others.append(torch.stack([asked[item, k] for k in negatives[item, place].tolist()]))
            u = moved[item, place].item()
            shift = code(name, torch.tensor(u - target))
            ahead.append(asked[item, u] + shift)
    query = asking.reshape(-1, asking.shape[2])
    others = torch.stack(others)
    return contrast(query, torch.stack(positives), others) + contrast(query, torch.stack(ahead), others)


def looped():
    clips, words = arrays["clips"], arrays["words"]
    shares = torch.softmax(clips @ words.transpose(1, 2), 2).detach()
    fine = one_side(clips, words, shares.argmax(2), draws["negative_words"], draws["moved_words"], "word")
    fine = fine + one_side(words, clips, shares.argmax(1), draws["negative_clips"], draws["moved_clips"], "clip")
    return coarse(clips, arrays["captions"]) + 10 * fine


def taken(rows, indices):
    return rows.gather(1, indices[..., None].expand(*indices.shape, rows.shape[2]))


def gathered():
    clips, words = arrays["clips"], arrays["words"]
    shares = torch.softmax(clips @ words.transpose(1, 2), 2).detach()
    fine = 0
    for asking, asked, meant, side, name in ((clips, words, shares.argmax(2), "words", "word"),
                                             (words, clips, shares.argmax(1), "clips", "clip")):
        negatives, moved = draws[f"negative_{side}"], draws[f"moved_{side}"]
        count, places, width = asking.shape
        query = asking.reshape(-1, width)
        others = taken(asked, negatives.reshape(count, -1)).reshape(count * places, -1, width)
        ahead = taken(asked, moved) + code(name, moved - meant)
        fine = fine + contrast(query, taken(asked, meant).reshape(-1, width), others)
        fine = fine + contrast(query, ahead.reshape(-1, width), others)
    return coarse(clips, arrays["captions"]) + 10 * fine


work = "losses of clips and words of LocVTP, 128 videos of 5 clips"
for program, loss in (("PyTorch, the released program's loops", looped), ("PyTorch, gathered", gathered)):
    check = loss()
    torch.autograd.grad(check, list(arrays.values()))
    start = time.process_time()
    for _ in range(5):
        torch.autograd.grad(loss(), list(arrays.values()))
    print(json.dumps({"work": f"5 steps, {work}", "program": program, "seconds": time.process_time() - start,
                      "check": check.item()}))
