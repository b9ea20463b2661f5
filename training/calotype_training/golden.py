"""Write a tiny model, golden layer vectors and a golden file, for the tests of every other implementation.

    python -m calotype_training.golden OUT
    python -m calotype_training.golden OUT --network training/networks/checkerboard.json

The second is of that network, narrowed, which tiny.json says; it has no layer vectors.

OUT gets tiny.{decoder,encoder}.safetensors and layers.safetensors: for each layer its integer input `NAME.in` and output
`NAME.out`, for each block its stream, NHWC in the file's channel order, computed by PyTorch in float64, where these are exact.
tiny.calo holds random symbols in four tiles, escapes among them, coded by `streams.py`, folded.calo those of a thin picture;
tiny.ppm and folded.ppm are what the NumPy decoder makes of them.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from . import reference_decoder
from .export import export
from .integer import IntegerCodec
from .model import Codec
from .network import Network, Size
from .plan import CODE, calibrate
from .streams import calo_file
from .warm_start import warm_start

TINY = Size(C=16, M=16, Z=4, P=8, n_e=1, n_d=2, knots=3)


def narrowed(network, divisor=16):
    """Network -> the same with that many times fewer channels, rounded up to fours."""

    def fewer(channels):
        return -(-channels // (4 * divisor)) * 4

    value, latents, narrow = network.json(), network.latents.channels, fewer(network.latents.channels)
    for part in value.values():
        for stages in (chain["stages"] for chain in part["chains"].values()):
            for stage in stages:
                phases = stage.get("shuffle", 1) ** 2
                if stage["name"] != network.chain("g_s").stages[-1].name:
                    stage["outputs"] = fewer(stage["outputs"] // phases) * phases
    for key in {"latents", "hyper"} & value["decoder"].keys():
        value["decoder"][key]["channels"] = fewer(value["decoder"][key]["channels"])
    for step in value["decoder"]["schedule"]["steps"]:
        step["cells"] = [[first * narrow // latents, end * narrow // latents, phases] for first, end, phases in step["cells"]]
    return Network.from_json(value)


def tiny_codec(form=TINY, seed=1):
    """A codec with random weights large enough that every layer does something."""
    torch.manual_seed(seed)
    codec = Codec(form)
    warm_start(codec, torch.rand(64, 3, 64, 64))
    with torch.no_grad():
        for parameter in codec.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return codec


def tiny_model(form=TINY, seed=1):
    """-> codec in float64 and its plan."""
    codec = tiny_codec(form, seed)
    side = max(64, codec.network.side)
    images = (torch.rand(4, 3, side, side) * 255).to(torch.uint8)
    return codec.double(), calibrate(codec.float(), images)


def nhwc(x, dtype, phases=1):
    """[1,C,H,W] -> integers [H,W,C], phase-major where a shuffle of `phases` follows or went before."""
    _, c, h, w = x.shape
    x = x.reshape(c // phases, phases, h, w).permute(2, 3, 1, 0).reshape(h, w, c)
    return x.round().to(dtype).contiguous().numpy()


class Vectors:
    """Runs layers of the tiny model on random integers and keeps what went in and came out."""

    def __init__(self, integer_codec):
        self.integer, self.arrays = integer_codec, {}
        self.random = torch.Generator().manual_seed(7)

    def draw(self, channels, limit, height=5, width=7):
        return torch.randint(-limit, limit + 1, (1, channels, height, width), generator=self.random).double()

    def keep(self, name, x, out, dtype_in, dtype_out):
        self.arrays[f"{name}.in"], self.arrays[f"{name}.out"] = nhwc(x, dtype_in), nhwc(out, dtype_out)

    def layer(self, name, end, dtype_out):
        conv = self.integer.codec.get_submodule(name)
        x = self.draw(conv.in_channels, CODE)
        self.keep(name, x, end(name, x), torch.int8, dtype_out)

    def block(self, name):
        s = self.draw(self.integer.codec.get_submodule(f"{name}.pw1").in_channels, 20000)
        self.keep(name, s, self.integer.block(name, s).clamp(-32768, 32767), torch.int16, torch.int16)

    def wide(self, name, phases):
        x = self.draw(self.integer.codec.get_submodule(name).in_channels, 30000)
        self.arrays[f"{name}.in"] = nhwc(x, torch.int16)
        self.arrays[f"{name}.out"] = nhwc(self.integer.stream(name, x).clamp(-32768, 32767), torch.int16, phases)


@torch.no_grad()
def layer_vectors(codec, plan):
    """Every kind of layer end, both kinds of block, a wide layer of g_s: of the first form."""
    v, network = Vectors(IntegerCodec(codec, plan).eval()), codec.network
    wide, steps = network.chain("g_s").stages[0], network.schedule.steps
    context = [network.chain(step.mean).stages for step in steps[1:]]
    v.layer(f"{wide.blocks[0]}.pw1", v.integer.active, torch.int8)
    v.layer(f"{wide.blocks[0]}.dw", v.integer.code, torch.int8)
    v.layer(f"{wide.blocks[0]}.pw2", v.integer.stream, torch.int16)
    v.layer(context[1][0].name, v.integer.stream, torch.int16)
    v.layer(network.chain(network.scale).stages[0].name, v.integer.stream, torch.int16)
    v.block(wide.blocks[1])
    v.block(context[0][0].blocks[0])
    v.wide(wide.name, wide.shuffle**2)
    return v.arrays


def write_file(out):
    part = (out / "tiny.decoder.safetensors").read_bytes()
    file, _ = calo_file(reference_decoder.Model(part), np.random.default_rng(3), 97, 70, 9000)
    keep(out, "tiny", file, part)
    file, _ = calo_file(reference_decoder.Model(part), np.random.default_rng(4), 7, 800, 9000, flags=9)
    keep(out, "folded", file, part)


def keep(out, name, file, part):
    (out / f"{name}.calo").write_bytes(file)
    (out / f"{name}.ppm").write_bytes(reference_decoder.pam(reference_decoder.decode(file, part)))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--network", help="JSON of training/networks; default: the first network")
    a = parser.parse_args(arguments)
    out = Path(a.out)
    codec, plan = tiny_model(narrowed(Network.read(a.network)) if a.network else TINY)
    out.mkdir(parents=True, exist_ok=True)
    print("tiny: model id", export(codec, plan, out, "tiny"))
    if a.network:
        (out / "tiny.json").write_text(json.dumps(codec.network.json(), indent=1) + "\n")
    else:
        save_file(layer_vectors(codec.double(), plan), out / "layers.safetensors")
    write_file(out)


if __name__ == "__main__":
    main()
