"""Writes the small files that the reader tests compare with: by NumPy, SciPy, h5py and Pillow, so by other hands than ours.

Run it with numpy, scipy, h5py and pillow installed: python3 make.py. The results are committed beside it;
expected.json holds type, shape and bytes (row-major, little-endian, as hexadecimal digits) of every array.
"""
import gzip
import io
import json
import pathlib
import struct
import zipfile
import zlib

import h5py
import numpy as np
import scipy.io
from PIL import Image

FOLDER = pathlib.Path(__file__).parent
EXPECTED = {}


def expect(name, array, dtype=None):
    """Notes what a reader must give; `dtype` where it gives a wider type than the file holds."""
    array = np.asarray(array)
    wide = np.ascontiguousarray(array.astype(dtype or array.dtype.newbyteorder("<")))
    EXPECTED[name] = {"dtype": wide.dtype.name, "shape": list(wide.shape), "bytes": wide.tobytes().hex()}


def widened(array):
    return {"uint16": "<i4", "uint32": "<i8", "uint64": "<i8"}.get(array.dtype.name)


def numbers(shape, dtype):
    count = int(np.prod(shape))
    if dtype == "bool":
        return (np.arange(count) % 3 == 1).reshape(shape)
    base = np.arange(count) * 7 % 97
    if np.dtype(dtype).kind in "iu":
        return base.astype(dtype).reshape(shape)
    return ((base - 41) / 8).astype(dtype).reshape(shape)


