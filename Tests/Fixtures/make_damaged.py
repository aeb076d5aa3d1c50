"""Writes the corpus of damaged files, damaged/KIND/NAME, that the tests hand to every reader: each must be refused in one
sentence that names the file.

Run it after `make build`, without anything else installed: python3 make_damaged.py. The results are committed beside it.
A file that a reader was once found to fall over is added to FINDS below, as small as it can be made.
"""
import base64
import gzip
import pathlib
import shutil
import struct
import subprocess
import tempfile
import zipfile
import zlib

FOLDER = pathlib.Path(__file__).parent
DAMAGED = FOLDER / "damaged"

# Files whose every part is needed.
WHOLE = [
    "f4.npy", "fortran.npy", "version2.npy", "stored.npz", "deflated.npz", "zip64.npz", "images-idx3-ubyte",
    "images-idx3-ubyte.gz", "floats.idx", "arrays.safetensors", "lines.txt.gz", "colour.png", "palette.png", "colour.jpg",
    "progressive.jpg", "two.webp", "v4.mat", "v5.mat", "v7.mat", "v73.mat", "arrays.h5",
    "checkpoints/state_dict.pt", "checkpoints/old_format.pt", "checkpoints/protocol4.pt",
]
# Formats that carry sums of their contents, or where the byte says what the rest is.
SUMMED = ["deflated.npz", "images-idx3-ubyte.gz", "lines.txt.gz", "colour.png", "palette.png"]


def put(kind, name, content):
    file = DAMAGED / kind / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def flipped(content, place):
    content = bytearray(content)
    content[place] ^= 0x10
    return bytes(content)


def cut(kind, names, size):
    for name in names:
        content = (FOLDER / name).read_bytes()
        put(kind, pathlib.Path(name).name, content[:size(len(content))])


def cuts():
    cut("empty", [name for name in WHOLE if name != "lines.txt.gz"] + ["named.csv", "plain.tsv"], lambda size: 0)
    cut("cut-to-5", WHOLE, lambda size: 5)
    # What is asked for stands in the first half of v7.mat.
    cut("cut-to-half", [name for name in WHOLE if name != "v7.mat"] + ["lines.jsonl"], lambda size: size // 2)
    # The end of a picture is not needed to see it whole.
    cut("cut-by-1", [name for name in WHOLE if not name.endswith((".mat", ".jpg", ".png"))], lambda size: size - 1)


def bits():
    # Where the first byte is no part of a mark, another may be there.
    for name in WHOLE:
        if name not in ["deflated.npz", "v5.mat", "v7.mat", "v73.mat"]:
            put("first-bit", pathlib.Path(name).name, flipped((FOLDER / name).read_bytes(), 0))
    for name in SUMMED:
        content = (FOLDER / name).read_bytes()
        put("middle-bit", name, flipped(content, len(content) // 2))


def npy(header):
    text = header.encode() + b" " * ((64 - (len(header) + 11) % 64) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def png(width, height):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zipped(name, content):
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        with zipfile.ZipFile(file.name, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)
        return pathlib.Path(file.name).read_bytes()


def safetensors(header, size=None):
    header = header.encode()
    return struct.pack("<Q", len(header) if size is None else size) + header


def bombs():
    zeros = bytes(20 << 20)
    put("bomb", "lines.txt.gz", gzip.compress(zeros, 9, mtime=0))
    put("bomb", "images-idx3-ubyte.gz", gzip.compress(struct.pack(">IIII", 0x803, 1 << 20, 4, 5) + zeros, 9, mtime=0))
    put("bomb", "rows.csv.gz", gzip.compress(b"1,2\n" * (5 << 20), 9, mtime=0))
    put("bomb", "x.npz", zipped("x.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (20971520,), }") + zeros))
    put("bomb", "huge.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 1024), }"))
    put("bomb", "overflow.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807, 9), }"))
    put("bomb", "negative.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 9), }"))
    put("bomb", "deep.npy", npy("{'descr': " + "(" * 20000 + ", }"))
    put("bomb", "huge.png", png(60000, 60000))
    put("bomb", "many-idx3-ubyte", struct.pack(">IIII", 0x803, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF))
    put("bomb", "deep-idx255-ubyte", struct.pack(">BBBB", 0, 0, 8, 255) + b"\xff" * 1020)
    put("bomb", "x.safetensors", safetensors('{"x":{"dtype":"F64","shape":[1099511627776,1048576],"data_offsets":[0,8]}}'))
    put("bomb", "header.safetensors", safetensors("{}", size=(1 << 63) - 1))
    put("bomb", "deep.safetensors", safetensors("[" * 20000))
    put("bomb", "deep.jsonl", b'{"text":' + b"[" * 20000 + b"\n")
    put("bomb", "wide.csv", b"," * 50000 + b"\n1\n")


