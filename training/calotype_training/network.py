"""A model as data: chains of stages and a schedule, from and to the JSON of training/networks and of model files (docs/MODEL.md section 8).

A chain is a list of stages. A stage is a pointwise layer that makes a stream, and blocks that correct it:
`s = shuffle(stream(layer, unshuffle(read(input)))) + bias(Q)`, then `s = Block(s)` for each block.
The schedule says which latents are set when, and which chains predict their means and scales.
A network is checked when it is made: what the rest of the package is given fits together.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

ENCODER = ("g_a", "h_a")  # chains of the encoder part
TRANSFORMS = ("g_a", "g_s", "h_a", "h_s")  # the other chains are predictors
READS = {"g_a": ("pixels",), "g_s": ("v_hat",), "h_a": ("v",), "h_s": ("z",)}
PREDICTS = ("mean", "scale", "width")  # of a step
PREDICTORS_READ = {("h",), ("v_hat",), ("h", "v_hat"), ("v_hat", "h")}
BLOCK_LAYERS = ("pw1", "dw", "pw2", "ffn1", "ffn2")
STRIDES = (8, 16, 32)  # pixels a latent stands for, each way
HYPER = 4  # latents a hyper-latent stands for, each way
LARGEST_PERIOD = 8
NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
BIAS = re.compile(r"bias\.[a-z0-9_]+")
RESERVED = ("h", "v_hat", "gain", "log_gain", "log_sigma", "bias", "width", "cdf", "cdf_sizes", "scale_lut")  # first words of other tensors


class NetworkError(ValueError):
    """The JSON is no network, or its parts do not fit together."""


def require(condition, complaint):
    if not condition:
        raise NetworkError(complaint)


@dataclass(frozen=True)
class Size:
    """Widths of the first network (`Network.v1`), and how its qualities are spread."""

    C: int = 128  # hidden channels at 1/8
    M: int = 384  # latent channels at 1/16, a multiple of 4
    Z: int = 64  # hyper-latent channels at 1/64
    P: int = 160  # width of the entropy-parameter networks
    n_e: int = 4  # blocks in g_a
    n_d: int = 6  # blocks in g_s
    knots: int = 8  # knots of the quality tables
    lambda_min: float = 0.0006
    lambda_max: float = 0.25


@dataclass(frozen=True)
class Stage:
    name: str  # of its layer
    outputs: int  # N, before the shuffle
    wide: bool = False
    unshuffle: int = 1
    shuffle: int = 1
    bias: str | None = None
    blocks: tuple[str, ...] = ()
    expansion: int = 1  # of the blocks' feed-forward branch

    @property
    def channels(self):
        """Of its stream."""
        return self.outputs // self.shuffle**2

    def layers(self):
        """Names of its layers, in the order in which they run."""
        return [self.name, *(f"{block}.{layer}" for block in self.blocks for layer in BLOCK_LAYERS)]

    def json(self):
        optional = {"wide": self.wide, "bias": self.bias, "blocks": list(self.blocks)}
        factors = {key: r for key, r in (("unshuffle", self.unshuffle), ("shuffle", self.shuffle)) if r > 1}
        expansion = {"expansion": self.expansion} if self.blocks else {}
        return {"name": self.name, "outputs": self.outputs, **factors, **{k: v for k, v in optional.items() if v}, **expansion}


def blocks(chain, count):
    """`blocks` and `expansion` of the stage of a transform."""
    return {"blocks": tuple(f"{chain}.blocks.{i}" for i in range(count)), "expansion": 2} if count else {}


@dataclass(frozen=True)
class Chain:
    name: str
    inputs: tuple[str, ...]  # "from": maps whose channels are concatenated, the first in front
    stages: tuple[Stage, ...]

    def reads(self, stage):
        """Whether the stage's layer reads a stream as codes, through a read_shift of its own."""
        return not stage.wide and (stage != self.stages[0] or self.reads_a_stream())

    def reads_a_stream(self):
        return self.name in ("g_a", "g_s", "h_a")

    def layers(self):
        """Names of its layers, in the order in which they run."""
        return [name for stage in self.stages for name in stage.layers()]

    def json(self):
        return {"from": list(self.inputs), "stages": [stage.json() for stage in self.stages]}


