"""Records what torchvision and Pillow compute of pictures: `python3 make_pictures.py`.

Needs torch, torchvision, Pillow, safetensors. Weights are not recorded: both sides fill them by `fill`, of which
`RecordedPictures.swift` has the twin.
"""
import math
import pathlib

import torch

# torchvision built for another kind of torch lacks its compiled operators, none of which is used here.
library = torch.library.Library("torchvision", "FRAGMENT")
for name in ["nms", "qnms"]:
    try:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    except RuntimeError:
        pass

import torchvision
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torchvision.transforms import functional as F

HERE = pathlib.Path(__file__).parent
torch.set_num_threads(1)
LENGTH = 1000003


def table():
    """Numbers in 0...1: the fractions of 43758.5453 sin(12.9898 i)."""
    x = torch.sin(torch.arange(LENGTH, dtype=torch.float64) * 12.9898) * 43758.5453
    return x - x.floor()


def fill(module):
    """Every tensor of the state, the p-th in its order, from the table at 7919 p on, over and over."""
    numbers = table()
    for p, (name, tensor) in enumerate(module.state_dict().items()):
        if name.endswith("num_batches_tracked"):
            continue
        start = 7919 * p % LENGTH
        times = (start + tensor.numel()) // LENGTH + 1
        u = numbers.tile(times)[start : start + tensor.numel()].reshape(tensor.shape)
        if tensor.dim() > 1:
            bound = math.sqrt(6 / tensor[0].numel())
            value = (2 * u - 1) * bound
        elif name.endswith("running_var"):
            value = 1 + u / 2
        elif name.endswith("weight"):
            value = 0.4 + u / 5
        else:
            value = (2 * u - 1) / 10
        tensor.copy_(value.to(tensor.dtype))


def pictures(count, side):
    """Smooth pictures [count, 3, side, side]."""
    i = torch.arange(count * 3 * side * side, dtype=torch.float64)
    return torch.sin(i * 0.37).reshape(count, 3, side, side).float() + torch.sin(i * 0.0113).reshape(
        count, 3, side, side
    ).float()


@torch.no_grad()
def networks():
    found = {}
    for name in ["resnet18", "resnet50", "resnet152", "vgg19"]:
        network = getattr(torchvision.models, name)(weights=None)
        fill(network)
        if name == "vgg19":
            network.classifier = nn.Sequential(*list(network.classifier.children())[:-1])
        else:
            network.fc = nn.Sequential()
        found[name] = network.eval()(pictures(1, 64))
        if name == "resnet18":
            network.train()
            found["resnet18.train"] = network(pictures(2, 64))
            for key in ["bn1.running_mean", "layer4.1.bn2.running_var"]:
                found[f"resnet18.{key}"] = network.state_dict()[key]
            found["names"] = torch.tensor([len(network.state_dict())])
    save_file({k: v.contiguous().clone() for k, v in found.items()}, HERE / "pictures" / "networks.safetensors")


def transforms():
    """Bytes of resized and cropped pictures by Pillow."""
    found = {}
    for file in ["noise.png", "colour.jpg"]:
        picture = Image.open(HERE / file).convert("RGB")
        pixels = lambda p: F.pil_to_tensor(p).permute(1, 2, 0)
        found[f"{file}/middle"] = pixels(F.center_crop(F.resize(picture, 18), 16))
        found[f"{file}/part"] = pixels(F.resized_crop(picture, 3, 7, 15, 19, [12, 12]))
        found[f"{file}/larger"] = pixels(F.center_crop(F.resize(picture, 37), 32))
    for name, change in [
        ("brightness", lambda x: F.adjust_brightness(x, 1.3)),
        ("contrast", lambda x: F.adjust_contrast(x, 0.7)),
        ("saturation", lambda x: F.adjust_saturation(x, 1.4)),
        ("hue", lambda x: F.adjust_hue(x, 0.15)),
    ]:
        tensor = F.pil_to_tensor(picture).float() / 255
        found[f"{file}/{name}"] = change(tensor).permute(1, 2, 0)
    save_file({k: v.contiguous().clone() for k, v in found.items()}, HERE / "pictures" / "transforms.safetensors")


if __name__ == "__main__":
    networks()
    transforms()
