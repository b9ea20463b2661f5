"""SOAP (Vyas et al. 2024, arXiv:2409.11321): Adam in the eigenbasis of Shampoo's preconditioner, for the pointwise layers.

A weight [out, in] keeps running means of G G^T [out, out] and G^T G [in, in] and steps as Adam does in the basis of their eigenvectors.
Everything else (biases, depthwise taps, quality tables) steps as plain Adam does, which is SOAP with no basis at all.
Weights of one shape are stepped together as a stack [n, out, in], everything else as one vector: few kernels, which matters on CUDA.
"""

import torch

LARGEST_SIDE = 512  # a longer side keeps its own basis: its eigenvectors cost more than they bring
SIDES = ("left", "right")
RENEWED_AFTER = 0.1  # of the steps so far, a basis is renewed at any rate while that is more often than `basis_every`
OFTENEST = 20  # steps


class Soap(torch.optim.Optimizer):
    def __init__(self, parameters, lr, betas=(0.95, 0.99), eps=1e-8, basis_beta=0.96, track_every=4, basis_every=20):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "basis_beta": basis_beta, "track_every": track_every, "basis_every": basis_every}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for number, stack in enumerate(stacks(group["params"])):
                self.update(stack, number, group)

    def update(self, stack, number, group):
        """One step of the weights of one stack; stacks renew their bases in turn, so that no step has to renew them all."""
        state, grad = self.state[stack[0]], stacked(stack)
        if not state:
            state.update(start(grad))
        beta1, beta2 = group["betas"]
        turn = int(state["step"]) + number
        state["step"] += 1
        step = int(state["step"])
        if step == 1 or turn % group["track_every"] == 0:
            track(state, grad, group["basis_beta"])
        if step == 1 or turn % basis_period(step, group["basis_every"]) == 0:
            renew(state)
        grad = rotate(state, grad)
        state["mean"].lerp_(grad, 1 - beta1)
        state["square"].lerp_(grad.square(), 1 - beta2)
        scale = (state["square"] / (1 - beta2**step)).sqrt_().add_(group["eps"])
        direction = rotate_back(state, state["mean"] / scale)
        torch._foreach_add_(stack, parts(direction, stack), alpha=-group["lr"] / (1 - beta1**step))


def basis_period(step, basis_every):
    """Steps between two renewals of a basis: fewer at first, as the means it is made of are young."""
    return min(basis_every, max(OFTENEST, int(RENEWED_AFTER * step)))


def is_pointwise(p):
    return p.ndim == 4 and p.shape[2:] == (1, 1)


def stacks(parameters):
    """Parameters with a gradient -> lists of pointwise weights of one shape, and last one list of everything else."""
    by_shape, rest = {}, []
    for p in parameters:
        if p.grad is not None:
            (by_shape.setdefault(p.shape, []) if is_pointwise(p) else rest).append(p)
    return [*by_shape.values(), *([rest] if rest else [])]


def stacked(stack):
    """Gradients -> [n, out, in], or [all values]."""
    if is_pointwise(stack[0]):
        return torch.stack([p.grad.flatten(1) for p in stack])
    return torch.cat([p.grad.flatten() for p in stack])


def parts(direction, stack):
    """The stack's step as one tensor a parameter."""
    pieces = direction.unbind() if is_pointwise(stack[0]) else direction.split([p.numel() for p in stack])
    return [piece.view(p.shape) for piece, p in zip(pieces, stack, strict=True)]


def start(grad):
    new = {"step": torch.zeros(()), "mean": torch.zeros_like(grad), "square": torch.zeros_like(grad)}
    for name, side in zip(SIDES, grad.shape[1:], strict=False):
        if side <= LARGEST_SIDE:
            new[name], new[name + "_basis"] = grad.new_zeros(len(grad), side, side), None
    return new


def track(state, grad, beta):
    if "left" in state:
        state["left"].lerp_(grad @ grad.mT, 1 - beta)
    if "right" in state:
        state["right"].lerp_(grad.mT @ grad, 1 - beta)


def eigenvectors(matrix):
    """Symmetric [n,side,side] -> their eigenvectors in columns, the largest first; on the CPU where CUDA's solver gives a low rank up."""
    try:
        vectors = torch.linalg.eigh(matrix)[1]
    except torch.linalg.LinAlgError:
        vectors = torch.linalg.eigh(matrix.cpu())[1].to(matrix.device)
    return vectors.flip(2).contiguous()


def renew(state):
    """Eigenvectors at first, later one step of orthogonal iteration; the averages follow the basis, as far as they can."""
    for axis, name in enumerate(SIDES, 1):
        if name not in state:
            continue
        matrix, basis = state[name], state[name + "_basis"]
        if basis is None:
            state[name + "_basis"] = eigenvectors(matrix)
            continue
        image = matrix @ basis
        order = (basis * image).sum(1).argsort(1, descending=True)
        state[name + "_basis"] = new = torch.linalg.qr(image.gather(2, order[:, None].expand_as(image)))[0]
        square, mean = state["square"], state["mean"]
        state["square"] = square.gather(axis, order.unsqueeze(3 - axis).expand_as(square))
        turn = new.mT @ basis
        state["mean"] = turn @ mean if axis == 1 else mean @ turn.mT


def rotate(state, matrix):
    if "left" in state:
        matrix = state["left_basis"].mT @ matrix
    return matrix @ state["right_basis"] if "right" in state else matrix


def rotate_back(state, matrix):
    if "left" in state:
        matrix = state["left_basis"] @ matrix
    return matrix @ state["right_basis"].mT if "right" in state else matrix