class Map(NamedTuple):
    channels: int
    stride: int  # pixels a position, each way


class Cell(NamedTuple):
    """Latents of some channels at some places."""

    first: int  # channel
    end: int  # channel
    phases: int  # bit (y % period) * period + x % period


@dataclass(frozen=True)
class Step:
    cells: tuple[Cell, ...]
    mean: str | None = None  # predictor; None: means are 0
    scale: str | None = None  # predictor, of the first step alone; None there: the table log_sigma.y
    width: str | None = None  # predictor, of the first step alone; None there: all are 1

    def json(self):
        predictors = {key: getattr(self, key) for key in PREDICTS if getattr(self, key)}
        return {**predictors, "cells": [list(cell) for cell in self.cells]}


@dataclass(frozen=True)
class Schedule:
    period: int
    steps: tuple[Step, ...]

    @classmethod
    def quarters(cls, channels, means, scale, width):
        """Four steps on 2 x 2 phases: each sets a quarter of the channels at each place, every quarter another."""
        phases = ((1, 8, 2, 4), (8, 1, 4, 2), (2, 4, 1, 8), (4, 2, 8, 1))
        bounds = [channels * j // 4 for j in range(5)]
        cells = [tuple(map(Cell, bounds, bounds[1:], row)) for row in phases]
        steps = [Step(c, mean) for c, mean in zip(cells, means, strict=True)]
        return cls(2, (replace(steps[0], scale=scale, width=width), *steps[1:]))

    def check(self, channels):
        """Every latent is set exactly once."""
        require(1 <= self.period <= LARGEST_PERIOD, f"schedule: period {self.period} must be 1 to {LARGEST_PERIOD}")
        times = Counter()
        for k, step in enumerate(self.steps):
            require(step.cells, f"step {k}: there is no cell")
            for cell in step.cells:
                where = f"step {k}, cell {list(cell)}"
                require(0 <= cell.first < cell.end <= channels, f"{where}: channels must lie in 0 to {channels}, the first before the end")
                require(0 < cell.phases < 1 << self.period**2, f"{where}: phases must be 1 to {(1 << self.period**2) - 1}")
                places = [place for place in range(self.period**2) if cell.phases >> place & 1]
                times.update((place, channel) for place in places for channel in range(cell.first, cell.end))
        for place in range(self.period**2):
            for channel in range(channels):
                count = times[place, channel]
                at = f"channel {channel} at row {place // self.period}, column {place % self.period} of the period"
                require(count == 1, f"schedule: {at} is set {count} times; all steps together must set it once")


@dataclass(frozen=True)
class Network:
    """Chains in the order of their parameters: g_a, g_s, h_a, h_s, predictors of scales, widths, and means in the order of their steps."""

    latents: Map
    hyper: Map | None
    schedule: Schedule
    chains: tuple[Chain, ...]

    def __post_init__(self):
        check(self)

    @classmethod
    def v1(cls, size):
        """The first network (docs/MODEL.md sections 5 and 6) in a `Size`'s widths."""
        c, m, z, p = size.C, size.M, size.Z, size.P
        g_a = Stage("g_a.first", c, True, unshuffle=8, **blocks("g_a", size.n_e)), Stage("g_a.last", m, True, unshuffle=2)
        g_s = (
            Stage("g_s.first", 4 * c, True, shuffle=2, bias="bias.dec", **blocks("g_s", size.n_d)),
            Stage("g_s.last", 192, True, shuffle=8),
        )
        h_a = (
            Stage("h_a.first", p, blocks=("h_a.block1",)),
            Stage("h_a.mid", p, unshuffle=2, blocks=("h_a.block2",)),
            Stage("h_a.last", z, unshuffle=2),
        )
        h_s = (
            Stage("h_s.first", 4 * p, shuffle=2, blocks=("h_s.block1",)),
            Stage("h_s.mid", 4 * p, shuffle=2, blocks=("h_s.block2",)),
        )
        transforms = [Chain(name, READS[name], stages) for name, stages in (("g_a", g_a), ("g_s", g_s), ("h_a", h_a), ("h_s", h_s))]
        heads = [Chain(name, ("h",), (Stage(name, m),)) for name in ("scale_head", "width_head", "mean_head")]
        context = [
            Chain(name, ("h", "v_hat"), (Stage(f"{name}.first", p, blocks=(f"{name}.block",)), Stage(f"{name}.last", m)))
            for name in (f"context.{k}" for k in range(3))
        ]
        schedule = Schedule.quarters(m, [chain.name for chain in [heads[2], *context]], heads[0].name, heads[1].name)
        return cls(Map(m, 16), Map(z, HYPER * 16), schedule, (*transforms, *heads, *context))

    @classmethod
    def from_json(cls, value):
        """{"decoder": ..., "encoder": ...} -> Network."""
        parts = entries(value, "the network", ("decoder", "encoder"))
        decoder = entries(parts["decoder"], "decoder", ("chains", "latents", "schedule"), ("hyper",))
        encoder = entries(parts["encoder"], "encoder", ("chains",))
        chains = {}
        for part, found in (("decoder", decoder), ("encoder", encoder)):
            for name, chain in entries(found["chains"], f"{part}.chains").items():
                require((name in ENCODER) == (part == "encoder"), f"{part}: chain {name} belongs to the other part")
                chains[name] = read_chain(name, chain)
        schedule = read_schedule(decoder["schedule"])
        hyper = read_map(decoder["hyper"], "hyper") if "hyper" in decoder else None
        return cls(read_map(decoder["latents"], "latents"), hyper, schedule, in_order(chains, schedule))

    @classmethod
    def read(cls, path):
        """The network of a file of training/networks, of a form that the program runs."""
        try:
            network = cls.from_json(json.loads(Path(path).read_text()))
            check_runs(network)
            return network
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, NetworkError) as error:
            raise NetworkError(f"{path}: {error}") from error

    def json(self):
        """As `from_json` reads it."""
        chains = {chain.name: chain.json() for chain in self.chains}
        steps = {"period": self.schedule.period, "steps": [step.json() for step in self.schedule.steps]}
        decoder = {"chains": {name: chain for name, chain in chains.items() if name not in ENCODER}, "latents": self.latents._asdict()}
        decoder |= {"schedule": steps, **({"hyper": self.hyper._asdict()} if self.hyper else {})}
        return {"decoder": decoder, "encoder": {"chains": {name: chains[name] for name in ENCODER if name in chains}}}

    def text(self, part):
        """The canonical JSON of a part, as in a model file."""
        return json.dumps(self.json()[part], sort_keys=True, separators=(",", ":"))

    def first_form(self):
        """The widths {C, M, Z, P, n_e, n_d} of which `v1` makes this network, or None."""
        if not self.hyper:
            return None
        g_a, g_s, _, h_s = (self.chain(name).stages for name in TRANSFORMS)
        sizes = {"C": g_a[0].channels, "M": self.latents.channels, "Z": self.hyper.channels, "P": h_s[-1].channels}
        sizes |= {"n_e": len(g_a[0].blocks), "n_d": len(g_s[0].blocks)}
        return sizes if Network.v1(Size(**sizes)) == self else None

    def chain(self, name):
        return next(chain for chain in self.chains if chain.name == name)

    @property
    def side(self):
        """Pixels on a side of the square that a hyper-latent stands for: what pictures are padded to."""
        return HYPER * self.latents.stride

    @property
    def predictors(self):
        return [chain for chain in self.chains if chain.name not in TRANSFORMS]

    @property
    def scale(self):
        """Name of the chain that predicts the scales, or None for a table."""
        return self.schedule.steps[0].scale

    @property
    def width(self):
        """Name of the chain that predicts the quantiser's widths, or None where all are 1."""
        return self.schedule.steps[0].width

    def stages(self):
        """(chain, stage, channels of its input before the unshuffle) of all chains."""
        for chain in self.chains:
            channels = self.input_channels(chain)
            for stage in chain.stages:
                yield chain, stage, channels
                channels = stage.channels

    def input_channels(self, chain):
        maps = {"pixels": 3, "v": self.latents.channels, "v_hat": self.latents.channels}
        if self.hyper:
            maps |= {"z": self.hyper.channels, "h": self.chain("h_s").stages[-1].channels}
        return sum(maps[name] for name in chain.inputs)

    def biases(self):
        """{name of a quality table that is added to a stream: its stage}."""
        return {stage.bias: stage for _, stage, _ in self.stages() if stage.bias}