TEXTS = {
    "nested.dataset.yaml": "[" * 20000,
    "anchors.dataset.yaml": "a: &a [1,1,1,1,1,1,1,1,1]\n"
    + "".join(f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefghi", "bcdefghij")),
    "itself.dataset.yaml": "modalities: &m { x: *m }\n",
    "twice.dataset.yaml": "name: x\nname: y\nmodalities: { x: { file: f4.npy, kind: vector } }\nsplits: { train: '0:2' }\n",
    "list.dataset.yaml": "- modalities\n- splits\n",
    "cut.dataset.yaml": "modalities: { x: { file: f4.npy, kind: vec",
    "rows.dataset.yaml": "modalities: { x: { file: ../../f4.npy, kind: vector } }\nsplits: { train: '0:9223372036854775807' }\n",
    "negative.dataset.yaml": "modalities: { x: { file: ../../f4.npy, kind: vector } }\nsplits: { train: '-5:2' }\n",
    "scale.dataset.yaml": "modalities: { x: { file: ../../f4.npy, kind: vector, scale: .nan } }\nsplits: { train: '0:2' }\n",
    "number.dataset.yaml": "modalities: { x: { file: 99999999999999999999999999, kind: vector } }\nsplits: { train: '0:2' }\n",
    "quotes.csv": 'a,b\n"1,2\n3,4\n',
    "ragged.csv": "1,2\n3\n",
    "words.csv": "a,b\n1,two\n",
    "hexadecimal.csv": "1,0x1F\n",
    "surrogate.jsonl": '{"text": "\\ud83d"}\n',
    "list.jsonl": '{"text": [1]}\n',
}


def texts():
    for name, text in TEXTS.items():
        put("texts", name, text.encode())
    put("texts", "latin1.txt", "caf\xe9\n".encode("latin-1"))
    put("texts", "utf16.txt", "words\n".encode("utf-16"))
    put("texts", "null.yaml.dataset.yaml", b"name: a\x00b\nmodalities: {}\n")


# Found by chance or by hand, where a reader said nothing, or something else than a sentence: name and contents.
FINDS = {}


def finds():
    for name, content in FINDS.items():
        put("finds", name, base64.b64decode(content))


def record(path, text):
    """Takes out of config.yaml where the data were, and puts its sum right."""
    lines = text.splitlines(keepends=True)[:-1]
    body = "".join('  path: ""\n' if line.startswith("  path: ") else line for line in lines)
    path.write_text(body + f"# crc32 of the above: {zlib.crc32(body.encode()):08x}\n")


def run():
    """A whole run of a network over vectors and words, with its checkpoints."""
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder)
        (data / "x.csv").write_text("".join(f"{i % 3},{i % 2},{i % 5}\n" for i in range(12)))
        (data / "y.txt").write_text("".join(f"{'red green blue'.split()[i % 3]} {'one two'.split()[i % 2]}\n" for i in range(12)))
        (data / "dataset.yaml").write_text(
            "name: small\nmodalities: { x: { file: x.csv, kind: vector }, y: { file: y.txt, kind: text } }\n"
            'splits: { train: "0:12" }\n')
        subprocess.run(
            [FOLDER.parent.parent / "crossmodal", "train", "--method", "vsepp", "--data", data, "--out", data / "run"]
            + [word for key in ["epochs=1", "batch_size=12", "embed_size=2", "word_dim=2", "features.y.threshold=1"]
               for word in ("--set", key)],
            check=True)
        whole = DAMAGED / "run"
        shutil.copytree(data / "run", whole)
    # The checkpoint before the last would stand in for a manifest that is damaged.
    shutil.rmtree(whole / "checkpoints/last-1")
    for file in [whole / "report.html", whole / "metrics.jsonl", whole / "checkpoints/manifest-before.json", *whole.glob("events*")]:
        file.unlink()
    record(whole / "config.yaml", (whole / "config.yaml").read_text())
    for file in sorted(whole.rglob("*")):
        if file.is_dir():
            continue
        content, name = file.read_bytes(), file.relative_to(whole)
        put("run-empty", name, b"")
        put("run-cut", name, content[:len(content) // 2])
        put("run-bit", name, flipped(content, len(content) // 3))
    put("run-bomb", "model.safetensors", (DAMAGED / "bomb/x.safetensors").read_bytes())
    put("run-bomb", "config.yaml", b"[" * 20000)
    put("run-bomb", "checkpoints/manifest.json", b"[" * 20000)


if __name__ == "__main__":
    shutil.rmtree(DAMAGED, ignore_errors=True)
    for step in [cuts, bits, bombs, texts, finds, run]:
        step()
    size = sum(file.stat().st_size for file in DAMAGED.rglob("*") if file.is_file())
    print(f"{size} bytes")
    assert size < 1_000_000
