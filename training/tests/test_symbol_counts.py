"""Counting symbols as the encoder rounds them."""

import re
from pathlib import Path

import numpy as np
import torch

from calotype_training import rounding, symbol_counts
from calotype_training.layers import gaussian_bits


def test_the_dead_zone_is_the_encoders():
    encoder = Path(__file__).parents[2] / "crates/calotype/src/encode.rs"
    (constant,) = re.findall(r"DEFAULT_DEAD_ZONE: u8 = (\d+);", encoder.read_text())
    assert int(constant) / 256 == rounding.DEAD_ZONE


def test_values_are_rounded_up_from_0_where_it_pays():
    log_sigma = torch.tensor(0.3).log()
    one, zero = (float(gaussian_bits(torch.tensor(v), log_sigma)) for v in (1.0, 0.0))
    threshold = 0.5 + rounding.DEAD_ZONE * (one - zero)
    assert 0.52 < threshold < 1
    y = torch.tensor([0.0, threshold - 0.01, threshold + 0.01, 0.01 - threshold, -threshold - 0.01, 1.4, 1.6, -2.6])
    expected = torch.tensor([0.0, 0, 1, 0, -1, 1, 2, -3])
    assert torch.equal(rounding.AsEncoder()(y, log_sigma.expand_as(y)), expected)


def test_every_coded_symbol_is_counted_under_its_scale(codec):
    torch.manual_seed(2)
    images = (torch.rand(2, 3, 128, 64) * 255).byte()
    counts = symbol_counts.count(codec, images, qualities=(0.1, 0.9))
    latents, hyper = codec.network.latents.channels * 8 * 4, codec.network.hyper.channels * 2 * 1
    z_index = [rounding.scale_index(codec.z_scales(codec.gains(torch.tensor([t])))) for t in (0.1, 0.9)]
    z_below = sum(int((index < symbol_counts.SKIP_BELOW).sum()) * 2 for index in z_index)
    assert counts[: symbol_counts.SKIP_BELOW].sum() == 2 * z_below, "of small scales z alone is coded"
    assert 4 * hyper < counts.sum() <= 4 * (latents + hyper)
    assert (counts[:, 1:].sum(1) > 0).sum() > 3 and np.count_nonzero(counts) > 20, "the pictures are no blanks"
