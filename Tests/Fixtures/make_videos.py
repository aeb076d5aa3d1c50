"""Writes the small videos that the tests of video files read: by PyAV, so by other hands than ours.

Run it with av and numpy installed: python3 make_videos.py. The results are committed beside it, in the folder videos.
"""
import fractions
import pathlib

import av
import numpy as np

FOLDER = pathlib.Path(__file__).parent / "videos"
MILLISECOND = fractions.Fraction(1, 1000)


def write(name, codec, frames, options=None, rate=25, **settings):
    """`frames`: times in milliseconds and pictures [h, w, 3]."""
    with av.open(str(FOLDER / name), "w", options=options or {}) as file:
        stream = file.add_stream(codec, rate=rate, options=settings)
        stream.height, stream.width = frames[0][1].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = MILLISECOND
        for time, picture in frames:
            frame = av.VideoFrame.from_ndarray(picture.astype("u1"), format="rgb24")
            frame.pts, frame.time_base = time, MILLISECOND
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def plain(*color):
    return np.full((24, 32, 3), color)


# Frames that are shown for times of their own: red, green, blue, and white for the last second.
write("uneven.mp4", "mpeg4", [(0, plain(250, 0, 0)), (500, plain(0, 250, 0)), (750, plain(0, 0, 250)),
                              (2000, plain(250, 250, 250)), (3000, plain(250, 250, 250))],
      {"movflags": "faststart"})
# Two seconds that grow lighter, whose frames are stored in another order than they are shown in.
write("lighter.mp4", "libx264", [(40 * i, plain(*[5 * i] * 3)) for i in range(50)], {"movflags": "faststart"},
      g="12", bf="3", crf="10")
write("lighter.webm", "libvpx-vp9", [(40 * i, plain(*[5 * i] * 3)) for i in range(50)], crf="20", **{"b:v": "0"})
# The left half red and the right half blue, to be turned by a quarter clockwise: as phones write what they film upright.
halves = np.concatenate([np.full((24, 16, 3), (250, 0, 0)), np.full((24, 16, 3), (0, 0, 250))], axis=1)
write("turned.mp4", "mpeg4", [(40 * i, halves) for i in range(5)])
path = FOLDER / "turned.mp4"
data = path.read_bytes()
one = (1 << 16).to_bytes(4, "big")
straight = one + bytes(12) + one + bytes(12) + (1 << 30).to_bytes(4, "big")
minus = (-(1 << 16) & 0xFFFFFFFF).to_bytes(4, "big")
quarter = bytes(4) + one + bytes(4) + minus + bytes(4) + bytes(4) + bytes(8) + (1 << 30).to_bytes(4, "big")
head = data.index(b"tkhd")
place = data.index(straight, head)
path.write_bytes(data[:place] + quarter + data[place + 36:])
