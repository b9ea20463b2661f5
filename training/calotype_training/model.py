"""The Calotype network in float: a `Network`'s chains as modules, and the walk over its schedule.

Shapes are NCHW, memory is channels last; x is RGB in [0, 1], H and W multiples of 64; t [B] is the quality in [0, 1].
Scales come from h or a table alone, so all y symbols decode in one pass; the steps of the schedule refine means only.
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
    channels_last,
    gaussian_bits,
    pointwise,
    round_ste,
    sigma_range,
    step_masks,
    straight_through,
)
from .network import Network, NetworkError, Size
from .plan import WIDEST_STEP, WIDTH_STEP
from .rounding import nearest


@dataclass(frozen=True)
class Qualities:
    """How t is spread over rates."""

    knots: int = Size.knots  # of the quality tables
    lambda_min: float = Size.lambda_min
    lambda_max: float = Size.lambda_max


class Gains(NamedTuple):
    """Rows of the quality tables at t, each [B, channels, 1, 1]."""

    log_y: torch.Tensor
    y: torch.Tensor  # before rounding y
    dec: torch.Tensor  # after rounding y
    log_z: torch.Tensor | None  # None without hyper-networks
    bias: dict  # name -> row that is added to a stream


def place(parent, name, module):
    """Register a module under a dotted name, in containers that are made on the way."""
    first, _, rest = name.partition(".")
    if not rest:
        parent.add_module(first, module)
        return
    if first not in parent._modules:
        parent.add_module(first, nn.Module() if not rest.split(".")[0].isdigit() else nn.ModuleList())
    place(parent._modules[first], rest, module)


class Codec(nn.Module):
    """The order in which parameters are registered is the order of Adam's state in run folders: append only."""

    def __init__(self, form=None, qualities=None):
        """form: a Network, or the Size of the first one."""
        super().__init__()
        form = form or Size()
        self.network = form if isinstance(form, Network) else Network.v1(form)
        self.qualities = qualities or (Qualities() if form is self.network else Qualities(form.knots, form.lambda_min, form.lambda_max))
        self.rounding = nearest  # (y - mean, log sigma) -> symbols
        self.add_tables()
        for _, stage, channels in self.network.stages():
            self.add_stage(stage, channels)

    def add_tables(self):
        """Quality tables, one row a knot, interpolated over t; and scales that no network predicts."""
        network, knots = self.network, self.qualities.knots
        m, z = network.latents.channels, network.hyper and network.hyper.channels
        if z:
            self.log_sigma_z = nn.Parameter(torch.zeros(z))
        self.log_gain_y = nn.Parameter(torch.zeros(knots, m))
        self.log_gain_dec = nn.Parameter(torch.zeros(knots, m))  # starts as the inverse of gain_y
        if z:
            self.log_gain_z = nn.Parameter(torch.zeros(knots, z))
        for name, stage in network.biases().items():  # bias.dec tells g_s how coarse the latents are
            self.register_parameter(bias_parameter(name), nn.Parameter(torch.zeros(knots, stage.channels)))
        if not network.scale:
            self.log_sigma_y = nn.Parameter(torch.zeros(m))

    def add_stage(self, stage, channels):
        kind = WidePointwise if stage.wide else pointwise
        modules = {stage.name: kind(channels * stage.unshuffle**2, stage.outputs)}
        modules |= {name: Block(stage.channels, stage.expansion) for name in stage.blocks}
        for name, module in modules.items():
            try:
                place(self, name, module)
            except KeyError as error:
                raise NetworkError(f"{name}: a part of the codec has this name, choose another") from error

    def lam(self, t):
        q = self.qualities
        return q.lambda_min * (q.lambda_max / q.lambda_min) ** t

    def at(self, table, t):
        """Rows of a quality table [knots, channels] at t [B] -> [B, channels, 1, 1]."""
        x = t * (self.qualities.knots - 1)
        i = x.floor().clamp(0, self.qualities.knots - 2).long()
        f = (x - i)[:, None]
        return (table[i] * (1 - f) + table[i + 1] * f)[:, :, None, None]

    def bias_table(self, name):
        """[knots, channels] of bias.NAME."""
        return getattr(self, bias_parameter(name))

    def gains(self, t):
        log_y = self.at(self.log_gain_y, t)
        log_z = self.at(self.log_gain_z, t) if self.network.hyper else None
        bias = {name: self.at(self.bias_table(name), t) for name in self.network.biases()}
        return Gains(log_y, log_y.exp(), self.at(self.log_gain_dec, t).exp(), log_z, bias)

    def run(self, name, x, gains=None):
        """A chain: x [B,K,H,W] -> its last stage's stream [B,N,H',W']."""
        for stage in self.network.chain(name).stages:
            x = self.get_submodule(stage.name)(F.pixel_unshuffle(x, stage.unshuffle) if stage.unshuffle > 1 else x)
            if stage.shuffle > 1:
                x = F.pixel_shuffle(x, stage.shuffle)
            if stage.bias:
                x = x + gains.bias[stage.bias]
            for block in stage.blocks:
                x = self.get_submodule(block)(x)
        return x

    def predict(self, name, h, y_dec, gains=None):
        """A predictor on what it reads of h [B,P,h,w] and the dequantised latents known so far [B,M,h,w] -> [B,M,h,w]."""
        maps = [{"h": h, "v_hat": y_dec}[key] for key in self.network.chain(name).inputs]
        x = torch.cat([maps[0], *(m.to(maps[0].dtype) for m in maps[1:])], 1) if len(maps) > 1 else maps[0]
        return self.run(name, x, gains)

    def analyse(self, x):
        """x [B,3,H,W] -> v [B,M,H/16,W/16] float32, latents before scaling."""
        return self.run("g_a", channels_last(x) - 0.5).float()

    def hyper_analyse(self, v, gains):
        """v -> z [B,Z,H/64,W/64] float32, in units of symbols."""
        return self.run("h_a", v).float() * gains.log_z.exp()

    def hyper_synthesise(self, z_hat, gains):
        """z_hat [B,Z,H/64,W/64] -> h [B,P,H/16,W/16]."""
        return self.run("h_s", z_hat * (-gains.log_z).exp(), gains)

    def hyper(self, v, gains, rounding):
        """v -> z in units of symbols, its symbols z_hat, h; None three times without hyper-networks."""
        if not self.network.hyper:
            return None, None, None
        z = self.hyper_analyse(v, gains)
        z_hat = rounding(z)
        return z, z_hat, self.hyper_synthesise(z_hat, gains)

    def scales(self, h, gains):
        """h -> log sigma of y [B,M,H/16,W/16], or of the table [B,M,1,1], in units of symbols."""
        name = self.network.scale
        return sigma_range((self.predict(name, h, None, gains).float() if name else self.log_sigma_y[:, None, None]) + gains.log_y)

    def z_scales(self, gains):
        """-> log sigma of z [B,Z,1,1]."""
        return sigma_range(self.log_sigma_z[:, None, None] + gains.log_z)

    def step_mean(self, k, h, y_dec, gains=None):
        """h and the dequantised latents known before step k -> means [B,M,H/16,W/16] before scaling."""
        name = self.network.schedule.steps[k].mean
        return self.predict(name, h, y_dec, gains).float() if name else torch.zeros_like(y_dec)

    def quantise_in_steps(self, y, h, gains, log_sigma, rounding):
        """y, h, log sigma of y -> means and y_hat [B,M,H/16,W/16]: each step sees the latents of the steps before it.

        rounding: (y - mean, log sigma) -> symbols, all of one shape.
        """
        mean = y_hat = torch.zeros_like(y)
        for k, mask in enumerate(step_masks(y, self.network.schedule)):
            mu = self.step_mean(k, h, y_hat * gains.dec, gains) * gains.y
            mean = torch.where(mask, mu, mean)
            y_hat = torch.where(mask, straight_through(rounding(y - mu, log_sigma), y - mu) + mu, y_hat)
        return mean, y_hat

    def synthesise(self, y_hat, gains):
        """y_hat [B,M,H/16,W/16] -> x_hat [B,3,H,W] float32, not clamped."""
        return self.run("g_s", y_hat * gains.dec, gains).float() + 0.5

    def charged(self, v, symbols):
        """What the rate is counted of, of v's shape: the symbols, and in training v with uniform noise in their stead."""
        return v + torch.rand_like(v) - 0.5 if self.training else symbols

    def log_widths(self, h):
        """h -> log of the quantiser's width for each latent [B,M,H/16,W/16]."""
        return self.predict(self.network.width, h, None).float().clamp(-WIDEST_STEP * WIDTH_STEP, WIDEST_STEP * WIDTH_STEP)

    def gains_at(self, gains, h):
        """Rows at t and h [B,P,H/16,W/16] -> the gains of each latent, that broadcast to [B,M,H/16,W/16]: a width divides the gain."""
        if not self.network.width:
            return gains
        width = self.log_widths(h)
        return gains._replace(log_y=gains.log_y - width, y=gains.y * (-width).exp(), dec=gains.dec * width.exp())

    def forward(self, x, t):
        """x [B,3,H,W], t [B] -> x_hat [B,3,H,W], bits per pixel of y [B], bits per pixel of z [B]."""
        rows = self.gains(t)
        v = self.analyse(x)
        z, z_hat, h = self.hyper(v, rows, round_ste)
        gains = self.gains_at(rows, h)
        y = v * gains.y
        log_sigma = self.scales(h, gains).expand_as(y)
        mean, y_hat = self.quantise_in_steps(y, h, gains, log_sigma, self.rounding)
        pixels = x.shape[2] * x.shape[3]
        bpp_y = gaussian_bits(self.charged(y - mean, y_hat - mean), log_sigma).sum((1, 2, 3)) / pixels
        bpp_z = torch.zeros_like(bpp_y)
        if z is not None:
            bpp_z = gaussian_bits(self.charged(z, z_hat), self.z_scales(gains)).sum((1, 2, 3)) / pixels
        return self.synthesise(y_hat, gains), bpp_y, bpp_z


def bias_parameter(name):
    """bias.dec of a model file -> bias_dec of a codec."""
    return name.replace(".", "_")


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
