"""Write a checkpoint as the integer model files of docs/MODEL.md section 8.

    python -m calotype_training.export CHECKPOINT --data DIR --out assets/models --name fast

A checkpoint trained with QAT holds its plan; for a float one the plan is calibrated on training crops (shards of DIR, as for the trainer).
The entropy coder's tables are fitted to the symbols that some of these crops are coded with.
The export refuses a layer whose accumulator could overflow.
"""

import argparse
import hashlib
import json
import struct
import tomllib
from pathlib import Path

from . import cpu

cpu.set_thread_defaults()

import numpy as np  # noqa: E402
import torch  # noqa: E402  (OpenMP reads its settings when torch loads it)
from safetensors.numpy import save  # noqa: E402

from . import checkpoint, entropy_tables, symbol_counts  # noqa: E402
from .data import read_crops  # noqa: E402
from .integer import IntegerCodec  # noqa: E402
from .network import ENCODER  # noqa: E402
from .plan import CODE, LOG_SIGMA_UNIT, SKIP_BELOW, STREAM, WIDE_WEIGHT, WIDEST_STEP, WIDTH_SHIFT, WIDTH_STEP, calibrate  # noqa: E402

LICENCE = "MIT OR Apache-2.0"
ROWS = 64  # rows of the quality tables
SAFETENSORS_NAME = {"int8": "I8", "int16": "I16", "int32": "I32", "uint8": "U8", "uint16": "U16"}
TABLE_CROPS = 64  # training crops whose symbols are counted
ENCODER_TABLES = ("gain.z", "gain.z_shift")


class Overflow(ValueError):
    """A layer's accumulator could pass 2^31."""


def numpy64(tensor):
    return tensor.detach().cpu().double().numpy()


def phase_major(weight, axis, r=2):
    """Channel order c*r*r + phase (PyTorch's shuffles) -> phase*C + c (the file's), along an axis."""
    weight = np.moveaxis(weight, axis, 0)
    channels = weight.shape[0] // (r * r)
    weight = weight.reshape(channels, r * r, *weight.shape[1:]).swapaxes(0, 1).reshape(weight.shape)
    return np.moveaxis(weight, 0, axis)


def prove_no_overflow(name, weight, bias, shift, limit):
    """MODEL.md section 7."""
    weight, bias, shift = (v.astype(np.int64) for v in (weight, bias, shift))
    worst = np.abs(weight).reshape(len(weight), -1).sum(1) * limit + np.abs(bias) + (1 << np.maximum(shift - 1, 0))
    if worst.max() >= 2**31:
        remedy = "train with smaller weights or calibrate with a coarser step"
        raise Overflow(f"{name}: output {worst.argmax()} can reach {worst.max()}, the limit is 2^31; {remedy}")


def layer_tensors(name, conv, plan, stage=None, pixels=False):
    """weight, bias and shift of one layer, in the file's channel order. stage: whose it is, None in a block; pixels: if it writes them."""
    acc, fold, weight = numpy64(plan.step_acc()), numpy64(plan.step_in), numpy64(conv.weight)
    weight = weight * (fold[:, None, None, None] if conv.groups > 1 else fold[None, :, None, None]) / acc[:, None, None, None]
    limit = WIDE_WEIGHT if plan.wide else CODE
    weight = np.clip(np.rint(weight), -limit, limit).astype(np.int16 if plan.wide else np.int8)
    weight = weight[:, 0] if conv.groups > 1 else weight[:, :, 0, 0]
    real_bias = numpy64(conv.bias) + (0.5 if pixels else 0.0)  # g_s writes pixels, not centred ones
    bias = np.clip(np.rint(real_bias / acc), -(2**30), 2**30).astype(np.int32)
    shift = numpy64(plan.shift).astype(np.uint8)
    if stage:
        weight = phase_major(phase_major(weight, 1, stage.unshuffle), 0, stage.shuffle)
        bias, shift = phase_major(bias, 0, stage.shuffle), phase_major(shift, 0, stage.shuffle)
    prove_no_overflow(name, weight, bias, shift, STREAM + 1 if plan.wide else CODE)
    return {
        f"{name}.weight": np.ascontiguousarray(weight),
        f"{name}.bias": np.ascontiguousarray(bias),
        f"{name}.shift": np.ascontiguousarray(shift),
    }


