"""The integer codec of docs/MODEL.md, simulated in floating point: calibration, quantisation-aware training, evaluation.

A `Plan` fixes what one integer of each tensor is worth (a *step*, real units; streams: a *unit*). `IntegerCodec` runs the network on those integers,
held in floats, with straight-through gradients, so that training sees what the decoder will do. `export.py` writes the same integers to a file.
"""
import math
from dataclasses import dataclass, field

import torch
import torch.nn as nn
import torch.nn.functional as F

from .layers import LOG_SIGMA_MAX, LOG_SIGMA_MIN, channels_last, round_ste, sigma_range
from .model import Codec

CODE, WIDE_WEIGHT, STREAM = 127, 2047, 32767
ACC_LIMIT = 2 ** 31 - 1
GREY = 1 / 2040                       # 1/8 grey level, where pixels span [0, 1]
PIXEL_IN, PIXEL_OUT = 1 / 510, 1 / 4080     # g_a reads 2p - 255; g_s writes Q4 grey levels
SCALES = 64                           # entries of the sigma table
LOG_SIGMA_STEP = (LOG_SIGMA_MAX - LOG_SIGMA_MIN) / (SCALES - 1)
LOG_SIGMA_UNIT = 1 / 256              # Q8 nepers
SKIP_BELOW = 2                        # y symbols of smaller scale indices are 0 by rule (sigma < 0.14)
SAMPLES = 64                          # values a channel sampled from each picture for calibration


@dataclass
class LayerPlan:
    """Steps of one layer: inputs [K], outputs [N] (both real units per integer), and the shift [N] between accumulator and output."""
    step_in: torch.Tensor
    step_out: torch.Tensor
    shift: torch.Tensor
    wide: bool = False

    def step_acc(self):
        return self.step_out * 2.0 ** -self.shift


@dataclass
class Plan:
    layers: dict = field(default_factory=dict)        # layer name -> LayerPlan
    read: dict = field(default_factory=dict)          # name.read_shift -> long [channels]
    unit: dict = field(default_factory=dict)          # stream name -> real [channels]
    z_step: torch.Tensor = None                       # real value of a code that h_s.first reads

    def to(self, device):
        return Plan.from_state({k: v.to(device) if torch.is_tensor(v) else {n: w.to(device) for n, w in v.items()} for k, v in self.state().items()})

    def state(self):
        """As nested dicts of tensors, for a checkpoint."""
        fields = {key: {n: getattr(layer, key) for n, layer in self.layers.items()} for key in ("step_in", "step_out", "shift")}
        wide = {n: torch.tensor(layer.wide) for n, layer in self.layers.items()}
        return {**fields, "wide": wide, "read": self.read, "unit": self.unit, "z_step": self.z_step}

    @classmethod
    def from_state(cls, s):
        layers = {n: LayerPlan(s["step_in"][n], s["step_out"][n], s["shift"][n], bool(s["wide"][n])) for n in s["shift"]}
        return cls(layers, dict(s["read"]), dict(s["unit"]), s["z_step"])


# ---- calibration -------------------------------------------------------------------------------------------------------------------

class Ranges:
    """Largest magnitude and a sample of values per channel of every layer's input, gathered by forward hooks."""

    def __init__(self, codec):
        self.peak, self.sample, self.names = {}, {}, {m: n for n, m in codec.named_modules() if isinstance(m, nn.Conv2d)}
        self.hooks = [m.register_forward_pre_hook(self.on_input) for m in self.names]
        self.hooks += [m.register_forward_hook(self.on_output) for m in self.names]

    def on_input(self, module, inputs):
        self.note(self.names[module], inputs[0])

    def on_output(self, module, _, output):
        self.note(self.names[module] + ":out", output)

    def note(self, name, x):
        v = x.detach().float().transpose(0, 1).flatten(1)                  # [channels, values]
        peak = v.abs().amax(1)
        self.peak[name] = torch.maximum(self.peak[name], peak) if name in self.peak else peak
        self.sample.setdefault(name, []).append(v[:, torch.randint(v.shape[1], (SAMPLES,))])

    def values(self, name):
        return torch.cat(self.sample[name], 1)

    def close(self):
        for hook in self.hooks:
            hook.remove()


def code_step(sample, peak, candidates):
    """The step of an 8-bit code, per channel, with the least squared error on the sample. candidates: [n, channels] steps, coarsest first."""
    best, least = candidates[0], None
    for step in candidates:
        code = (sample / step[:, None]).round().clamp(-CODE, CODE)
        error = (code * step[:, None] - sample).square().mean(1)
        # values beyond the sample up to the peak would clip: count one of them, lightly
        error = error + (peak - CODE * step).clamp(min=0).square() / (8 * sample.shape[1])
        better = torch.ones_like(error, dtype=torch.bool) if least is None else error < least
        best = torch.where(better, step, best)
        least = error if least is None else torch.where(better, error, least)
    return best


