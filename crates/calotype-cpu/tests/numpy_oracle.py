"""Prints the constants of the `the_numpy_..._agrees` tests in scalar.rs: the same numbers through the NumPy reference decoder and its operations.

    cargo run -p calotype-model --example synthetic -- /tmp tiny 1
    PYTHONPATH=training/calotype_training python crates/calotype-cpu/tests/numpy_oracle.py /tmp/synthetic
"""
import json
import struct
import sys
import zlib

import numpy as np
from reference_decoder import DTYPES, Model, hyper_synthesis, means, round_shift, scales, synthesis


class Encoder(Model):
    """The encoder part, read without the decoder's demands."""

    def __init__(self, file):
        size = struct.unpack_from("<Q", file)[0]
        entries = json.loads(file[8:8 + size])
        self.config, self.tensor = json.loads(entries.pop("__metadata__")["config"]), {}
        for name, e in entries.items():
            a, b = (8 + size + o for o in e["data_offsets"])
            self.tensor[name] = np.frombuffer(file[a:b], DTYPES[e["dtype"]]).reshape(e["shape"]).astype(np.int64)

    def through(self, name, x):
        return self.stream(name, self.accumulate(name, x))


def unshuffle(x, r):
    """[rh, rw, C] -> [h, w, r*r*C]."""
    h, w, c = x.shape
    return x.reshape(h // r, r, w // r, r, c).transpose(0, 2, 1, 3, 4).reshape(h // r, w // r, r * r * c)


def through(m, name, x):
    return m.stream(name, m.accumulate(name, x))


def analysis(m, rgb):
    height, width, _ = rgb.shape
    x = 2 * np.pad(rgb, ((0, -height % 64), (0, -width % 64), (0, 0)), "edge") - 255
    s = through(m, "g_a.first", unshuffle(x, 8))
    for i in range(m.config["n_e"]):
        s = m.block(f"g_a.blocks.{i}", s)
    return through(m, "g_a.last", unshuffle(s, 2))


def hyper_analysis(m, v, quality):
    s = m.block("h_a.block1", through(m, "h_a.first", m.read("h_a.first", v)))
    s = m.block("h_a.block2", through(m, "h_a.mid", unshuffle(m.read("h_a.mid", s), 2)))
    s = through(m, "h_a.last", unshuffle(m.read("h_a.last", s), 2))
    return round_shift(s * m.at_fineness("gain.z", quality), m["gain.z_shift"])


def crc(array, dtype):
    return f"0x{zlib.crc32(np.ascontiguousarray(array.astype(dtype)).tobytes()):08x}"


def decoder_constants(model):
    i = np.arange(2 * 3 * 8)
    z = ((i * i * 7 + i * 13) % 41 - 20).reshape(2, 3, 8)
    i = np.arange(7 * 10 * 24)
    symbols = ((i * i * 11 + i * 5) % 23 - 11).reshape(7, 10, 24)
    for quality in (0, 8001, 16128):
        h8 = hyper_synthesis(model, z, quality, 7, 10)
        v_hat = means(model, h8, symbols, quality)
        pixels = synthesis(model, v_hat, quality)[:100, :150]
        print(quality, crc(h8, "<i1"), crc(scales(model, h8, quality, 7, 10), "<u1"), crc(v_hat, "<i2"), crc(pixels, "<u1"))


def encoder_constants(model):
    y, x, c = np.mgrid[:70, :90, :3]
    v = analysis(model, (x * (c + 3) + y * 5) % 199 + (x * x + 7 * y * x + c * 31) % 57)
    print("encoder", crc(v, "<i2"), *(crc(hyper_analysis(model, v, quality), "<i2") for quality in (0, 8001, 16128)))


def main():
    with open(sys.argv[1] + ".decoder.safetensors", "rb") as decoder, open(sys.argv[1] + ".encoder.safetensors", "rb") as encoder:
        decoder_constants(Model(decoder.read()))
        encoder_constants(Encoder(encoder.read()))


main()
