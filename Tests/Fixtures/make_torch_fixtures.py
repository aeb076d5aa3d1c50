"""Records what PyTorch computes, for the tests of `Torch`: `python3 make_torch_fixtures.py`.

Needs torch and safetensors. Everything in float64 unless a name says otherwise; the loss of a case is the sum of
its outputs times recorded weights, so that every gradient is used.
"""
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

HERE = pathlib.Path(__file__).parent / "torch"
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


def save(name, tensors):
    save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, HERE / f"{name}.safetensors")


def record(found, case, module, inputs, forward):
    """State, inputs, outputs, gradients of one module."""
    for k, v in module.state_dict().items():
        found[f"{case}/state/{k}"] = v.clone()
    for k, v in inputs.items():
        found[f"{case}/in/{k}"] = v.clone()
        if v.is_floating_point():
            v.requires_grad_(True)
    outputs = forward(module, **inputs)
    loss = 0
    for k, v in outputs.items():
        w = torch.randn_like(v)
        found[f"{case}/out/{k}"] = v
        found[f"{case}/weight/{k}"] = w
        loss = loss + (v * w).sum()
    loss.backward()
    for k, v in module.named_parameters():
        found[f"{case}/grad/{k}"] = v.grad
    for k, v in inputs.items():
        if v.grad is not None:
            found[f"{case}/gradin/{k}"] = v.grad
    for k, v in module.named_buffers():
        found[f"{case}/after/{k}"] = v.clone()


def packed(module, x, lengths):
    output, state = module(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
    output, _ = pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])
    if isinstance(state, tuple):
        return {"output": output, "state": state[0], "cell": state[1]}
    return {"output": output, "state": state}


def layers():
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    r = torch.randn
    y = lambda m, x: {"y": m(x)}
    found = {}
    record(found, "linear", nn.Linear(4, 3), {"x": r(2, 5, 4)}, y)
    record(found, "linear-plain", nn.Linear(4, 3, bias=False), {"x": r(5, 4)}, y)
    record(found, "embedding", nn.Embedding(6, 3, padding_idx=2), {"x": torch.tensor([[0, 2, 5], [5, 1, 2]])}, y)
    record(found, "conv1d", nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), {"x": r(2, 4, 11)}, y)
    record(found, "conv2d", nn.Conv2d(3, 4, 3, stride=2, padding=1), {"x": r(2, 3, 7, 6)}, y)
    record(found, "layernorm", nn.LayerNorm(5), {"x": r(2, 3, 5)}, y)
    for name, norm, x in [("batchnorm1d", nn.BatchNorm1d(3), r(6, 3)), ("batchnorm2d", nn.BatchNorm2d(3), r(2, 3, 4, 2))]:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
        record(found, name, norm, {"x": x}, y)
        norm.eval()
        norm.zero_grad()
        record(found, name + "-evaluation", norm, {"x": x.detach().clone()}, y)
    for name, pool, x in [
        ("pool-max2", nn.MaxPool2d(3, 2, 1), r(2, 3, 7, 6)), ("pool-mean2", nn.AvgPool2d(2), r(2, 3, 5, 6)),
        ("pool-max1", nn.MaxPool1d(2), r(2, 3, 7)), ("pool-mean1", nn.AvgPool1d(3, 1, 1), r(2, 3, 7)),
        ("pool-to2", nn.AdaptiveAvgPool2d((2, 3)), r(2, 3, 5, 7)), ("pool-to1", nn.AdaptiveAvgPool1d(3), r(2, 3, 7)),
        ("relu", nn.ReLU(), r(9)), ("tanh", nn.Tanh(), r(9)), ("sigmoid", nn.Sigmoid(), r(9)), ("gelu", nn.GELU(), r(9)),
        ("softplus", nn.Softplus(), r(9)), ("leaky", nn.LeakyReLU(0.2), r(9)),
    ]:
        record(found, name, pool, {"x": x}, y)
    lengths = torch.tensor([3, 5, 1, 4])
    for name, kind in [("gru", nn.GRU), ("lstm", nn.LSTM)]:
        deep = kind(3, 4, num_layers=2, bidirectional=True, batch_first=True)
        record(found, f"{name}-deep", deep, {"x": r(4, 5, 3), "lengths": lengths}, packed)
        plain = kind(3, 4, batch_first=True, bias=False)
        if kind is nn.GRU:
            def run(m, x, h):
                output, state = m(x, h)
                return {"output": output, "state": state}
            record(found, f"{name}-state", plain, {"x": r(2, 5, 3), "h": r(1, 2, 4)}, run)
        else:
            def run(m, x, h, c):
                output, (state, cell) = m(x, (h, c))
                return {"output": output, "state": state, "cell": cell}
            record(found, f"{name}-state", plain, {"x": r(2, 5, 3), "h": r(1, 2, 4), "c": r(1, 2, 4)}, run)

    def attend(m, q, k, v, padding, mask):
        out, attention = m(q, k, v, key_padding_mask=padding, attn_mask=mask)
        return {"output": out, "attention": attention}
    padding = torch.tensor([[False, False, False, True], [False, True, False, True]])
    attention = nn.MultiheadAttention(6, 3, batch_first=True)
    nn.init.normal_(attention.in_proj_bias)
    nn.init.normal_(attention.out_proj.bias)
    inputs = {"q": r(2, 3, 6), "k": r(2, 4, 6), "v": r(2, 4, 6), "padding": padding}
    record(found, "attention", attention, inputs | {"mask": torch.tensor([[False, True, False, False]] * 3)}, attend)
    torch.set_default_dtype(torch.float32)
    save("layers", found)


