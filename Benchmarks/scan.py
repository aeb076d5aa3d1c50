"""Stacked cross attention: ours beside the authors' algorithm in PyTorch, float32, on the same numbers in one run.

The algorithm is that of the authors' program (a loop over captions, each repeated for every image, attended vectors
in full), rewritten for today's PyTorch. Every measurement is a process of its own, so that its peak memory is its own.
One thread is timed by its CPU seconds, two by the clock on the wall. Results that should agree and do not end the
comparison.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import time

root = pathlib.Path(__file__).resolve().parent.parent
ours = root / ".build/release/crossmodal-benchmarks"
python = root / ".venv/bin/python"


# ---- The peer's part: `scan.py peer WORK THREADS` ----


def peer(work, threads):
    import torch

    torch.set_num_threads(threads)

    def fragments(lengths, seed):
        rows = torch.empty(sum(lengths), 1024).normal_(generator=torch.Generator().manual_seed(seed))
        return torch.nn.functional.normalize(rows, dim=1)

    def images(count):
        return fragments([36] * count, 1).reshape(count, 36, 1024)

    def captions(count):
        lengths = [8 + i % 9 for i in range(count)]
        return fragments(lengths, 2).split(lengths)

    def l2norm(x, dim):
        return x / (x.pow(2).sum(dim=dim, keepdim=True).sqrt() + 1e-8)

    def attend(query, context, smooth):
        batch, queries, sources = query.size(0), query.size(1), context.size(1)
        attention = torch.bmm(context, query.transpose(1, 2))
        attention = l2norm(torch.nn.functional.leaky_relu(attention, 0.1), 2)
        attention = attention.transpose(1, 2).contiguous().view(batch * queries, sources)
        attention = torch.softmax(attention * smooth, dim=1).view(batch, queries, sources)
        attention = attention.transpose(1, 2).contiguous()
        return torch.bmm(context.transpose(1, 2), attention).transpose(1, 2)

    def cosine(x, y):
        return (x * y).sum(2) / (x.norm(2, 2) * y.norm(2, 2)).clamp(min=1e-8)

    def scores(images, captions, t2i, pooling):
        columns = []
        for caption in captions:
            words = caption.unsqueeze(0).repeat(images.size(0), 1, 1)
            if t2i:
                relevance = cosine(words, attend(words, images, 9))
            else:
                relevance = cosine(images, attend(images, words, 4))
            if pooling == "mean":
                columns.append(relevance.mean(1, keepdim=True))
            else:
                columns.append(torch.log(torch.exp(relevance * 6).sum(1, keepdim=True)) / 6)
        return torch.cat(columns, 1)

    def memory():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    def best(times, body):
        wall = cpu = float("inf")
        for _ in range(times):
            start, begun = time.perf_counter(), time.process_time()
            found = body()
            wall, cpu = min(wall, time.perf_counter() - start), min(cpu, time.process_time() - begun)
        return wall, cpu, found

    if work == "step":
        v, w = images(128), captions(128)
        before = memory()

        def body():
            x, y = v.clone().requires_grad_(), [c.clone().requires_grad_() for c in w]
            s = scores(x, y, True, "lse")
            diagonal = s.diag().view(-1, 1)
            own = torch.eye(128, dtype=torch.bool)
            by_row = (0.2 + s - diagonal).clamp(min=0).masked_fill(own, 0).max(1)[0]
            by_column = (0.2 + s - diagonal.t()).clamp(min=0).masked_fill(own, 0).max(0)[0]
            loss = by_row.sum() + by_column.sum()
            loss.backward()
            return [loss.item(), x.grad.norm().item(), torch.cat([c.grad for c in y]).norm().item()]

        wall, cpu, check = best(1, body)
        return {"wall": wall, "cpu": cpu, "memory": memory() - before, "check": check}
    v, w = images(128), captions(500)
    with torch.no_grad():
        wall, cpu, check = best(2, lambda: scores(v, w, work == "scores-t2i", "mean").sum().item())
    return {"pairs": 128 * 500, "wall": wall, "cpu": cpu, "check": check, "memory": memory()}


# ---- The comparison ----


def run(command, threads):
    environment = dict(os.environ) | {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL")}
    done = subprocess.run([*map(str, command), str(threads)], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {command[0]} failed: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])


def agrees(a, b, tolerance):
    return all(abs(x - y) <= tolerance * max(1, abs(y)) for x, y in zip(a, b))


def compare():
    failed = []
    has_peer = subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0 if python.exists() else False
    theirs = (python, pathlib.Path(__file__).resolve(), "peer")
    peak = run((ours, "scan", "peak"), 1)["flops_a_second"]
    print(f"\nStacked cross attention, 36 regions, 8 to 16 words, width 1024, float32")
    print(f"sgemm peak of libtorch on one thread: {peak / 1e9:.0f} GFLOP/s")
    head = f"{'work':<26}{'program':<22}{'pairs/s':>10}{'GFLOP/s':>9}{'of peak':>9}{'peak MB':>9}{'against ours':>14}"
    print(head)
    for direction, name in [("t2i", "words attend"), ("i2t", "regions attend")]:
        one = run((ours, "scan", f"scores-{direction}"), 1)
        two = run((ours, "scan", f"scores-{direction}"), 2)
        speed = one["pairs"] / one["cpu"]

        def row(program, rate, memory, ratio, flops=True):
            share = rate * one["flops"] / one["pairs"]
            of_peak = f"{share / peak:>8.0%}" if flops else ""
            print(
                f"{name + ', ' + direction:<26}{program:<22}{rate:>10,.0f}{share / 1e9:>9.0f}{of_peak:>9}"
                f"{memory / 1e6:>9.0f}{ratio:>14}")

        row(f"CrossModal, {one['instructions']}", speed, one["memory"], "")
        rate = two["pairs"] / two["wall"]
        row("CrossModal, 2 threads", rate, two["memory"], f"{rate / speed:.2f}x as fast", False)
        if has_peer:
            other = run((*theirs, f"scores-{direction}"), 1)
            rate = other["pairs"] / other["cpu"]
            row("official, PyTorch", rate, other["memory"], f"{speed / rate:.1f}x slower")
            if not agrees([other["check"]], [one["check"]], 1e-6):
                failed.append(f"scores {direction}")
    step = run((ours, "scan", "step"), 1)
    print(f"\nOne step of training, score, loss and gradient of 128 pairs (t2i, LogSumExp, hardest negatives)")
    print(f"{'CrossModal':<22}{step['cpu']:>8.2f} CPU s{step['memory'] / 1e6:>8.0f} MB")
    if has_peer:
        other = run((*theirs, "step"), 1)
        print(
            f"{'official, PyTorch':<22}{other['cpu']:>8.2f} CPU s{other['memory'] / 1e6:>8.0f} MB"
            f"   {other['cpu'] / step['cpu']:.1f}x slower, {other['memory'] / step['memory']:.1f}x the memory")
        if not agrees(other["check"], step["check"], 1e-4):
            failed.append(f"step: {other['check']} and {step['check']}")
    large = run((ours, "scan", "large"), 1)
    print(
        f"\nA tenth of 5,000 images against 25,000 captions: {large['cpu']:.0f} CPU s, {large['memory'] / 1e6:,.0f} MB at most"
        f" (all features in memory); the whole takes {large['cpu'] * 10 / 60:.0f} min on one core")
    sys.exit(f"bench: results that should agree do not: {'; '.join(failed)}" if failed else 0)


if sys.argv[1:2] == ["peer"]:
    print(json.dumps(peer(sys.argv[2], int(sys.argv[3]))))
else:
    compare()
