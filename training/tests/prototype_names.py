"""The network once more from a state dict with the prototype's names: plain functions, no class of the package.

It is the oracle of the renaming and of the forward pass.
"""

import math

import torch
import torch.nn.functional as F

FLOOR, CEILING = math.log(0.11), math.log(256.0)
PHASES = ((0, 0), (1, 1), (0, 1), (1, 0))  # (row, column) modulo 2
QUARTER_PHASE = ((0, 1, 2, 3), (1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0))


class Prototype:
    """`state` under the prototype's names; evaluation only (rounding, no noise)."""

    def __init__(self, state, size):
        self.state, self.size = state, size

    def conv(self, name, x, **kw):
        return F.conv2d(x, self.state[name + ".weight"], self.state[name + ".bias"], **kw)

    def block(self, name, x):
        c = x.shape[1]
        a = F.leaky_relu(self.conv(name + ".pw1", x), 0.125)
        x = x + self.conv(name + ".pw2", self.conv(name + ".dw", F.pad(a, (1, 1, 1, 1), "replicate"), groups=c))
        return x + self.conv(name + ".ffn2", F.leaky_relu(self.conv(name + ".ffn1", x), 0.125))

    def row(self, table, t):
        table, at = self.state[table], float(t) * (self.size.knots - 1)
        i = min(int(at), self.size.knots - 2)
        return torch.lerp(table[i], table[i + 1], at - i)[None, :, None, None]

    def sigma(self, s):
        return (FLOOR + F.softplus(s - FLOOR)).clamp(max=CEILING)

    def bits(self, v, log_sigma):
        v, s = v.abs().double(), log_sigma.double().exp() * math.sqrt(2)
        mass = (torch.erfc((v - 0.5) / s) - torch.erfc((v + 0.5) / s)) / 2
        return float(-mass.clamp(min=1e-9).log2().sum())

    def transforms(self, x):
        v = self.conv("g_a.0.1", F.pixel_unshuffle(x - 0.5, 8))
        for i in range(self.size.n_e):
            v = self.block(f"g_a.1.{i}", v)
        v = self.conv("g_a.2.1", F.pixel_unshuffle(v, 2))
        z = F.pixel_unshuffle(self.block("h_a.1.0", self.conv("h_a.0", v)), 2)
        return v, self.conv("h_a.4.1", F.pixel_unshuffle(self.block("h_a.3.0", self.conv("h_a.2.1", z)), 2))

    def known(self, k, y):
        """Which latents step k codes, element by element."""
        mask = torch.zeros_like(y, dtype=torch.bool)
        quarter = y.shape[1] // 4
        for j in range(4):
            r, c = PHASES[QUARTER_PHASE[k][j]]
            mask[:, j * quarter : (j + 1) * quarter, r::2, c::2] = True
        return mask

    def __call__(self, x, t):
        """One picture x [1,3,H,W], t a float -> x_hat, bpp of y, bpp of z."""
        gain, log_gain = self.row("log_gain_y", t).exp(), self.row("log_gain_y", t)
        dec, log_z = self.row("log_gain_dec", t).exp(), self.row("log_gain_z", t)
        v, z = self.transforms(x)
        z = z * log_z.exp()
        h = F.pixel_shuffle(self.conv("h_s.0.0", z.round() / log_z.exp()), 2)
        h = F.pixel_shuffle(self.conv("h_s.2.0", self.block("h_s.1.0", h)), 2)
        h = self.block("h_s.3.0", h)
        width = self.conv("width_head", h).clamp(-0.75, 0.75)
        gain, log_gain, dec = gain / width.exp(), log_gain - width, dec * width.exp()
        y = v * gain
        mean, y_hat = torch.zeros_like(y), torch.zeros_like(y)
        for k in range(4):
            if k == 0:
                mu = self.conv("mean_head", h)
            else:
                c = f"context.{k - 1}"
                mu = self.conv(c + ".2", self.block(c + ".1.0", self.conv(c + ".0", torch.cat([h, y_hat * dec], 1))))
            mask, mu = self.known(k, y), mu * gain
            mean[mask], y_hat[mask] = mu[mask], ((y - mu).round() + mu)[mask]
        x_hat = F.pixel_shuffle(self.conv("g_s.0.0", y_hat * dec), 2) + self.row("bias_dec", t)
        for i in range(self.size.n_d):
            x_hat = self.block(f"g_s.1.{i}", x_hat)
        x_hat = F.pixel_shuffle(self.conv("g_s.2.0", x_hat), 8) + 0.5
        pixels = x.shape[2] * x.shape[3]
        bits_y = self.bits((y - mean).round(), self.sigma(self.conv("scale_head", h) + log_gain))
        bits_z = self.bits(z.round(), self.sigma(self.state["log_sigma_z"][None, :, None, None] + log_z))
        return x_hat, bits_y / pixels, bits_z / pixels
