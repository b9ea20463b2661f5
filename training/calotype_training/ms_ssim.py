"""Multi-scale structural similarity (Wang, Simoncelli and Bovik 2003), the mean over RGB, as `calotype eval` has it; differentiable."""

import torch
import torch.nn.functional as F

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # exponents of the five scales, finest first
TAPS, SIGMA = 11, 1.5
SMALLEST = TAPS << (len(WEIGHTS) - 1)  # the least side that has all scales
SPARSE_FROM = 100  # the least side at which `sparse` leaves out windows
C1, C2 = 0.01**2, 0.03**2


def windows(side, like):
    """[side - 10, side]: a Gaussian window a row. As a matrix product it is several times as fast as PyTorch's one-channel convolution."""
    taps = torch.exp(-((torch.arange(TAPS, device=like.device) - TAPS // 2) ** 2) / (2 * SIGMA**2)).to(like.dtype)
    columns = torch.arange(side - TAPS + 1, device=like.device)[:, None] + torch.arange(TAPS, device=like.device)
    return like.new_zeros(len(columns), side).scatter(1, columns, (taps / taps.sum()).expand(columns.shape))


def blur(x, every=1):
    """Gaussian windows inside the picture, one in `every` rows and columns, [B,C,H,W] -> [B,C,ceil((H-10)/every),ceil((W-10)/every)]."""
    rows, columns = (windows(side, x)[::every] for side in x.shape[2:])
    return rows @ x @ columns.T


def similarity(a, b, every=1):
    """-> means over the picture of luminance x contrast-structure, and of contrast-structure alone, [B,C] each."""
    mean_a, mean_b, aa, bb, ab = blur(torch.cat([a, b, a * a, b * b, a * b]), every).chunk(5)
    variances, covariance = (aa - mean_a**2) + (bb - mean_b**2), ab - mean_a * mean_b
    structure = (2 * covariance + C2) / (variances + C2)
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return (luminance * structure).mean((2, 3)), structure.mean((2, 3))


def ms_ssim(a, b, sparse=False):
    """float [B,3,H,W] in [0,1] each, sides at least SMALLEST -> [B].

    `sparse` takes every second window of large scales: they overlap, so the gradient is nearly the same, in under half the time.
    """
    product = 1.0
    for scale, weight in enumerate(WEIGHTS):
        if scale:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        whole, structure = similarity(a, b, every=2 if sparse and min(a.shape[2:]) >= SPARSE_FROM else 1)
        product = product * (whole if scale == len(WEIGHTS) - 1 else structure).clamp(min=1e-6) ** weight
    return product.mean(1)
