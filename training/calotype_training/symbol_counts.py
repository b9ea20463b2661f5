"""How often each symbol occurs at each scale when training pictures are encoded: what the exporter fits its tables to.

The Gaussian of the training loss is close but not the truth: tails are heavier, and the encoder's rounding prefers 0 (docs/DECISIONS.md).
"""

from typing import NamedTuple

import numpy as np
import torch

from .layers import LOG_SIGMA_MIN, gaussian_bits, step_masks
from .model import Gains
from .plan import LOG_SIGMA_STEP, SCALES, SKIP_BELOW

LARGEST = 2047  # larger symbols are counted as this one
DEAD_ZONE = 4 / 256  # the encoder's default: what a bit is worth when a symbol is rounded
QUALITIES = (0.02, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0)


def scale_index(log_sigma):
    return ((log_sigma - LOG_SIGMA_MIN) / LOG_SIGMA_STEP).round().clamp(0, SCALES - 1).long()


def round_as_encoder(y, log_sigma):
    """|y| is rounded up from 0 only where that pays for the bits between 0 and 1 (docs/MODEL.md section 6)."""
    one, zero = (gaussian_bits(torch.full_like(y, v), log_sigma) for v in (1.0, 0.0))
    up = (y.abs() >= 0.5 + DEAD_ZONE * (one - zero)).to(y.dtype)
    return torch.where(y.abs() < 1, y.sign() * up, y.round())


def y_symbols(codec, y, h, gains, log_sigma, rounding=round_as_encoder):
    """Latents y [B,M,h,w] -> the symbols that the encoder sends, step by step as the means follow from them, and y_hat of the decoder."""
    symbols = y_hat = torch.zeros_like(y)
    coded = scale_index(log_sigma) >= SKIP_BELOW
    for k, mask in enumerate(step_masks(y)):
        mean = codec.step_mean(k, h, y_hat * gains.dec) * gains.y
        step = rounding(y - mean, log_sigma) * coded
        symbols = torch.where(mask, step, symbols)
        y_hat = torch.where(mask, step + mean, y_hat)
    return symbols, y_hat


class Coded(NamedTuple):
    """What the encoder makes of a picture at a quality."""

    gains: Gains
    z: torch.Tensor  # symbols [1,Z,H/64,W/64]
    log_sigma: torch.Tensor  # of y, [1,M,H/16,W/16]
    index: torch.Tensor  # scale indices of y
    symbols: torch.Tensor  # y
    y_hat: torch.Tensor  # the decoder's


def code(codec, v, t, rounding=round_as_encoder):
    """Latents v [1,M,H/16,W/16] before scaling and t in [0, 1] -> Coded."""
    gains = codec.gains(torch.tensor([t]))
    z = codec.hyper_analyse(v, gains).round()
    h = codec.hyper_synthesise(z, gains)
    log_sigma = codec.scales(h, gains)
    symbols, y_hat = y_symbols(codec, v * gains.y, h, gains, log_sigma, rounding)
    return Coded(gains, z, log_sigma, scale_index(log_sigma), symbols, y_hat)


def add(counts, symbols, index):
    np.add.at(counts, (index.flatten().numpy(), symbols.abs().clamp(max=LARGEST).long().flatten().numpy()), 1)


@torch.no_grad()
def count(codec, images, qualities=QUALITIES):
    """-> int64 [SCALES, LARGEST + 1] of |symbol|, y and z. codec: float or integer; images: uint8 [3, h, w], sides multiples of 64."""
    codec.eval()
    counts = np.zeros((SCALES, LARGEST + 1), np.int64)
    for image in images:
        v = codec.analyse(image[None].float() / 255)
        for t in qualities:
            coded = code(codec, v, t)
            sent = coded.index >= SKIP_BELOW
            add(counts, coded.symbols[sent], coded.index[sent])
            add(counts, coded.z, scale_index(codec.z_scales(coded.gains)).expand_as(coded.z))
    return counts