def first_weights():
    """Float32 numbers that a seed gives."""
    found = {}
    for case, make in {
        "linear": lambda: nn.Linear(4, 3), "conv2d": lambda: nn.Conv2d(3, 4, 3), "conv1d": lambda: nn.Conv1d(4, 6, 3, groups=2),
        "embedding": lambda: nn.Embedding(6, 3, padding_idx=2), "gru": lambda: nn.GRU(3, 4, 2, bidirectional=True),
        "lstm": lambda: nn.LSTM(3, 4), "attention": lambda: nn.MultiheadAttention(6, 3),
    }.items():
        torch.manual_seed(7)
        for k, v in make().state_dict().items():
            found[f"{case}/{k}"] = v
    for case, fill in {
        "xavier_uniform": nn.init.xavier_uniform_, "xavier_normal": nn.init.xavier_normal_,
        "kaiming_uniform": lambda t: nn.init.kaiming_uniform_(t, a=0.1, mode="fan_out"),
        "kaiming_normal": lambda t: nn.init.kaiming_normal_(t, nonlinearity="relu"),
        "normal": lambda t: nn.init.normal_(t, 1, 2), "uniform": lambda t: nn.init.uniform_(t, -2, 3),
    }.items():
        torch.manual_seed(7)
        found[f"init/{case}"] = fill(torch.empty(5, 4, 3))
    torch.manual_seed(7)
    found["dropout"] = nn.functional.dropout(torch.arange(1.0, 41.0), 0.3)
    save("first_weights", found)


def objective(net, x, y):
    return ((net(x) - y) ** 2).mean()


