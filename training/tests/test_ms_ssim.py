"""MS-SSIM in PyTorch against the plain NumPy one that also gives `calotype eval` its expected values."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from calotype_training.ms_ssim import ms_ssim

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import metric_values  # noqa: E402


def as_tensor(picture):
    return torch.from_numpy(picture).permute(2, 0, 1)[None].double() / 255


def test_equals_the_plain_one():
    original, decoded = metric_values.pictures(300, 200)
    plain = np.mean([metric_values.ms_ssim(original[..., c].astype(float), decoded[..., c].astype(float)) for c in range(3)])
    assert float(ms_ssim(as_tensor(original), as_tensor(decoded))) == pytest.approx(plain, abs=1e-7)
    assert plain < 0.999, "the pictures differ"
    assert float(ms_ssim(as_tensor(original), as_tensor(original))) == pytest.approx(1, abs=1e-12)


def test_its_gradient_leads_uphill():
    original, decoded = (as_tensor(p) for p in metric_values.pictures(192, 180))
    decoded.requires_grad_()
    before = ms_ssim(original, decoded)
    before.sum().backward()
    after = ms_ssim(original, (decoded + 0.02 * decoded.grad / decoded.grad.abs().max()).detach())
    assert float(after) > float(before.detach())


def test_sparse_windows_are_nearly_as_good():
    original, decoded = (as_tensor(p) for p in metric_values.pictures(300, 200))
    decoded.requires_grad_()
    values, gradients = [], []
    for sparse in (False, True):
        value = ms_ssim(original, decoded, sparse)
        gradients.append(torch.autograd.grad(value.sum(), decoded)[0].flatten())
        values.append(float(value.detach()))
    assert values[1] == pytest.approx(values[0], abs=0.02 * (1 - values[0]))
    assert values[1] != values[0]
    assert float(torch.cosine_similarity(*gradients, dim=0)) > 0.98
