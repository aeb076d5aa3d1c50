"""Recurrent attention memory: ours beside the authors' algorithm in PyTorch, float32, on the same numbers in one run.

The algorithm is that of the authors' program (a loop over captions, each repeated for every image; attended vectors in
full; what attends and what it attended to through both layers of the gate after every step, the last one for nothing),
rewritten for today's PyTorch. Every measurement is a process of its own, so that its peak memory is its own, on one
thread, by its CPU seconds. Results that should agree and do not end the comparison.
"""

import pathlib

from attention import (attend, beside, beside_step, best, captions, cosine, hardest, has_peer, images, l2norm, main,
                       memory, ours, run, width)

works = [
    ("t2i-2", "words attend, 2 steps"), ("t2i-3", "words attend, 3 steps"), ("i2t-2", "regions attend, 2 steps"),
    ("i2t-3", "regions attend, 3 steps"),
]
# Pairs of a batch of training; more than these do not fit into the memory of the peer.
batch = 32


# ---- The peer's part: `imram.py peer WORK THREADS` ----


def peer(work, threads):
    import torch

    torch.set_num_threads(threads)
    generator, bound = torch.Generator().manual_seed(4), (2 * width) ** -0.5
    linear, gate = (
        [torch.empty(size).uniform_(-bound, bound, generator=generator) for size in [(width, 2 * width), (width,)]]
        for _ in range(2))

    def scores(images, captions, t2i, steps, linear, gate):
        columns = []
        for caption in captions:
            words = caption.unsqueeze(0).repeat(images.size(0), 1, 1)
            first, contexts = (words, images) if t2i else (images, words)
            query, total = first, 0
            for _ in range(steps):
                attended = attend(query, contexts, 9)
                total = total + cosine(first, attended).mean(1, keepdim=True)
                both = torch.cat([query, attended], 2)
                kept = torch.sigmoid(torch.nn.functional.linear(both, *gate))
                query = kept * query + (1 - kept) * torch.tanh(torch.nn.functional.linear(both, *linear))
                query = l2norm(query, 2)
            columns.append(total)
        return torch.cat(columns, 1)

    if work == "step":
        v, w = images(batch), captions(batch)
        before = memory()

        def body():
            x, y = v.clone().requires_grad_(), [c.clone().requires_grad_() for c in w]
            layers = [[p.clone().requires_grad_() for p in layer] for layer in (linear, gate)]
            loss = hardest(scores(x, y, True, 2, *layers))
            loss.backward()
            return [loss.item(), x.grad.norm().item(), torch.cat([c.grad for c in y]).norm().item(),
                    torch.cat([layer[0].grad for layer in layers]).norm().item()]

        _, cpu, check = best(1, body)
        return {"cpu": cpu, "memory": memory() - before, "check": check}
    direction, steps = work.split("-")
    v, w = images(16), captions(63)
    with torch.no_grad():
        _, cpu, check = best(1, lambda: scores(v, w, direction == "t2i", int(steps), linear, gate).flatten().tolist())
    return {"pairs": 16 * 63, "cpu": cpu, "check": check, "memory": memory()}


# ---- The comparison ----


def compare():
    failed = []
    peers, script = has_peer(), pathlib.Path(__file__).resolve()
    peak = run((ours, "scan", "peak"), 1)["flops_a_second"]
    print("\nRecurrent attention memory, 36 regions, 8 to 16 words, width 1024, float32, one thread")
    print(f"sgemm peak of libtorch: {peak / 1e9:.0f} GFLOP/s")
    print(f"{'work':<26}{'program':<22}{'pairs/s':>10}{'GFLOP/s':>9}{'of peak':>9}{'peak MB':>9}{'against ours':>14}")
    for work, name in works:
        own = run((ours, "imram", work), 1)
        speed = own["pairs"] / own["cpu"]
        share = speed * own["flops"] / own["pairs"]
        print(f"{name:<26}{'CrossModal':<22}{speed:>10,.0f}{share / 1e9:>9.0f}{share / peak:>9.0%}{own['memory'] / 1e6:>9.0f}")
        if peers:
            failed += beside(own, script, work, 1e-5, f"scores {work}", f"{'':>18}")
    print(f"\nOne step of training, scores, loss and gradient of {batch} pairs (words attend, 2 steps, hardest negatives)")
    failed += beside_step(run((ours, "imram", f"step-{batch}"), 1), script, 1e-4)
    for work, what in [("step-128", "128 pairs"), ("all-128", "128 pairs, all negatives")]:
        large = run((ours, "imram", work), 1)
        print(f"{'CrossModal, ' + what:<36}{large['cpu']:>8.2f} CPU s{large['memory'] / 1e6:>8.0f} MB")
    return failed


main(peer, compare)