# Checks


def check(network):
    check_chains(network)
    check_names(network)
    check_shapes(network)
    network.schedule.check(network.latents.channels)


def check_chains(network):
    """Which chains there are, what they read, and who asks them."""
    require(network.latents.stride in STRIDES, f"latents: stride {network.latents.stride} is not supported, only one of {STRIDES}")
    if network.hyper:
        require(network.hyper.stride == network.side, f"hyper: stride {network.hyper.stride} is not supported, only {network.side}")
    names, steps = [chain.name for chain in network.chains], network.schedule.steps
    for chain in network.chains:
        require(chain.stages, f"chain {chain.name}: there is no stage")
    require(steps, "schedule: there is no step")
    for name in ("g_a", "g_s", *(("h_a", "h_s") if network.hyper else ())):
        require(name in names, f"chain {name} is missing")
    require(network.hyper or not {"h_a", "h_s"} & set(names), "chains h_a and h_s need hyper: give its channels and stride")
    asked = {getattr(step, key) for step in steps for key in PREDICTS} - {None}
    for name in asked:
        require(name in names and name not in TRANSFORMS, f"schedule: there is no predictor {name} among the decoder's chains")
    for chain in network.predictors:
        require(chain.name in asked, f"chain {chain.name}: no step of the schedule asks it")
        require(chain.inputs in PREDICTORS_READ, f"chain {chain.name}: from {list(chain.inputs)} must be of h and v_hat, each once")
        require(network.hyper or "h" not in chain.inputs, f"chain {chain.name}: there is no h without hyper")
    for name, inputs in READS.items():
        require(name not in names or network.chain(name).inputs == inputs, f"chain {name}: must read from {list(inputs)}")
    require(not any(step.scale or step.width for step in steps[1:]), "schedule: scale and width stand in the first step alone")
    require(bool(network.scale) == bool(network.hyper), "step 0: give a scale with hyper, and none without (scales are a table then)")
    means = {step.mean for step in steps if step.mean}
    require(network.scale not in means, f"{network.scale}: predicts scales and means, which need two chains")
    require(not network.width or network.hyper, "step 0: a width needs hyper")
    others = {network.scale, *means}
    require(not network.width or network.width not in others, f"{network.width}: predicts widths and more, which need two chains")
    require(not network.hyper or any("h" in chain.inputs for chain in network.predictors), "chain h_s: no predictor reads h")


