"""Decode a .calo file with NumPy and integers alone: docs/FORMAT.md and docs/MODEL.md in the order of their sections, written to be read.

    python reference_decoder.py FILE.calo MODEL.decoder.safetensors OUT.ppm

Needs only NumPy; about a minute for a 512x512 picture. It is the second implementation that the Rust decoder is compared with.
"""

import json
import struct
import sys
import zlib

import numpy as np

# ---- FORMAT.md sections 1-4: the container ---------------------------------------------------------------------------------------------


class Malformed(ValueError):
    """The file is no valid .calo file."""


def require(condition, complaint):
    if not condition:
        raise Malformed(complaint)


def ceil_div(a, b):
    return -(-a // b)


def read_header(file):
    """-> dict of the header's fields, and the offset after it."""
    require(file[:4] == b"CALO", "not a .calo file")
    require(len(file) >= 28, "shorter than a header")
    names = (
        "format_version",
        "semantics_version",
        "flags",
        "depth",
        "width",
        "height",
        "model_id",
        "fineness",
        "tile_log2",
        "section_count",
    )
    h = dict(zip(names, struct.unpack_from("<4B2I8sH2B", file, 4)))
    require(h["format_version"] == 1 and h["semantics_version"] == 2, "a version this decoder does not know")
    require(h["depth"] in (8, 16), "a depth this decoder does not know")
    require(h["flags"] & ~13 == 0, "reserved flags are set")
    require(h["width"] and h["height"] and h["fineness"] <= 16128 and 6 <= h["tile_log2"] <= 16, "a header field is out of range")
    require(not h["flags"] & 8 or min(h["width"], h["height"]) < 16 and max(h["width"], h["height"]) > 64, "this picture is not folded")
    return h, 28


def strips(h):
    """2.1: -> how many strips a folded picture has, and their length; (1, None) for one that is coded as it is."""
    if not h["flags"] & 8:
        return 1, None
    n = 64 // min(h["width"], h["height"])
    return n, ceil_div(max(h["width"], h["height"]), n)


def coded_size(h):
    """-> (width, height) of what is coded."""
    n, length = strips(h)
    if length is None:
        return h["width"], h["height"]
    return (length, n * h["height"]) if h["width"] > h["height"] else (n * h["width"], length)


def unfolded(h, coded):
    """2.1: samples [coded height, coded width, ...] -> [height, width, ...]."""
    n, length = strips(h)
    if length is None:
        return coded
    along, across = (1, 0) if h["width"] > h["height"] else (0, 1)
    return np.concatenate(np.split(coded, n, across), along)[: h["height"], : h["width"]]


def tile_rects(h):
    """[(x, y, width, height)] of the tiles in pixels, in raster order."""
    side, (width, height) = 1 << h["tile_log2"], coded_size(h)
    return [(x, y, min(side, width - x), min(side, height - y)) for y in range(0, height, side) for x in range(0, width, side)]


def read_streams(file):
    """-> header with its sections by their tags, [(tile rectangle, z stream, y stream)]."""
    h, at = read_header(file)
    rects = tile_rects(h)
    parts = 1 if len(rects) == 1 else 8
    index_at = at + 12 * h["section_count"]
    end = index_at + (8 + 4 * parts) * len(rects)
    require(len(file) >= end + 4, "shorter than its index")
    require(zlib.crc32(file[:end]) == struct.unpack_from("<I", file, end)[0], "header CRC differs")
    sections = [struct.unpack_from("<4sII", file, at + 12 * i) for i in range(h["section_count"])]
    require(all(tag[:1].islower() or tag == b"ALPH" for tag, _, _ in sections), "a critical section this decoder does not know")
    require(len({tag for tag, _, _ in sections}) == len(sections), "a section occurs twice")
    index = list(struct.iter_unpack(f"<{2 + parts}I", file[index_at:end]))
    at = end + 4
    for tag, length, crc in sections:
        require(zlib.crc32(file[at : at + length]) == crc, "a section's CRC differs")
        h[tag] = file[at : at + length]
        at += length
    z = take(file, at, [i[0] for i in index])
    at += sum(map(len, z))
    stored = take(file, at, [i[2 + part] for part in range(parts) for i in index])
    y = [b"".join(stored[tile :: len(rects)]) for tile in range(len(rects))]
    require(at + sum(map(len, y)) == len(file), "bytes after the end, or a stream cut short")
    for (_, crc, *_), a, b in zip(index, z, y):
        require(zlib.crc32(a + b) == crc, "a tile's CRC differs")
    return h, list(zip(rects, z, y))


def take(file, at, lengths):
    ends = np.cumsum([at] + lengths).tolist()
    return [file[a:b] for a, b in zip(ends, ends[1:])]


# ---- FORMAT.md section 3.1: alpha ------------------------------------------------------------------------------------------------------


class Range:
    """The adaptive binary range decoder of a stream; a context is any hashable name."""

    def __init__(self, stream):
        self.stream, self.at, self.code, self.range, self.p = stream, 5, int.from_bytes(stream[:5], "big"), 1 << 40, {}

    def bit(self, context=None):
        p = self.p.get(context, 1 << 15)
        bound = (self.range >> 16) * p
        bit = int(self.code >= bound)
        self.code, self.range = (self.code - bound, self.range - bound) if bit else (self.code, bound)
        while self.range < 1 << 32:
            require(self.at < len(self.stream), "an alpha stream ends too early")
            self.code, self.range, self.at = self.code << 8 | self.stream[self.at], self.range << 8, self.at + 1
        if context is not None:
            self.p[context] = p - (p >> 5) if bit else p + ((65536 - p) >> 5)
        return bit

    def difference(self, steep, tilt, depth):
        """s - p, which is not 0."""
        negative, k = self.bit(("sign", steep, tilt)), 0
        while k < depth - 1 and self.bit(("more", steep, k)):
            k += 1
        n = 1
        for i in range(k):
            n = n << 1 | self.bit(("high", k) if i == 0 else None)
        return -n if negative else n


def decode_plane(stream, width, height, depth):
    """-> int64 [height, width]."""
    top = (1 << depth) - 1
    s = np.full((height, width), top, np.int64)
    if not stream:
        return s
    coder = Range(stream)
    for y in range(height):
        for x in range(width):
            n = int(s[y - 1, x]) if y else top
            w = int(s[y, x - 1]) if x else n
            nw = n if x == 0 else int(s[y - 1, x - 1]) if y else w
            ne = int(s[y - 1, x + 1]) if y and x + 1 < width else n
            ww, nn = int(s[y, x - 2]) if x > 1 else w, int(s[y - 2, x]) if y > 1 else n
            p = min(max(w + n - nw, min(w, n)), max(w, n))
            equal = (w == nw) + 2 * (n == nw) + 4 * (n == ne) + 8 * (w == ww) + 16 * (n == nn)
            if coder.bit(("zero", equal)):
                steep = max(abs(w - nw), abs(n - nw), abs(n - ne)).bit_length()
                p += coder.difference(steep, (w < n) + 2 * (w > n), depth)
            s[y, x] = p & top
    require(coder.at == len(stream) and coder.code == 0, "an alpha stream does not end with its last sample")
    return s


def decode_alpha(h):
    """-> int64 [height, width], or None."""
    if b"ALPH" not in h:
        return None
    rects, section = tile_rects(h), h[b"ALPH"]
    lengths = list(struct.unpack_from(f"<{len(rects)}I", section))
    require(4 * len(rects) + sum(lengths) == len(section), "alpha streams do not fill their section")
    alpha = np.zeros(coded_size(h)[::-1], np.int64)
    for (x, y, width, height), stream in zip(rects, take(section, 4 * len(rects), lengths)):
        alpha[y : y + height, x : x + width] = decode_plane(stream, width, height, h["depth"])
    return unfolded(h, alpha)


# ---- FORMAT.md section 6: entropy coding -----------------------------------------------------------------------------------------------

PROBABILITY_BITS, STATE_MIN = 15, 1 << 16


def coding_order(channels):
    """Channels of the groups, in their order."""
    bounds = [0, 2, 4, 8, 16, 32, 64, 128, channels]
    return [np.arange(min(a, channels), min(b, channels)) for a, b in zip(bounds, bounds[1:])]


def by_groups(latents, coded):
    """What of an array [h, w, M] is coded, as a list for each group."""
    return [latents[:, :, group][coded[:, :, group]] for group in coding_order(latents.shape[2])]


def lane_count(symbols):
    return 1 if symbols < 1 << 15 else 4 if symbols < 1 << 21 else 16 if symbols < 1 << 22 else 32


class Stream:
    """The words of a stream and the states of its lanes."""

    def __init__(self, stream, lanes):
        require(len(stream) % 2 == 0 and len(stream) >= 4 * lanes, "a stream is shorter than its lane states")
        self.words, self.at = struct.unpack(f"<{len(stream) // 2}H", stream), 2 * lanes
        self.state = [self.words[2 * i] << 16 | self.words[2 * i + 1] for i in range(lanes)]

    def advance(self, lane, start, freq):
        x = self.state[lane]
        x = freq * (x >> PROBABILITY_BITS) + (x & 0x7FFF) - start
        if x < STATE_MIN:
            require(self.at < len(self.words), "a stream ends too early")
            x = x << 16 | self.words[self.at]
            self.at += 1
        self.state[lane] = x

    def bit(self, lane):
        bit = self.state[lane] >> 14 & 1
        self.advance(lane, bit << 14, 1 << 14)
        return bit

    def escaped(self, lane, n):
        k = 0
        while not self.bit(lane):
            k += 1
            require(k <= 15, "an escape code is too long")
        e = 1
        for _ in range(k):
            e = e << 1 | self.bit(lane)
        require(e + n <= 32767, "an escaped symbol is too large")
        return -(e + n) if self.bit(lane) else e + n

    def finish(self):
        require(self.at == len(self.words) and all(x == STATE_MIN for x in self.state), "a stream does not end where it should")


class Tables:
    """The CDF of each scale index."""

    def __init__(self, sizes, cdf):
        ends = np.cumsum([0] + [2 * int(n) + 2 for n in sizes])
        self.n = [int(n) for n in sizes]
        self.start = [np.append(cdf[a:b].astype(np.int64), 1 << PROBABILITY_BITS) for a, b in zip(ends, ends[1:])]

    def decode(self, stream, scale_index):
        """Symbols, int64 [N], of a stream whose symbols have those scale indices."""
        if len(scale_index) == 0:
            require(not stream, "a stream without symbols holds bytes")
            return np.zeros(0, np.int64)
        lanes = lane_count(len(scale_index))
        stream, symbols = Stream(stream, lanes), np.zeros(len(scale_index), np.int64)
        for i, scale in enumerate(scale_index):
            start, n, lane = self.start[scale], self.n[scale], i % lanes
            slot = int(np.searchsorted(start, stream.state[lane] & 0x7FFF, "right")) - 1
            stream.advance(lane, int(start[slot]), int(start[slot + 1] - start[slot]))
            symbols[i] = slot - n if slot <= 2 * n else stream.escaped(lane, n)
        stream.finish()
        return symbols


# ---- MODEL.md section 8: the model file ------------------------------------------------------------------------------------------------

DTYPES = {"I8": "<i1", "I16": "<i2", "I32": "<i4", "U8": "<u1", "U16": "<u2"}


def first_network(config):
    """What a file without `network` holds: the chains and the schedule of sections 5.1 to 5.4 in those sizes."""
    c, m, p = config["C"], config["M"], config["P"]
    blocks = [f"g_s.blocks.{i}" for i in range(config["n_d"])]
    h_s = [
        {"name": "h_s.first", "outputs": 4 * p, "shuffle": 2, "blocks": ["h_s.block1"]},
        {"name": "h_s.mid", "outputs": 4 * p, "shuffle": 2, "blocks": ["h_s.block2"]},
    ]
    g_s = [
        {"name": "g_s.first", "wide": True, "outputs": 4 * c, "shuffle": 2, "bias": "bias.dec", "blocks": blocks},
        {"name": "g_s.last", "wide": True, "outputs": 192, "shuffle": 8},
    ]
    chains = {"h_s": {"from": ["z"], "stages": h_s}, "g_s": {"from": ["v_hat"], "stages": g_s}}
    chains |= {head: {"from": ["h"], "stages": [{"name": head, "outputs": m}]} for head in ("scale_head", "width_head", "mean_head")}
    for name in ("context.0", "context.1", "context.2"):
        first = {"name": f"{name}.first", "outputs": p, "blocks": [f"{name}.block"]}
        chains[name] = {"from": ["h", "v_hat"], "stages": [first, {"name": f"{name}.last", "outputs": m}]}
    steps = [{"mean": mean} for mean in ("mean_head", "context.0", "context.1", "context.2")]
    steps[0] |= {"scale": "scale_head", "width": "width_head"}
    for step, phases in zip(steps, [[1, 8, 2, 4], [8, 1, 4, 2], [2, 4, 1, 8], [4, 2, 8, 1]]):
        step["cells"] = [[j * m // 4, (j + 1) * m // 4, phases[j]] for j in range(4)]
    sizes = {"latents": {"channels": m, "stride": 16}, "hyper": {"channels": config["Z"], "stride": 64}}
    return {"chains": chains, "schedule": {"period": 2, "steps": steps}, **sizes}


class Model:
    """Tensors (widened to int64), configuration and network of a decoder part."""

    def __init__(self, file):
        size = struct.unpack_from("<Q", file)[0]
        entries = json.loads(file[8 : 8 + size])
        metadata = entries.pop("__metadata__")
        require(
            metadata["format"] == "calotype-model" and metadata["part"] == "decoder" and metadata["semantics"] == "2", "not a decoder part"
        )
        self.config, self.id = json.loads(metadata["config"]), bytes.fromhex(metadata["model_id"])
        self.network = json.loads(metadata["network"]) if "network" in metadata else first_network(self.config)
        self.channels, self.stride = self.network["latents"]["channels"], self.network["latents"]["stride"]
        self.tensor = {}
        for name, e in entries.items():
            a, b = (8 + size + o for o in e["data_offsets"])
            self.tensor[name] = np.frombuffer(file[a:b], DTYPES[e["dtype"]]).reshape(e["shape"]).astype(np.int64)
        self.tables = Tables(self.tensor["cdf_sizes"], self.tensor["cdf"])

    def __getitem__(self, name):
        return self.tensor[name]

    def at_fineness(self, name, fineness):
        """MODEL.md section 3: a row of a table [64, channels]."""
        i, f, table = fineness >> 8, fineness & 255, self[name]
        return table[i] if f == 0 else (table[i] * (256 - f) + table[i + 1] * f + 128) >> 8

    def scaled(self, value, name, fineness):
        """round_shift of the product with a gain table, saturated to i16."""
        return np.clip(round_shift(value * self.at_fineness(name, fineness), self[f"{name}_shift"]), -32768, 32767)

    def z_scale_index(self, fineness, positions):
        """Scale indices of all z symbols [positions * Z]; of none without hyper-networks."""
        if "hyper" not in self.network:
            return np.zeros(0, np.int64)
        return np.tile(self.scale_index(self.at_fineness("log_sigma.z", fineness)), positions)

    def scale_index(self, s):
        return self["scale_lut"][np.clip((s + self.config["scale_lut_offset"]) >> 3, 0, 511)]

    # MODEL.md section 2: layers and their ends. Maps are int64 [h, w, channels].

    def accumulate(self, name, x):
        # float64 holds every sum exactly: they stay below 2^31
        return (x.astype(np.float64) @ self[f"{name}.weight"].T.astype(np.float64)).astype(np.int64) + self[f"{name}.bias"]

    def end(self, name, acc, low, high):
        return np.clip(round_shift(acc, self[f"{name}.shift"]), low, high)

    def code(self, name, acc):
        return self.end(name, acc, -127, 127)

    def active(self, name, acc):
        return self.code(name, np.where(acc < 0, acc >> 3, acc))

    def stream(self, name, acc):
        return self.end(name, acc, -32768, 32767)

    def read(self, name, s):
        return np.clip(round_shift(s, self[f"{name}.read_shift"]), -127, 127)

    def depthwise(self, name, x):
        h, w, _ = x.shape
        padded, weight = np.pad(x, ((1, 1), (1, 1), (0, 0)), "edge"), self[f"{name}.weight"]
        return self[f"{name}.bias"] + sum(weight[:, i, j] * padded[i : i + h, j : j + w] for i in range(3) for j in range(3))

    def block(self, name, s):
        a = self.active(f"{name}.pw1", self.accumulate(f"{name}.pw1", self.read(f"{name}.pw1", s)))
        b = self.code(f"{name}.dw", self.depthwise(f"{name}.dw", a))
        s = np.clip(s + self.stream(f"{name}.pw2", self.accumulate(f"{name}.pw2", b)), -32768, 32767)
        f = self.active(f"{name}.ffn1", self.accumulate(f"{name}.ffn1", self.read(f"{name}.ffn1", s)))
        return np.clip(s + self.stream(f"{name}.ffn2", self.accumulate(f"{name}.ffn2", f)), -32768, 32767)


def round_shift(a, s):
    return np.where(s == 0, a, (a + (1 << np.maximum(s - 1, 0))) >> s)


def shuffle(x, r):
    """[h, w, r*r*C] -> [rh, rw, C]."""
    h, w, c = x.shape
    return x.reshape(h, w, r, r, c // (r * r)).transpose(0, 2, 1, 3, 4).reshape(h * r, w * r, c // (r * r))


def unshuffle(x, r):
    """[rh, rw, C] -> [h, w, r*r*C]."""
    h, w, c = x.shape
    return x.reshape(h // r, r, w // r, r, c).transpose(0, 2, 1, 3, 4).reshape(h // r, w // r, r * r * c)


# ---- MODEL.md section 5: the decoder ---------------------------------------------------------------------------------------------------


def run(m, name, x, fineness):
    """Section 8: a chain on codes (g_s: on a stream) [h, w, K] -> its last stage's stream [h', w', N]."""
    codes = name != "g_s"
    for stage in m.network["chains"][name]["stages"]:
        layer = stage["name"]
        x = x if codes or stage.get("wide") else m.read(layer, x)
        acc = m.accumulate(layer, unshuffle(x, stage.get("unshuffle", 1)))
        x = shuffle(m.stream(layer, acc), stage.get("shuffle", 1))
        if "bias" in stage:
            x = np.clip(x + m.at_fineness(stage["bias"], fineness), -32768, 32767)
        for block in stage.get("blocks", ()):
            x = m.block(block, x)
        codes = False
    return x


def hyper_synthesis(m, z, fineness, height, width):
    """5.1: z symbols [zh, zw, Z] -> h8 [height, width, P]."""
    z8 = np.clip(round_shift(z * m.at_fineness("gain.z_dec", fineness), m["gain.z_dec_shift"]), -127, 127)
    return m.read("h", run(m, "h_s", z8, fineness)[:height, :width])


def predict(m, name, h8, v_hat, fineness):
    """A predictor's stream [height, width, M]."""
    maps = [h8 if key == "h" else m.read("v_hat", v_hat) for key in m.network["chains"][name]["from"]]
    return run(m, name, np.concatenate(maps, 2), fineness)


def scales(m, h8, fineness, height, width):
    """5.2: -> scale indices [height, width, M]."""
    name = m.network["schedule"]["steps"][0].get("scale")
    if name is None:
        return m.scale_index(np.tile(m.at_fineness("log_sigma.y", fineness), (height, width, 1)))
    log_width = 8 * width_steps(m, h8, fineness)
    return m.scale_index(head(m, name, h8, fineness) + m.at_fineness("log_gain.y", fineness) - log_width)


def head(m, name, h8, fineness):
    """A predictor that sees h alone -> [height, width, M]."""
    return predict(m, name, h8, np.zeros((*h8.shape[:2], m.channels), np.int64), fineness)


def width_steps(m, h8, fineness):
    """5.2: -> steps of the quantiser's widths from 1, [height, width, M]."""
    name = m.network["schedule"]["steps"][0].get("width")
    if name is None:
        return np.zeros((*h8.shape[:2], m.channels), np.int64)
    most = len(m["width.y"]) // 2
    return np.clip((head(m, name, h8, fineness) + 4) >> 3, -most, most)


def width_factors(m, h8, fineness):
    """Q12 factors for y and for y_hat, each [height, width, M], or 4096 where all widths are 1."""
    if "width" not in m.network["schedule"]["steps"][0]:
        return 4096, 4096
    index = width_steps(m, h8, fineness) + len(m["width.y"]) // 2
    return m["width.y"][index], m["width.y_dec"][index]


def widened(value, factor):
    """Times a factor of a width, saturated to 17 bits."""
    return np.clip(round_shift(value * factor, np.int64(12)), -65535, 65535)


def latents_of(cells, period, height, width, channels):
    """Those of a step -> bool [height, width, M]."""
    bit = np.arange(height)[:, None] % period * period + np.arange(width) % period
    now = np.zeros((height, width, channels), bool)
    for first, end, phases in cells:
        here = [phases >> place & 1 == 1 for place in range(period * period)]
        now[:, :, first:end] |= np.array(here)[bit][:, :, None]
    return now


def means(m, h8, symbols, fineness):
    """5.3: symbols [h, w, M] -> v_hat [h, w, M]."""
    v_hat, schedule = np.zeros_like(symbols), m.network["schedule"]
    width, width_dec = width_factors(m, h8, fineness)
    for step in schedule["steps"]:
        mean = predict(m, step["mean"], h8, v_hat, fineness) if "mean" in step else np.zeros_like(symbols)
        y_hat = widened(np.clip(64 * symbols + widened(m.scaled(mean, "gain.y", fineness), width), -65535, 65535), width_dec)
        now = latents_of(step["cells"], schedule["period"], *symbols.shape)
        v_hat = np.where(now, m.scaled(np.clip(y_hat, -32768, 32767), "gain.y_dec", fineness), v_hat)
    return v_hat


def synthesis(m, v_hat, fineness, depth=8):
    """5.4: v_hat [lh, lw, M] of the whole picture -> pixels uint8 or uint16 [16 lh, 16 lw, 3]."""
    q4 = run(m, "g_s", v_hat, fineness)
    if depth == 16:
        return ((257 * np.clip(q4, 0, 4080) + 8) >> 4).astype(np.uint16)
    return np.clip((q4 + 8) >> 4, 0, 255).astype(np.uint8)


def arranged(h, rgb):
    """The colours of a whole picture, and its alpha if it has any -> uint8 or uint16 [height, width, 1 to 4]."""
    if h["flags"] & 4:
        r, g, b = np.moveaxis(rgb.astype(np.int64), 2, 0)
        rgb = ((r + 2 * g + b + 2) >> 2)[:, :, None].astype(rgb.dtype)
    alpha = decode_alpha(h)
    return rgb if alpha is None else np.concatenate([rgb, alpha[:, :, None].astype(rgb.dtype)], 2)


def decode_symbols(m, rect, z_stream, y_stream, fineness):
    """5.1, 5.2 for one tile -> z symbols, h8, y symbols."""
    _, _, w, h = rect
    zh, zw, lh, lw = ceil_div(h, 4 * m.stride), ceil_div(w, 4 * m.stride), ceil_div(h, m.stride), ceil_div(w, m.stride)
    z_index = m.z_scale_index(fineness, zh * zw)
    z = m.tables.decode(z_stream, z_index).reshape(zh, zw, -1)
    h8 = hyper_synthesis(m, z, fineness, lh, lw) if "hyper" in m.network else None
    index = scales(m, h8, fineness, lh, lw)
    symbols, coded = np.zeros(index.shape, np.int64), index >= m.config["skip_below"]
    places = np.concatenate(by_groups(np.arange(index.size).reshape(index.shape), coded))
    symbols.ravel()[places] = m.tables.decode(y_stream, index.ravel()[places])
    return z, h8, symbols


def decode_tile(m, rect, z_stream, y_stream, fineness):
    """-> v_hat of one tile."""
    _, h8, symbols = decode_symbols(m, rect, z_stream, y_stream, fineness)
    return means(m, h8, symbols, fineness)


def decode(file, model):
    """Bytes of a .calo file and of a decoder part -> uint8 or uint16 [height, width, channels]."""
    h, tiles = read_streams(file)
    m = Model(model)
    require(h["model_id"] == m.id, f"the file needs model {h['model_id'].hex()}, this is {m.id.hex()}")
    require(1 << h["tile_log2"] >= 4 * m.stride, "tiles are smaller than a hyper-latent of the model")
    width, height = coded_size(h)
    v_hat = np.zeros((ceil_div(height, m.stride), ceil_div(width, m.stride), m.channels), np.int64)
    for rect, z, y in tiles:
        tile = decode_tile(m, rect, z, y, h["fineness"])
        row, column = rect[1] // m.stride, rect[0] // m.stride
        v_hat[row : row + tile.shape[0], column : column + tile.shape[1]] = tile
    return arranged(h, unfolded(h, synthesis(m, v_hat, h["fineness"], h["depth"])[:height, :width]))


def pam(pixels):
    """uint8 or uint16 [h, w, channels] -> bytes of a PPM file, or of a PAM file for grey and alpha."""
    height, width, channels = pixels.shape
    size = (width, height, np.iinfo(pixels.dtype).max)
    header = b"P6\n%d %d\n%d\n" % size if channels == 3 else b"P7\nWIDTH %d\nHEIGHT %d\nMAXVAL %d\nDEPTH %d\nENDHDR\n" % (*size, channels)
    return header + pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    source, model, out = sys.argv[1:]
    with open(source, "rb") as f, open(model, "rb") as g:
        pixels = decode(f.read(), g.read())
    with open(out, "wb") as f:
        f.write(pam(pixels))


if __name__ == "__main__":
    main()
