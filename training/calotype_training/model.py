"""The Calotype network in float (DESIGN.md sections 3-5): five operations and a four-step mean context.

Shapes are NCHW, memory is channels last; x is RGB in [0, 1], H and W multiples of 64; t [B] is the quality in [0, 1].
Scales come from h_s alone, so all y symbols decode in one pass; the context steps refine means only.
Every network works in the *dequantised* domain, whose range does not depend on the quality: only the symbols are scaled,
by gain(t) before rounding and by its own table gain_dec(t) after.
Parameter names are a contract: the same keys are in checkpoints, in model files, in Rust and in errors.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from .layers import (
    Block,
    WidePointwise,
    blocks,
    channels_last,
    gaussian_bits,
    pointwise,
    round_ste,
    sigma_range,
    step_masks,
    straight_through,
)
from .rounding import nearest


@dataclass(frozen=True)
class Size:
    C: int = 128  # hidden channels at 1/8
    M: int = 384  # latent channels at 1/16, a multiple of 4
    Z: int = 64  # hyper-latent channels at 1/64
    P: int = 160  # width of the entropy-parameter networks
    n_e: int = 4  # blocks in g_a
    n_d: int = 6  # blocks in g_s
    knots: int = 8  # knots of the quality tables
    lambda_min: float = 0.0006
    lambda_max: float = 0.25


class Gains(NamedTuple):
    """Rows of the quality tables at t, each [B, channels, 1, 1]."""

    log_y: torch.Tensor
    y: torch.Tensor  # before rounding y
    dec: torch.Tensor  # after rounding y
    log_z: torch.Tensor


class Analysis(nn.Module):
    """g_a: [B,3,H,W] centred at 0 -> v [B,M,H/16,W/16], latents before scaling."""

    def __init__(self, s):
        super().__init__()
        self.first, self.blocks, self.last = WidePointwise(192, s.C), blocks(s.n_e, s.C, 2), WidePointwise(4 * s.C, s.M)

    def forward(self, x):
        return self.last(F.pixel_unshuffle(self.blocks(self.first(F.pixel_unshuffle(x, 8))), 2))


class Synthesis(nn.Module):
    """g_s: [B,M,H/16,W/16] dequantised and bias(t) [B,C,1,1] -> [B,3,H,W] centred at 0."""

    def __init__(self, s):
        super().__init__()
        self.first, self.blocks, self.last = WidePointwise(s.M, 4 * s.C), blocks(s.n_d, s.C, 2), WidePointwise(s.C, 192)

    def forward(self, y_dec, bias):
        return F.pixel_shuffle(self.last(self.blocks(F.pixel_shuffle(self.first(y_dec), 2) + bias)), 8)


class HyperAnalysis(nn.Module):
    """h_a: v [B,M,H/16,W/16] -> [B,Z,H/64,W/64] before scaling."""

    def __init__(self, s):
        super().__init__()
        self.first, self.block1 = pointwise(s.M, s.P), Block(s.P, 1)
        self.mid, self.block2 = pointwise(4 * s.P, s.P), Block(s.P, 1)
        self.last = pointwise(4 * s.P, s.Z)

    def forward(self, v):
        v = self.block1(self.first(v))
        v = self.block2(self.mid(F.pixel_unshuffle(v, 2)))
        return self.last(F.pixel_unshuffle(v, 2))


class HyperSynthesis(nn.Module):
    """h_s: [B,Z,H/64,W/64] dequantised -> h [B,P,H/16,W/16]."""

    def __init__(self, s):
        super().__init__()
        self.first, self.block1 = pointwise(s.Z, 4 * s.P), Block(s.P, 1)
        self.mid, self.block2 = pointwise(s.P, 4 * s.P), Block(s.P, 1)

    def forward(self, z_dec):
        h = self.block1(F.pixel_shuffle(self.first(z_dec), 2))
        return self.block2(F.pixel_shuffle(self.mid(h), 2))


class ContextStep(nn.Module):
    """context_k: h [B,P,h,w] and the dequantised latents known so far [B,M,h,w] -> means [B,M,h,w] before scaling."""

    def __init__(self, s):
        super().__init__()
        self.first, self.block, self.last = pointwise(s.P + s.M, s.P), Block(s.P, 1), pointwise(s.P, s.M)

    def forward(self, h, y_dec):
        return self.last(self.block(self.first(torch.cat([h, y_dec.to(h.dtype)], 1))))


class Codec(nn.Module):
    """The order in which parameters are registered is the order of Adam's state in run folders: append only."""

    def __init__(self, size=None):
        super().__init__()
        s = self.size = size or Size()
        self.g_a, self.g_s, self.h_a, self.h_s = Analysis(s), Synthesis(s), HyperAnalysis(s), HyperSynthesis(s)
        self.scale_head, self.mean_head = pointwise(s.P, s.M), pointwise(s.P, s.M)
        self.context = nn.ModuleList(ContextStep(s) for _ in range(3))
        self.rounding = nearest  # (y - mean, log sigma) -> symbols
        self.log_sigma_z = nn.Parameter(torch.zeros(s.Z))
        # quality tables, one row a knot, interpolated over t
        self.log_gain_y = nn.Parameter(torch.zeros(s.knots, s.M))
        self.log_gain_dec = nn.Parameter(torch.zeros(s.knots, s.M))  # starts as the inverse of gain_y
        self.log_gain_z = nn.Parameter(torch.zeros(s.knots, s.Z))
        self.bias_dec = nn.Parameter(torch.zeros(s.knots, s.C))  # tells g_s how coarse the latents are

    def lam(self, t):
        return self.size.lambda_min * (self.size.lambda_max / self.size.lambda_min) ** t

    def at(self, table, t):
        """Rows of a quality table [knots, channels] at t [B] -> [B, channels, 1, 1]."""
        x = t * (self.size.knots - 1)
        i = x.floor().clamp(0, self.size.knots - 2).long()
        f = (x - i)[:, None]
        return (table[i] * (1 - f) + table[i + 1] * f)[:, :, None, None]

    def gains(self, t):
        log_y = self.at(self.log_gain_y, t)
        return Gains(log_y, log_y.exp(), self.at(self.log_gain_dec, t).exp(), self.at(self.log_gain_z, t))

    def analyse(self, x):
        """x [B,3,H,W] -> v [B,M,H/16,W/16] float32, latents before scaling."""
        return self.g_a(channels_last(x) - 0.5).float()

    def hyper_analyse(self, v, gains):
        """v -> z [B,Z,H/64,W/64] float32, in units of symbols."""
        return self.h_a(v).float() * gains.log_z.exp()

    def hyper_synthesise(self, z_hat, gains):
        """z_hat [B,Z,H/64,W/64] -> h [B,P,H/16,W/16]."""
        return self.h_s(z_hat * (-gains.log_z).exp())

    def scales(self, h, gains):
        """h -> log sigma of y [B,M,H/16,W/16], in units of symbols."""
        return sigma_range(self.scale_head(h).float() + gains.log_y)

    def z_scales(self, gains):
        """-> log sigma of z [B,Z,1,1]."""
        return sigma_range(self.log_sigma_z[:, None, None] + gains.log_z)

    def step_mean(self, k, h, y_dec):
        """h and the dequantised latents known before step k -> means [B,M,H/16,W/16] before scaling."""
        return (self.mean_head(h) if k == 0 else self.context[k - 1](h, y_dec)).float()

    def quantise_in_steps(self, y, h, gains, log_sigma, rounding):
        """y, h, log sigma of y -> means and y_hat [B,M,H/16,W/16]: each step sees the latents of the steps before it.

        rounding: (y - mean, log sigma) -> symbols, all of one shape.
        """
        mean = y_hat = torch.zeros_like(y)
        for k, mask in enumerate(step_masks(y)):
            mu = self.step_mean(k, h, y_hat * gains.dec) * gains.y
            mean = torch.where(mask, mu, mean)
            y_hat = torch.where(mask, straight_through(rounding(y - mu, log_sigma), y - mu) + mu, y_hat)
        return mean, y_hat

    def synthesise(self, y_hat, t, gains):
        """y_hat [B,M,H/16,W/16] -> x_hat [B,3,H,W] float32, not clamped."""
        return self.g_s(y_hat * gains.dec, self.at(self.bias_dec, t)).float() + 0.5

    def charged(self, v, symbols):
        """What the rate is counted of, of v's shape: the symbols, and in training v with uniform noise in their stead."""
        return v + torch.rand_like(v) - 0.5 if self.training else symbols

    def forward(self, x, t):
        """x [B,3,H,W], t [B] -> x_hat [B,3,H,W], bits per pixel of y [B], bits per pixel of z [B]."""
        gains = self.gains(t)
        v = self.analyse(x)
        y, z = v * gains.y, self.hyper_analyse(v, gains)
        z_hat = round_ste(z)
        h = self.hyper_synthesise(z_hat, gains)
        log_sigma = self.scales(h, gains)
        mean, y_hat = self.quantise_in_steps(y, h, gains, log_sigma, self.rounding)
        pixels = x.shape[2] * x.shape[3]
        bpp_y = gaussian_bits(self.charged(y - mean, y_hat - mean), log_sigma).sum((1, 2, 3)) / pixels
        bpp_z = gaussian_bits(self.charged(z, z_hat), self.z_scales(gains)).sum((1, 2, 3)) / pixels
        return self.synthesise(y_hat, t, gains), bpp_y, bpp_z


@torch.no_grad()
def kilo_macs_per_pixel(codec):
    """Multiply-adds of each network over a picture, in thousands a pixel."""
    total, hooks = {}, []

    def counter(name):
        def count(conv, _, out):
            total[name] = total.get(name, 0) + conv.weight.numel() * out.shape[2] * out.shape[3]

        return count

    for name, part in codec.named_children():
        hooks += [m.register_forward_hook(counter(name)) for m in part.modules() if isinstance(m, nn.Conv2d)]
    side = 256
    device = next(codec.parameters()).device
    codec(torch.rand(1, 3, side, side, device=device), torch.tensor([0.5], device=device))
    for hook in hooks:
        hook.remove()
    return {name: round(macs / side**2 / 1e3, 2) for name, macs in total.items()}
