"""How latents become symbols: to the nearest, or as the encoder rounds them (docs/MODEL.md section 6)."""

import torch

from .layers import LOG_SIGMA_MIN, gaussian_bits
from .plan import LOG_SIGMA_STEP, SCALES, SKIP_BELOW

DEAD_ZONE = 4 / 256  # the encoder's default: what a bit is worth when a symbol is rounded


def scale_index(log_sigma):
    """log sigma in units of symbols, any shape -> long of that shape, entries of the sigma table."""
    return ((log_sigma - LOG_SIGMA_MIN) / LOG_SIGMA_STEP).round().clamp(0, SCALES - 1).long()


def is_sent(log_sigma):
    """log sigma, any shape -> bool: symbols of smaller scales are 0 by rule."""
    return scale_index(log_sigma) >= SKIP_BELOW


def nearest(y, _log_sigma):
    """Latents less their means -> symbols, whatever their scale: what the float codec trains with."""
    return y.round()


class AsEncoder:
    """Latents less their means, log sigma, of one shape -> symbols: rounded up from 0 only where that pays for the bits of a 1."""

    def __init__(self, dead_zone=DEAD_ZONE):
        self.dead_zone = dead_zone

    @torch.no_grad()
    def __call__(self, y, log_sigma):
        one, zero = (gaussian_bits(torch.full_like(y, v), log_sigma) for v in (1.0, 0.0))
        up = (y.abs() >= 0.5 + self.dead_zone * (one - zero)).to(y.dtype)
        return torch.where(y.abs() < 1, y.sign() * up, y.round()) * is_sent(log_sigma)
