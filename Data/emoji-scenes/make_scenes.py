#!/usr/bin/env python3
"""Makes this data set from the pictures of Data/emoji; needs NumPy and Pillow. The same bytes each time for the same
versions of both. Run it in this folder: python3 make_scenes.py"""
import json
import os
import random

import numpy as np
from PIL import Image

COLORS = ["red", "orange", "yellow", "green", "blue", "purple", "brown", "black", "pink"]
# What a caption calls a thing, and the emoji that are one; the last of several stands in no scene of the split train.
THINGS = {
    "cat": ["cat face", "grinning cat", "kissing cat", "cat with wry smile", "smiling cat with heart-eyes"],
    "dog": ["dog face"], "rabbit": ["rabbit face"], "panda": ["panda"], "lion": ["lion"], "monkey": ["monkey face"],
    "frog": ["frog"], "penguin": ["penguin"], "owl": ["owl"], "turtle": ["turtle"], "snail": ["snail"],
    "butterfly": ["butterfly"], "octopus": ["octopus"], "crab": ["crab"], "fish": ["fish", "tropical fish"],
    "clock": ["one o’clock", "three o’clock", "six o’clock", "nine o’clock", "ten o’clock", "four o’clock"],
    "moon": ["crescent moon", "first quarter moon", "waning gibbous moon", "last quarter moon"],
    "sun": ["sun", "sun with face"], "star": ["star", "glowing star"], "umbrella": ["umbrella"],
    "tree": ["evergreen tree", "deciduous tree", "Christmas tree"], "rose": ["rose"], "tulip": ["tulip"],
    "house": ["house", "derelict house", "house with garden"], "car": ["car"], "train": ["train"],
    "bicycle": ["bicycle"], "guitar": ["guitar"], "key": ["key"], "soccer ball": ["soccer ball"],
    "top hat": ["top hat"], "cake": ["birthday cake"], "baguette": ["baguette bread"], "pizza": ["pizza"],
    "peach": ["peach"], "strawberry": ["strawberry"], "carrot": ["carrot"], "tomato": ["tomato"],
    "red apple": ["red apple"], "green apple": ["green apple"], "green book": ["green book"],
    "blue book": ["blue book"], "orange book": ["orange book"], "red book": ["closed book"],
    "blue heart": ["light blue heart"],
}
for color in COLORS:
    THINGS.setdefault(f"{color} heart", [f"{color} heart"])
FORMS = ["{} and {} near {}", "{} with {} and {}", "{} beside {} and {}"]
SPLITS = {"train": 600, "val": 60, "test": 120}
WIDTH, HEIGHT, PARTS, PIXELS = 360, 200, 5, 12


def emoji():
    items = [json.loads(line) for line in open("../emoji/items.jsonl", encoding="utf-8")]
    return {item["title"]: os.path.join("../emoji", item["picture"]) for item in items}


def named(thing):
    return ("an " if thing[0] in "aeiou" else "a ") + thing


def scene(choice, pictures, is_train, things):
    """A picture with its boxes, the pixels of its parts, and what they are called."""
    names = choice.sample(things, PARTS)
    picture = np.full((HEIGHT, WIDTH, 3), (250, 246, 236), np.float64) / 255
    boxes, parts = [], []
    while len(boxes) < PARTS:
        variants = [v for v in THINGS[names[len(boxes)]] if v in pictures]
        if is_train and len(variants) > 1:
            variants = variants[:-1]
        size = choice.randint(62, 76)
        left, top = choice.randint(4, WIDTH - size - 4), choice.randint(4, HEIGHT - size - 4)
        box = (left, top, left + size, top + size)
        if any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in boxes):
            if choice.random() < 0.02:
                return scene(choice, pictures, is_train, things)
            continue
        tilt = choice.uniform(-14, 14)
        part = Image.open(pictures[choice.choice(variants)]).convert("RGB")
        part = part.rotate(tilt, Image.BICUBIC, fillcolor=(255, 255, 255)).resize((size, size), Image.BICUBIC)
        # White lets the ground through.
        picture[top:top + size, left:left + size] *= np.asarray(part, np.float64) / 255
        boxes.append(box)
        parts.append(255 - np.asarray(part.resize((PIXELS, PIXELS), Image.BOX)).reshape(-1))
    return Image.fromarray(np.uint8(picture * 255 + 0.5)), boxes, parts, names


def main():
    choice = random.Random(2026)
    pictures = emoji()
    things = [thing for thing, variants in THINGS.items() if any(v in pictures for v in variants)]
    os.makedirs("pictures", exist_ok=True)
    boxes, parts, captions, called, paths = [], [], [], [], []
    for split, count in SPLITS.items():
        for _ in range(count):
            picture, where, pixels, names = scene(choice, pictures, split == "train", things)
            paths.append(f"{len(paths):03d}.webp")
            picture.save(os.path.join("pictures", paths[-1]), quality=72, method=6)
            boxes.append(where)
            parts.append(pixels)
            called.append("\t".join(names))
            captions += [FORMS[k].format(*map(named, choice.sample(names, 3))) for k in range(3)]
    np.save("regions.npy", np.array(parts, np.uint8))
    np.save("boxes.npy", np.array(boxes, np.float32))
    for name, lines in [("captions.txt", captions), ("names.txt", called), ("pictures.txt", paths)]:
        with open(name, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    print(len(things), "things,", len(paths), "scenes")


if __name__ == "__main__":
    main()