def rows(codec, table):
    """A table [knots, channels] at the 64 quality rows -> float64 [64, channels]."""
    t = torch.linspace(0, 1, ROWS, dtype=torch.float64)
    return numpy64(codec.at(table.double(), t)[:, :, 0, 0])


def fixed_point(name, factor):
    """Positive factors [64, channels] -> i16 mantissas and one shift per channel, as precise as fits."""
    shift = np.floor(np.log2(STREAM / factor.max(0).clip(1e-12))).clip(0, 30)
    return {name: np.clip(np.rint(factor * 2.0**shift), 0, STREAM).astype(np.int16), f"{name}_shift": shift.astype(np.uint8)}


def q8(log_value):
    return np.clip(np.rint(log_value / LOG_SIGMA_UNIT), -STREAM, STREAM).astype(np.int16)


def table_tensors(codec, plan):
    """The quality tables of MODEL.md section 3, of what there is."""
    network = codec.network
    log_gain, gain_dec = rows(codec, codec.log_gain_y), np.exp(rows(codec, codec.log_gain_dec))
    gain, v = np.exp(log_gain), output_unit(codec, plan, "g_a")
    tables = {**fixed_point("gain.y", gain * v * 64), **fixed_point("gain.y_dec", gain_dec / (v * 64))}
    if network.scale:
        tables["log_gain.y"] = q8(np.log(gain))
    else:
        tables["log_sigma.y"] = q8(log_gain + numpy64(codec.log_sigma_y))
    if network.hyper:
        log_gain_z, z_step = rows(codec, codec.log_gain_z), numpy64(plan.layers[network.chain("h_s").stages[0].name].step_in)
        tables |= fixed_point("gain.z", np.exp(log_gain_z) * output_unit(codec, plan, "h_a"))
        tables |= fixed_point("gain.z_dec", np.exp(-log_gain_z) / z_step)
        tables["log_sigma.z"] = q8(log_gain_z + numpy64(codec.log_sigma_z))
    if network.width:
        steps = np.arange(-WIDEST_STEP, WIDEST_STEP + 1) * WIDTH_STEP
        for name, sign in (("width.y", -1), ("width.y_dec", 1)):
            tables[name] = np.rint(np.exp(sign * steps) * 2**WIDTH_SHIFT).astype(np.int16)
    for name, stage in network.biases().items():
        table = rows(codec, codec.bias_table(name)) / numpy64(plan.unit(stage))
        tables[name] = np.clip(np.rint(table), -STREAM, STREAM).astype(np.int16)
    return tables


def output_unit(codec, plan, chain):
    return numpy64(plan.unit(codec.network.chain(chain).stages[-1]))


def model_tensors(codec, plan, counts):
    """All tensors of both parts; counts of symbols for the tables, or None for Gaussians."""
    sizes, cdf = entropy_tables.cdf_tables(counts)
    tensors = {"cdf_sizes": sizes, "cdf": cdf, "scale_lut": entropy_tables.scale_lut(), **table_tensors(codec, plan)}
    stages, last = {stage.name: stage for _, stage, _ in codec.network.stages()}, codec.network.chain("g_s").stages[-1].name
    for name, layer in plan.layers.items():
        tensors |= layer_tensors(name, codec.get_submodule(name), layer, stages.get(name), name == last)
    return tensors | {f"{name}.read_shift": shift.cpu().numpy().astype(np.uint8) for name, shift in plan.read.items()}


def parts_of(network, tensors):
    """Tensors by the part of the model that they are in."""
    encoder = [name for chain in network.chains if chain.name in ENCODER for name in chain.layers()]
    own = {f"{name}.{kind}" for name in encoder for kind in ("weight", "bias", "shift", "read_shift")} | set(ENCODER_TABLES)
    return {"encoder": {k: v for k, v in tensors.items() if k in own}, "decoder": {k: v for k, v in tensors.items() if k not in own}}


def settings(network):
    """`config` of the model files: the sizes of a network of the first form, and what every model has."""
    return {**(network.first_form() or {}), "skip_below": SKIP_BELOW, "scale_lut_offset": entropy_tables.LUT_OFFSET, "released": 0}


