"""Begin as the optimal linear codec (DESIGN.md section 4): two KLTs in the first and last layers, identity between them."""

import torch
import torch.nn.functional as F

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


def two_transforms(network):
    """Stages of g_a and g_s where both are two layers, to 1/8, to the latents and back, that drop coefficients at most; else SystemExit."""
    analysis, synthesis = network.chain("g_a").stages, network.chain("g_s").stages
    factors = [[(stage.unshuffle, stage.shuffle) for stage in stages] for stages in (analysis, synthesis)]
    c, m, fold = analysis[0].channels, network.latents.channels, network.latents.stride // 8
    if factors != [[(8, 1), (fold, 1)], [(1, fold), (1, 8)]] or c != synthesis[0].channels or c > 192 or m > fold**2 * c:
        needs = f"a g_a and a g_s of two stages each, to 1/8 with equal widths of at most 192, with at most {fold**2} times as many latents"
        raise SystemExit(f"--start klt: needs {needs}; give --start random")
    return analysis, synthesis


def start_transforms(codec, x):
    """Both KLTs into g_a and their transposes into g_s -> variance of each latent [M]."""
    analysis, synthesis = two_transforms(codec.network)
    c, m = analysis[0].channels, codec.network.latents.channels
    blocks8 = F.pixel_unshuffle(x, 8)
    w1 = klt(blocks8)[1][:c, :, None, None]
    variance, w2 = klt(F.pixel_unshuffle(F.conv2d(blocks8, w1), codec.network.latents.stride // 8))
    w2 = w2[:m, :, None, None]
    for stage, weight in zip((*analysis, *synthesis), (w1, w2, w2.transpose(0, 1), w1.transpose(0, 1)), strict=True):
        layer = codec.get_submodule(stage.name)
        layer.weight.copy_(weight)
        layer.bias.zero_()
        for block in stage.blocks:
            codec.get_submodule(block).start_as_identity()
    return variance[:m]


@torch.no_grad()
def start_tables(codec):
    """Quantisation steps proportional to 1 / sqrt(lambda), the same for every channel."""
    lam = codec.lam(torch.linspace(0, 1, codec.qualities.knots))
    log_gain = torch.log(GREY_LEVELS * lam.sqrt() / STEP_PER_SQRT_LAMBDA)[:, None]
    codec.log_gain_y.copy_(log_gain.expand_as(codec.log_gain_y))
    codec.log_gain_dec.copy_(-log_gain.expand_as(codec.log_gain_dec))
    if codec.network.hyper:
        codec.log_gain_z.copy_(log_gain.expand_as(codec.log_gain_z))
        codec.log_sigma_z.fill_(LOG_SIGMA_Z)


def start_heads(codec, variance):
    """Scales begin at each channel's own sigma before the gain; means begin near zero."""
    log_sigma = 0.5 * variance.clamp(min=1e-12).log()
    for chain in codec.network.predictors:
        head = codec.get_submodule(chain.stages[-1].name)
        head.weight.mul_(0.1)
        head.bias.copy_(log_sigma if chain.name == codec.network.scale else torch.zeros_like(log_sigma))
    if not codec.network.scale:
        codec.log_sigma_y.copy_(log_sigma)