def free_step(ranges, name):
    """Step of a hidden code, free to be any real number."""
    peak = ranges.peak[name].clamp(min=1e-6)
    return code_step(ranges.values(name), peak, torch.stack([peak / CODE * f for f in (1.0, 0.85, 0.7, 0.6, 0.5, 0.42)]))


def read_shift(ranges, name, unit):
    """Shift by which a stream of that unit is read as a code."""
    peak, sample = ranges.peak[name].clamp(min=1e-6), ranges.values(name)
    top = torch.ceil(torch.log2(peak / (unit * CODE))).clamp(0, 15)
    step = code_step(sample, peak, torch.stack([unit * 2.0 ** (top - k).clamp(min=0) for k in range(3)]))
    return torch.log2(step / unit).round().long()


def stream_unit(ranges, names, base=None):
    """Unit of a stream that those layers read: `base`, doubled where the peak would pass a third of the range; or the peak's own without a base."""
    peak = torch.stack([ranges.peak[n] for n in names]).amax(0).clamp(min=1e-6)
    if base is None:
        return peak * 3 / STREAM
    return base * 2.0 ** torch.ceil(torch.log2(peak * 1.5 / (STREAM * base))).clamp(min=0)


def layer_plan(conv, step_in, step_out, wide=False):
    """Largest shift at which the folded weights fit their integers with a little room to train and the accumulator cannot overflow."""
    depthwise = conv.groups > 1
    folded = (conv.weight * (step_in[:, None, None, None] if depthwise else step_in[None, :, None, None])).detach().double().abs().flatten(1)
    limit_weight, limit_in = (WIDE_WEIGHT, STREAM + 1) if wide else (CODE, CODE)
    by_weight = limit_weight / 1.06 / folded.amax(1).clamp(min=1e-30)
    bias = conv.bias.detach().double().abs() * 1.06
    by_sum = 0.9 * ACC_LIMIT / (folded.sum(1) * 1.06 * limit_in + bias).clamp(min=1e-30)
    shift = torch.floor(torch.log2(torch.minimum(by_weight, by_sum) * step_out.double())).clamp(0, 24)
    return LayerPlan(step_in, step_out, shift.float(), wide)


def four(unit):
    """Unit of a map before shuffle 2 (or after unshuffle 2), in PyTorch's channel order."""
    return unit.repeat_interleave(4)


