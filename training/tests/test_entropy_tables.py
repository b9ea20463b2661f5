"""Fitted tables: valid, never worse than Gaussian ones on what they were fitted to, and better on what is no Gaussian."""

import numpy as np
import pytest

from calotype_training import entropy_tables
from calotype_training.plan import sigma_table


def counts_of(values):
    return np.bincount(np.abs(np.rint(values)).astype(int), minlength=200).astype(float)


def bits(freq, counts):
    """Of counts of |symbol| under frequencies of the slots -n..n and the escape, an escape taken as 10 bits more."""
    n = (len(freq) - 2) // 2
    cost = -np.log2(freq / entropy_tables.TOTAL)
    coded = counts[: n + 1]
    return (coded * cost[n : 2 * n + 1][: len(coded)]).sum() + counts[n + 1 :].sum() * (cost[-1] + 10)


@pytest.mark.parametrize("scale", [2, 10, 25, 40])
def test_a_fit_follows_heavy_tails_and_a_dead_zone(scale):
    rng, sigma = np.random.default_rng(scale), sigma_table()[scale]
    values = rng.standard_normal(200_000) * sigma * np.where(rng.random(200_000) < 0.2, 1.6, 0.9)
    values[np.abs(values) < 0.62] = 0  # the encoder's rounding
    counts = counts_of(values)
    gaussian, fitted = entropy_tables.frequencies(sigma), entropy_tables.frequencies(sigma, counts)
    assert fitted.sum() == entropy_tables.TOTAL and fitted.min() >= 1
    assert np.abs(fitted[:-1] - fitted[:-1][::-1]).max() <= 1, "both signs alike, but for the unit that makes the sum"
    gain = 1 - bits(fitted, counts) / bits(gaussian, counts)
    assert gain > 0.002, gain


def test_a_fit_to_nothing_is_the_gaussian():
    for scale in (5, 30):
        sigma = sigma_table()[scale]
        gaussian, fitted = entropy_tables.frequencies(sigma), entropy_tables.frequencies(sigma, np.zeros(2048))
        n, m = (len(gaussian) - 2) // 2, (len(fitted) - 2) // 2
        near = min(n, m, 3)
        np.testing.assert_allclose(fitted[m - near : m + near + 1], gaussian[n - near : n + near + 1], rtol=0.02, atol=8)
