"""Dense contrastive learning: ours beside the same in PyTorch, float32, on the same numbers in one run.

The peer computes as the authors' program does: all logits of cells against the queue at once, positives by gathering,
cross-entropy; the key encoder moved parameter by parameter. Every measurement is a process of its own, so that its peak
memory is its own, on one thread, by its CPU seconds. Results that should agree and do not end the comparison.
"""

import json
import pathlib
import sys

from attention import agrees, best, has_peer, memory, ours, python, run

# Pictures of a batch: the peer has no room for the logits of 256 on a small machine, and takes an eighth.
published, small = 256, 32
works = [("resnet-small", "32 views of 48 x 48"), ("resnet18", "16 views of 96 x 96")]


# ---- The peer's part: `dense.py peer WORK THREADS` ----


def rows(count, width, seed):
    import torch

    drawn = torch.empty(count, width).normal_(generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn, dim=1)


def contrast(queries, positives, queue):
    import torch

    logits = torch.cat([positives[:, None], queries @ queue.t()], 1) / 0.2
    return torch.nn.functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))


def loss(pictures):
    cells, queue, keys = rows(pictures * 49, 128, 1), rows(65536, 128, 2), rows(pictures * 49, 128, 3)
    before = memory()

    def body():
        queries = cells.clone().requires_grad_()
        found = contrast(queries, (queries * keys).sum(1), queue)
        found.backward()
        return [found.item(), queries.grad.norm().item()]

    _, cpu, check = best(1, body)
    return {"cpu": cpu, "memory": memory() - before, "check": check}


def encoder(is_small, hidden, size):
    from torch import nn

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)) \
                if stride != 1 or inputs != outputs else None

        def forward(self, x):
            y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
            return (y + (self.downsample(x) if self.downsample else x)).relu()

    class Backbone(nn.Module):
        def __init__(self):
            super().__init__()
            width, stages = (24, 3) if is_small else (64, 4)
            self.conv1 = nn.Conv2d(3, width, 3, 2, 1, bias=False) if is_small \
                else nn.Conv2d(3, width, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.pool = nn.Identity() if is_small else nn.MaxPool2d(3, 2, 1)
            inputs = width
            for stage in range(stages):
                outputs = width << stage
                setattr(self, f"layer{stage + 1}", nn.Sequential(
                    Block(inputs, outputs, 2 if stage else 1), Block(outputs, outputs, 1)))
                inputs = outputs
            self.stages, self.channels = stages, inputs

        def forward(self, x):
            x = self.pool(self.bn1(self.conv1(x)).relu())
            for stage in range(self.stages):
                x = getattr(self, f"layer{stage + 1}")(x)
            return x

    class Neck(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, size))
            self.mlp2 = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.ReLU(inplace=True), nn.Conv2d(hidden, size, 1))

        def forward(self, x):
            grid = self.mlp2(x).flatten(2)
            return x.flatten(2), self.mlp(x.mean((2, 3))), grid, grid.mean(2)

    backbone = Backbone()
    return nn.Sequential(backbone, Neck(backbone.channels))