def model_id(config, decoder, network=None):
    """Hexadecimal id of a decoder part (MODEL.md section 8). network: the text of its JSON, None in the first form."""
    h = hashlib.sha256(b"calotype-model %d\n" % (1 if network is None else 2))
    for key in (*(("C", "M", "Z", "P", "n_d") if network is None else ()), "skip_below", "scale_lut_offset"):
        h.update(struct.pack("<i", config[key]))
    if network is not None:
        h.update(struct.pack("<I", len(network.encode())) + network.encode())
    for name in sorted(decoder, key=str.encode):
        value, kind = decoder[name], SAFETENSORS_NAME[decoder[name].dtype.name].encode()
        h.update(struct.pack("<I", len(name)) + name.encode() + struct.pack("<I", len(kind)) + kind)
        h.update(struct.pack(f"<{value.ndim + 1}I", value.ndim, *value.shape) + value.astype(value.dtype.newbyteorder("<")).tobytes())
    return h.digest()[:8].hex()


def write_whole(path, write):
    """Call write(path of a new file), then rename: a reader never sees half a file. The folder is made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    write(new)
    new.chmod(0o644)
    new.replace(path)


def export(codec, plan, out, name, counts=None):
    """Write NAME.decoder.safetensors and NAME.encoder.safetensors into the folder; return the model id."""
    network, config = codec.network, settings(codec.network)
    texts = {} if network.first_form() else {part: network.text(part) for part in ("decoder", "encoder")}
    parts = parts_of(network, model_tensors(codec, plan, counts))
    identity = model_id(config, parts["decoder"], texts.get("decoder"))
    metadata = {"format": "calotype-model", "semantics": "2", "name": name, "config": json.dumps(config), "model_id": identity}
    for part, values in parts.items():
        path = Path(out) / f"{name}.{part}.safetensors"
        described = {**metadata, "part": part, **({"network": texts[part]} if texts else {})}
        encoded = sorted_header(save(values, described))
        write_whole(path, lambda new, encoded=encoded: Path(new).write_bytes(encoded))
    return identity


def sorted_header(encoded):
    """Bytes of a safetensors file -> the same with its header's keys in order: safetensors writes metadata in a random one."""
    length = int.from_bytes(encoded[:8], "little")
    header = json.dumps(json.loads(encoded[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # tensors begin at multiples of 8
    return len(header).to_bytes(8, "little") + header + encoded[8 + length :]


def manifest_entry(out, name, identity, source):
    """What MANIFEST.toml says of a model: its id, the hashes of its files, where its weights come from."""
    entry = {"model_id": identity, "licence": LICENCE, "source": source}
    for part in ("decoder", "encoder"):
        entry[f"{part}_sha256"] = hashlib.sha256((Path(out) / f"{name}.{part}.safetensors").read_bytes()).hexdigest()
    return entry


def write_manifest(out, name, entry):
    """Put the model's entry into MANIFEST.toml; other models keep theirs."""
    path = Path(out) / "MANIFEST.toml"
    models = tomllib.loads(path.read_text()) if path.exists() else {}
    models[name] = entry
    tables = [f"[{model}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in values.items()) for model, values in models.items()]
    write_whole(path, lambda new: new.write_text("\n".join(tables)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--data", required=True, help="folder of shards train-*.tar of training crops")
    parser.add_argument("--out", required=True)
    parser.add_argument("--name", default="fast")
    parser.add_argument("--source", default="", help="the training run, for MANIFEST.toml")
    parser.add_argument("--keep", help="write the float weights there, in half precision and with their plan: what training goes on from")
    a = parser.parse_args()
    codec, plan = checkpoint.load(a.checkpoint), checkpoint.load_plan(a.checkpoint)
    crops = read_crops(a.data)
    crops = crops[:: max(1, len(crops) // TABLE_CROPS)]
    plan = plan or calibrate(codec, list(crops))
    counts = symbol_counts.count(IntegerCodec(codec, plan), crops)
    identity = export(codec, plan, a.out, a.name, counts)
    write_manifest(a.out, a.name, manifest_entry(a.out, a.name, identity, a.source))
    if a.keep:
        checkpoint.save(codec, a.keep, half=True, plan=plan.state())
    print(f"{a.name}: model id {identity}")


if __name__ == "__main__":
    main()
