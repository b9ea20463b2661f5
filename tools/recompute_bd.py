#!/usr/bin/env python3
"""Recomputes rate, PSNR and BD-rate from files alone: no Rust code, nothing that `calotype eval` printed.

    calotype eval DIR --keep KEPT [-q LIST]
    python3 tools/recompute_bd.py KEPT DIR [CURVES.json NAME...]          needs numpy, pillow, scipy

KEPT holds NAME.qQ.calo and NAME.qQ.png for each image NAME of DIR and each quality Q. Rate is the size of the .calo file,
PSNR is over all samples of the PNG against the original. BD-rate: PCHIP of log bpp over mean PSNR, the whole common range.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.interpolate import PchipInterpolator


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"), np.float64)


def measure(kept, originals):
    """{quality: [(bpp, psnr_db) of each image]}"""
    points = {}
    for name in sorted({match[1] for path in kept.iterdir() if (match := re.fullmatch(r"(.+)\.q[0-9.]+\.calo", path.name))}):
        original = pixels(originals / name)
        for calo in kept.glob(f"{name}.q*.calo"):
            decoded = pixels(calo.with_suffix(".png"))
            if decoded.shape != original.shape:
                raise SystemExit(f"{calo}: decoded {decoded.shape}, original {original.shape}")
            quality = float(re.search(r"\.q([0-9.]+)\.calo$", calo.name)[1])
            psnr_db = 10 * np.log10(255**2 / np.mean((decoded - original) ** 2))
            points.setdefault(quality, []).append((8 * calo.stat().st_size / (original.shape[0] * original.shape[1]), psnr_db))
    if not points or len({len(images) for images in points.values()}) != 1:
        raise SystemExit(f"{kept}: needs NAME.qQ.calo for every image and quality, as `calotype eval --keep` writes them")
    return points


def bd_rate(tested, anchor):
    """Percent and the common range; curves are (bpp, decibels)."""
    curves = [PchipInterpolator(decibels, np.log(bpp)) for bpp, decibels in (tested, anchor)]
    low, high = max(curve.x[0] for curve in curves), min(curve.x[-1] for curve in curves)
    difference = [curve.integrate(low, high) / (high - low) for curve in curves]
    return (np.exp(difference[0] - difference[1]) - 1) * 100, low, high


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kept", type=Path)
    parser.add_argument("originals", type=Path)
    parser.add_argument("against", nargs="*", metavar="CURVES.json NAME")
    args = parser.parse_args()
    points = measure(args.kept, args.originals)
    means = [np.mean(points[quality], axis=0) for quality in sorted(points)]
    for quality, (bpp, psnr_db) in zip(sorted(points), means):
        print(f"quality {quality:5g}  {bpp:.4f} bpp  {psnr_db:.3f} dB  ({len(points[quality])} images)")
    bpp, psnr_db = np.transpose(means)
    rising = bool(np.all(np.diff(bpp) > 0) and np.all(np.diff(psnr_db) > 0))
    print("rate and PSNR rise at every step" if rising else "rate or PSNR does NOT rise at every step")
    curves = json.loads(Path(args.against[0]).read_text()) if args.against else {}
    for name in args.against[1:]:
        percent, low, high = bd_rate((bpp, psnr_db), (curves[name]["bpp"], curves[name]["psnr_rgb"]))
        print(f"BD-rate {percent:+.2f} % over {low:.2f}..{high:.2f} dB against {name}")


if __name__ == "__main__":
    main()
