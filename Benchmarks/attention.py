"""What the comparisons of attention between fragments share: the numbers that both parts draw, the authors' attention,
and measurements in processes of their own."""

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
width = 1024


# ---- The peer's part ----


def fragments(lengths, seed):
    import torch

    rows = torch.empty(sum(lengths), width).normal_(generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(rows, dim=1)


def images(count):
    return fragments([36] * count, 1).reshape(count, 36, width)


def captions(count):
    lengths = [8 + i % 9 for i in range(count)]
    return fragments(lengths, 2).split(lengths)


def l2norm(x, dim):
    return x / (x.pow(2).sum(dim=dim, keepdim=True).sqrt() + 1e-8)


def attend(query, context, smooth):
    import torch

    batch, queries, sources = query.size(0), query.size(1), context.size(1)
    attention = torch.bmm(context, query.transpose(1, 2))
    attention = l2norm(torch.nn.functional.leaky_relu(attention, 0.1), 2)
    attention = attention.transpose(1, 2).contiguous().view(batch * queries, sources)
    attention = torch.softmax(attention * smooth, dim=1).view(batch, queries, sources)
    attention = attention.transpose(1, 2).contiguous()
    return torch.bmm(context.transpose(1, 2), attention).transpose(1, 2)


def cosine(x, y):
    return (x * y).sum(2) / (x.norm(2, 2) * y.norm(2, 2)).clamp(min=1e-8)


def hardest(scores):
    """The hinge loss against the hardest negatives."""
    import torch

    own, diagonal = torch.eye(scores.size(0), dtype=torch.bool), scores.diag().view(-1, 1)
    by_row = (0.2 + scores - diagonal).clamp(min=0).masked_fill(own, 0).max(1)[0]
    by_column = (0.2 + scores - diagonal.t()).clamp(min=0).masked_fill(own, 0).max(0)[0]
    return by_row.sum() + by_column.sum()


def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def best(times, body):
    wall = cpu = float("inf")
    for _ in range(times):
        start, begun = time.perf_counter(), time.process_time()
        found = body()
        wall, cpu = min(wall, time.perf_counter() - start), min(cpu, time.process_time() - begun)
    return wall, cpu, found


# ---- The comparison ----


def has_peer():
    return python.exists() and subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0


def run(command, threads):
    environment = dict(os.environ) | {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL")}
    done = subprocess.run([*map(str, command), str(threads)], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {command[0]} failed: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])


def agrees(a, b, tolerance):
    return all(abs(x - y) <= tolerance * max(1, abs(y)) for x, y in zip(a, b))


def beside(own, script, work, tolerance, name, gap):
    """Prints the peer's row under ours, by a process of its own; gives the name of the work where results differ.

    `gap` is what stands in the columns between pairs a second and peak memory."""
    other = run((python, script, "peer", work), 1)
    speed, rate = own["pairs"] / own["cpu"], other["pairs"] / other["cpu"]
    print(f"{'':<26}{'official, PyTorch':<22}{rate:>10,.0f}{gap}{other['memory'] / 1e6:>9.0f}"
          f"{f'{speed / rate:.1f}x slower':>14}")
    return [] if agrees(other["check"], own["check"], tolerance) else [name]


def beside_step(step, script, tolerance, work="step"):
    """Prints one step of training, ours and where it is there the peer's; gives what differs."""
    print(f"{'CrossModal':<22}{step['cpu']:>8.2f} CPU s{step['memory'] / 1e6:>8.0f} MB")
    if not has_peer():
        return []
    other = run((python, script, "peer", work), 1)
    print(f"{'official, PyTorch':<22}{other['cpu']:>8.2f} CPU s{other['memory'] / 1e6:>8.0f} MB"
          f"   {other['cpu'] / step['cpu']:.1f}x slower, {other['memory'] / step['memory']:.1f}x the memory")
    return [] if agrees(other["check"], step["check"], tolerance) else [f"step: {other['check']} and {step['check']}"]


def main(peer, compare):
    """Runs one part: `SCRIPT peer WORK THREADS` measures the peer, `SCRIPT` compares and ends with what differs."""
    if sys.argv[1:2] == ["peer"]:
        print(json.dumps(peer(sys.argv[2], int(sys.argv[3]))))
    else:
        failed = compare()
        sys.exit(f"bench: results that should agree do not: {'; '.join(failed)}" if failed else 0)
