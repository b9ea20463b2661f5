"""The integer codec of docs/MODEL.md, simulated in floating point, for quantisation-aware training and evaluation.

`IntegerCodec` runs the network on the integers of a `Plan`, held in floats, with straight-through gradients, so that training sees
what the decoder will do. `export.py` writes the same integers to a file.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .layers import SLOPE, beyond_border, channels_last, round_ste, sigma_range
from .model import Codec
from .plan import CODE, LOG_SIGMA_UNIT, PIXEL_OUT, STREAM, WIDE_WEIGHT, WIDEST_STEP, WIDTH_STEP


class Requantise(torch.autograd.Function):
    """round_shift of an accumulator and a clamp, [B,N,h,w] -> same; leaky ReLU before it if `leaky`. Straight-through inside the clamp.

    In place where it can be, and backward in PyTorch's own kernels: masks and `where` take three times as long.
    """

    @staticmethod
    def forward(ctx, acc, scale, limit, leaky):
        scale = scale.to(acc.dtype)[:, None, None]
        if leaky:
            eighth = (acc / 8).floor_()
            out = torch.maximum(acc, eighth, out=eighth).mul_(scale).add_(0.5)
        else:
            out = torch.addcmul(scale.new_full((), 0.5), acc, scale)
        out.floor_().clamp_(-limit - (limit == STREAM), limit)
        ctx.save_for_backward(scale, out, acc if leaky else None)
        ctx.limit = limit
        return out

    @staticmethod
    def backward(ctx, grad):
        scale, out, acc = ctx.saved_tensors
        grad = torch.ops.aten.hardtanh_backward(grad, out, -ctx.limit, ctx.limit)  # at the limit counts as clipped
        if acc is not None:
            grad = torch.ops.aten.leaky_relu_backward(grad, acc, SLOPE, False)
        return grad.mul_(scale), None, None, None


def quantise_weight(conv, plan):
    """Float weights -> integer weights (held in floats, straight-through) and bias."""
    acc = plan.step_acc()[:, None, None, None]
    fold = plan.step_in[:, None, None, None] if conv.groups > 1 else plan.step_in[None, :, None, None]
    limit = WIDE_WEIGHT if plan.wide else CODE
    weight = round_ste(conv.weight * (fold / acc)).clamp(-limit, limit)
    return weight, round_ste(conv.bias / plan.step_acc())


class IntegerCodec(Codec):
    """`codec` run with the integers of `plan`; the same forward, the same parameters, only what its parts compute is replaced.

    Maps between the parts are in real units, as the float codec's; inside the parts they are integers held in floats.
    """

    def __init__(self, codec, plan):
        nn.Module.__init__(self)  # no parameters of its own
        self.codec, self.network, self.qualities, self.rounding = codec, codec.network, codec.qualities, codec.rounding
        self.plan = plan.to(next(codec.parameters()).device)

    # one method per end of a layer in MODEL.md section 2

    def accumulate(self, name, x):
        conv, plan = self.codec.get_submodule(name), self.plan.layers[name]
        weight, bias = quantise_weight(conv, plan)
        if plan.wide:
            with torch.autocast(x.device.type, enabled=False):
                return F.conv2d(x.to(weight.dtype), weight, bias)
        return F.conv2d(beyond_border(x) if conv.groups > 1 else x, weight, bias, groups=conv.groups)

    def end(self, name, x, limit, leaky=False):
        return Requantise.apply(self.accumulate(name, x), 2.0 ** -self.plan.layers[name].shift, limit, leaky)

    def code(self, name, x):
        return self.end(name, x, CODE)

    def active(self, name, x):
        return self.end(name, x, CODE, True)

    def stream(self, name, x):
        return self.end(name, x, STREAM).to(self.codec.log_gain_y.dtype)

    def read(self, name, s):
        return Requantise.apply(s, 2.0 ** -self.plan.read[name].to(s.dtype), CODE, False)

    def block(self, name, s):
        a = self.active(f"{name}.pw1", self.read(f"{name}.pw1", s))
        s = s + self.stream(f"{name}.pw2", self.code(f"{name}.dw", a))
        return s + self.stream(f"{name}.ffn2", self.active(f"{name}.ffn1", self.read(f"{name}.ffn1", s)))

    def unit(self, chain):
        """Of the chain's output, [N,1,1]."""
        return self.plan.unit(self.network.chain(chain).stages[-1])[:, None, None]

    # chains, on integers

    def run(self, name, x, gains=None):
        chain = self.network.chain(name)
        for stage in chain.stages:
            x = self.read(stage.name, x) if chain.reads(stage) else x
            x = F.pixel_unshuffle(x, stage.unshuffle) if stage.unshuffle > 1 else x
            x = self.pixels(stage.name, x) if stage is self.network.chain("g_s").stages[-1] else self.stream(stage.name, x)
            x = F.pixel_shuffle(x, stage.shuffle) if stage.shuffle > 1 else x
            if stage.bias:
                x = x + round_ste(gains.bias[stage.bias] / self.plan.unit(stage)[:, None, None])
            for block in stage.blocks:
                x = self.block(block, x)
        return x

    def pixels(self, name, x):
        return self.accumulate(name, x) * (2.0 ** -self.plan.layers[name].shift)[:, None, None]

    def predict(self, name, h, y_dec, gains=None):
        """h as codes, latents in real units -> the predictor's stream."""
        known = self.read("v_hat", round_ste(y_dec / self.unit("g_a"))) if "v_hat" in self.network.chain(name).inputs else None
        return super().predict(name, h, known, gains)

    # the parts of Codec

    def gains(self, t):
        return self.codec.gains(t)

    def z_scales(self, gains):
        return self.codec.z_scales(gains)

    def analyse(self, x):
        return self.run("g_a", channels_last(x) * 510 - 255) * self.unit("g_a")

    def hyper_analyse(self, v, gains):
        return self.run("h_a", v / self.unit("g_a")) * self.unit("h_a") * gains.log_z.exp()

    def hyper_synthesise(self, z_hat, gains):
        z_step = self.plan.layers[self.network.chain("h_s").stages[0].name].step_in[:, None, None]
        code = round_ste(z_hat * (-gains.log_z).exp() / z_step).clamp(-CODE, CODE)
        return self.read("h", self.run("h_s", code, gains))

    def scales(self, h, gains):
        name = self.network.scale
        return sigma_range(self.predict(name, h, None, gains) * LOG_SIGMA_UNIT + gains.log_y) if name else self.codec.scales(h, gains)

    def log_widths(self, h):
        step = self.predict(self.network.width, h, None) * (LOG_SIGMA_UNIT / WIDTH_STEP)
        return round_ste(step).clamp(-WIDEST_STEP, WIDEST_STEP) * WIDTH_STEP

    def step_mean(self, k, h, y_dec, gains=None):
        name = self.network.schedule.steps[k].mean
        return self.predict(name, h, y_dec, gains) * self.unit("g_a") if name else torch.zeros_like(y_dec)

    def synthesise(self, y_hat, gains):
        v_hat = round_ste(y_hat * gains.dec / self.unit("g_a"))
        return (self.run("g_s", v_hat, gains) * PIXEL_OUT).float() + 0.5
