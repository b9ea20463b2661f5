"""What parts of the entropy model are worth: a trained codec as it is and without them, on the same pictures.

    python -m calotype_training.entropy_ablation CHECKPOINT IMAGES --json OUT.json

1. Curves of the codec as the encoder runs it, with symbols rounded to the nearest, and with the first step's means in all steps
   (they were trained for that step's latents only: an upper bound of what the steps gain).
2. Bits that scales would save if they knew more than h: tables of symbols by scale and by how large the neighbours decoded before were,
   against how large their scales let them be. Each half of the pictures is coded with the other half's counts.

Float, cross entropy: Gaussians in 1, counted tables in 2. IMAGES is a folder of pictures or a tar of them.
"""

import argparse
import json
from pathlib import Path

from . import cpu

cpu.set_thread_defaults()

import numpy as np  # noqa: E402
import torch  # noqa: E402

from . import checkpoint, data  # noqa: E402
from .evaluate import bd_rate, ms_ssim_db, padded  # noqa: E402
from .layers import gaussian_bits  # noqa: E402
from .model import Codec  # noqa: E402
from .plan import SCALES, SKIP_BELOW  # noqa: E402
from .rounding import AsEncoder, is_sent  # noqa: E402
from .symbol_counts import code  # noqa: E402

QUALITIES = (10, 20, 30, 40, 50, 60, 70, 80, 90)
NEIGHBOURS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 0.5), (1, -1, 0.5))  # rows up, columns left, weight: same channel
EARLIER = 8  # channels before this one, at the same place, weight 0.5 each
RATIOS = (0.25, 0.45, 0.65, 0.85, 1.1, 1.4, 1.8, 2.5, 4.0)  # borders of the contexts: neighbours' size to what their scales say
CAP = 40  # larger symbols are counted as this one
PRIOR = 30  # symbols of the scale's own table that each context's begins with


def nearest(y, log_sigma):
    return y.round() * is_sent(log_sigma)


class WithoutContext(Codec):
    """`codec` with the first step's means in all steps."""

    def __init__(self, codec):
        torch.nn.Module.__init__(self)  # no parameters of its own
        self.__dict__.update(codec.__dict__)

    def step_mean(self, k, h, y_dec, gains=None):
        return super().step_mean(0, h, y_dec, gains)


@torch.no_grad()
def point(codec, image, q, rounding):
    """uint8 [3,h,w] -> bits per pixel, PSNR and MS-SSIM in dB; symbols and scale indices [M,H/16,W/16]."""
    (h, w), t = image.shape[1:], q / 100
    coded = code(codec, codec.analyse(padded(image, codec.network.side)), t, rounding)
    bits = gaussian_bits(coded.symbols, coded.log_sigma)[coded.index >= SKIP_BELOW].sum()
    if coded.z is not None:
        bits = bits + gaussian_bits(coded.z, codec.z_scales(coded.gains)).sum()
    x_hat = (codec.synthesise(coded.y_hat, coded.gains)[0, :, :h, :w].clamp(0, 1) * 255).round() / 255
    x = image / 255
    psnr = -10 * torch.log10((x_hat - x).square().mean())
    return (float(bits) / (h * w), float(psnr), ms_ssim_db(x_hat, x)), coded.symbols[0].numpy().astype(np.int32), coded.index[0].numpy()


def curve(codec, images, rounding):
    """-> curve as `evaluate.curve`, and the symbols and indices of each quality and picture."""
    rows = [[point(codec, image, q, rounding) for image in images] for q in QUALITIES]
    bpp, psnr, ms_ssim = (([float(np.mean([p[0][i] for p in row])) for row in rows]) for i in range(3))
    return {"q": list(QUALITIES), "bpp": bpp, "psnr_rgb": psnr, "ms_ssim_db": ms_ssim}, [[p[1:] for p in row] for row in rows]


def shifted(a, down, right):
    """a [M,h,w] -> the value `down` rows up and `right` columns left of each place, 0 outside."""
    h, w = a.shape[1:]
    out = np.zeros_like(a)
    to = out[:, down:, max(right, 0) : w + min(right, 0)]
    to[...] = a[:, : h - down, max(-right, 0) : w - max(right, 0)]
    return out


def context(symbols, index, expected):
    """-> context [M,h,w]: how large the neighbours decoded before are, against what their scales say."""

    def around(size):
        near = sum(weight * shifted(size, down, right) for down, right, weight in NEIGHBOURS)
        total = np.concatenate([np.zeros_like(size[:1]), np.cumsum(size, 0)])
        before = total[:-1] - total[np.maximum(np.arange(len(size)) - EARLIER, 0)]
        return near + 0.5 * before

    ratio = (around(np.abs(symbols).astype(float)) + 0.3) / (around(expected[index] * (index >= SKIP_BELOW)) + 0.3)
    return np.digitize(ratio, RATIOS)


def counts(pictures, expected):
    """-> [scale, context, |symbol|] of the coded symbols."""
    total = np.zeros((SCALES, len(RATIOS) + 1, CAP + 1))
    for symbols, index in pictures:
        coded = index >= SKIP_BELOW
        np.add.at(total, (index[coded], context(symbols, index, expected)[coded], np.minimum(np.abs(symbols[coded]), CAP)), 1)
    return total


def bits(test, train, with_context):
    """Of the symbols `test` under tables made of `train`, signs left out: they cost the same in both."""
    own = train.sum(1, keepdims=True) + 1e-3
    own = own / own.sum(-1, keepdims=True)
    table = train + PRIOR * own if with_context else np.broadcast_to(own, train.shape)
    return -(test * np.log2(table / table.sum(-1, keepdims=True))).sum(), test[..., 1:].sum()


def scale_context(pictures):
    """[(symbols, index)] of one quality -> percent of the bits of y that the context changes."""
    index = np.concatenate([i.ravel() for _, i in pictures])
    size = np.concatenate([np.abs(s).ravel() for s, _ in pictures])
    expected = np.bincount(index, size, SCALES) / np.maximum(np.bincount(index, minlength=SCALES), 1)
    halves = [counts(pictures[i::2], expected) for i in (0, 1)]
    total = {}
    for with_context in (False, True):
        parts = [bits(test, train, with_context) for test, train in (halves, halves[::-1])]
        total[with_context] = sum(b + signs for b, signs in parts)
    return float(100 * (total[True] / total[False] - 1))


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="calotype_training.entropy_ablation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("images")
    parser.add_argument("--json", required=True)
    parser.add_argument("--limit", type=int, help="only the first pictures")
    a = parser.parse_args(arguments)
    cpu.keep_heap()
    codec, images = checkpoint.load(a.checkpoint).eval(), data.pictures(a.images, a.limit)
    whole, symbols = curve(codec, images, AsEncoder())
    curves = {"whole": whole, "rounded to nearest": curve(codec, images, nearest)[0]}
    curves["no context"] = curve(WithoutContext(codec), images, AsEncoder())[0]
    lost = {name: bd_rate(whole, points).percent for name, points in curves.items() if name != "whole"}
    known = dict(zip(QUALITIES, map(scale_context, symbols), strict=True))
    for name, percent in lost.items():
        print(f"{name:20} {percent:+6.2f} % BD-rate in PSNR-RGB")
    print("scales by neighbours, % of y:", ", ".join(f"q {q} {percent:+.2f}" for q, percent in known.items()))
    source = f"{a.checkpoint} on {len(images)} pictures of {a.images}, float, cross entropy"
    result = {"source": source, "curves": curves, "bd_rate_percent": lost, "scales_by_neighbours_percent": known}
    Path(a.json).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
