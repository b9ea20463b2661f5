"""A plain rANS coder and container writer for tests, from docs/FORMAT.md and nothing else."""

import struct
import zlib

import numpy as np

from . import reference_decoder as reference


def put(state, words, start, freq):
    if state >= freq << 17:
        words.append(state & 0xFFFF)
        state >>= 16
    return (state // freq << 15) + state % freq + start


def slots(tables, scale, symbol):
    """(start, freq) pairs of a symbol in decoding order."""
    n, start = tables.n[scale], tables.start[scale]
    slot = symbol + n if abs(symbol) <= n else 2 * n + 1
    yield int(start[slot]), int(start[slot + 1] - start[slot])
    if slot == 2 * n + 1:
        e = abs(symbol) - n
        k = e.bit_length() - 1
        bits = [0] * k + [1] + [e >> i & 1 for i in reversed(range(k))] + [int(symbol < 0)]
        yield from ((bit << 14, 1 << 14) for bit in bits)


def encode_parts(tables, groups):
    """[(symbols, scale indices)] -> a stream as a list of its parts."""
    symbols = np.concatenate([s for s, _ in groups])
    scale_index = np.concatenate([i for _, i in groups])
    if not len(symbols):
        return [b""] * len(groups)
    lanes, words = reference.lane_count(len(symbols)), []
    state = [1 << 16] * lanes
    ends = np.cumsum([len(s) for s, _ in groups]).tolist()
    counts = []
    for begin, end in reversed(list(zip([0] + ends, ends))):
        before = len(words)
        for i in reversed(range(begin, end)):
            for start, freq in reversed(list(slots(tables, scale_index[i], int(symbols[i])))):
                state[i % lanes] = put(state[i % lanes], words, start, freq)
        counts.insert(0, len(words) - before)
    head = [half for x in state for half in (x >> 16, x & 0xFFFF)]
    words, counts[0] = head + words[::-1], counts[0] + len(head)
    return reference.take(struct.pack(f"<{len(words)}H", *words), 0, [2 * count for count in counts])


def encode(tables, symbols, scale_index):
    return b"".join(encode_parts(tables, [(symbols, scale_index)]))


def draw(rng, model, scale_index):
    """Gaussian symbols at about their scales, with a few far out."""
    sigma = 0.11 * (256 / 0.11) ** (scale_index / 63)
    symbols = np.rint(rng.standard_normal(scale_index.shape) * np.minimum(sigma, 20)).astype(np.int64)
    far = rng.random(symbols.shape) < 0.01
    symbols[far] += rng.integers(-3000, 3000, int(far.sum()))
    return symbols


def tile(model, rng, rect, fineness):
    """-> z stream, parts of the y stream, (z, y) symbols."""
    _, _, w, h = rect
    stride = model.stride
    zh, zw, lh, lw = -(-h // (4 * stride)), -(-w // (4 * stride)), -(-h // stride), -(-w // stride)
    z_index = model.z_scale_index(fineness, zh * zw)
    z = draw(rng, model, z_index).reshape(zh, zw, -1)
    h8 = reference.hyper_synthesis(model, z, fineness, lh, lw) if "hyper" in model.network else None
    index = reference.scales(model, h8, fineness, lh, lw)
    coded = index >= model.config["skip_below"]
    y = np.where(coded, draw(rng, model, index), 0)
    groups = zip(reference.by_groups(y, coded), reference.by_groups(index, coded))
    return encode(model.tables, z.ravel(), z_index), encode_parts(model.tables, list(groups)), (z, y)


def calo_file(model, rng, width, height, fineness, tile_log2=6, flags=1):
    """-> bytes of a file of random symbols, and the symbols of each tile."""
    header = struct.pack("<4s4B2I8sH2B", b"CALO", 1, 2, flags, 8, width, height, model.id, fineness, tile_log2, 0)
    rects = reference.tile_rects({"width": width, "height": height, "tile_log2": tile_log2, "flags": flags})
    tiles = [tile(model, rng, rect, fineness) for rect in rects]
    if len(rects) == 1:
        tiles = [(z, [b"".join(y)], symbols) for z, y, symbols in tiles]
    for z, y, _ in tiles:
        header += struct.pack(f"<{2 + len(y)}I", len(z), zlib.crc32(z + b"".join(y)), *map(len, y))
    header += struct.pack("<I", zlib.crc32(header))
    parts = (part for parts in zip(*(y for _, y, _ in tiles)) for part in parts)
    return header + b"".join(z for z, _, _ in tiles) + b"".join(parts), [symbols for _, _, symbols in tiles]