def check_names(network):
    """Names of layers are words between dots, each once, none within another and none of another tensor."""
    names = [name for chain in network.chains for name in chain.layers()]
    for name in names:
        require(NAME.fullmatch(name), f"layer {name}: must be words of a-z, 0-9 and _ between dots")
        require(name.split(".")[0] not in RESERVED, f"layer {name}: {name.split('.')[0]} is the name of other tensors")
        outer = [".".join(name.split(".")[:i]) for i in range(1, name.count(".") + 1)]
        require(not set(outer) & set(names), f"layer {name}: lies within another layer")
    for name, count in (Counter(names) + Counter(stage.bias for _, stage, _ in network.stages() if stage.bias)).items():
        require(count == 1, f"{name}: {count} tensors have this name")
    for chain, stage, _ in network.stages():
        if stage.bias:
            require(BIAS.fullmatch(stage.bias), f"{stage.name}: bias {stage.bias} must be bias. and a word of a-z, 0-9 and _")
            require(chain.name not in ENCODER, f"{stage.name}: only chains of the decoder part have a bias by quality")


def check_shapes(network):
    ends = {"g_a": network.latents, "g_s": Map(3, 1), "h_a": network.hyper, "h_s": network.latents}
    begins = {"g_a": 1, "h_s": network.side}
    for chain in network.chains:
        stride = begin = begins.get(chain.name, network.latents.stride)
        end = ends.get(chain.name, network.latents)
        for stage in chain.stages:
            check_stage(chain, stage)
            stride *= stage.unshuffle
            require(stride <= max(begin, end.stride), f"{stage.name}: unshuffle {stage.unshuffle} leaves a position for {stride} pixels")
            require(stride % stage.shuffle == 0, f"{stage.name}: shuffle {stage.shuffle} does not divide {stride} pixels")
            stride //= stage.shuffle
        require(stride == end.stride, f"chain {chain.name}: ends with a position for {stride} pixels, not {end.stride}")
        if chain.name != "h_s":
            channels = chain.stages[-1].channels
            require(channels == end.channels, f"chain {chain.name}: ends with {channels} channels, not {end.channels}")
    for chain in network.predictors:
        for stage in chain.stages:
            require(not stage.wide, f"{stage.name}: layers of predictors are not wide")
            require(stage.shuffle == stage.unshuffle == 1, f"{stage.name}: predictors stay at the latents' size, without shuffles")
    for chain in [*network.predictors, network.chain("g_s")]:
        last = chain.stages[-1]
        require(not last.blocks and not last.bias, f"{last.name}: the last stage of {chain.name} has neither blocks nor a bias")


