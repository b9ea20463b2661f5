"""What errors cost in the training loss: squared error, shares of SSIMULACRA2, MS-SSIM and coarse errors, and how crops weigh."""

import torch
import torch.nn.functional as F

from . import ssimulacra2
from .ms_ssim import ms_ssim

COARSE_PX = 16  # side of the squares whose means are compared
KNOTS = 8  # qualities at which the typical distortion is measured


class Distortion:
    """x_hat, x [B,3,H,W] in [0,1] and t [B] -> distortion [B] and its squared error [B], both in squared grey levels.

    Squared error alone lets crops with much texture decide everything: their errors are fifty times those of a sky, while PSNR, which is
    averaged over pictures, counts relative errors. `power` p takes distortion D as T (D / T)^p / p, T being what crops have on average at
    that quality: 1 is D itself, towards 0 it becomes PSNR. A typical crop weighs the same whatever p is: rates stay where lambda puts them.
    """

    def __init__(self, ms_ssim_weight=0.0, power=1.0, coarse_weight=0.0, ssimulacra2_weight=0.0):
        self.ms_ssim_weight, self.coarse_weight, self.ssimulacra2_weight = ms_ssim_weight, coarse_weight, ssimulacra2_weight
        self.power, self.log_typical = power, None

    def __call__(self, x_hat, x, t):
        distortion, mse = self.plain(x_hat, x)
        if self.power == 1:
            return distortion, mse
        typical = self.typical(t)
        return typical * (distortion / typical) ** self.power / self.power, mse

    def plain(self, x_hat, x):
        """x_hat, x -> distortion [B] before the power, squared error [B]."""
        error = 255 * (x_hat - x)
        distortion = mse = error.square().mean((1, 2, 3))
        if self.ssimulacra2_weight:
            distortion = distortion + self.ssimulacra2_weight * ssimulacra2.raw(x, x_hat, sparse=True)
        if self.ms_ssim_weight:
            distortion = distortion + self.ms_ssim_weight * (1 - ms_ssim(x_hat, x, sparse=True))
        if self.coarse_weight:  # hues and gradients of skies: little of the squared error, and what the eye sees first
            distortion = distortion + self.coarse_weight * F.avg_pool2d(error, COARSE_PX).square().mean((1, 2, 3))
        return distortion, mse

    def typical(self, t):
        """Mean distortion of crops at t [B], interpolated in its logarithm -> [B]."""
        at = t * (KNOTS - 1)
        below = at.floor().clamp(0, KNOTS - 2).long()
        return torch.lerp(self.log_typical[below], self.log_typical[below + 1], at - below).exp()

    @torch.no_grad()
    def measure(self, codec, batches):
        """Learns what is typical from batches of crops, each [B,3,H,W]; codec(x, t) gives x_hat first."""
        device = batches[0].device
        means = []
        for t in torch.linspace(0, 1, KNOTS, device=device):
            each = [self.of_batch(codec, x, t.expand(len(x))) for x in batches]
            means.append(torch.cat(each).mean())
        self.log_typical = torch.stack(means).log()

    def of_batch(self, codec, x, t):
        return self.plain(codec(x, t)[0], x)[0]
