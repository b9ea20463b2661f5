"""SOAP (Vyas et al. 2024, arXiv:2409.11321): Adam in the eigenbasis of Shampoo's preconditioner, for the pointwise layers.

A weight [out, in] keeps running means of G G^T [out, out] and G^T G [in, in] and steps as Adam does in the basis of their eigenvectors.
Everything else (biases, depthwise taps, quality tables) steps as plain Adam does, which is SOAP with no basis at all.
"""

import torch

LARGEST_SIDE = 512  # a longer side keeps its own basis: its eigenvectors cost more than they bring


class Soap(torch.optim.Optimizer):
    def __init__(self, parameters, lr, betas=(0.95, 0.99), eps=1e-8, basis_beta=0.96, track_every=4, basis_every=20):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "basis_beta": basis_beta, "track_every": track_every, "basis_every": basis_every}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for number, p in enumerate(group["params"]):
                if p.grad is not None:
                    self.update(p, number, group)

    def update(self, p, number, group):
        """One step of one weight; weights renew their bases in turn, so that no step has to renew them all."""
        state, grad = self.state[p], as_matrix(p.grad)
        if not state:
            state.update(start(grad))
        beta1, beta2 = group["betas"]
        turn = int(state["step"]) + number
        state["step"] += 1
        step = int(state["step"])
        if step == 1 or turn % group["track_every"] == 0:
            track(state, grad, group["basis_beta"])
        if step == 1 or turn % group["basis_every"] == 0:
            renew(state)
        grad = rotate(state, grad)
        state["mean"].lerp_(grad, 1 - beta1)
        state["square"].lerp_(grad.square(), 1 - beta2)
        scale = (state["square"] / (1 - beta2**step)).sqrt_().add_(group["eps"])
        p.sub_(rotate_back(state, state["mean"] / scale).view_as(p), alpha=group["lr"] / (1 - beta1**step))


def as_matrix(grad):
    """[out, in] for a pointwise weight; a vector for everything else."""
    return grad.flatten(1).contiguous() if grad.ndim == 4 and grad.shape[2:] == (1, 1) else grad.contiguous().flatten()


def start(grad):
    sides = [n if grad.ndim == 2 and n <= LARGEST_SIDE else 0 for n in grad.shape]
    new = {"step": torch.zeros(()), "mean": torch.zeros_like(grad), "square": torch.zeros_like(grad)}
    for name, side in zip(("left", "right"), sides, strict=False):
        if side:
            new[name], new[name + "_basis"] = grad.new_zeros(side, side), None
    return new


def track(state, grad, beta):
    if "left" in state:
        state["left"].lerp_(grad @ grad.T, 1 - beta)
    if "right" in state:
        state["right"].lerp_(grad.T @ grad, 1 - beta)


def renew(state):
    """Eigenvectors at first, later one step of orthogonal iteration; the averages follow the basis, as far as they can."""
    for axis, name in enumerate(("left", "right")):
        if name not in state:
            continue
        matrix, basis = state[name], state[name + "_basis"]
        if basis is None:
            state[name + "_basis"] = torch.linalg.eigh(matrix)[1].flip(1).contiguous()
            continue
        image = matrix @ basis
        order = (basis * image).sum(0).argsort(descending=True)
        state[name + "_basis"] = torch.linalg.qr(image[:, order])[0]
        state["square"] = state["square"].index_select(axis, order)
        turn = state[name + "_basis"].T @ basis
        state["mean"] = turn @ state["mean"] if axis == 0 else state["mean"] @ turn.T


def rotate(state, matrix):
    if "left" in state:
        matrix = state["left_basis"].T @ matrix
    return matrix @ state["right_basis"] if "right" in state else matrix


def rotate_back(state, matrix):
    if "left" in state:
        matrix = state["left_basis"] @ matrix
    return matrix @ state["right_basis"].T if "right" in state else matrix
