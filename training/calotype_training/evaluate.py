"""Rate (cross entropy) and PSNR-RGB of a checkpoint, and BD-rate against published curves or another checkpoint.

    python -m calotype_training.evaluate CHECKPOINT IMAGES [--curves CURVES.json] [--json OUT.json] [--against OTHER.json]
    python -m calotype_training.evaluate CHECKPOINT IMAGES --integer        under the plan of its QAT
    python -m calotype_training.evaluate CHECKPOINT IMAGES --integer --calibration val.tar     or one made here

IMAGES and --calibration are a folder of pictures or a tar of them. --json writes a curves file, {NAME: {"bpp", ...}}, which
--against and `calotype eval --against FILE NAME` read. Rates and PSNR are means over the pictures; no file is written here.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple

from . import cpu

cpu.set_thread_defaults()

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

from . import checkpoint, data  # noqa: E402
from .ms_ssim import SMALLEST, ms_ssim  # noqa: E402

QUALITIES = (2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100)
ANCHORS = (
    "jpeg-turbo-420-optimized (measured here)",
    "webp-m6 (measured here)",
    "avif-aom-s6-444 (measured here)",
    "bpg-444-x265",
    "mbt2018-mean VARIABLE RATE (CompressAI)",
    "vtm-9.1-444",
)


class BdRate(NamedTuple):
    percent: float  # of rate at equal PSNR; negative: the test needs less
    low_db: float
    high_db: float


def padded(image, side):
    """uint8 [3,h,w] -> float [1,3,H,W] in [0,1], right and bottom replicated to multiples of `side`."""
    h, w = image.shape[1:]
    return F.pad(image[None].float(), (0, -w % side, 0, -h % side), mode="replicate") / 255


@torch.no_grad()
def measure(codec, image, q):
    """-> bits per pixel of the picture itself, PSNR in dB and MS-SSIM in dB of the 8-bit reconstruction. image: uint8 [3,h,w]."""
    h, w = image.shape[1:]
    device = next(codec.parameters()).device
    x = padded(image, codec.network.side).to(device)
    x_hat, bpp_y, bpp_z = codec(x, torch.tensor([q / 100], device=device))
    bits = float(bpp_y + bpp_z) * x.shape[2] * x.shape[3]
    rounded = (x_hat[0, :, :h, :w].clamp(0, 1) * 255).round()
    mse = (rounded - image.to(device)).square().mean().clamp(min=1e-10)
    return bits / (h * w), float(10 * torch.log10(255**2 / mse)), ms_ssim_db(rounded / 255, image.to(device) / 255)


def ms_ssim_db(x_hat, x):
    """-10 log10(1 - MS-SSIM) of [3,h,w] in [0,1]; None for a picture too small for it."""
    if min(x.shape[1:]) < SMALLEST:
        return None
    return float(-10 * torch.log10((1 - ms_ssim(x_hat[None], x[None])).clamp(min=1e-10)))


def curve(codec, images, qualities=QUALITIES):
    """-> {"q", "bpp", "psnr_rgb", "ms_ssim_db"}: means over images (large enough for it), one a quality; "per_image" has all."""
    codec.eval()
    per_image = [[measure(codec, image, q) for image in images] for q in qualities]
    bpp, psnr, ms_ssim = zip(*(map(mean, zip(*images)) for images in per_image))
    return {"q": list(qualities), "bpp": bpp, "psnr_rgb": psnr, "ms_ssim_db": ms_ssim, "per_image": per_image}


def mean(values):
    """Of those that are there; None if none is."""
    there = [v for v in values if v is not None]
    return sum(there) / len(there) if there else None


def rising(points):
    """A curve -> its PSNR and log bpp, both strictly rising; BD-rate has no meaning otherwise."""
    bpp, psnr = np.array(sorted(zip(points["bpp"], points["psnr_rgb"]))).T
    if not (np.diff(bpp) > 0).all() or not (np.diff(psnr) > 0).all():
        raise ValueError("PSNR does not rise with the rate at every point")
    return psnr, np.log(bpp)


def bd_rate(anchor, test):
    """Mean difference of log rate over the whole common range of PSNR, each curve interpolated by PCHIP."""
    from scipy.interpolate import PchipInterpolator

    (psnr_a, rate_a), (psnr_t, rate_t) = rising(anchor), rising(test)
    low, high = max(psnr_a[0], psnr_t[0]), min(psnr_a[-1], psnr_t[-1])
    if low >= high:
        raise ValueError(f"the curves share no PSNR: {psnr_a[0]:.2f}-{psnr_a[-1]:.2f} and {psnr_t[0]:.2f}-{psnr_t[-1]:.2f} dB")
    area_t, area_a = (PchipInterpolator(*c).integrate(low, high) for c in ((psnr_t, rate_t), (psnr_a, rate_a)))
    return BdRate(float(np.expm1((area_t - area_a) / (high - low)) * 100), float(low), float(high))


def comparisons(points, curves_path, against_path):
    """-> {name: BdRate} against the known anchors of a curves file and another checkpoint's curve; says which cannot be compared."""
    curves = json.loads(Path(curves_path).read_text()) if curves_path else {}
    others = {name: curves[name] for name in ANCHORS if name in curves}
    if against_path:
        others |= json.loads(Path(against_path).read_text())
    compared = {}
    for name, other in others.items():
        try:
            compared[name] = bd_rate(other, points)
        except ValueError as error:
            print(f"not comparable with {name}: {error}", file=sys.stderr)
    return compared


