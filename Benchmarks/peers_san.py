"""PyTorch's part of Ours/StackedAttention.swift: SAN(2, CNN) as a plain module, with the weights that are read."""

import json
import pathlib
import sys
import time

try:
    import numpy
    import torch
except ImportError:
    sys.exit(0)
from torch import nn
from torch.nn import functional

torch.set_num_threads(1)
folder = pathlib.Path(sys.argv[1])


class Layer(nn.Module):
    def __init__(self, d, m):
        super().__init__()
        self.image = nn.Linear(d, m, bias=False)
        self.query = nn.Linear(d, m)
        self.score = nn.Linear(m, 1)

    def forward(self, u, v):
        h = torch.tanh(self.image(v) + self.query(u)[:, None])
        p = functional.softmax(self.score(h).squeeze(2), 1)
        return u + torch.bmm(p[:, None], v).squeeze(1)


class SAN(nn.Module):
    def __init__(self, shapes):
        super().__init__()
        self.embed = nn.Embedding(*shapes["embed.weight"], padding_idx=0)
        for n in (1, 2, 3):
            outputs, inputs, _ = shapes[f"conv{n}.weight"]
            setattr(self, f"conv{n}", nn.Conv1d(inputs, outputs, n))
        d, width = shapes["image.weight"]
        self.image = nn.Linear(width, d)
        self.attention = nn.ModuleList(Layer(d, shapes["attention.0.image.weight"][0]) for _ in range(2))
        self.answer = nn.Linear(d, shapes["answer.weight"][0])

    def forward(self, image, tokens, lengths):
        x = self.embed(tokens).transpose(1, 2)
        parts = []
        for n, layer in enumerate((self.conv1, self.conv2, self.conv3), 1):
            found = torch.tanh(layer(x))
            inside = torch.arange(found.shape[2])[None] < (lengths.clamp(min=n) - n + 1)[:, None]
            parts.append(found.masked_fill(~inside[:, None], -2).amax(2))
        u = torch.cat(parts, 1)
        v = torch.tanh(self.image(image))
        for layer in self.attention:
            u = layer(u, v)
        return self.answer(u)


def report(work, program, seconds, check):
    print(json.dumps({"work": work, "program": program, "seconds": seconds, "check": check}))


for name, file, steps in (("easy-VQA", "easy", 20), ("COCO-QA", "coco", 5)):
    arrays = {path.name[len(f"san-{file}-"):-4]: torch.from_numpy(numpy.load(path))
              for path in folder.glob(f"san-{file}-*.npy")}
    image, tokens = arrays.pop("image"), arrays.pop("question")
    count = len(tokens)
    lengths, labels = (tokens != 0).sum(1), torch.arange(count) % 13
    work = f"SAN(2, CNN), sizes of {name}"
    for fused in (False, True):
        net = SAN({key: tuple(value.shape) for key, value in arrays.items()})
        net.load_state_dict(arrays)
        if not fused:
            shared = image[torch.arange(count) % (count // 10)]
            start = time.process_time()
            with torch.no_grad():
                check = functional.softmax(net(shared, tokens, lengths), 1).amax(1).sum().item()
            report(f"answers to {count} questions, {work}", "PyTorch, a picture a question",
                   time.process_time() - start, check)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=fused)
        for step in range(steps + 3):
            optimizer.zero_grad()
            value = functional.cross_entropy(net(image, tokens, lengths), labels)
            value.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5)
            optimizer.step()
            if step == 2:
                check, start = value.item(), time.process_time()
        report(f"{steps} steps, {work}", "PyTorch, fused" if fused else "PyTorch", time.process_time() - start, check)
