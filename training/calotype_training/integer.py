"""The integer codec of docs/MODEL.md, simulated in floating point, for quantisation-aware training and evaluation.

`IntegerCodec` runs the network on the integers of a `Plan`, held in floats, with straight-through gradients, so that training sees
what the decoder will do. `export.py` writes the same integers to a file.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .layers import SLOPE, channels_last, round_ste, sigma_range
from .model import Codec
from .plan import CODE, LOG_SIGMA_UNIT, PIXEL_OUT, STREAM, WIDE_WEIGHT


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
        self.codec, self.size, self.rounding, self.plan = codec, codec.size, codec.rounding, plan.to(next(codec.parameters()).device)

    # one method per end of a layer in MODEL.md section 2

    def accumulate(self, name, x):
        conv, plan = self.codec.get_submodule(name), self.plan.layers[name]
        weight, bias = quantise_weight(conv, plan)
        if plan.wide:
            with torch.autocast(x.device.type, enabled=False):
                return F.conv2d(x.to(weight.dtype), weight, bias)
        return F.conv2d(x, weight, bias, padding=conv.padding, groups=conv.groups)

    def end(self, name, x, limit, leaky=False):
        return Requantise.apply(self.accumulate(name, x), 2.0 ** -self.plan.layers[name].shift, limit, leaky)

    def code(self, name, x):
        return self.end(name, x, CODE)

    def active(self, name, x):
        return self.end(name, x, CODE, True)

    def stream(self, name, x):
        return self.end(name, x, STREAM).to(self.codec.log_sigma_z.dtype)

    def read(self, name, s):
        return Requantise.apply(s, 2.0 ** -self.plan.read[name].to(s.dtype), CODE, False)

    def block(self, name, s):
        a = self.active(f"{name}.pw1", self.read(f"{name}.pw1", s))
        s = s + self.stream(f"{name}.pw2", self.code(f"{name}.dw", a))
        return s + self.stream(f"{name}.ffn2", self.active(f"{name}.ffn1", self.read(f"{name}.ffn1", s)))

    def unit(self, stream):
        return self.plan.unit[stream][:, None, None]

    # the parts of Codec

    def gains(self, t):
        return self.codec.gains(t)

    def z_scales(self, gains):
        return self.codec.z_scales(gains)

    def analyse(self, x):
        s = self.stream("g_a.first", F.pixel_unshuffle(channels_last(x) * 510 - 255, 8))
        for i in range(self.size.n_e):
            s = self.block(f"g_a.blocks.{i}", s)
        return self.stream("g_a.last", F.pixel_unshuffle(s, 2)) * self.unit("v")

    def hyper_analyse(self, v, gains):
        s = self.block("h_a.block1", self.stream("h_a.first", self.read("h_a.first", v / self.unit("v"))))
        s = self.block("h_a.block2", self.stream("h_a.mid", F.pixel_unshuffle(self.read("h_a.mid", s), 2)))
        z = self.stream("h_a.last", F.pixel_unshuffle(self.read("h_a.last", s), 2))
        return z * self.unit("z") * gains.log_z.exp()

    def hyper_synthesise(self, z_hat, gains):
        code = round_ste(z_hat * (-gains.log_z).exp() / self.plan.z_step[:, None, None]).clamp(-CODE, CODE)
        s = self.block("h_s.block1", F.pixel_shuffle(self.stream("h_s.first", code), 2))
        s = F.pixel_shuffle(self.stream("h_s.mid", self.read("h_s.mid", s)), 2)
        return self.read("h", self.block("h_s.block2", s))

    def scales(self, h, gains):
        return sigma_range(self.stream("scale_head", h) * LOG_SIGMA_UNIT + gains.log_y)

    def step_mean(self, k, h, y_dec):
        if k == 0:
            return self.stream("mean_head", h) * self.unit("v")
        name = f"context.{k - 1}"
        known = self.read("v_hat", round_ste(y_dec / self.unit("v")))
        s = self.block(f"{name}.block", self.stream(f"{name}.first", torch.cat([h, known.to(h.dtype)], 1)))
        return self.stream(f"{name}.last", self.read(f"{name}.last", s)) * self.unit("v")

    def synthesise(self, y_hat, t, gains):
        v_hat = round_ste(y_hat * gains.dec / self.unit("v"))
        bias = round_ste(self.codec.at(self.codec.bias_dec, t) / self.unit("g_s"))
        s = F.pixel_shuffle(self.stream("g_s.first", v_hat), 2) + bias
        for i in range(self.size.n_d):
            s = self.block(f"g_s.blocks.{i}", s)
        pixels = self.accumulate("g_s.last", s) * (2.0 ** -self.plan.layers["g_s.last"].shift)[:, None, None]
        return F.pixel_shuffle(pixels * PIXEL_OUT, 8).float() + 0.5
