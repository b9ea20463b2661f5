"""What one integer of each tensor is worth, and how it is chosen: calibration of a float codec (docs/TRAINING.md).

A `Plan` gives a *step* in real units to codes, inputs and outputs of layers, and a *unit* to streams; `integer.py` computes with it,
`export.py` writes it.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import nn

from .layers import LOG_SIGMA_MAX, LOG_SIGMA_MIN

CODE, WIDE_WEIGHT, STREAM = 127, 2047, 32767
ACC_LIMIT = 2**31 - 1
GREY = 1 / 2040  # 1/8 grey level, where pixels span [0, 1]
PIXEL_IN, PIXEL_OUT = 1 / 510, 1 / 4080  # g_a reads 2p - 255; g_s writes Q4 grey levels
SCALES = 64  # entries of the sigma table
LOG_SIGMA_STEP = (LOG_SIGMA_MAX - LOG_SIGMA_MIN) / (SCALES - 1)
LOG_SIGMA_UNIT = 1 / 256  # Q8 nepers
SKIP_BELOW = 2  # y symbols of smaller scale indices are 0 by rule (sigma < 0.14)
SAMPLES = 64  # values a channel sampled from each picture for calibration


@dataclass
class LayerPlan:
    """Steps of one layer: inputs [K], outputs [N] (both real units per integer), and the shift [N] between accumulator and output."""

    step_in: torch.Tensor
    step_out: torch.Tensor
    shift: torch.Tensor
    wide: bool = False

    def step_acc(self):
        return self.step_out * 2.0**-self.shift


@dataclass
class Plan:
    layers: dict = field(default_factory=dict)  # layer name -> LayerPlan
    read: dict = field(default_factory=dict)  # name.read_shift -> long [channels]
    unit: dict = field(default_factory=dict)  # stream name -> real [channels]
    z_step: torch.Tensor = None  # real value of a code that h_s.first reads

    def to(self, device):
        return Plan.from_state(
            {k: v.to(device) if torch.is_tensor(v) else {n: w.to(device) for n, w in v.items()} for k, v in self.state().items()}
        )

    def state(self):
        """As nested dicts of tensors, for a checkpoint."""
        fields = {key: {n: getattr(layer, key) for n, layer in self.layers.items()} for key in ("step_in", "step_out", "shift")}
        wide = {n: torch.tensor(layer.wide) for n, layer in self.layers.items()}
        return {**fields, "wide": wide, "read": self.read, "unit": self.unit, "z_step": self.z_step}

    @classmethod
    def from_state(cls, s):
        layers = {n: LayerPlan(s["step_in"][n], s["step_out"][n], s["shift"][n], bool(s["wide"][n])) for n in s["shift"]}
        return cls(layers, dict(s["read"]), dict(s["unit"]), s["z_step"])


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
        v = x.detach().float().transpose(0, 1).flatten(1)  # [channels, values]
        peak = v.abs().amax(1)
        self.peak[name] = torch.maximum(self.peak[name], peak) if name in self.peak else peak
        self.sample.setdefault(name, []).append(v[:, torch.randint(v.shape[1], (SAMPLES,))])

    def values(self, name):
        return torch.cat(self.sample[name], 1)

    def close(self):
        for hook in self.hooks:
            hook.remove()


def code_step(sample, peak, candidates):
    """The step of an 8-bit code, per channel, with the least squared error on the sample. candidates: [n, channels], coarsest first."""
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
    """Unit of a stream that those layers read: `base`, doubled until the peak keeps a third of the range free; or the peak's own."""
    peak = torch.stack([ranges.peak[n] for n in names]).amax(0).clamp(min=1e-6)
    if base is None:
        return peak * 3 / STREAM
    return base * 2.0 ** torch.ceil(torch.log2(peak * 1.5 / (STREAM * base))).clamp(min=0)


def layer_plan(conv, step_in, step_out, wide=False):
    """Largest shift at which the folded weights fit their integers with a little room to train and the accumulator cannot overflow."""
    depthwise = conv.groups > 1
    folded = (
        (conv.weight * (step_in[:, None, None, None] if depthwise else step_in[None, :, None, None])).detach().double().abs().flatten(1)
    )
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
        return unit * 2.0**shift

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
        for t in qualities[i % 2 :: 2]:
            codec(x, torch.tensor([t], device=device))
    ranges.close()
    codec.train(was)
    return Planner(codec, ranges).build()


def sigma_table():
    """[64] sigmas, log-spaced."""
    return [math.exp(LOG_SIGMA_MIN + i * LOG_SIGMA_STEP) for i in range(SCALES)]
