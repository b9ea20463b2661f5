"""A trained codec with more blocks: the new ones come last in their transform and start as the identity, so it computes what it did.

    python -m calotype_training.grow assets/checkpoints/fast.pt runs/larger.pt --n-d 8

Then train with --init runs/larger.pt.
"""

import argparse
from dataclasses import replace

from . import checkpoint
from .model import Codec


def grown(codec, n_e=None, n_d=None):
    """codec -> a new one with n_e and n_d blocks, by default as many as it has; never fewer."""
    was = codec.size
    size = replace(was, n_e=was.n_e if n_e is None else n_e, n_d=was.n_d if n_d is None else n_d)
    if size.n_e < was.n_e or size.n_d < was.n_d:
        raise SystemExit(f"g_a has {was.n_e} and g_s {was.n_d} blocks, {size.n_e} and {size.n_d} are fewer: a codec can only grow")
    larger = Codec(size)
    larger.load_state_dict({**larger.state_dict(), **codec.state_dict()})
    for block in [*larger.g_a.blocks[was.n_e :], *larger.g_s.blocks[was.n_d :]]:
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
    a = parser.parse_args(arguments)
    checkpoint.save(grown(checkpoint.load(a.checkpoint), a.n_e, a.n_d), a.out)


if __name__ == "__main__":
    main()