def check_stage(chain, stage):
    require(stage.outputs % stage.shuffle**2 == 0, f"{stage.name}: {stage.outputs} outputs cannot be shuffled by {stage.shuffle}")
    pixels = chain.name == "g_s" and stage == chain.stages[-1]
    require(pixels or stage.channels % 4 == 0, f"{stage.name}: {stage.channels} channels are not a multiple of 4")
    codes = stage == chain.stages[0] and not chain.reads_a_stream()
    require(not (stage.wide and codes), f"{stage.name}: the first layer of {chain.name} reads codes and cannot be wide")


# What the program runs (docs/MODEL.md section 8): other forms are refused before they are trained, not after

MOST_STAGES, MOST_BLOCKS, MOST_CHANNELS, LARGEST_EXPANSION = 8, 64, 4096, 4
FACTORS = (1, 2, 4, 8, 16)


def check_runs(network):
    for chain, stage, channels in network.stages():
        widest = max(channels * stage.unshuffle**2, stage.outputs)
        complaint = f"{stage.name}: the program runs "
        require(len(chain.stages) <= MOST_STAGES, f"chain {chain.name}: the program runs at most {MOST_STAGES} stages")
        require(stage.shuffle in FACTORS and stage.unshuffle in FACTORS, f"{complaint}shuffles by {FACTORS}")
        require(widest <= MOST_CHANNELS, f"{complaint}at most {MOST_CHANNELS} inputs and outputs, not {widest}")
        require(len(stage.blocks) <= MOST_BLOCKS, f"{complaint}at most {MOST_BLOCKS} blocks")
        require(stage.expansion <= LARGEST_EXPANSION, f"{complaint}an expansion of at most {LARGEST_EXPANSION}")
        may = stage is network.chain("g_s").stages[0]
        require(stage.bias is None or may, f"{stage.name}: the program runs a bias in the first stage of g_s alone")
    for name in ("g_a", "g_s"):
        check_transform_runs(network.chain(name))
    if network.hyper:
        check_int8_runs(network.chain("h_a"), unshuffle=2)
        check_int8_runs(network.chain("h_s"), shuffle=2)
    for chain in network.predictors:
        check_predictor_runs(network, chain)


def check_transform_runs(chain):
    form = f"chain {chain.name}: the program runs two wide stages, with blocks at 1/8 of the picture's size in the first alone"
    require(len(chain.stages) == 2 and all(stage.wide for stage in chain.stages) and not chain.stages[1].blocks, form)
    first, last = chain.stages
    require(max(first.unshuffle, last.shuffle) == 8 and max(first.shuffle, last.unshuffle) <= 4, form)


def check_int8_runs(chain, unshuffle=1, shuffle=1):
    for i, stage in enumerate(chain.stages):
        largest = (unshuffle if i else 1, shuffle)
        require(not stage.wide, f"{stage.name}: the program runs {chain.name} of int8 layers")
        require(
            stage.blocks or stage is chain.stages[-1], f"{stage.name}: the program runs {chain.name} with blocks in each stage but the last"
        )
        require(
            stage.unshuffle <= largest[0] and stage.shuffle <= largest[1],
            f"{stage.name}: the program runs it with an unshuffle of at most {largest[0]} and a shuffle of at most {largest[1]}",
        )


