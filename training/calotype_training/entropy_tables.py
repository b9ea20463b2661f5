"""Integer tables of the entropy coder: a CDF per scale (docs/FORMAT.md section 6), log sigma to table (docs/MODEL.md section 3)."""

import math

import numpy as np

from .layers import LOG_SIGMA_MAX, LOG_SIGMA_MIN
from .plan import LOG_SIGMA_STEP, LOG_SIGMA_UNIT, SCALES, sigma_table

TOTAL = 1 << 15  # sum of the frequencies of a table
RATIOS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)  # of the sigmas of a fitted table's mixture to its scale's
PRIOR = 200  # symbols of the plain Gaussian that a fit begins with
LUT_SIZE, LUT_OFFSET, LUT_STEP = 512, 2112, 8


def gaussian_mass(v, sigma):
    """Mass of N(0, sigma) on [v - 1/2, v + 1/2], accurate in the tail."""
    v, k = abs(v), 1 / (sigma * math.sqrt(2))
    if v == 0:
        return math.erf(0.5 * k)
    return 0.5 * (math.erfc((v - 0.5) * k) - math.erfc((v + 0.5) * k))


def mixture_mass(v, sigma, weights):
    """Mass of |symbol| = v under a mixture of Gaussians of sigma x RATIOS."""
    return (1 + (v > 0)) * sum(w * gaussian_mass(v, sigma * ratio) for w, ratio in zip(weights, RATIOS, strict=True))


def fit(counts, sigma, rounds=500):
    """Counts of |symbol| = 0.. at one scale -> (weights of the mixture, share of 1 among 0 and 1).

    Expectation maximisation, with PRIOR symbols of the Gaussian itself added. The encoder's rounding moves symbols from 1 to 0, which no
    mixture of Gaussians can follow: so both are one bin for the mixture, and share it as they were counted.
    """
    span = len(counts)
    mass = np.array([[(1 + (v > 0)) * gaussian_mass(v, sigma * ratio) for v in range(span)] for ratio in RATIOS])
    counts = counts + PRIOR * mass[RATIOS.index(1.0)]
    one = counts[1] / (counts[0] + counts[1])
    mass, counts = (np.concatenate([x[..., :2].sum(-1, keepdims=True), x[..., 2:]], -1) for x in (mass, counts))
    weights = np.full(len(RATIOS), 1 / len(RATIOS))
    for _ in range(rounds):
        part = weights[:, None] * mass
        weights = (part / part.sum(0).clip(1e-300) * counts).sum(1) / counts.sum()
    return weights / weights.sum(), one


def frequencies(sigma, counts=None):
    """int frequencies of the slots -n..n and the escape. A symbol has a slot of its own where its mass is at least half a unit.

    Without counts those of N(0, sigma), else of what `fit` makes of them.
    """
    weights, one = (np.array(RATIOS) == 1.0, None) if counts is None else fit(counts, sigma)
    mass = [mixture_mass(0, sigma, weights)]
    while (next_mass := mixture_mass(len(mass), sigma, weights)) * TOTAL >= 1:
        mass.append(next_mass)
    if one is not None and len(mass) > 1:
        mass[:2] = (mass[0] + mass[1]) * (1 - one), (mass[0] + mass[1]) * one
    sides = np.array(mass[1:]) / 2
    mass = np.concatenate([sides[::-1], mass[:1], sides])
    mass = np.append(mass, max(1 - mass.sum(), 0.1 / TOTAL))
    return rounded(mass)


def rounded(mass):
    """Masses that sum to about 1 -> frequencies that sum to TOTAL, each at least 1."""
    freq = np.maximum(np.rint(mass * TOTAL), 1).astype(np.int64)
    while (surplus := int(freq.sum()) - TOTAL) != 0:  # a unit less where there are too many for the mass, or one more where too few
        ratio = freq / mass
        if surplus > 0:
            freq[np.argmax(np.where(freq > 1, ratio, 0))] -= 1
        else:
            freq[np.argmin(ratio)] += 1
    return freq


def cdf_tables(counts=None):
    """Counts of |symbol| [64, n], or None for Gaussians -> cdf_sizes u16 [64], cdf u16 [sum of 2n + 2]: the start of each slot."""
    sizes, starts = [], []
    for i, sigma in enumerate(sigma_table()):
        freq = frequencies(sigma, None if counts is None else counts[i])
        sizes.append((len(freq) - 2) // 2)
        starts.append(np.concatenate([[0], np.cumsum(freq)[:-1]]))
    return np.array(sizes, np.uint16), np.concatenate(starts).astype(np.uint16)


def scale_lut():
    """u8 [512]: scale index of (s + LUT_OFFSET) >> 3, s = log sigma in Q8 before the soft floor."""
    s = (np.arange(LUT_SIZE) * LUT_STEP + (LUT_STEP - 1) / 2 - LUT_OFFSET) * LOG_SIGMA_UNIT
    log_sigma = np.minimum(LOG_SIGMA_MIN + np.logaddexp(0, s - LOG_SIGMA_MIN), LOG_SIGMA_MAX)
    return np.clip(np.rint((log_sigma - LOG_SIGMA_MIN) / LOG_SIGMA_STEP), 0, SCALES - 1).astype(np.uint8)
