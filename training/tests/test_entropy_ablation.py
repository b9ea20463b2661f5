"""What parts of the entropy model are worth."""

import numpy as np
import torch
from conftest import TINY, smooth_picture

from calotype_training import entropy_ablation


def test_shifted_takes_the_neighbour_and_0_outside():
    a = np.arange(1, 7).reshape(1, 2, 3)
    assert entropy_ablation.shifted(a, 1, 0).tolist() == [[[0, 0, 0], [1, 2, 3]]]
    assert entropy_ablation.shifted(a, 0, 1).tolist() == [[[0, 1, 2], [0, 4, 5]]]
    assert entropy_ablation.shifted(a, 1, -1).tolist() == [[[0, 0, 0], [2, 3, 0]]]


def pictures(size):
    """Four pictures of one scale; `size(row)` gives the greatest symbol of a row."""
    rng = np.random.default_rng(5)
    index = np.full((4, 24, 24), 20)
    symbols = [np.stack([[rng.integers(-size(y), size(y) + 1, 24) for y in range(24)] for _ in range(4)]) for _ in range(4)]
    return [(s.astype(np.int32), index) for s in symbols]


def test_neighbours_help_where_they_tell_something_and_only_there():
    uneven = entropy_ablation.scale_context(pictures(lambda row: 1 if row < 12 else 9))
    even = entropy_ablation.scale_context(pictures(lambda row: 4))
    assert uneven < -10 < -2 < even < 3, (uneven, even)


def test_without_context_every_mean_comes_from_the_head(codec):
    h, y = torch.rand(1, TINY.P, 4, 4), torch.rand(1, TINY.M, 4, 4)
    bare = entropy_ablation.WithoutContext(codec)
    assert torch.equal(bare.step_mean(2, h, y), codec.step_mean(0, h, y))
    assert not torch.equal(bare.step_mean(2, h, y), codec.step_mean(2, h, y))


def test_a_curve_has_a_point_a_quality_and_rounding_to_nearest_another(codec):
    images = [(smooth_picture(192, i)[0] * 255).byte() for i in range(2)]
    chosen, kept = entropy_ablation.curve(codec, images, entropy_ablation.AsEncoder())
    nearest, _ = entropy_ablation.curve(codec, images, entropy_ablation.nearest)
    assert len(chosen["bpp"]) == len(kept) == len(entropy_ablation.QUALITIES) and len(kept[0]) == len(images)
    assert chosen["bpp"] != nearest["bpp"] and min(chosen["bpp"]) > 0