def check_predictor_runs(network, chain):
    require(network.hyper, f"chain {chain.name}: the program runs no predictor without hyper")
    require(
        chain.inputs in (("h",), ("h", "v_hat")), f"chain {chain.name}: the program runs predictors of h, or of h and v_hat in this order"
    )
    check_int8_runs(chain)
    if chain.name in (network.scale, network.width):
        one = chain.inputs == ("h",) and len(chain.stages) == 1
        require(one, f"chain {chain.name}: the program runs scales and widths from h through one layer")


# Reading


def entries(value, where, required=(), optional=None):
    """The object itself; with `optional` or `required` no other keys."""
    require(isinstance(value, dict), f"{where}: must be an object")
    for key in required:
        require(key in value, f"{where}: {key} is missing")
    for key in value if required else ():
        require(key in required or key in (optional or ()), f"{where}: does not know {key}")
    return value


def integer(value, where):
    require(isinstance(value, int) and not isinstance(value, bool) and value >= 0, f"{where}: {value!r} must be an integer, not negative")
    return value


def positive(value, where):
    require(integer(value, where) > 0, f"{where}: must be at least 1")
    return value


def text(value, where):
    require(isinstance(value, str), f"{where}: {value!r} must be a name")
    return value


def items(value, where):
    require(isinstance(value, list), f"{where}: must be a list")
    return value


def read_map(value, where):
    entries(value, where, ("channels", "stride"))
    return Map(*(positive(value[key], f"{where}: {key}") for key in ("channels", "stride")))


def read_stage(value, where):
    entries(value, where, ("name", "outputs"), ("wide", "unshuffle", "shuffle", "bias", "blocks", "expansion"))
    name = text(value["name"], f"{where}: name")
    fields = {key: positive(value[key], f"{name}: {key}") for key in ("outputs", "unshuffle", "shuffle", "expansion") if key in value}
    blocks = tuple(text(block, f"{name}: blocks") for block in items(value.get("blocks", []), f"{name}: blocks"))
    require(blocks or "expansion" not in value, f"{name}: expansion is that of blocks, and there are none")
    wide = value.get("wide", False)
    require(isinstance(wide, bool), f"{name}: wide must be true or false")
    bias = text(value["bias"], f"{name}: bias") if "bias" in value else None
    return Stage(name, wide=wide, bias=bias, blocks=blocks, **fields)


def read_chain(name, value):
    entries(value, f"chain {name}", ("from", "stages"))
    inputs = tuple(text(v, f"chain {name}: from") for v in items(value["from"], f"chain {name}: from"))
    stages = items(value["stages"], f"chain {name}: stages")
    return Chain(name, inputs, tuple(read_stage(stage, f"chain {name}, stage {i}") for i, stage in enumerate(stages)))


def read_step(value, where):
    entries(value, where, ("cells",), PREDICTS)
    cells = items(value["cells"], f"{where}: cells")
    require(all(isinstance(cell, list) and len(cell) == 3 for cell in cells), f"{where}: a cell is [first channel, end channel, phases]")
    predictors = {key: text(value[key], f"{where}: {key}") for key in PREDICTS if key in value}
    return Step(tuple(Cell(*(integer(v, f"{where}: cells") for v in cell)) for cell in cells), **predictors)


def read_schedule(value):
    entries(value, "schedule", ("period", "steps"))
    steps = items(value["steps"], "schedule: steps")
    return Schedule(positive(value["period"], "schedule: period"), tuple(read_step(step, f"step {k}") for k, step in enumerate(steps)))


def in_order(chains, schedule):
    """Chains by name -> as a Network holds them; those that no step asks for come last."""
    asked = [name for step in schedule.steps for name in (step.scale, step.width, step.mean)]
    return tuple(chains[name] for name in dict.fromkeys([*TRANSFORMS, *asked, *chains]) if name in chains)