class Planner:
    """Builds a Plan from the ranges of a float codec."""

    def __init__(self, codec, ranges):
        self.codec, self.ranges, self.plan = codec, ranges, Plan()

    def layer(self, name, step_in, step_out, wide=False):
        self.plan.layers[name] = layer_plan(self.codec.get_submodule(name), step_in, step_out, wide)

    def read(self, name, unit, at=None):
        """Step of a code read from a stream of that unit; `at` is the layer whose input was measured."""
        shift = self.plan.read[name] = read_shift(self.ranges, at or name, unit)
        return unit * 2.0 ** shift

    def block(self, name, unit):
        free = {n: free_step(self.ranges, f"{name}.{n}") for n in ("dw", "pw2", "ffn2")}
        self.layer(f"{name}.pw1", self.read(f"{name}.pw1", unit), free["dw"])
        self.layer(f"{name}.dw", free["dw"], free["pw2"])
        self.layer(f"{name}.pw2", free["pw2"], unit)
        self.layer(f"{name}.ffn1", self.read(f"{name}.ffn1", unit), free["ffn2"])
        self.layer(f"{name}.ffn2", free["ffn2"], unit)

    def stream(self, name, readers, base=None):
        self.plan.unit[name] = unit = stream_unit(self.ranges, readers, base)
        return unit

    def block_stream(self, name, block, base=None, *more):
        return self.stream(name, [f"{block}.pw1", f"{block}.ffn1", *more], base)

    def transforms(self, v):
        size, device = self.codec.size, v.device
        full = torch.full
        for part, count in (("g_a", size.n_e), ("g_s", size.n_d)):
            readers = [f"{part}.blocks.{i}.{n}" for i in range(count) for n in ("pw1", "ffn1")]
            readers += ["g_s.last"] if part == "g_s" else []
            unit = self.stream(part, readers, GREY)
            for i in range(count):
                self.block(f"{part}.blocks.{i}", unit)
            if part == "g_a":
                self.layer("g_a.first", full((192,), PIXEL_IN, device=device), unit, True)
                self.layer("g_a.last", four(unit), v, True)
            else:
                self.layer("g_s.first", v, four(unit), True)
                self.layer("g_s.last", unit, full((192,), PIXEL_OUT, device=device), True)

    def hyper(self, v):
        unit = self.block_stream("h_a.1", "h_a.block1")
        self.layer("h_a.first", self.read("h_a.first", v), unit)
        self.block("h_a.block1", unit)
        middle = self.block_stream("h_a.2", "h_a.block2")
        self.layer("h_a.mid", four(self.read_before_unshuffle("h_a.mid", unit)), middle)
        self.block("h_a.block2", middle)
        z = self.stream("z", ["h_a.last:out"])
        self.layer("h_a.last", four(self.read_before_unshuffle("h_a.last", middle)), z)
        self.plan.z_step = free_step(self.ranges, "h_s.first")
        unit = self.block_stream("h_s.1", "h_s.block1", None, "h_s.mid")
        self.layer("h_s.first", self.plan.z_step, four(unit))
        self.block("h_s.block1", unit)
        h = self.block_stream("h", "h_s.block2", None, "scale_head")
        self.layer("h_s.mid", self.read("h_s.mid", unit), four(h))
        self.block("h_s.block2", h)
        return self.read("h", h, "scale_head")

    def read_before_unshuffle(self, name, unit):
        """As `read`, for a stream that is unshuffled between reading and the layer: the four phases of a channel share their step."""
        channels = len(unit)
        self.ranges.peak[name + ":in"] = self.ranges.peak[name].view(channels, 4).amax(1)
        self.ranges.sample[name + ":in"] = [self.ranges.values(name).reshape(channels, -1)]
        return self.read(name, unit, name + ":in")

    def entropy(self, v, h_step):
        m = self.codec.size.M
        self.ranges.peak["v_hat"] = self.ranges.peak["g_s.first"]
        self.ranges.sample["v_hat"] = self.ranges.sample["g_s.first"]
        v_step = self.read("v_hat", v)
        self.layer("scale_head", h_step, torch.full((m,), LOG_SIGMA_UNIT, device=v.device))
        self.layer("mean_head", h_step, v)
        for k in range(3):
            name = f"context.{k}"
            unit = self.block_stream(name, f"{name}.block", None, f"{name}.last")
            self.layer(f"{name}.first", torch.cat([h_step, v_step]), unit)
            self.block(f"{name}.block", unit)
            self.layer(f"{name}.last", self.read(f"{name}.last", unit), v)

    def build(self):
        v = self.stream("v", ["g_a.last:out", "g_s.first"], GREY)
        self.transforms(v)
        self.entropy(v, self.hyper(v))
        return self.plan


@torch.no_grad()
def calibrate(codec, images, qualities=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0)):
    """Plan of a float codec. images: uint8 [3, h, w] tensors, sides multiples of 64."""
    was, device = codec.training, next(codec.parameters()).device
    codec.eval()
    ranges = Ranges(codec)
    for i, image in enumerate(images):
        x = image[None].to(device).float() / 255
        for t in qualities[i % 2::2]:
            codec(x, torch.tensor([t], device=device))
    ranges.close()
    codec.train(was)
    return Planner(codec, ranges).build()


# ---- simulation --------------------------------------------------------------------------------------------------------------------

class Requantise(torch.autograd.Function):
    """round_shift of an accumulator and a clamp, [B,N,h,w] -> same; leaky ReLU before it if `leaky`. Straight-through inside the clamp."""

    @staticmethod
    def forward(ctx, acc, scale, limit, leaky):
        scale = scale.to(acc.dtype)[:, None, None]
        negative = acc < 0 if leaky else None
        if leaky:
            acc = torch.where(negative, (acc / 8).floor_(), acc)
        out = (acc * scale).add_(0.5).floor_()
        inside = out.abs() <= limit
        ctx.save_for_backward(scale, inside, negative)
        return out.clamp_(-limit - (limit == STREAM), limit)

    @staticmethod
    def backward(ctx, grad):
        scale, inside, negative = ctx.saved_tensors
        grad = grad * scale * inside
        return (torch.where(negative, grad / 8, grad) if negative is not None else grad), None, None, None


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
        nn.Module.__init__(self)                # no parameters of its own
        self.codec, self.size, self.plan = codec, codec.size, plan.to(next(codec.parameters()).device)

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


def scale_index(log_sigma):
    """Nearest entry of the sigma table."""
    return ((log_sigma - LOG_SIGMA_MIN) / LOG_SIGMA_STEP).round().clamp(0, SCALES - 1)


def sigma_table():
    """[64] sigmas, log-spaced."""
    return [math.exp(LOG_SIGMA_MIN + i * LOG_SIGMA_STEP) for i in range(SCALES)]
