"""SOAP: Adam where there is no basis, better than Adam where the axes are not the weights' own."""

import torch

from calotype_training.soap import Soap


def descend(optimiser, weight, loss, steps):
    for _ in range(steps):
        optimiser.zero_grad()
        loss(weight).backward()
        optimiser.step()
    return float(loss(weight.detach()))


def test_vectors_and_depthwise_taps_step_as_adam_does():
    torch.manual_seed(1)
    for shape in ((7,), (6, 1, 3, 3)):
        start, ends = torch.randn(shape), []
        for kind in (Soap, torch.optim.Adam):
            weight = start.clone().requires_grad_()
            descend(kind([weight], lr=0.02, betas=(0.95, 0.99)), weight, lambda w: (w - 1).square().sum(), 30)
            ends.append(weight.detach())
        torch.testing.assert_close(*ends, rtol=1e-4, atol=1e-5)


def skewed(side=24):
    """|L (W - T) R|^2 of a pointwise weight, with L and R far from diagonal and from well conditioned."""
    torch.manual_seed(2)
    left, right = (torch.linalg.qr(torch.randn(side, side))[0] * torch.logspace(0, -1.5, side) for _ in range(2))
    target = torch.randn(side, side)
    return lambda w: (left.T @ (w[:, :, 0, 0] - target) @ right).square().sum()


def test_pointwise_weights_descend_faster_than_with_adam():
    loss, ends = skewed(), []
    for kind in (Soap, torch.optim.Adam):
        weight = torch.zeros(24, 24, 1, 1, requires_grad=True)
        ends.append(descend(kind([weight], lr=0.1, betas=(0.95, 0.99)), weight, loss, 150))
    assert ends[0] < 0.5 * ends[1], ends


def test_a_reloaded_state_goes_on_alike():
    loss, ends = skewed(), []
    for reload in (False, True):
        weight = torch.zeros(24, 24, 1, 1, requires_grad=True)
        optimiser = Soap([weight], lr=0.03)
        descend(optimiser, weight, loss, 25)
        if reload:
            fresh = Soap([weight], lr=0.03)
            fresh.load_state_dict(optimiser.state_dict())
            optimiser = fresh
        ends.append(descend(optimiser, weight, loss, 25))
    assert ends[0] == ends[1]
