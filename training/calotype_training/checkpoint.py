"""Checkpoints: {"size", "state"[, "plan"], ...}, weights in float32 or float16, read from this package's and the prototype's files.

"size" makes the first network; one of another form stands as its JSON in "network", with "qualities" beside it.
"""

import re
from dataclasses import asdict

import torch

from .model import Codec, Qualities
from .network import Network, Size
from .plan import Plan

# The prototype numbered its layers by their place in an nn.Sequential.
PROTOTYPE_PREFIXES = {
    "g_a.0.1": "g_a.first",
    "g_a.1": "g_a.blocks",
    "g_a.2.1": "g_a.last",
    "g_s.0.0": "g_s.first",
    "g_s.1": "g_s.blocks",
    "g_s.2.0": "g_s.last",
    "h_a.0": "h_a.first",
    "h_a.1.0": "h_a.block1",
    "h_a.2.1": "h_a.mid",
    "h_a.3.0": "h_a.block2",
    "h_a.4.1": "h_a.last",
    "h_s.0.0": "h_s.first",
    "h_s.1.0": "h_s.block1",
    "h_s.2.0": "h_s.mid",
    "h_s.3.0": "h_s.block2",
    **{f"context.{k}.{old}": f"context.{k}.{new}" for k in range(3) for old, new in (("0", "first"), ("1.0", "block"), ("2", "last"))},
}


def rename(state):
    """A state dict with the prototype's names or this package's -> one with this package's, in the same order."""
    if not any(re.match(r"g_a\.\d", key) for key in state):
        return dict(state)
    return {renamed(key): value for key, value in state.items()}


def renamed(key):
    for old, new in PROTOTYPE_PREFIXES.items():
        if key.startswith(old + "."):
            return new + key[len(old) :]
    return key


def floats(state):
    """Half-precision tensors widened to the float32 that everything computes in."""
    return {key: value.float() for key, value in state.items()}


def restore(codec, state):
    """Load a state dict of either naming and precision into the codec; one from before there were widths gives all of them as 1."""
    state = floats(rename(state))
    if codec.network.width and f"{codec.network.width}.weight" not in state:
        head = codec.get_submodule(codec.network.width)
        state |= {f"{codec.network.width}.{name}": torch.zeros_like(value) for name, value in head.named_parameters()}
    codec.load_state_dict(state)


def form(codec):
    """The entries of a file that tell what `codec_of` makes."""
    size, qualities = codec.network.first_form(), asdict(codec.qualities)
    return {"size": {**size, **qualities}} if size else {"network": codec.network.json(), "qualities": qualities}


def codec_of(entries):
    """An untrained codec as a file's entries tell; the prototype's states tell nothing and are of the default size."""
    if "network" in entries:
        return Codec(Network.from_json(entries["network"]), Qualities(**entries["qualities"]))
    return Codec(Size(**entries.get("size", {})))


def save(codec, path, half=False, **extra):
    """Write the codec's form and weights; half precision makes files small enough to commit (2 bytes a weight)."""
    state = {key: value.detach().cpu() for key, value in codec.state_dict().items()}
    if half:
        state = {key: value.half() for key, value in state.items()}
    torch.save({**form(codec), "state": state, **extra}, path)


def load(path):
    """A checkpoint of this package or of the prototype -> Codec on the CPU, float32."""
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    codec = codec_of(checkpoint)
    restore(codec, checkpoint["state"])
    return codec


def load_plan(path):
    """The integer plan that a checkpoint of quantisation-aware training carries under "plan", or None."""
    state = torch.load(path, map_location="cpu", weights_only=True).get("plan")
    return Plan.from_state(state) if state else None