def integer_codec(codec, checkpoint_path, calibration_path):
    """The codec run with the decoder's integers, under the plan of its QAT or one made from calibration pictures."""
    from .integer import IntegerCodec
    from .plan import calibrate

    plan = checkpoint.load_plan(checkpoint_path)
    if plan is None:
        if not calibration_path:
            raise SystemExit(f"{checkpoint_path} holds no integer plan: give --calibration, or train it with --qat")
        plan = calibrate(codec.eval(), data.calibration_images(calibration_path))
    return IntegerCodec(codec, plan)


def report(points, compared):
    for q, bpp, psnr in zip(points["q"], points["bpp"], points["psnr_rgb"]):
        print(f"q {q:3d}  {bpp:7.4f} bpp  {psnr:6.3f} dB")
    for name, value in compared.items():
        print(f"{name:42s} {value.percent:+7.2f} %   ({value.low_db:.1f}-{value.high_db:.1f} dB)")


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="calotype_training.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("images")
    parser.add_argument("--curves", help="JSON of published curves")
    parser.add_argument("--against", help="curves file of other checkpoints")
    parser.add_argument("--json", help="write the curve and its comparisons here; - for stdout")
    parser.add_argument("--name", default="calotype", help="of the curve in --json")
    parser.add_argument("--integer", action="store_true")
    parser.add_argument("--calibration", help="pictures for a checkpoint without an integer plan")
    parser.add_argument("--limit", type=int, help="only the first pictures")
    a = parser.parse_args(arguments)
    cpu.keep_heap()
    codec = checkpoint.load(a.checkpoint)
    if a.integer:
        codec = integer_codec(codec, a.checkpoint, a.calibration)
    points = curve(codec, data.pictures(a.images, a.limit))
    compared = comparisons(points, a.curves, a.against)
    bd_rates = {name: value._asdict() for name, value in compared.items()}
    source = f"{a.checkpoint} on {a.images}, {'integer simulation' if a.integer else 'float'}, cross entropy"
    text = json.dumps({a.name: {"source": source, **points, "bd_rate": bd_rates}})
    if a.json == "-":
        sys.stdout.write(text + "\n")
        return
    report(points, compared)
    if a.json:
        Path(a.json).write_text(text + "\n")


if __name__ == "__main__":
    main()
