"""Stacked cross attention: ours beside the authors' algorithm in PyTorch, float32, on the same numbers in one run.

The algorithm is that of the authors' program (a loop over captions, each repeated for every image, attended vectors
in full), rewritten for today's PyTorch. Every measurement is a process of its own, so that its peak memory is its own.
One thread is timed by its CPU seconds, two by the clock on the wall. Results that should agree and do not end the
comparison.
"""

import pathlib

from attention import (agrees, attend, beside_step, best, captions, cosine, hardest, has_peer, images, main, memory,
                       ours, python, run)


# ---- The peer's part: `scan.py peer WORK THREADS` ----


def peer(work, threads):
    import torch

    torch.set_num_threads(threads)

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

    if work == "step":
        v, w = images(128), captions(128)
        before = memory()

        def body():
            x, y = v.clone().requires_grad_(), [c.clone().requires_grad_() for c in w]
            loss = hardest(scores(x, y, True, "lse"))
            loss.backward()
            return [loss.item(), x.grad.norm().item(), torch.cat([c.grad for c in y]).norm().item()]

        wall, cpu, check = best(1, body)
        return {"wall": wall, "cpu": cpu, "memory": memory() - before, "check": check}
    v, w = images(128), captions(500)
    with torch.no_grad():
        wall, cpu, check = best(2, lambda: scores(v, w, work == "scores-t2i", "mean").sum().item())
    return {"pairs": 128 * 500, "wall": wall, "cpu": cpu, "check": check, "memory": memory()}


# ---- The comparison ----


def compare():
    failed = []
    peers = has_peer()
    script = pathlib.Path(__file__).resolve()
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
        if peers:
            other = run((python, script, "peer", f"scores-{direction}"), 1)
            rate = other["pairs"] / other["cpu"]
            row("official, PyTorch", rate, other["memory"], f"{speed / rate:.1f}x slower")
            if not agrees([other["check"]], [one["check"]], 1e-6):
                failed.append(f"scores {direction}")
    step = run((ours, "scan", "step"), 1)
    print(f"\nOne step of training, score, loss and gradient of 128 pairs (t2i, LogSumExp, hardest negatives)")
    failed += beside_step(step, script, 1e-4)
    large = run((ours, "scan", "large"), 1)
    print(
        f"\nA tenth of 5,000 images against 25,000 captions: {large['cpu']:.0f} CPU s, {large['memory'] / 1e6:,.0f} MB at most"
        f" (all features in memory); the whole takes {large['cpu'] * 10 / 60:.0f} min on one core")
    return failed


main(peer, compare)
