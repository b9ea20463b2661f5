"""The five operations of the network (docs/MODEL.md) as PyTorch modules, and the pieces of its entropy model.

Shapes are NCHW as PyTorch names them; memory is channels last, without which CPU convolutions take two to ten times as long.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

SLOPE = 0.125  # leaky ReLU: a shift by 3 in integers
LOG_SIGMA_MIN, LOG_SIGMA_MAX = math.log(0.11), math.log(256.0)
MASS_MIN = 1e-9  # the least probability a training symbol is charged for: 30 bits


def act(x):
    return F.leaky_relu(x, SLOPE)


def channels_last(x):
    return x.contiguous(memory_format=torch.channels_last)


def pointwise(c_in, c_out):
    return nn.Conv2d(c_in, c_out, 1)


class WidePointwise(nn.Conv2d):
    """A 'wide' 1x1 layer: float32 under autocast too, as its integer twin keeps 16-bit activations."""

    def __init__(self, c_in, c_out):
        super().__init__(c_in, c_out, 1)

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


def beyond_border(x):
    """[B,C,H,W] -> [B,C,H+2,W+2]: the border once more."""
    return F.pad(x, (1, 1, 1, 1), mode="replicate")


class Depthwise(nn.Conv2d):
    """3x3 depthwise convolution [B,C,H,W] -> [B,C,H,W]; outside the map stands its nearest position."""

    def __init__(self, c):
        super().__init__(c, c, 3, groups=c)

    def forward(self, x):
        return self.shifted(x) if x.is_cuda else super().forward(beyond_border(x))

    def shifted(self, x):
        """Nine shifted multiply-adds, which torch.compile fuses on CUDA (cuDNN's own is slow in bf16 NHWC)."""
        h, w = x.shape[2:]
        padded, weight = beyond_border(x), self.weight.to(x.dtype)
        taps = [padded[:, :, i : i + h, j : j + w] * weight[:, 0, i, j][None, :, None, None] for i in range(3) for j in range(3)]
        return sum(taps[1:], taps[0]) + self.bias.to(x.dtype)[None, :, None, None]


class Block(nn.Module):
    """x + pw2(dw(act(pw1 x))), then x + ffn2(act(ffn1 x)) with expansion e. [B,C,H,W] -> [B,C,H,W]."""

    def __init__(self, c, e):
        super().__init__()
        self.pw1, self.dw, self.pw2 = pointwise(c, c), Depthwise(c), pointwise(c, c)
        self.ffn1, self.ffn2 = pointwise(c, e * c), pointwise(e * c, c)

    def forward(self, x):
        x = x + self.pw2(self.dw(act(self.pw1(x))))
        return x + self.ffn2(act(self.ffn1(x)))

    @torch.no_grad()
    def start_as_identity(self):
        for layer in (self.pw2, self.ffn2):
            layer.weight.zero_()
            layer.bias.zero_()


def blocks(n, c, e):
    return nn.Sequential(*[Block(c, e) for _ in range(n)])


def straight_through(rounded, x):
    """`rounded` forward, the identity of x backward."""
    return x + (rounded - x).detach()


def round_ste(x):
    return straight_through(x.round(), x)


class LowerBound(torch.autograd.Function):
    """max(x, bound), but a gradient that would raise x passes even below the bound, so that outliers are not forgotten."""

    @staticmethod
    def forward(ctx, x, bound):
        ctx.save_for_backward(x >= bound)
        return x.clamp(min=bound)

    @staticmethod
    def backward(ctx, grad):
        return grad * (ctx.saved_tensors[0] | (grad < 0)), None


def gaussian_bits(v, log_sigma):
    """-log2 of the mass of N(0, sigma) on [v - 1/2, v + 1/2], elementwise."""
    v, k = v.abs(), 2**-0.5 * torch.exp(-log_sigma)
    mass = 0.5 * (torch.erfc((v - 0.5) * k) - torch.erfc((v + 0.5) * k))
    return -torch.log2(LowerBound.apply(mass, MASS_MIN))


def sigma_range(log_sigma):
    """The one mapping from a network's output to the sigma table, in training, evaluation and export: soft floor, hard ceiling."""
    return (LOG_SIGMA_MIN + F.softplus(log_sigma - LOG_SIGMA_MIN)).clamp(max=LOG_SIGMA_MAX)


def step_masks(y, schedule):
    """y [B,M,H,W] -> bool [steps,M,H,W], channels last: which latents each step of the schedule sets."""
    (m, h, w), period = y.shape[1:], schedule.period
    sets = torch.zeros(len(schedule.steps), m, period**2, dtype=torch.bool)
    for k, step in enumerate(schedule.steps):
        for cell in step.cells:
            sets[k, cell.first : cell.end] |= torch.tensor([bool(cell.phases >> place & 1) for place in range(period**2)])
    pattern = sets.view(len(schedule.steps), m, period, period).to(y.device)
    return channels_last(pattern.repeat(1, 1, -(-h // period), -(-w // period))[:, :, :h, :w])
