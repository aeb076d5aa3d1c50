"""PyTorch's and Python's part of Ours/ImageCaptions.swift: show, attend and tell as a plain module, with the weights that
are read, its usual beam search picture by picture, and BLEU, ROUGE-L and CIDEr as the COCO evaluation computes them."""

import collections
import json
import math
import pathlib
import sys
import time

folder = pathlib.Path(sys.argv[1])


def report(work, program, seconds, check):
    print(json.dumps({"work": work, "program": program, "seconds": seconds, "check": check}))


# Metrics, which need nothing but Python.


def groups(words, most=4):
    found = collections.defaultdict(int)
    for size in range(1, most + 1):
        for start in range(len(words) - size + 1):
            found[tuple(words[start:start + size])] += 1
    return found


def bleu(said, wanted):
    hits, guesses, length, nearest = [0] * 4, [0] * 4, 0, 0
    for words, references in zip(said, wanted):
        most = {}
        for reference in references:
            for group, count in groups(reference).items():
                most[group] = max(most.get(group, 0), count)
        length += len(words)
        nearest += min((abs(len(r) - len(words)), len(r)) for r in references)[1]
        for size in range(4):
            guesses[size] += max(0, len(words) - size)
        for group, count in groups(words).items():
            hits[len(group) - 1] += min(most.get(group, 0), count)
    scores, product = [], 1.0
    for size in range(4):
        product *= (hits[size] + 1e-15) / (guesses[size] + 1e-9)
        scores.append(product ** (1 / (size + 1)))
    ratio = (length + 1e-15) / (nearest + 1e-9)
    return [score * math.exp(1 - 1 / ratio) if ratio < 1 else score for score in scores]


def common(a, b):
    if len(a) < len(b):
        a, b = b, a
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for j in range(1, len(b) + 1):
        for i in range(1, len(a) + 1):
            if a[i - 1] == b[j - 1]:
                table[i][j] = table[i - 1][j - 1] + 1
            else:
                table[i][j] = max(table[i - 1][j], table[i][j - 1])
    return table[len(a)][len(b)]


def rouge(said, wanted):
    total = 0
    for words, references in zip(said, wanted):
        lengths = [common(reference, words) for reference in references]
        p = max(length / len(words) for length in lengths)
        r = max(length / len(reference) for length, reference in zip(lengths, references))
        total += 2.44 * p * r / (r + 1.44 * p) if p and r else 0
    return total / len(said)


def cider(said, wanted):
    document = collections.defaultdict(float)
    counted = [[groups(reference) for reference in references] for references in wanted]
    for references in counted:
        for group in {group for reference in references for group in reference}:
            document[group] += 1
    logarithm = math.log(len(said))

    def vector(counts):
        parts, norms, bigrams = [collections.defaultdict(float) for _ in range(4)], [0.0] * 4, 0
        for group, count in counts.items():
            size = len(group) - 1
            parts[size][group] = count * (logarithm - math.log(max(1.0, document[group])))
            norms[size] += parts[size][group] ** 2
            if size == 1:
                bigrams += count
        return parts, [math.sqrt(norm) for norm in norms], bigrams

    total = 0
    for words, references in zip(said, counted):
        own, own_norms, own_length = vector(groups(words))
        score = 0
        for counts in references:
            other, other_norms, other_length = vector(counts)
            delta = own_length - other_length
            for size in range(4):
                value = sum(min(own[size][g], other[size][g]) * other[size][g] for g in own[size])
                if own_norms[size] and other_norms[size]:
                    value /= own_norms[size] * other_norms[size]
                score += value * math.exp(-(delta ** 2) / 72) / 4
        total += 10 * score / len(references)
    return total / len(said)


said = [line.split() for line in (folder / "captions-said.txt").read_text().splitlines()]
wanted = [[c.split() for c in line.split("\t")] for line in (folder / "captions-wanted.txt").read_text().splitlines()]
start = time.process_time()
check = sum(bleu(said, wanted)) + rouge(said, wanted) + cider(said, wanted)
report("BLEU, ROUGE-L and CIDEr of 5000 captions", "Python", time.process_time() - start, check)

try:
    import numpy
    import torch
except ImportError:
    sys.exit(0)
from torch import nn
from torch.nn import functional

torch.set_num_threads(1)


class Attention(nn.Module):
    def __init__(self, shapes):
        super().__init__()
        for name in ("encoder_att", "decoder_att", "full_att"):
            outputs, inputs = shapes[f"attention.{name}.weight"]
            setattr(self, name, nn.Linear(inputs, outputs))

    def forward(self, cells, keys, h):
        scores = self.full_att(torch.tanh(keys + self.decoder_att(h)[:, None])).squeeze(2)
        alpha = functional.softmax(scores, 1)
        return torch.bmm(alpha[:, None], cells).squeeze(1), alpha


