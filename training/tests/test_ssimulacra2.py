"""SSIMULACRA2 in PyTorch against the scores of the crates that `calotype eval` is held to, and its gradient."""

import sys
from pathlib import Path

import pytest
import torch

from calotype_training.ssimulacra2 import raw, score

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import metric_values  # noqa: E402

# The crate ssimulacra2 0.5.1 on these pictures, as in crates/calotype-bench/src/metric_tests.rs.
SCORES = {(200, 180): 84.60934668883111, (193, 177): 82.32667238612248}
# The crate blurs with a recursive filter and mirrors the border; here the window is cut at 11 taps, and outside there is nothing.
TOLERANCE = 1.5


def pair(width, height):
    """Two pictures that differ, float32 [1,3,height,width] in [0,1]."""
    return [torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255 for p in metric_values.pictures(width, height)]


@pytest.mark.parametrize("size", SCORES)
def test_scores_are_near_the_crates(size):
    original, decoded = pair(*size)
    assert float(score(raw(original, decoded))) == pytest.approx(SCORES[size], abs=TOLERANCE)
    noisier = ((decoded * 255).int() ^ 4).float() / 255
    assert float(score(raw(original, noisier))) < SCORES[size] - TOLERANCE


def test_equal_pictures_have_nothing_to_sum():
    original, decoded = pair(200, 180)
    # the 4-norms have a floor, so that their slope is finite
    assert float(raw(original, original)) == pytest.approx(0, abs=0.02)
    assert float(raw(original, decoded)) > 0.5
    assert float(score(raw(original, original))) > 98.5


def test_pictures_of_a_batch_are_measured_apart():
    original, decoded = pair(200, 180)
    both = raw(torch.cat([original, original]), torch.cat([decoded, original]))
    assert float(both[0]) == pytest.approx(float(raw(original, decoded)), rel=1e-4)
    assert float(both[1]) < 0.02


def test_its_gradient_leads_downhill():
    original, decoded = pair(192, 180)
    decoded.requires_grad_()
    before = raw(original, decoded)
    before.sum().backward()
    after = raw(original, (decoded - 0.02 * decoded.grad / decoded.grad.abs().max()).detach())
    assert float(after) < float(before.detach())


def test_a_gradient_is_finite_where_pictures_are_equal_or_black():
    black, near = torch.zeros(1, 3, 64, 64), torch.full((1, 3, 64, 64), 1 / 255)
    for original, decoded in ((black, black), (black, near), (near, black)):
        decoded = decoded.clone().requires_grad_()
        raw(original, decoded).sum().backward()
        assert decoded.grad.isfinite().all()


def test_sparse_positions_are_nearly_as_good():
    original, decoded = pair(300, 200)
    decoded.requires_grad_()
    values, gradients = [], []
    for sparse in (False, True):
        value = raw(original, decoded, sparse)
        gradients.append(torch.autograd.grad(value.sum(), decoded)[0].flatten())
        values.append(float(value.detach()))
    assert values[1] == pytest.approx(values[0], rel=0.02)
    assert values[1] != values[0]
    assert float(torch.cosine_similarity(*gradients, dim=0)) > 0.9
