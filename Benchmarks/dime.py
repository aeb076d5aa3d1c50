"""Dynamic modality interaction: ours beside the authors' algorithm in PyTorch, float32, on the same numbers in one run.

The algorithm is that of the authors' program (all cells of all pairs, and a loop over captions in the cells across
modalities), rewritten for today's PyTorch. Every measurement is a process of its own, so that its peak memory is its own,
on one thread, by its CPU seconds. Results that should agree and do not end the comparison.
"""

import pathlib

from attention import beside, beside_step, best, hardest, has_peer, main, memory, ours, run

# What the last bias of every router is: all cells alive, some, few.
works = [("1.5", "every cell alive"), ("0.02", "some cells dead"), ("-0.05", "most cells dead")]
# Pairs and width of a batch: the paper's, and what of width 1024 the authors' algorithm has the memory for.
steps = ["step-32-256", "step-16-1024"]


# ---- The peer's part: `dime.py peer WORK THREADS` ----


def peer(work, threads):
    import torch
    from torch.nn.functional import linear, normalize

    torch.set_num_threads(threads)
    step = [int(part) for part in work.split("-")[1:]] if work.startswith("step") else None
    width, bias = (step[1], 1.5) if step else (256, float(work))
    generator = torch.Generator().manual_seed(4)
    weights = {}

    def weight(name, *shape):
        weights[name] = torch.empty(shape).uniform_(-0.08, 0.08, generator=generator)

    def fragments(count, length, seed):
        rows = torch.empty(count, length + 1, width).normal_(generator=torch.Generator().manual_seed(seed))
        rows = normalize(rows, dim=2)
        return rows[:, 0], rows[:, 1:]

    # The parameters of the interaction in their order, as our part draws them.
    for layer in range(3):
        for cell, maps in [
            ("ric", []), ("glgc", [("fc_1", width, width), ("fc_2", width, width)]),
            ("imrc", [(f"sa.att_layer.linears.{i}", width, width) for i in range(3)]
             + [("sa.feed_forward_layer.fc1", 512, width), ("sa.feed_forward_layer.fc2", width, 512)]),
            ("cmrc", [(f"refine.fc_{name}", width, width) for name in ("scale", "shift", "1", "2")]),
        ]:
            routers = [("router.mlp.0", 512, width), ("router.mlp.2", 4 if layer < 2 else 1, 512)]
            for name, outputs, inputs in routers + maps:
                weight(f"{layer}.{cell}.{name}.weight", outputs, inputs)
                weight(f"{layer}.{cell}.{name}.bias", outputs)
            weights[f"{layer}.{cell}.router.mlp.2.bias"].fill_(bias)
    weight("path_mapping.weight", 128, 36)
    weight("path_mapping.bias", 128)

    def apply(name, x):
        return linear(x, weights[name + ".weight"], weights[name + ".bias"])

    def gate(name, x):
        hidden = torch.relu(apply(name + ".router.mlp.0", x.mean(-2)))
        return torch.relu(torch.tanh(apply(name + ".router.mlp.2", hidden)))

    def reason(name, x):
        shape = x.shape
        x = x.reshape(-1, *shape[-2:])
        n, l, d = x.shape
        q, k, v = (apply(f"{name}.sa.att_layer.linears.{i}", x).view(n, l, 16, d // 16).transpose(1, 2) for i in range(3))
        attended = torch.softmax(q @ k.transpose(2, 3) / (d // 16) ** 0.5, dim=-1) @ v
        y = x + attended.transpose(1, 2).reshape(n, l, d)
        return (y + apply(name + ".sa.feed_forward_layer.fc2", torch.relu(apply(name + ".sa.feed_forward_layer.fc1", y)))).view(shape)

    def guide(name, x, sentences):
        columns = []
        for i, sentence in enumerate(sentences):
            local = x if x.dim() == 3 else x[:, i]
            turned = normalize(apply(name + ".fc_1", local) * sentence, dim=-2)
            columns.append((1 + turned) * local)
        return torch.stack(columns, 1)

    def refine(name, x, words):
        columns = []
        for i, context in enumerate(words):
            local = x if x.dim() == 3 else x[:, i]
            context = context.expand(local.size(0), -1, -1)
            attention = normalize(torch.nn.functional.leaky_relu(context @ local.transpose(1, 2), 0.1), dim=2)
            attended = torch.softmax(attention * 4, dim=1).transpose(1, 2) @ context
            scaled = local * torch.tanh(apply(name + ".refine.fc_scale", attended)) + apply(name + ".refine.fc_shift", attended)
            columns.append(apply(name + ".refine.fc_2", torch.relu(apply(name + ".refine.fc_1", scaled))) + local)
        return torch.stack(columns, 1)

    def cells(layer, inputs, sentences, words):
        names = [f"{layer}.{cell}" for cell in ("ric", "glgc", "imrc", "cmrc")]
        found = [torch.relu(inputs[0]), guide(names[1], inputs[1], sentences), reason(names[2], inputs[2]),
                 refine(names[3], inputs[3], words)]
        gates = [gate(name, x) for name, x in zip(names, inputs)]
        if inputs[0].dim() == 3:
            found[0], found[2] = found[0].unsqueeze(1), found[2].unsqueeze(1)
            gates = [g.unsqueeze(1) for g in gates]
        return found, torch.stack(gates, -1)

    def walk(regions, sentences, words):
        inputs, paths = [regions] * 4, []
        for layer in range(2):
            found, p = cells(layer, inputs, sentences, words)
            q = p / (p.sum(-1, keepdim=True) + 1e-8)
            paths.append(q.flatten(2))
            dead = (p.sum(-1) < 1e-4).float()
            inputs = []
            for output in range(4):
                total = dead[..., output, None, None] * found[0]
                for c in range(4):
                    total = total + q[..., output, c, None, None] * found[c]
                inputs.append(total)
        found, p = cells(2, inputs, sentences, words)
        p = p[..., 0, :]
        dead = (p < 1e-4 / 4).float()
        total = 0
        for c in range(4):
            total = total + p[..., c, None, None] * found[c] + dead[..., c, None, None] * inputs[c]
        shape = (len(regions), len(sentences), -1)
        return total / (p.sum(-1) + dead.sum(-1))[..., None, None], torch.cat([x.expand(shape) for x in paths + [p]], -1)

    def cosines(refined, sentences):
        pooled = normalize(refined.mean(2) + refined.max(2)[0], dim=-1)
        return (pooled * sentences).sum(-1)

    if step:
        (_, regions), (sentences, words) = fragments(step[0], 36, 1), fragments(step[0], 12, 2)
        labels = normalize(torch.empty(step[0], 16).normal_(generator=torch.Generator().manual_seed(3)), dim=1)
        before = memory()

        def body():
            leaves = [x.clone().requires_grad_() for x in (regions, sentences, words)]
            for name in weights:
                weights[name].requires_grad_()
            refined, paths = walk(*leaves)
            rows = torch.nn.functional.batch_norm(refined.flatten(0, 2), None, None, training=True)
            found = cosines(rows.view(refined.shape), leaves[1])
            ways = normalize(apply("path_mapping", paths.mean(1)), dim=1)
            loss = hardest(found) + 0.5 * (ways @ ways.T - labels @ labels.T).square().sum() / step[0]
            loss.backward()
            norm = lambda grads: torch.cat([g.flatten() for g in grads if g is not None]).norm().item()
            return [loss.item(), leaves[0].grad.norm().item(), norm([leaves[1].grad, leaves[2].grad]),
                    norm([w.grad for w in weights.values() if w.dim() == 2])]

        _, cpu, check = best(1, body)
        return {"cpu": cpu, "memory": memory() - before, "check": check}

    def scores():
        return cosines(walk(regions, sentences, words)[0] / (1 + 1e-5) ** 0.5, sentences)

    regions, (sentences, words) = fragments(16, 36, 1)[1], fragments(32, 12, 2)
    with torch.no_grad():
        _, cpu, check = best(2, lambda: scores().flatten().tolist())
    return {"pairs": 16 * 32, "cpu": cpu, "check": check, "memory": memory()}


# ---- The comparison ----


def compare():
    failed = []
    peers, script = has_peer(), pathlib.Path(__file__).resolve()
    print("\nDynamic modality interaction, texts refine 36 regions, 12 words, width 256, float32, one thread")
    print(f"{'work':<26}{'program':<22}{'pairs/s':>10}{'cells':>9}{'peak MB':>9}{'against ours':>14}")
    for work, name in works:
        own = run((ours, "dime", work), 1)
        print(f"{name:<26}{'CrossModal':<22}{own['pairs'] / own['cpu']:>10,.0f}{own['cells']:>9.0%}"
              f"{own['memory'] / 1e6:>9.0f}")
        if peers:
            failed += beside(own, script, work, 1e-5, name, f"{'100%':>9}")
    for work in steps:
        _, pairs, wide = work.split("-")
        print(f"\nOne step of training, scores, loss and gradient of {pairs} pairs, width {wide}")
        failed += beside_step(run((ours, "dime", work), 1), script, 1e-4, work)
    return failed


main(peer, compare)