class Captioner(nn.Module):
    def __init__(self, shapes):
        super().__init__()
        k, m = shapes["embedding.weight"]
        n, d = shapes["init_h.weight"]
        self.embedding = nn.Embedding(k, m)
        self.init_h, self.init_c = nn.Linear(d, n), nn.Linear(d, n)
        self.attention = Attention(shapes)
        self.f_beta = nn.Linear(n, 1)
        self.decode_step = nn.LSTMCell(m + d, n)
        self.out_h, self.out_z, self.out = nn.Linear(n, m), nn.Linear(d, m), nn.Linear(m, k)

    def start(self, cells):
        mean = cells.mean(1)
        return torch.tanh(self.init_h(mean)), torch.tanh(self.init_c(mean))

    def step(self, word, h, c, cells, keys):
        z, alpha = self.attention(cells, keys, h)
        z = torch.sigmoid(self.f_beta(h)) * z
        h, c = self.decode_step(torch.cat([word, z], 1), (h, c))
        return h, c, self.out(word + self.out_h(h) + self.out_z(z)), alpha

    def loss(self, cells, words):
        h, c = self.start(cells)
        keys = self.attention.encoder_att(cells)
        vectors = self.embedding(words)
        word = torch.zeros_like(vectors[:, 0])
        logits, seen = [], 0
        for t in range(words.shape[1]):
            h, c, scores, alpha = self.step(word, h, c, cells, keys)
            logits.append(scores)
            seen = seen + alpha
            word = vectors[:, t]
        nll = functional.cross_entropy(torch.stack(logits, 1).flatten(0, 1), words.flatten(), reduction="sum")
        return nll / len(words) + ((1 - seen) ** 2).sum(1).mean()

    @torch.no_grad()
    def search(self, cells, beam, longest, end=2, forbidden=(0, 1, 3)):
        """The captions of one picture, as usually written: scores of cells anew at every step."""
        h, c = self.start(cells)
        word = torch.zeros(1, self.embedding.weight.shape[1])
        scores, captions, done = torch.zeros(1), [[]], []
        for _ in range(longest):
            own = cells.expand(len(captions), -1, -1)
            h, c, logits, _ = self.step(word, h, c, own, self.attention.encoder_att(own))
            chances = functional.log_softmax(logits, 1)
            chances[:, list(forbidden)] = -math.inf
            total = (scores[:, None] + chances).flatten()
            best, place = total.topk(beam - len(done))
            kept, values = [], []
            for value, index in zip(best.tolist(), place.tolist()):
                row, number = divmod(index, logits.shape[1])
                if number == end:
                    done.append((value, captions[row] + [number]))
                else:
                    kept.append((row, captions[row] + [number]))
                    values.append(value)
            if not kept:
                return max(done, key=lambda found: found[0])[1]
            rows = torch.tensor([row for row, _ in kept])
            captions, scores = [words for _, words in kept], torch.tensor(values)
            h, c = h[rows], c[rows]
            word = self.embedding(torch.tensor([words[-1] for words in captions]))
        return max(done, key=lambda found: found[0])[1] if done else captions[0]


for name, file, steps, longest in (("easy-VQA", "easy", 20, 6), ("COCO", "coco", 3, 16)):
    arrays = {path.name[len(f"captions-{file}-"):-4]: torch.from_numpy(numpy.load(path))
              for path in folder.glob(f"captions-{file}-*.npy")}
    image, pictures, words = (arrays.pop(key) for key in ("image", "pictures", "words"))
    work = f"captions, sizes of {name}"
    for fused in (False, True):
        net = Captioner({key: tuple(value.shape) for key, value in arrays.items()})
        net.load_state_dict(arrays)
        if not fused:
            start = time.process_time()
            check = sum((i % 7 + 1) * sum(net.search(p[None], 5, longest)) for i, p in enumerate(pictures))
            report(f"beam 5 over {len(pictures)} pictures, {work}", "PyTorch, one by one",
                   time.process_time() - start, check)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=fused)
        for step in range(steps + 2):
            optimizer.zero_grad()
            value = net.loss(image, words)
            value.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5)
            optimizer.step()
            if step == 1:
                check, start = value.item(), time.process_time()
        report(f"{steps} steps, {work}", "PyTorch, fused" if fused else "PyTorch", time.process_time() - start, check)
