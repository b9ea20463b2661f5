"""Integer tables of the entropy coder: a CDF per sigma (docs/FORMAT.md section 6), log sigma to table (docs/MODEL.md section 3)."""

import math

import numpy as np

from .layers import LOG_SIGMA_MAX, LOG_SIGMA_MIN
from .plan import LOG_SIGMA_STEP, LOG_SIGMA_UNIT, SCALES, sigma_table

TOTAL = 1 << 15  # sum of the frequencies of a table
LUT_SIZE, LUT_OFFSET, LUT_STEP = 512, 2112, 8


def gaussian_mass(v, sigma):
    """Mass of N(0, sigma) on [v - 1/2, v + 1/2], accurate in the tail."""
    v, k = abs(v), 1 / (sigma * math.sqrt(2))
    if v == 0:
        return math.erf(0.5 * k)
    return 0.5 * (math.erfc((v - 0.5) * k) - math.erfc((v + 0.5) * k))


def frequencies(sigma):
    """int frequencies of the slots -n..n and the escape. A symbol has a slot of its own where its mass is at least half a unit."""
    n = 0
    while gaussian_mass(n + 1, sigma) * TOTAL >= 0.5:
        n += 1
    mass = np.array([gaussian_mass(v, sigma) for v in range(-n, n + 1)] + [math.erfc((n + 0.5) / (sigma * math.sqrt(2)))])
    freq = np.maximum(np.rint(mass * TOTAL), 1).astype(np.int64)
    while (surplus := int(freq.sum()) - TOTAL) != 0:  # a unit less where there are too many for the mass, or one more where too few
        ratio = freq / mass
        if surplus > 0:
            freq[np.argmax(np.where(freq > 1, ratio, 0))] -= 1
        else:
            freq[np.argmin(ratio)] += 1
    return freq


def cdf_tables():
    """-> cdf_sizes u16 [64], cdf u16 [sum of 2n + 2]: the start of each slot."""
    sizes, starts = [], []
    for sigma in sigma_table():
        freq = frequencies(sigma)
        sizes.append((len(freq) - 2) // 2)
        starts.append(np.concatenate([[0], np.cumsum(freq)[:-1]]))
    return np.array(sizes, np.uint16), np.concatenate(starts).astype(np.uint16)


def scale_lut():
    """u8 [512]: scale index of (s + LUT_OFFSET) >> 3, s = log sigma in Q8 before the soft floor."""
    s = (np.arange(LUT_SIZE) * LUT_STEP + (LUT_STEP - 1) / 2 - LUT_OFFSET) * LOG_SIGMA_UNIT
    log_sigma = np.minimum(LOG_SIGMA_MIN + np.logaddexp(0, s - LOG_SIGMA_MIN), LOG_SIGMA_MAX)
    return np.clip(np.rint((log_sigma - LOG_SIGMA_MIN) / LOG_SIGMA_STEP), 0, SCALES - 1).astype(np.uint8)