def npy():
    for dtype in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "bool"]:
        array = numbers((3, 4), dtype)
        np.save(FOLDER / f"{dtype}.npy", array)
        expect(f"{dtype}.npy", array, widened(array))
    array = numbers((2, 3, 4), "f4")
    np.save(FOLDER / "fortran.npy", np.asfortranarray(array))
    expect("fortran.npy", array)
    np.save(FOLDER / "big-endian.npy", array.astype(">f4"))
    expect("big-endian.npy", array)
    for version in [(2, 0), (3, 0)]:
        with open(FOLDER / f"version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, array, version=version)
        expect(f"version{version[0]}.npy", array)
    np.save(FOLDER / "vector.npy", numbers((5,), "i8"))
    expect("vector.npy", numbers((5,), "i8"))


def npz():
    x, y = numbers((6, 3), "f4"), numbers((6,), "i8")
    np.savez(FOLDER / "stored.npz", x=x, y=y)
    np.savez_compressed(FOLDER / "deflated.npz", x=x, y=np.asfortranarray(numbers((4, 5), "f8")))
    expect("stored.npz:x", x)
    expect("stored.npz:y", y)
    expect("deflated.npz:x", x)
    expect("deflated.npz:y", numbers((4, 5), "f8"))
    # zip64 fields are used for a small member when a size is not known beforehand.
    with zipfile.ZipFile(FOLDER / "zip64.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, x)
    expect("zip64.npz:x", x)


def mat():
    arrays = {
        "f8": numbers((5, 3), "f8"), "f4": numbers((5, 3), "f4"), "i4": numbers((4, 2), "i4"),
        "u1": numbers((4, 6), "u1"), "u2": numbers((4, 2), "u2"), "cube": numbers((2, 3, 4), "f8"),
        "flags": numbers((3, 2), "bool"),
    }
    others = {"cell": np.array([np.arange(2), "a"], dtype=object), "word": "text",
              "record": {"a": 1.0}, "wave": np.array([[1 + 2j]])}
    scipy.io.savemat(FOLDER / "v5.mat", {**arrays, **others})
    scipy.io.savemat(FOLDER / "v7.mat", {**arrays, **others}, do_compression=True)
    for name, array in arrays.items():
        for file in ["v5.mat", "v7.mat"]:
            expect(f"{file}:{name}", array, widened(array))
    scipy.io.savemat(FOLDER / "v4.mat", {"f8": arrays["f8"]}, format="4")
    expect("v4.mat:f8", arrays["f8"])
    # MATLAB 7.3: HDF5 behind 512 bytes of text, dimensions in reverse.
    path = FOLDER / "v73.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name in ["f8", "f4", "cube", "u1"]:
            chunks = {"chunks": True, "compression": "gzip"} if name == "f8" else {}
            data = file.create_dataset(name, data=arrays[name].T, **chunks)
            data.attrs["MATLAB_class"] = np.bytes_({"f8": "double", "f4": "single", "cube": "double", "u1": "uint8"}[name])
            expect(f"v73.mat:{name}", arrays[name])
    with open(path, "r+b") as file:
        text = b"MATLAB 7.3 MAT-file".ljust(116) + bytes(8) + struct.pack("<H", 0x200) + b"IM"
        file.write(text.ljust(512, b"\0"))


def hdf5():
    with h5py.File(FOLDER / "lzf.h5", "w") as file:
        file.create_dataset("features", data=numbers((50, 4), "f4"), compression="lzf", chunks=(10, 4))
    with h5py.File(FOLDER / "arrays.h5", "w") as file:
        for dtype in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "bool"]:
            array = numbers((7, 3), dtype)
            file.create_dataset(f"plain/{dtype}", data=array)
            expect(f"arrays.h5:plain/{dtype}", array, "<f4" if dtype == "f2" else widened(array))
        chunked = numbers((20, 6), "f4")
        file.create_dataset("chunked", data=chunked, chunks=(3, 4), compression="gzip", shuffle=True)
        expect("arrays.h5:chunked", chunked)
        file.create_dataset("big-endian", data=chunked.astype(">f4"))
        expect("arrays.h5:big-endian", chunked)
        file["words"] = ["a", "b"]
        file["soft"] = h5py.SoftLink("/chunked")
        file["outside"] = h5py.ExternalLink("other.h5", "/x")


    # A piece of 400 bytes that holds 128 MB of zeros.
    with h5py.File(FOLDER / "bomb.h5", "w") as file:
        data = file.create_dataset("x", shape=(100,), dtype="f4", chunks=(100,), compression="gzip")
        data.id.write_direct_chunk((0,), zlib.compress(bytes(128 << 20), 9))
    # A group for each video, as features of videos are published.
    with h5py.File(FOLDER / "videos.h5", "w", libver="latest") as file:
        for name, rows in [("v_a", 3), ("v_b", 5)]:
            array = numbers((rows, 4), "f4")
            file.create_dataset(f"{name}/c3d_features", data=array)
            expect(f"videos.h5:{name}", array)
            expect(f"videos.h5:/{name}/c3d_features", array)
        file["v_c/x"], file["v_c/y"] = [1.0], [2.0]
    # Cells and pixels of pictures as programs for captions keep them.
    with h5py.File(FOLDER / "grids.h5", "w") as file:
        grid = numbers((5, 2, 2, 6), "f4")
        for name, array in {"cells": grid.reshape(5, 4, 6), "grid": grid, "maps": grid.transpose(0, 3, 1, 2),
                            "pixels": numbers((5, 3, 8, 8), "u1"), "odd": grid.reshape(5, 1, 2, 2, 6)}.items():
            file.create_dataset(name, data=array, chunks=(2, *array.shape[1:]), compression="gzip")
            expect(f"grids.h5:{name}", array)
    # Enumerations of one byte and two members that are no truth values.
    with h5py.File(FOLDER / "kinds.h5", "w") as file:
        for name, members in [("animals", {"cat": 1, "dog": 2}), ("swapped", {"FALSE": 1, "TRUE": 0})]:
            kind = h5py.enum_dtype(members, basetype="i1")
            file.create_dataset(name, data=np.array([1, 2 if name == "animals" else 0], "i1"), dtype=kind)
    # One row of 80 MB of zeros in small pieces, deflated twice.
    with h5py.File(FOLDER / "wide.h5", "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((1, 1 << 20))
        properties.set_deflate(9)
        properties.set_deflate(9)
        shape = (1, 80 << 20)
        made = h5py.h5d.create(
            file.id, b"x", h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple(shape), dcpl=properties)
        h5py.Dataset(made)[...] = np.zeros(shape, "u1")


def idx():
    array = numbers((4, 3, 2), "u1")
    header = bytes([0, 0, 8, 3]) + struct.pack(">III", 4, 3, 2)
    (FOLDER / "images-idx3-ubyte").write_bytes(header + array.tobytes())
    (FOLDER / "images-idx3-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes(), mtime=0))
    expect("images-idx3-ubyte", array)
    expect("images-idx3-ubyte.gz", array)
    floats = numbers((2, 3), "f4")
    (FOLDER / "floats.idx").write_bytes(
        bytes([0, 0, 13, 2]) + struct.pack(">II", 2, 3) + floats.astype(">f4").tobytes())
    expect("floats.idx", floats)


def tables():
    array = np.array([[1, -2.5, 3e-3], [0.1, 5, 1e300], [7, 8, -9]])
    rows = [",".join(repr(float(x)) for x in row) for row in array]
    (FOLDER / "plain.csv").write_text("\n".join(rows) + "\n")
    (FOLDER / "named.csv").write_text("a,\"b, c\",d\r\n" + "\r\n".join(rows) + "\r\n", newline="")
    (FOLDER / "plain.tsv").write_text("\n".join(rows).replace(",", "\t") + "\n")
    for file in ["plain.csv", "named.csv", "plain.tsv"]:
        expect(file, array)
    expect("named.csv:b, c", array[:, 1:2])
    expect("named.csv:a,d", array[:, [0, 2]])


def safetensors():
    x, y = numbers((3, 4), "f4"), numbers((2,), "i8")
    entries = {"x": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]},
               "y": {"dtype": "I64", "shape": [2], "data_offsets": [48, 64]}}
    header = json.dumps(entries).encode()
    header += b" " * (-len(header) % 8)
    (FOLDER / "arrays.safetensors").write_bytes(
        struct.pack("<Q", len(header)) + header + x.tobytes() + y.tobytes())
    expect("arrays.safetensors:x", x)
    expect("arrays.safetensors:y", y)


def texts():
    lines = "one line\nΓειά σου κόσμε\n\n  blanks \nlast without end"
    (FOLDER / "lines.txt").write_text(lines)
    (FOLDER / "lines.txt.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    (FOLDER / "lines.jsonl").write_text("\n".join(
        json.dumps({"id": i, "text": line.strip()}) for i, line in enumerate(lines.split("\n"))) + "\n")


