"""PyTorch's part of the metric-learning steps: the work of Ours/MetricSteps.swift, one JSON line for each measurement."""

import json
import sys
import time

try:
    import torch
except ImportError:
    sys.exit(0)
from torch import nn, optim
from torch.nn import functional as F

torch.set_num_threads(1)
PAIRS, CLASSES, STEPS = 128, 10, 300


def report(work, program, seconds, check):
    print(json.dumps({"work": work, "program": program, "seconds": seconds, "check": check}))


def unit(x):
    return F.normalize(x, dim=1)


def contrastive(x, y, labels):
    x, y = unit(x), unit(y)
    distance = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    match = torch.eye(len(x), dtype=torch.bool)
    return (0.5 * distance[match].square()).mean() + (0.5 * (1 - distance[~match]).relu().square()).mean()


def n_pair(x, y, labels):
    scores, targets = x @ y.t(), torch.arange(len(x))
    softmax = (F.cross_entropy(scores, targets) + F.cross_entropy(scores.t(), targets)) / 2
    return softmax + 0.02 / 4 * (x.square().sum(1).mean() + y.square().sum(1).mean())


class CLIP(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1 / 0.07).log())

    def forward(self, x, y, labels):
        scores, targets = self.scale.exp() * unit(x) @ unit(y).t(), torch.arange(len(x))
        return (F.cross_entropy(scores, targets) + F.cross_entropy(scores.t(), targets)) / 2


class SigLIP(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale, self.bias = nn.Parameter(torch.tensor(10.0).log()), nn.Parameter(torch.tensor(-10.0))

    def forward(self, x, y, labels):
        scores = self.scale.exp() * unit(x) @ unit(y).t() + self.bias
        return -F.logsigmoid(scores * (2 * torch.eye(len(x)) - 1)).sum() / len(x)


class TripletCenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.centers = nn.Parameter(torch.randn(CLASSES, 32))
        self.classifier = nn.Linear(32, CLASSES)

    def forward(self, x, y, labels):
        features, targets = torch.cat([x, y]), torch.cat([labels, labels])
        distance = 0.5 * (features[:, None] - self.centers[None]).square().sum(2)
        own = F.one_hot(targets, CLASSES).bool()
        hinge = (distance[own] + 5 - distance.masked_fill(own, float("inf")).min(1)[0]).relu().mean()
        return F.cross_entropy(self.classifier(features), targets) + 0.1 * hinge


def steps(name, make):
    for program, fused in [("PyTorch", False), ("PyTorch, fused", True)]:
        torch.manual_seed(1)
        networks = [nn.Sequential(nn.Linear(d, 128), nn.ReLU(), nn.Linear(128, 32)) for d in (128, 10)]
        loss = make()
        x, y, labels = torch.randn(PAIRS, 128), torch.randn(PAIRS, 10), torch.arange(PAIRS) % CLASSES
        own = list(loss.named_parameters()) if isinstance(loss, nn.Module) else []
        learned = [p for network in networks for p in network.parameters()]
        learned += [p for n, p in own if n.startswith("classifier")]
        groups = [{"params": learned, "weight_decay": 1e-4}]
        scales = [p for n, p in own if n in ("scale", "bias")]
        if scales:
            groups.append({"params": scales, "weight_decay": 0})
        optimizers = [optim.Adam(groups, lr=1e-3, **({"fused": True} if fused else {}))]
        if centers := [p for n, p in own if n == "centers"]:
            optimizers.append(optim.SGD(centers, lr=0.1, **({"fused": True} if fused else {})))
        for number in range(STEPS + 3):
            for optimizer in optimizers:
                optimizer.zero_grad()
            value = loss(networks[0](x), networks[1](y), labels)
            if number == 0:
                check = value.item()
            value.backward()
            for optimizer in optimizers:
                optimizer.step()
            if number == 2:
                start = time.process_time()
        report(f"{STEPS} steps, {name}, {PAIRS} pairs", program, time.process_time() - start, check)


def released(images, texts, margin=0.05, nearest=10, sample=2):
    """The loss of the two-branch release, with its masked copies."""
    count = len(images)
    labels = torch.eye(count).repeat(1, sample).view(count * sample, count).bool()

    def distance(a, b):
        return (a.square().sum(1).view(-1, 1) - 2 * a @ b.t() + b.square().sum(1).view(1, -1) + 1e-4).sqrt()

    def hinge(positive, negative):
        return torch.clamp(margin + positive - negative, 0, 1e6).topk(nearest, dim=1)[0].mean()

    across = distance(texts, images)
    positive = torch.masked_select(across, labels).view(-1, 1)
    image_loss = hinge(positive, torch.masked_select(across, ~labels).view(count * sample, -1))
    turned, turned_labels = across.t(), labels.t()
    negative = torch.masked_select(turned, ~turned_labels).view(count, -1)
    text_loss = hinge(
        torch.masked_select(turned, turned_labels).view(-1, 1), negative.repeat(1, sample).view(count * sample, -1))
    within = distance(texts, texts)
    siblings = torch.kron(torch.eye(count), torch.ones(sample, sample)).bool()
    farthest = torch.masked_select(within, siblings).view(-1, sample).max(dim=1, keepdim=True)[0]
    text_only = hinge(farthest, torch.masked_select(within, ~siblings).view(count * sample, -1))
    return 1.5 * image_loss + text_loss + 0.1 * text_only


def structure():
    torch.manual_seed(1)
    images = unit(torch.randn(500, 512)).requires_grad_()
    texts = unit(torch.randn(1000, 512)).requires_grad_()

    def run():
        value = released(images, texts)
        torch.autograd.grad(value, [images, texts])
        return value.item()

    run()
    start = time.process_time()
    check = sum(run() for _ in range(5)) / 5
    report("5 × structure-preserving loss, 500 × 2, 512 wide", "PyTorch, as released", time.process_time() - start, check)


if __name__ == "__main__":
    steps("contrastive", lambda: contrastive)
    steps("triplet-center", TripletCenter)
    steps("n-pair", lambda: n_pair)
    steps("clip", CLIP)
    steps("siglip", SigLIP)
    structure()
