"""How often each symbol occurs at each scale when training pictures are encoded: what the exporter fits its tables to.

The Gaussian of the training loss is close but not the truth: tails are heavier, and the encoder's rounding prefers 0 (docs/DECISIONS.md).
"""

from typing import NamedTuple

import numpy as np
import torch

from .model import Gains
from .plan import SCALES, SKIP_BELOW
from .rounding import AsEncoder, scale_index

LARGEST = 2047  # larger symbols are counted as this one
QUALITIES = (0.02, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0)


class Coded(NamedTuple):
    """What the encoder makes of a picture at a quality."""

    gains: Gains
    z: torch.Tensor | None  # symbols [1,Z,H/64,W/64], if there are hyper-networks
    log_sigma: torch.Tensor  # of y, [1,M,H/16,W/16]
    index: torch.Tensor  # scale indices of y
    symbols: torch.Tensor  # y
    y_hat: torch.Tensor  # the decoder's


def code(codec, v, t, rounding):
    """Latents v [1,M,H/16,W/16] before scaling, t in [0, 1], rounding (y - mean, log sigma) -> symbols; -> Coded."""
    rows = codec.gains(torch.tensor([t]))
    _, z, h = codec.hyper(v, rows, torch.round)
    gains = codec.gains_at(rows, h)
    log_sigma = codec.scales(h, gains).expand_as(v)
    mean, y_hat = codec.quantise_in_steps(v * gains.y, h, gains, log_sigma, rounding)
    return Coded(gains, z, log_sigma, scale_index(log_sigma), (y_hat - mean).round(), y_hat)


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
            coded = code(codec, v, t, AsEncoder())
            sent = coded.index >= SKIP_BELOW
            add(counts, coded.symbols[sent], coded.index[sent])
            if coded.z is not None:
                add(counts, coded.z, scale_index(codec.z_scales(coded.gains)).expand_as(coded.z))
    return counts
