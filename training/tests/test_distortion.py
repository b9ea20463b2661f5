import pytest
import torch
from conftest import TINY

from calotype_training import model
from calotype_training.distortion import KNOTS, Distortion


def pair(errors):
    """x and x_hat whose squared errors are these."""
    x = torch.full((len(errors), 3, 64, 64), 0.5)
    return x + torch.tensor(errors).sqrt()[:, None, None, None] / 255, x


def gradients(distortion, errors):
    x_hat, x = pair(errors)
    x_hat.requires_grad_()
    distortion(x_hat, x, torch.full((len(errors),), 0.5))[0].sum().backward()
    return x_hat.grad.abs().mean((1, 2, 3))


def relative(power, typical):
    distortion = Distortion(power=power)
    distortion.log_typical = torch.full((KNOTS,), typical).log()
    return distortion


def test_squared_error_is_the_default():
    x_hat, x = pair([4.0, 100.0])
    distortion, mse = Distortion()(x_hat, x, torch.tensor([0.1, 0.9]))
    assert torch.equal(distortion, mse) and mse.tolist() == pytest.approx([4, 100], rel=1e-3)


def test_errors_of_means_count_besides_where_they_have_a_weight():
    x = torch.full((2, 3, 64, 64), 0.5)
    error = torch.stack([torch.full((3, 64, 64), 2 / 255), torch.full((3, 64, 64), 2 / 255)])
    error[1, :, :, ::2] *= -1  # as large, but its means are 0
    distortion, mse = Distortion(coarse_weight=3.0)(x + error, x, torch.full((2,), 0.5))
    assert mse.tolist() == pytest.approx([4, 4], rel=1e-3) and distortion.tolist() == pytest.approx([4 + 3 * 4, 4], rel=1e-3)


def test_a_power_weighs_crops_by_their_own_error_and_leaves_the_typical_one():
    plain, halved = (gradients(d, [4.0, 25.0, 100.0]) for d in (Distortion(), relative(0.5, 25.0)))
    assert (halved / plain).tolist() == pytest.approx([25**0.5 / 4**0.5, 1, 25**0.5 / 100**0.5], rel=1e-3)


def test_typical_distortion_is_measured_at_every_quality():
    codec = model.Codec(TINY).eval()
    distortion = Distortion(power=0.5)
    x = torch.rand(2, 3, 64, 64)
    distortion.measure(codec, [x])
    middle = torch.full((2,), 3 / (KNOTS - 1))
    with torch.no_grad():
        expected = distortion.of_batch(codec, x, middle).mean()
    assert distortion.typical(middle).tolist() == pytest.approx([float(expected)] * 2, rel=1e-4)
