"""Begin as the optimal linear codec (DESIGN.md section 4): two KLTs in the first and last layers, identity between them."""

import torch
import torch.nn.functional as F

from .layers import Block

GREY_LEVELS = 255
STEP_PER_SQRT_LAMBDA = 5.1  # grey levels a quantisation step has at lambda = 1: where rate and distortion slopes meet
LOG_SIGMA_Z = -2.0


def klt(features):
    """[N,K,h,w] -> eigenvalues [K] and basis in rows [K,K] of the channels' second moments, both descending."""
    v = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1]).double()
    values, vectors = torch.linalg.eigh(v.T @ v / len(v))
    return values.flip(0).float(), vectors.flip(1).T.float()


@torch.no_grad()
def warm_start(codec, patches):
    """Make an untrained codec the optimal linear one. patches: float [N,3,h,w] in [0,1], N of a few hundred."""
    variance = start_transforms(codec, patches - 0.5)
    start_tables(codec)
    start_heads(codec, variance)


def start_transforms(codec, x):
    """Both KLTs into g_a and their transposes into g_s -> variance of each latent [M]."""
    s, blocks8 = codec.size, F.pixel_unshuffle(x, 8)
    w1 = klt(blocks8)[1][: s.C, :, None, None]
    variance, w2 = klt(F.pixel_unshuffle(F.conv2d(blocks8, w1), 2))
    w2 = w2[: s.M, :, None, None]
    g_a, g_s = codec.g_a, codec.g_s
    for layer, weight in ((g_a.first, w1), (g_a.last, w2), (g_s.first, w2.transpose(0, 1)), (g_s.last, w1.transpose(0, 1))):
        layer.weight.copy_(weight)
        layer.bias.zero_()
    for block in (m for part in (g_a, g_s) for m in part.modules() if isinstance(m, Block)):
        block.start_as_identity()
    return variance[: s.M]


@torch.no_grad()
def start_tables(codec):
    """Quantisation steps proportional to 1 / sqrt(lambda), the same for every channel."""
    s = codec.size
    lam = codec.lam(torch.linspace(0, 1, s.knots))
    log_gain = torch.log(GREY_LEVELS * lam.sqrt() / STEP_PER_SQRT_LAMBDA)[:, None]
    codec.log_gain_y.copy_(log_gain.expand(-1, s.M))
    codec.log_gain_dec.copy_(-log_gain.expand(-1, s.M))
    codec.log_gain_z.copy_(log_gain.expand(-1, s.Z))
    codec.log_sigma_z.fill_(LOG_SIGMA_Z)


def start_heads(codec, variance):
    """Scales begin at each channel's own sigma before the gain; means begin near zero."""
    for head in [codec.scale_head, codec.mean_head] + [step.last for step in codec.context]:
        head.weight.mul_(0.1)
        head.bias.zero_()
    codec.scale_head.bias.copy_(0.5 * variance.clamp(min=1e-12).log())