def optimisers():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(2)
    x, y = torch.randn(12, 4), torch.randn(12, 2)
    net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))
    start = {k: v.clone() for k, v in net.state_dict().items()}
    found = {"x": x, "y": y} | {f"start/{k}": v for k, v in start.items()}
    o = torch.optim
    for case, make in {
        "sgd": lambda p: o.SGD(p, lr=0.1), "sgd-momentum": lambda p: o.SGD(p, lr=0.1, momentum=0.9),
        "sgd-nesterov": lambda p: o.SGD(p, lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.01),
        "adam": lambda p: o.Adam(p, lr=0.02), "adam-decay": lambda p: o.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
        "adamw": lambda p: o.AdamW(p, lr=0.02, weight_decay=0.1), "rmsprop": lambda p: o.RMSprop(p, lr=0.01),
        "rmsprop-centred": lambda p: o.RMSprop(p, lr=0.01, alpha=0.9, momentum=0.5, centered=True, weight_decay=0.01),
        "lbfgs": lambda p: o.LBFGS(p, lr=1, max_iter=7, history_size=4, line_search_fn="strong_wolfe"),
        "lbfgs-fixed": lambda p: o.LBFGS(p, lr=0.3, max_iter=5),
        "groups": lambda p: o.Adam([{"params": p[:2]}, {"params": p[2:], "lr": 0.001, "weight_decay": 0.5}], lr=0.02),
        "clipped": lambda p: o.SGD(p, lr=0.5),
    }.items():
        net.load_state_dict(start)
        optimizer = make(list(net.parameters()))
        losses, norms = [], []
        for _ in range(8):
            def closure():
                optimizer.zero_grad()
                loss = objective(net, x, y)
                loss.backward()
                if case == "clipped":
                    norms.append(nn.utils.clip_grad_norm_(net.parameters(), 0.3).item())
                return loss
            losses.append(optimizer.step(closure).item())
        found[f"{case}/losses"] = torch.tensor(losses)
        if norms:
            found[f"{case}/norms"] = torch.tensor(norms)
        for k, v in net.state_dict().items():
            found[f"{case}/end/{k}"] = v.clone()

    # Rosenbrock's valley in ten dimensions.
    p = torch.tensor([-1.2, 1.0] * 5, requires_grad=True)
    optimizer = o.LBFGS([p], lr=1, max_iter=10, line_search_fn="strong_wolfe")
    path = []
    for _ in range(6):
        def closure():
            optimizer.zero_grad()
            loss = (100 * (p[1:] - p[:-1] ** 2) ** 2 + (1 - p[:-1]) ** 2).sum()
            loss.backward()
            return loss
        optimizer.step(closure)
        path.append(p.detach().clone())
    found["rosenbrock"] = torch.stack(path)

    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
    net.load_state_dict(start)
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.7))
    average.update_parameters(net)
    optimizer = o.SGD(net.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        objective(net, x, y).backward()
        optimizer.step()
        average.update_parameters(net)
    for k, v in average.module.state_dict().items():
        found[f"average/{k}"] = v

    w = nn.Parameter(torch.zeros(1))
    s = o.lr_scheduler
    rates = {
        "step": (lambda q: s.StepLR(q, 3, 0.5)), "milestones": (lambda q: s.MultiStepLR(q, [2, 7], 0.1)),
        "exponential": (lambda q: s.ExponentialLR(q, 0.9)), "cosine": (lambda q: s.CosineAnnealingLR(q, 9, eta_min=0.2)),
        "line": (lambda q: s.LinearLR(q, 1, 0.1, 6)),
    }
    for name, make in rates.items():
        optimizer = o.SGD([w], lr=1.0)
        schedule = make(optimizer)
        values = []
        for _ in range(10):
            values.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        found[f"rates/{name}"] = torch.tensor(values)
    torch.set_default_dtype(torch.float32)

    torch.manual_seed(4)
    layer, x = nn.Linear(8, 4), torch.randn(5, 8)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    y.float().square().sum().backward()
    found |= {"autocast/weight": layer.weight, "autocast/bias": layer.bias, "autocast/x": x, "autocast/y": y}
    found["autocast/grad"] = layer.weight.grad
    save("optimisers", found)


def weights():
    """Files of Python's own writer: a state dict, and one tensor of every type under names that need escaping."""
    torch.manual_seed(5)
    save("weights", nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).state_dict())
    kinds = "float64 int64 uint64 float32 int32 uint32 float16 bfloat16 int16 uint16 uint8 int8 bool".split()
    every = {f"{i}.{kind}": torch.ones(2, i % 3, dtype=getattr(torch, kind)) for i, kind in enumerate(kinds)}
    every |= {"\u00e9\"/\\\n\x01\u2028": torch.zeros(0, 2), "scalar": torch.tensor(1.5)}
    save("every_type", every)


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    layers()
    first_weights()
    optimisers()
    weights()
