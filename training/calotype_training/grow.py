"""A trained codec with more blocks: the new ones start as the identity, so it computes what it did.

    python -m calotype_training.grow assets/checkpoints/fast.pt runs/larger.pt --n-d 8
    python -m calotype_training.grow runs/a/ema.pt runs/larger.pt --network training/networks/larger.json

Then train with --init runs/larger.pt.
"""

import argparse
from dataclasses import replace

from . import checkpoint
from .layers import Block
from .model import Codec
from .network import Network, NetworkError, Size


def grown(codec, n_e=None, n_d=None):
    """Codec of the first form -> a new one with n_e blocks in g_a and n_d in g_s, by default as many as it has; never fewer."""
    sizes = codec.network.first_form()
    if not sizes:
        raise SystemExit("--n-e and --n-d are for networks of the first form: give --network")
    was = Size(**sizes)
    size = replace(was, n_e=was.n_e if n_e is None else n_e, n_d=was.n_d if n_d is None else n_d)
    if size.n_e < was.n_e or size.n_d < was.n_d:
        raise SystemExit(f"g_a has {was.n_e} and g_s {was.n_d} blocks, {size.n_e} and {size.n_d} are fewer: a codec can only grow")
    return grown_into(codec, Network.v1(size))


def grown_into(codec, network):
    """Codec -> one of a network that has all of its layers, in their shapes, and more blocks."""
    larger, state = Codec(network, codec.qualities), codec.state_dict()
    fresh = larger.state_dict()
    for key, value in state.items():
        if key not in fresh or fresh[key].shape != value.shape:
            raise SystemExit(f"{key} of the codec is not in the network, or not of its shape: a codec can only grow")
    blocks = {name: module for name, module in larger.named_modules() if isinstance(module, Block)}
    new = {key for key in fresh if key not in state}
    for key in new:
        if not any(key.startswith(f"{name}.") for name in blocks):
            raise SystemExit(f"{key} is new and of no block: a codec grows by blocks alone")
    larger.load_state_dict({**fresh, **state})
    for name, block in blocks.items():
        if f"{name}.pw1.weight" in new:
            block.start_as_identity()
    return larger


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="calotype_training.grow", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("out")
    parser.add_argument("--n-e", type=int, help="blocks of g_a")
    parser.add_argument("--n-d", type=int, help="blocks of g_s")
    parser.add_argument("--network", help="JSON of a network with more blocks, in place of their counts")
    a = parser.parse_args(arguments)
    codec = checkpoint.load(a.checkpoint)
    if a.network and not (a.n_e is None and a.n_d is None):
        raise SystemExit("--network: says how many blocks there are, without --n-e and --n-d")
    try:
        larger = grown_into(codec, Network.read(a.network)) if a.network else grown(codec, a.n_e, a.n_d)
    except NetworkError as error:
        raise SystemExit(f"--network {error}") from error
    checkpoint.save(larger, a.out)


if __name__ == "__main__":
    main()