def step(network):
    import time

    import torch
    from torch.nn.functional import normalize

    is_small = network == "resnet-small"
    pictures, side = (32, 48) if is_small else (16, 96)
    hidden, size, keys = (96, 64, 1024) if is_small else (512, 128, 4096)
    model = torch.nn.Module()
    model.encoder_q, model.encoder_k = (encoder(is_small, hidden, size) for _ in range(2))
    for name in ("queue", "queue2"):
        model.register_buffer(name, torch.zeros(size, keys))
        model.register_buffer(name + "_ptr", torch.zeros(1, dtype=torch.long))
    learned = {name for name, _ in model.named_parameters()}
    for number, (name, tensor) in enumerate(sorted(model.state_dict().items())):
        generator = torch.Generator().manual_seed(number + 10)
        if name in ("queue", "queue2"):
            tensor.copy_(rows(keys, size, number + 10).t())
        elif name in learned and tensor.dim() > 1:
            tensor.copy_(torch.empty(tensor.shape).normal_(generator=generator) * (2 / tensor[0].numel()) ** 0.5)
        elif name in learned and name.endswith("bias"):
            tensor.zero_()
    for parameter in model.encoder_k.parameters():
        parameter.requires_grad = False
    views = [torch.empty(pictures, 3, side, side).normal_(generator=torch.Generator().manual_seed(n)) for n in (1, 2)]
    optimizer = torch.optim.SGD(model.encoder_q.parameters(), 0.03, momentum=0.9, weight_decay=1e-4)

    def write(name, new):
        queue, pointer = getattr(model, name), int(getattr(model, name + "_ptr"))
        queue[:, pointer:pointer + len(new)] = new.t()
        getattr(model, name + "_ptr")[0] = (pointer + len(new)) % keys

    losses = []
    for number in range(6):
        if number == 1:
            start = time.process_time()
        map_q, global_q, grid_q, _ = model.encoder_q(views[0])
        with torch.no_grad():
            for key, query in zip(model.encoder_k.parameters(), model.encoder_q.parameters()):
                key.data = key.data * 0.99 + query.data * (1 - 0.99)
            map_k, global_k, grid_k, pooled_k = model.encoder_k(views[1])
            global_k, grid_k, pooled_k = normalize(global_k), normalize(grid_k), normalize(pooled_k)
            chosen = torch.matmul(normalize(map_q).transpose(1, 2), normalize(map_k)).max(2)[1]
            own = grid_k.gather(2, chosen[:, None].expand(-1, size, -1))
        global_q, grid_q = normalize(global_q), normalize(grid_q)
        single = contrast(global_q, (global_q * global_k).sum(1), model.queue.clone().t())
        cells = grid_q.transpose(1, 2).reshape(-1, size)
        dense = contrast(cells, (grid_q * own).sum(1).flatten(), model.queue2.clone().t())
        total = 0.5 * single + 0.5 * dense
        write("queue", global_k)
        write("queue2", pooled_k)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(total.item())
    return {"cpu": (time.process_time() - start) / 5, "check": losses}


def peer(work, threads):
    import torch

    torch.set_num_threads(threads)
    kind, what = work.split("-", 1)
    return loss(int(what)) if kind == "loss" else step(what)


# ---- The comparison ----


def compare():
    failed = []
    peers = has_peer()
    theirs = (python, pathlib.Path(__file__).resolve(), "peer")
    print("\nThe dense loss with its gradient, 7 x 7 cells, width 128, 65,536 keys, float32, one thread")
    print(f"{'work':<26}{'program':<22}{'CPU s':>8}{'peak MB':>9}")
    for pictures in (published, small):
        own = run((ours, "dense", f"loss-{pictures}"), 1)
        print(f"{f'{pictures} pictures':<26}{'CrossModal':<22}{own['cpu']:>8.2f}{own['memory'] / 1e6:>9.0f}")
    if peers:
        other = run((*theirs, f"loss-{small}"), 1)
        print(f"{f'{small} pictures':<26}{'PyTorch':<22}{other['cpu']:>8.2f}{other['memory'] / 1e6:>9.0f}"
              f"   {other['cpu'] / own['cpu']:.1f}x slower, {other['memory'] / max(1, own['memory']):.1f}x the memory")
        if not agrees(other["check"], own["check"], 1e-5):
            failed.append(f"loss: {other['check']} and {own['check']}")
    print("\nOne step of training: both views, both losses, gradient, queues, SGD")
    for network, what in works:
        own = run((ours, "dense", f"step-{network}"), 1)
        print(f"{network + ', ' + what:<42}{'CrossModal':<14}{own['cpu']:>8.3f} CPU s")
        if peers:
            other = run((*theirs, f"step-{network}"), 1)
            print(f"{'':<42}{'PyTorch':<14}{other['cpu']:>8.3f} CPU s   {other['cpu'] / own['cpu']:.2f}x ours")
            if not agrees(other["check"], own["check"], 1e-3):
                failed.append(f"{network}: {other['check']} and {own['check']}")
    sys.exit(f"bench: results that should agree do not: {'; '.join(failed)}" if failed else 0)


if sys.argv[1:2] == ["peer"]:
    print(json.dumps(peer(sys.argv[2], int(sys.argv[3]))))
else:
    compare()
