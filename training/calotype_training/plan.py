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
WIDTH_STEP, WIDEST_STEP = 1 / 32, 24  # of the logarithm of a width; the index of the widest, and of the narrowest below 0
WIDTH_SHIFT = 12  # fractional bits of the factors of widths
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

    def unit(self, stage):
        """Of a stage's stream, real [channels]: what its layer writes."""
        return self.layers[stage.name].step_out[:: stage.shuffle**2]

    def to(self, device):
        return Plan.from_state({k: {n: w.to(device) for n, w in v.items()} for k, v in self.state().items()})

    def state(self):
        """As nested dicts of tensors, for a checkpoint."""
        fields = {key: {n: getattr(layer, key) for n, layer in self.layers.items()} for key in ("step_in", "step_out", "shift")}
        wide = {n: torch.tensor(layer.wide) for n, layer in self.layers.items()}
        return {**fields, "wide": wide, "read": self.read}

    @classmethod
    def from_state(cls, s):
        """Older states hold units of streams besides, which the layers' steps tell."""
        layers = {n: LayerPlan(s["step_in"][n], s["step_out"][n], s["shift"][n], bool(s["wide"][n])) for n in s["shift"]}
        return cls(layers, dict(s["read"]))


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

    def derive(self, name, of, take):
        """Peak and sample of another map, made from one that was measured: `take` picks from [channels, values]."""
        self.peak[name] = take(self.peak[of][:, None]).amax(1)
        self.sample[name] = [take(self.values(of))]
        return name

    def unshuffled(self, name, r):
        """The same before an unshuffle (or after a shuffle) by r: a channel's r * r phases are one."""
        return name if r == 1 else self.derive(f"{name}/{r}", name, lambda v: v.reshape(len(v) // r**2, -1))

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


class Planner:
    """Builds a Plan from the ranges of a float codec, chain by chain."""

    def __init__(self, codec, ranges):
        self.codec, self.network, self.ranges, self.plan = codec, codec.network, ranges, Plan()

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

    def full(self, channels, step):
        return torch.full((channels,), step, device=next(self.codec.parameters()).device)

    def readers(self, stage, after=None):
        """Where a stage's stream was measured: by its blocks, and by what reads it after them at its own size.

        What unshuffles it (or nothing) is asked where there is no block. after: the next stage, or None for the last.
        """
        names = [f"{block}.{layer}" for block in stage.blocks for layer in ("pw1", "ffn1")]
        if after and (after.unshuffle == 1 or not names):
            names.append(self.ranges.unshuffled(after.name, after.unshuffle))
        return names

    def output(self, stage):
        """Where its layer's own output was measured, after the shuffle."""
        return self.ranges.unshuffled(f"{stage.name}:out", stage.shuffle)

    def chain(self, name, step_in, unit_out, base=None):
        """Plan a chain. step_in: of its input, codes or a stream; unit_out: of its last stage's stream; base: of those between."""
        chain = self.network.chain(name)
        for stage, after in zip(chain.stages, [*chain.stages[1:], None]):
            unit = stream_unit(self.ranges, self.readers(stage, after), base) if after else unit_out
            if chain.reads(stage):
                step_in = self.read(stage.name, step_in, self.ranges.unshuffled(stage.name, stage.unshuffle))
            # a channel's phases lie together in PyTorch's order, and share its step
            steps = step_in.repeat_interleave(stage.unshuffle**2), unit.repeat_interleave(stage.shuffle**2)
            self.layer(stage.name, *steps, stage.wide)
            for block in stage.blocks:
                self.block(block, unit)
            step_in = unit

    def input_of(self, chain, name):
        """Where one of the maps that a chain reads was measured."""
        widths = {"h": self.network.chain("h_s").stages[-1].channels if self.network.hyper else 0, "v_hat": self.network.latents.channels}
        first = sum(widths[other] for other in chain.inputs[: chain.inputs.index(name)])
        return self.ranges.derive(name, chain.stages[0].name, lambda v: v[first : first + widths[name]])

    def hyper(self, v):
        """h_a and h_s -> step of the codes of h."""
        first, last = self.network.chain("h_s").stages[0], self.network.chain("h_s").stages[-1]
        z = self.network.chain("h_a").stages[-1]
        self.chain("h_a", v, stream_unit(self.ranges, [self.output(z), *self.readers(z)]))
        reader = next(chain for chain in self.network.predictors if "h" in chain.inputs)
        read_at = self.input_of(reader, "h")
        h = stream_unit(self.ranges, [*self.readers(last), read_at])
        self.chain("h_s", free_step(self.ranges, first.name), h)
        return self.read("h", h, read_at)

    def predictors(self, v, h_step):
        steps = {"h": h_step}
        if any("v_hat" in chain.inputs for chain in self.network.predictors):
            steps["v_hat"] = self.read("v_hat", v, self.network.chain("g_s").stages[0].name)
        for chain in self.network.predictors:
            unit = self.full(len(v), LOG_SIGMA_UNIT) if chain.name in (self.network.scale, self.network.width) else v
            self.chain(chain.name, torch.cat([steps[name] for name in chain.inputs]), unit)

    def build(self):
        g_a, g_s = self.network.chain("g_a").stages, self.network.chain("g_s").stages
        v = stream_unit(self.ranges, [self.output(g_a[-1]), g_s[0].name, *self.readers(g_a[-1])], GREY)
        self.chain("g_a", self.full(3, PIXEL_IN), v, GREY)
        self.chain("g_s", v, self.full(3, PIXEL_OUT), GREY)
        self.predictors(v, self.hyper(v) if self.network.hyper else None)
        return self.plan


@torch.no_grad()
def calibrate(codec, images, qualities=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0)):
    """Plan of a float codec. images: uint8 [3, h, w] tensors, sides multiples of the network's."""
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
