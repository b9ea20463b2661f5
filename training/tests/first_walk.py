"""The decoder's walk as it was written for the first network, layer by layer: the oracle of chains and schedules. Frozen.

`m` is a reference_decoder.Model: its layers and blocks are the same, who runs them when is what is compared.
"""

import numpy as np

from calotype_training import reference_decoder
from calotype_training.reference_decoder import round_shift

ORDER = np.array([[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]])


def hyper_synthesis(m, z, fineness, height, width):
    """5.1: z symbols [zh, zw, Z] -> h8 [height, width, P]."""
    z8 = np.clip(round_shift(z * m.at_fineness("gain.z_dec", fineness), m["gain.z_dec_shift"]), -127, 127)
    s = m.block("h_s.block1", reference_decoder.shuffle(m.stream("h_s.first", m.accumulate("h_s.first", z8)), 2))
    s = reference_decoder.shuffle(m.stream("h_s.mid", m.accumulate("h_s.mid", m.read("h_s.mid", s))), 2)
    return m.read("h", m.block("h_s.block2", s)[:height, :width])


def scales(m, h8, fineness):
    """5.2: -> scale indices [height, width, M]."""
    log_sigma = m.stream("scale_head", m.accumulate("scale_head", h8)) + m.at_fineness("log_gain.y", fineness)
    return m.scale_index(log_sigma - 8 * width_steps(m, h8))


def width_steps(m, h8):
    most = len(m["width.y"]) // 2
    return np.clip((m.stream("width_head", m.accumulate("width_head", h8)) + 4) >> 3, -most, most)


def widened(value, factor):
    return np.clip((value * factor + 2048) >> 12, -65535, 65535)


def context_means(m, k, h8, v_hat):
    name = f"context.{k - 1}"
    s = m.stream(f"{name}.first", m.accumulate(f"{name}.first", np.concatenate([h8, m.read("v_hat", v_hat)], 2)))
    s = m.block(f"{name}.block", s)
    return m.stream(f"{name}.last", m.accumulate(f"{name}.last", m.read(f"{name}.last", s)))


def means(m, h8, symbols, fineness):
    """5.3: symbols [h, w, M] -> v_hat [h, w, M]."""
    height, width, channels = symbols.shape
    phase = np.array([[0, 2], [3, 1]])[np.arange(height)[:, None] & 1, np.arange(width) & 1]
    v_hat, width = np.zeros_like(symbols), width_steps(m, h8) + len(m["width.y"]) // 2
    for k in range(4):
        mean = m.stream("mean_head", m.accumulate("mean_head", h8)) if k == 0 else context_means(m, k, h8, v_hat)
        mu = widened(m.scaled(mean, "gain.y", fineness), m["width.y"][width])
        y_hat = np.clip(widened(np.clip(64 * symbols + mu, -65535, 65535), m["width.y_dec"][width]), -32768, 32767)
        now = phase[:, :, None] == np.repeat(ORDER[k], channels // 4)
        v_hat = np.where(now, m.scaled(y_hat, "gain.y_dec", fineness), v_hat)
    return v_hat


def synthesis(m, v_hat, fineness, depth=8):
    """5.4: v_hat [lh, lw, M] of the whole picture -> pixels uint8 or uint16 [16 lh, 16 lw, 3]."""
    s = reference_decoder.shuffle(m.stream("g_s.first", m.accumulate("g_s.first", v_hat)), 2)
    s = np.clip(s + m.at_fineness("bias.dec", fineness), -32768, 32767)
    for i in range(m.config["n_d"]):
        s = m.block(f"g_s.blocks.{i}", s)
    q4 = round_shift(m.accumulate("g_s.last", s), m["g_s.last.shift"])
    if depth == 16:
        return ((257 * np.clip(reference_decoder.shuffle(q4, 8), 0, 4080) + 8) >> 4).astype(np.uint16)
    return np.clip((reference_decoder.shuffle(q4, 8) + 8) >> 4, 0, 255).astype(np.uint8)
