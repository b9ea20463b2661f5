"""SSIMULACRA2 (Sneyers 2022, version 2.1), differentiable: what the perceptual share of the training loss is made of.

The metric compares pictures in XYB, a space of opponent colours near to the eye's, at six scales. Each scale and channel has three maps:
structural dissimilarity, edges stronger than the original's (ringing, blocks), and edges weaker than the original's (blur). Each map counts
by its 1-norm and its 4-norm. `raw` is the weighted sum of these 108 terms, `score` the published score of it. The matrix, the constants and
the weights are figures of the published metric (libjxl, BSD licence). Blurring is by a plain Gaussian of 11 taps, so scores differ by up to
about a point from those of implementations that blur with a recursive filter.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F

TAPS, SIGMA = 11, 1.5
SMALLEST_SIDE = 8  # px; smaller scales are left out
SPARSE_FROM = 100  # the least side at which `sparse` leaves out positions
C2 = 0.0009
OPSIN = ((0.30, 0.622, 0.078), (0.23, 0.692, 0.078), (0.24342268924547819, 0.20476744424496821, 0.5518098665095536))  # rows L, M, S
OPSIN_BIAS = 0.0037930732552754493
# (channel, scale): weights of the 1-norms and of the 4-norms of dissimilarity, stronger edges, weaker edges. The published list has some
# thirty more between 0.0001 and 0.003, for terms below 1 in a sum of about 1 to 30; without them scale 0 needs one channel, not three.
X, Y, B = range(3)
WEIGHTS = {
    (Y, 0): ((0, 0, 0), (7.466890328078848, 0, 17.445833984131262)),
    (X, 1): ((0, 0, 0), (1.1041726426657346, 0, 0)),
    (Y, 1): ((0, 0, 0), (6.683678146179332, 0, 1.027889937768264)),
    (X, 2): ((0, 0, 0), (1.8422455520539298, 11.441172603757666, 0)),
    (Y, 2): ((225.20515300849274, 0, 0), (19.213238186143016, 0, 0)),
    (X, 3): ((0, 0, 0), (1.8787594979546387, 10.94906990605142, 0)),
    (Y, 3): ((176.39317598450694, 0, 0), (24.43300999870476, 0.28520802612117757, 0)),
    (B, 3): ((0, 0, 0), (8.826982764996862, 23.19243343998926, 0)),
    (X, 4): ((0, 0.9677937080626833, 0), (0, 0.9981766977854967, 0)),
    (Y, 4): ((0, 0, 0), (34.77906344483772, 44.835625328877896, 0)),
    (B, 4): ((95.1080498811086, 0.9863978034400682, 0.9834382792465353), (0, 171.2667255897307, 0.9807858872435379)),
}
SCALES = 1 + max(scale for _, scale in WEIGHTS)
CUBE_ROOT_FLOOR = 1e-6  # the cube root's slope is infinite at 0
FOURTH_ROOT_FLOOR = 1e-18


class Term(NamedTuple):
    channel: int
    ones: torch.Tensor  # [3], weights of the 1-norms
    fours: torch.Tensor  # [3], weights of the 4-norms


def terms(scale, like):
    return [Term(c, like.new_tensor(ones), like.new_tensor(fours)) for (c, s), (ones, fours) in WEIGHTS.items() if s == scale]


def linear(srgb):
    """sRGB in [0, 1] -> linear light."""
    x = srgb.clamp(0, 1)
    return torch.where(x <= 0.04045, x / 12.92, ((x.clamp(min=0.04) + 0.055) / 1.055) ** 2.4)


def xyb(rgb):
    """Linear RGB [B,3,H,W] -> X, Y and B, shifted so that none is negative, as a list of [B,H,W]."""
    mixed = torch.einsum("oc,bchw->bohw", rgb.new_tensor(OPSIN), rgb) + OPSIN_BIAS
    red, green, blue = (mixed.clamp(min=CUBE_ROOT_FLOOR) ** (1 / 3) - OPSIN_BIAS ** (1 / 3)).unbind(1)
    x, y = (red - green) / 2, (red + green) / 2
    return [14 * x + 0.42, y + 0.01, blue - y + 0.55]


def windows(side, every, like):
    """[ceil(side / every), side]: the Gaussian window of each position, 0 beyond the border."""
    distance = torch.arange(0, side, every, device=like.device)[:, None] - torch.arange(side, device=like.device)
    bell = torch.exp(-(distance**2) / (2 * SIGMA**2)) * (distance.abs() <= TAPS // 2)
    whole = torch.exp(-((torch.arange(TAPS) - TAPS // 2) ** 2) / (2 * SIGMA**2)).sum()
    return (bell / whole).to(like.dtype)


def maps(a, b, every):
    """One scale of original a and decoded b, [B,C,H,W] -> dissimilarity, stronger edges, weaker edges [3,B,C,h,w].

    Windows stand at one in `every` positions a side.
    """
    rows, columns = (windows(side, every, a) for side in a.shape[2:])
    mean_a, mean_b, aa, bb, ab = (rows @ torch.cat([a, b, a * a, b * b, a * b]) @ columns.T).chunk(5)
    structure = (2 * (ab - mean_a * mean_b) + C2) / ((aa - mean_a**2) + (bb - mean_b**2) + C2)
    dissimilarity = F.relu(1 - (1 - (mean_a - mean_b) ** 2) * structure)
    a, b = a[:, :, ::every, ::every], b[:, :, ::every, ::every]
    edge = (1 + (b - mean_b).abs()) / (1 + (a - mean_a).abs()) - 1
    return torch.stack([dissimilarity, F.relu(edge), F.relu(-edge)])


def raw(a, b, sparse=False):
    """Original a and decoded b, sRGB [B,3,H,W] in [0,1] each, sides at least SMALLEST_SIDE -> weighted sum of terms [B], 0 for equal ones.

    `sparse` takes every second position a side of large scales: windows overlap, so the gradient is nearly the same, in less time.
    """
    both, total = linear(torch.cat([a, b])), a.new_zeros(len(a))
    for scale in range(SCALES):
        if scale:
            both = F.avg_pool2d(both, 2, ceil_mode=True)  # an odd last row or column counts for itself
        side = min(both.shape[2:])
        if side < SMALLEST_SIDE:
            break
        wanted = terms(scale, both)
        channels = xyb(both)
        original, decoded = torch.stack([channels[term.channel] for term in wanted], 1).chunk(2)
        found = maps(original, decoded, every=2 if sparse and side >= SPARSE_FROM else 1)
        ones = found.mean((3, 4))
        fours = (found.pow(4).mean((3, 4)) + FOURTH_ROOT_FLOOR) ** 0.25
        for i, term in enumerate(wanted):
            total = total + term.ones @ ones[:, :, i] + term.fours @ fours[:, :, i]
    return total


def score(raw_sum):
    """The published score, 100 for equal pictures, of a weighted sum of terms, any shape."""
    x = 0.9562382616834844 * raw_sum
    x = 2.326765642916932 * x - 0.020884521182843837 * x**2 + 6.248496625763138e-05 * x**3
    return 100 - 10 * x.clamp(min=1e-9) ** 0.6276336467831387
