"""SelfAlign: the losses of fragments, and steps of training with the captioner, ours beside the released algorithm in
PyTorch, float32, on the same numbers in one run.

The peer computes as the authors' program does: concepts in a loop over captions; negatives of contexts expanded to every
part and looked for by each; the captioner looking at all regions anew for every word, over as many words as captions may
have. Every measurement is a process of its own, so that its peak memory is its own, on one thread, by its CPU seconds.
Results that should agree and do not end the comparison.
"""

import json
import pathlib
import sys

from attention import agrees, best, has_peer, hardest, memory, ours, python, run

pairs, regions, words, vocabulary, longest = 128, 36, 24, 8000, 60
lengths = [words - i * 16 // pairs for i in range(pairs)]
works = [("losses-2048", "concepts and contexts, width 2048"), ("step-512", "a step, width 512"),
         ("step-2048", "a step, width 2048 (as published)")]


# ---- The peer's part: `selfalign.py peer WORK THREADS` ----


def normal(shape, seed):
    import torch

    return torch.empty(shape).normal_(generator=torch.Generator().manual_seed(seed))


def l2norm(x, dim):
    return x / x.pow(2).sum(dim=dim, keepdim=True).sqrt()


def concept_loss(seen, said, prototypes):
    import torch

    with torch.no_grad():
        shares = torch.exp(seen.reshape(-1, seen.size(2)) @ prototypes.t() / 0.05).t()
        shares /= shares.sum()
        for _ in range(2):
            shares /= shares.sum(1, keepdim=True)
            shares /= shares.size(0)
            shares /= shares.sum(0, keepdim=True)
            shares /= shares.size(1)
        shares = (shares * shares.size(1)).t().reshape(pairs, regions, -1)
    total = 0
    for item in range(pairs):
        own = said[item, :lengths[item]]
        with torch.no_grad():
            taught = shares[item, (own @ seen[item].t()).argmax(1)]
        total = total - (taught * torch.log_softmax(own @ prototypes.t() / 0.1, 1)).sum(1).mean()
    return total / pairs


def context_loss(locals, query):
    import torch

    count = locals.size(1)
    right = torch.matmul(locals, query.unsqueeze(2)) / 0.7
    wrong = (query @ locals.reshape(-1, locals.size(2)).t() / 0.7).reshape(pairs, pairs, count)
    own = torch.eye(pairs).unsqueeze(2)
    wrong = (1 - own) * wrong - 10 * own
    wrong = wrong.reshape(pairs, 1, -1).expand(-1, count, -1).topk(512, dim=2)[0]
    return -torch.log_softmax(torch.cat([right, wrong], 2), 2)[:, :, 0].mean()


def losses(width):
    from torch.nn.functional import normalize

    given = [normalize(normal(shape, seed + 1), dim=-1) for seed, shape in enumerate(
        [(pairs, regions, width), (pairs, words, width), (pairs, width), (pairs, width), (1024, width)])]
    before = memory()

    def body():
        seen, said, text, image, prototypes = (tensor.clone().requires_grad_() for tensor in given)
        parts = [concept_loss(seen.detach(), said, prototypes), context_loss(seen, text), context_loss(said, image)]
        (parts[0] + (parts[1] + parts[2]) / 2).backward()
        return [part.item() for part in parts] + [
            tensor.grad.norm().item() for tensor in (seen, said, prototypes, text, image)]

    _, cpu, check = best(2, body)
    return {"cpu": cpu, "memory": memory() - before, "check": check}


def towers(width):
    import torch
    from torch import nn

    class Graph(nn.Module):
        def __init__(self):
            super().__init__()
            self.g, self.theta, self.phi = (nn.Conv1d(width, width, 1) for _ in range(3))
            self.W = nn.Sequential(nn.Conv1d(width, width, 1), nn.BatchNorm1d(width))

        def forward(self, v):
            relations = torch.matmul(self.theta(v).permute(0, 2, 1), self.phi(v)) / v.size(2)
            return self.W(torch.matmul(relations, self.g(v).permute(0, 2, 1)).permute(0, 2, 1).contiguous()) + v

    class Context(nn.Module):
        def __init__(self):
            super().__init__()
            self.ctx_fc = nn.Linear(width, width)
            self.ctx_fc_bn1, self.ctx_fc_bn2 = nn.BatchNorm1d(width), nn.BatchNorm1d(width)
            self.fusion_fn = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

        def context(self, states):
            mean = states.mean(1)
            mapped = self.ctx_fc_bn1(self.ctx_fc(mean)).relu()
            parts = self.ctx_fc_bn2(states.reshape(-1, width)).relu().reshape(states.shape)
            gate = torch.sigmoid(self.fusion_fn(torch.cat([mean, mapped], 1)))
            return l2norm(mapped, 1), l2norm(gate * mean + (1 - gate) * mapped, 1), l2norm(parts, 2)

    class Image(Context):
        def __init__(self):
            super().__init__()
            self.fc, self.img_rnn = nn.Linear(2048, width), nn.GRU(width, width, 1, batch_first=True)
            for layer in range(1, 5):
                setattr(self, f"Rs_GCN_{layer}", Graph())
            self.bn = nn.BatchNorm1d(width)

        def forward(self, given):
            mapped = self.fc(given)
            v = mapped.permute(0, 2, 1)
            for layer in range(1, 5):
                v = getattr(self, f"Rs_GCN_{layer}")(v)
            reasoned = v.permute(0, 2, 1)
            read = l2norm(reasoned, 1)
            _, last = self.img_rnn(read)
            return l2norm(self.bn(last[0]), 1), l2norm(mapped, 2), self.context(reasoned), read

    class Text(Context):
        def __init__(self):
            super().__init__()
            self.embed, self.local_fc = nn.Embedding(vocabulary, 300), nn.Linear(300, width)
            self.rnn = nn.GRU(width, width, 1, batch_first=True)

        def forward(self, tokens):
            from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

            mapped = self.local_fc(self.embed(tokens))
            states, _ = pad_packed_sequence(self.rnn(pack_padded_sequence(mapped, lengths, batch_first=True))[0],
                                            batch_first=True)
            last = states[torch.arange(pairs), torch.tensor(lengths) - 1]
            return l2norm(last, 1), l2norm(mapped, 2), self.context(states)

    class Captioner(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = nn.Module(), nn.Module()
            self.encoder.vid2hid, self.encoder.rnn = nn.Linear(width, 512), nn.GRU(512, 512, batch_first=True)
            self.decoder.embedding = nn.Embedding(vocabulary, 300)
            self.decoder.rnn, self.decoder.out = nn.GRU(812, 512, batch_first=True), nn.Linear(512, vocabulary)
            self.decoder.attention = nn.Module()
            self.decoder.attention.linear1 = nn.Linear(1024, 512)
            self.decoder.attention.linear2 = nn.Linear(512, 1, bias=False)

        def forward(self, read, labels, mask):
            outputs, state = self.encoder.rnn(self.encoder.vid2hid(read))
            total, decoder = 0, self.decoder
            for step in range(longest - 1):
                word = decoder.embedding(labels[:, step])
                beside = state.squeeze(0).unsqueeze(1).repeat(1, regions, 1)
                scores = decoder.attention.linear2(torch.tanh(decoder.attention.linear1(
                    torch.cat((outputs, beside), 2).reshape(-1, 1024)))).reshape(pairs, regions)
                context = torch.bmm(torch.softmax(scores, 1).unsqueeze(1), outputs).squeeze(1)
                output, state = decoder.rnn(torch.cat([word, context], 1).unsqueeze(1), state)
                likely = torch.log_softmax(decoder.out(output.squeeze(1)), 1)
                total = total - (likely.gather(1, labels[:, step + 1:step + 2]).squeeze(1) * mask[:, step + 1]).sum()
            return total / pairs

    model = nn.Module()
    model.img_enc, model.txt_enc, model.caption_model = Image(), Text(), Captioner()
    model.region_loss = nn.Module()
    model.region_loss.v_prototypes = nn.Linear(width, 1024, bias=False)
    return model


def step(width):
    import torch
    from torch.nn.functional import normalize

    model = towers(width)
    learned = dict(model.named_parameters())
    with torch.no_grad():
        for number, name in enumerate(sorted(model.state_dict())):
            if name not in learned:
                continue
            tensor = learned[name]
            if tensor.dim() > 1:
                tensor.copy_(normal(tensor.shape, number + 10) / tensor[0].numel() ** 0.5)
            else:
                tensor.fill_(1 if name.endswith("weight") else 0)
    given = normal((pairs, regions, 2048), 1)
    tokens = torch.empty(pairs, words, dtype=torch.long).random_(
        4, vocabulary, generator=torch.Generator().manual_seed(2))
    counts = torch.tensor(lengths).unsqueeze(1)
    tokens = tokens * (torch.arange(words) < counts)
    labels = torch.zeros(pairs, longest + 1, dtype=torch.long)
    labels[:, :words] = tokens
    mask = (torch.arange(longest + 1) <= counts).float()
    prototypes = model.region_loss.v_prototypes.weight
    before = memory()

    def body():
        model.zero_grad()
        said, said_concepts, (said_whole, said_mixed, said_parts) = model.txt_enc(tokens)
        seen, seen_concepts, (seen_whole, seen_mixed, seen_parts), read = model.img_enc(given)
        caption = model.caption_model(read, labels, mask)
        prototypes.data.copy_(normalize(prototypes.data, dim=1))
        concept = concept_loss(seen_concepts.detach(), said_concepts, prototypes)
        v2t, t2v = context_loss(seen_parts, said_whole), context_loss(said_parts, seen_whole)
        image = torch.cat([seen, 0.5 * seen_mixed, 0.5 * seen_parts.mean(1)], 1)
        text = torch.cat([said, said_parts.mean(1), said_mixed], 1)
        rank = hardest(image @ text.t())
        total = rank + caption + concept + (v2t + t2v) / 2
        total.backward()
        return [part.item() for part in (total, rank, caption, concept, v2t, t2v)] + [
            learned[name].grad.norm().item() for name in (
                "img_enc.fc.weight", "img_enc.Rs_GCN_1.g.weight", "txt_enc.embed.weight",
                "region_loss.v_prototypes.weight", "caption_model.decoder.attention.linear1.weight")]

    _, cpu, check = best(1, body)
    return {"cpu": cpu, "memory": memory() - before, "check": check}


def peer(work, threads):
    import torch

    torch.set_num_threads(threads)
    kind, width = work.split("-")
    return losses(int(width)) if kind == "losses" else step(int(width))


# ---- The comparison ----


def compare(names):
    failed = []
    peers = has_peer()
    theirs = (python, pathlib.Path(__file__).resolve(), "peer")
    print("\nSelfAlign with its gradient, 128 pairs, 36 regions, 8 to 24 words, 1,024 concepts, float32, one thread")
    print(f"{'work':<36}{'program':<14}{'CPU s':>8}{'peak MB':>9}")
    for work, about in works:
        if names and work not in names:
            continue
        own = run((ours, "selfalign", work), 1)
        print(f"{about:<36}{'CrossModal':<14}{own['cpu']:>8.2f}{own['memory'] / 1e6:>9.0f}")
        if peers:
            other = run((*theirs, work), 1)
            print(f"{'':<36}{'PyTorch':<14}{other['cpu']:>8.2f}{other['memory'] / 1e6:>9.0f}"
                  f"   {other['cpu'] / own['cpu']:.1f}x slower, {other['memory'] / max(1, own['memory']):.1f}x the memory")
            if not agrees(other["check"], own["check"], 1e-4):
                failed.append(f"{work}: {other['check']} and {own['check']}")
    if not names or "search" in names:
        print("\nTexts that find their ten best among 5,000 pictures of eight regions, encoded before, one thread")
        for method in ("vsepp", "selfalign", "scan", "imram", "dime"):
            own = run((ours, "search", method), 1)
            print(f"{method:<36}{own['rate']:>10,.0f} queries a second")
    sys.exit(f"bench: results that should agree do not: {'; '.join(failed)}" if failed else 0)


if sys.argv[1:2] == ["peer"]:
    print(json.dumps(peer(sys.argv[2], int(sys.argv[3]))))
else:
    compare(sys.argv[1:])