def pictures():
    y, x = np.mgrid[0:24, 0:40]
    smooth = np.stack([6 * x, 10 * y, 3 * (x + y)], -1).astype("u1")
    colour = Image.fromarray(smooth)
    alpha = Image.fromarray(np.dstack([smooth, (255 - 6 * x).astype("u1")]))
    classes = Image.fromarray((x // 8 + 5 * (y // 8)).astype("u1"))
    palette = colour.quantize(13)
    colour.save(FOLDER / "colour.png")
    alpha.save(FOLDER / "alpha.png")
    classes.save(FOLDER / "grey.png")
    palette.save(FOLDER / "palette.png")  # four bits a pixel
    for name, picture in [("colour", colour), ("alpha", alpha), ("grey", classes), ("palette", palette)]:
        expect(f"{name}.png", np.array(picture.convert("RGB")))
    expect("grey.png#indices", np.array(classes))
    expect("palette.png#indices", np.array(palette))
    colour.save(FOLDER / "colour.jpg", quality=90)
    colour.save(FOLDER / "progressive.jpg", quality=90, progressive=True)
    classes.save(FOLDER / "grey.jpg", quality=90)
    ink = 255 - np.dstack([smooth, np.minimum(smooth.max(2), 60)])
    Image.fromarray(ink, "CMYK").save(FOLDER / "ink.jpg", quality=95)
    for name in ["colour.jpg", "progressive.jpg", "grey.jpg", "ink.jpg"]:
        expect(name, np.array(Image.open(FOLDER / name).convert("RGB")))
    two = np.zeros((6, 8, 3), "u1")
    two[:, :4], two[:, 4:] = (200, 30, 30), (20, 40, 220)
    Image.fromarray(two).save(FOLDER / "two.webp", lossless=True)
    noise = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype="u1")
    Image.fromarray(noise).save(FOLDER / "noise.png")
    for height, width in [(7, 9), (24, 13), (50, 60)]:
        small = Image.fromarray(noise).resize((width, height), Image.BILINEAR)
        expect(f"noise.png#{height}x{width}", np.array(small))


if __name__ == "__main__":
    for make in [npy, npz, mat, hdf5, idx, tables, safetensors, texts, pictures]:
        make()
    (FOLDER / "expected.json").write_text(json.dumps(EXPECTED, indent=1) + "\n")
