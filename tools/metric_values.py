#!/usr/bin/env python3
"""Prints the values that crates/calotype-bench/src/metric_tests.rs expects, from SciPy and NumPy alone."""

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import correlate1d

X = [23.9, 25.0, 28.5, 28.75, 33.0, 40.0]
Y = [-2.0, -1.5, -1.25, 0.5, 0.25, 1.5]
TESTED = ([0.11, 0.2, 0.45, 1.0, 2.1], [26.0, 28.5, 31.75, 35.5, 39.25])
ANCHOR = ([0.15, 0.27, 0.46, 1.2, 2.2, 3.1], [23.85, 26.67, 29.14, 34.0, 38.03, 40.56])
WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]


def bd_rate(tested, anchor):
    """Percent and range: PCHIP of log bpp over decibels, the whole common range."""
    curves = [PchipInterpolator(decibels, np.log(bpp)) for bpp, decibels in (tested, anchor)]
    low, high = max(c.x[0] for c in curves), min(c.x[-1] for c in curves)
    mean = [c.integrate(low, high) / (high - low) for c in curves]
    return (np.exp(mean[0] - mean[1]) - 1) * 100, low, high


def pictures(width, height):
    """Two pictures that differ, from integers alone: [height, width, 3] uint8."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    original = ((x * x // 7 + y * 3 + x * y // 11 + c * 40) // 4 % 256).astype(np.uint8)
    noise = (x * 13 + y * 29 + c * 7) % 23
    decoded = np.clip(original.astype(int) + noise - 11, 0, 255).astype(np.uint8)
    return original, decoded


def blur(plane):
    taps = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()
    whole = correlate1d(correlate1d(plane, taps, axis=0), taps, axis=1)
    return whole[5:-5, 5:-5]


def ms_ssim(a, b):
    product = 1.0
    for scale, weight in enumerate(WEIGHTS):
        if scale:
            a, b = [p[: p.shape[0] // 2 * 2, : p.shape[1] // 2 * 2] for p in (a, b)]
            a, b = [p.reshape(p.shape[0] // 2, 2, p.shape[1] // 2, 2).mean((1, 3)) for p in (a, b)]
        ma, mb = blur(a), blur(b)
        cov, va, vb = blur(a * b) - ma * mb, blur(a * a) - ma * ma, blur(b * b) - mb * mb
        contrast = (2 * cov + 58.5225) / (va + vb + 58.5225)
        ssim = contrast * (2 * ma * mb + 6.5025) / (ma * ma + mb * mb + 6.5025)
        product *= (ssim if scale == 4 else contrast).mean() ** weight
    return product


def main():
    curve = PchipInterpolator(X, Y)
    print("slopes", [float(v) for v in curve(X, 1)])
    for pair in [(23.9, 40.0), (24.25, 36.5), (28.5, 28.6), (29.0, 30.0)]:
        print("integral", pair, float(curve.integrate(*pair)))
    print("bd-rate", [float(v) for v in bd_rate(TESTED, ANCHOR)])
    for size in [(200, 180), (193, 177)]:
        original, decoded = [p.astype(float) for p in pictures(*size)]
        print("ms-ssim", size, np.mean([ms_ssim(original[..., c], decoded[..., c]) for c in range(3)]))


if __name__ == "__main__":
    main()
