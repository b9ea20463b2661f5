"""The integer codec: simulation, export and NumPy decoder must be one arithmetic."""

import hashlib
import struct
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from calotype_training import checkpoint, export, golden, reference_decoder
from calotype_training.integer import IntegerCodec, Requantise
from calotype_training.plan import CODE
from calotype_training.streams import calo_file


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """codec (float64), plan, the exported decoder part as the reference decoder reads it, and its bytes."""
    codec, plan = golden.tiny_model()
    folder = tmp_path_factory.mktemp("tiny")
    export.export(codec, plan, folder, "tiny")
    part = (folder / "tiny.decoder.safetensors").read_bytes()
    return codec.double(), plan, reference_decoder.Model(part), part


def rows(x):
    return x.astype(np.int64)


def reference_layer(model, name, x, end):
    return getattr(model, end)(name, model.accumulate(name, x))


def test_layers_equal_the_simulation(tiny):
    codec, plan, model, _ = tiny
    arrays = golden.layer_vectors(codec, plan)
    for name, end in (
        ("g_s.blocks.0.pw1", "active"),
        ("g_s.blocks.0.pw2", "stream"),
        ("context.1.first", "stream"),
        ("scale_head", "stream"),
    ):
        np.testing.assert_array_equal(reference_layer(model, name, rows(arrays[f"{name}.in"]), end), arrays[f"{name}.out"], err_msg=name)
    dw = "g_s.blocks.0.dw"
    np.testing.assert_array_equal(model.code(dw, model.depthwise(dw, rows(arrays[f"{dw}.in"]))), arrays[f"{dw}.out"])
    for name in ("g_s.blocks.1", "context.0.block"):
        np.testing.assert_array_equal(model.block(name, rows(arrays[f"{name}.in"])), arrays[f"{name}.out"], err_msg=name)
    np.testing.assert_array_equal(reference_layer(model, "g_s.first", rows(arrays["g_s.first.in"]), "stream"), arrays["g_s.first.out"])


@pytest.mark.parametrize("tensor", ["weight", "shift", "bias"])
def test_the_comparison_can_fail(tiny, tensor):
    codec, plan, model, part = tiny
    arrays, name = golden.layer_vectors(codec, plan), "g_s.blocks.0.pw2"
    changed = reference_decoder.Model(part)
    changed.tensor[f"{name}.{tensor}"] = changed.tensor[f"{name}.{tensor}"].copy()
    changed.tensor[f"{name}.{tensor}"].flat[0] ^= 1 << (6 if tensor == "weight" else 0 if tensor == "shift" else 20)
    assert (reference_layer(changed, name, rows(arrays[f"{name}.in"]), "stream") != arrays[f"{name}.out"]).any()


def test_outputs_are_lively(tiny):
    codec, plan, _, _ = tiny
    for name, values in golden.layer_vectors(codec, plan).items():
        if values.dtype == np.int8:
            assert (np.abs(values.astype(int)) == CODE).mean() < 0.5 and (values != 0).mean() > 0.3, name


@pytest.mark.parametrize("leaky", [False, True])
def test_requantise_and_its_gradient(leaky):
    acc = torch.tensor([-70_000.0, -2000, -9, -1, 1, 7, 8, 2000, 30_000, 40_000]).reshape(1, 1, 2, 5).requires_grad_()
    out = Requantise.apply(acc, torch.tensor([2.0**-4]), 127, leaky)
    expected = [((a >> 3 if leaky and a < 0 else a) + 8) >> 4 for a in map(int, acc.flatten().tolist())]
    assert out.flatten().tolist() == [max(-127, min(127, e)) for e in expected]
    out.backward(torch.full_like(out, 3))
    slope = [(0.125 if leaky and a < 0 else 1) * (abs(e) <= 127) for a, e in zip(acc.flatten().tolist(), expected, strict=True)]
    assert acc.grad.flatten().tolist() == [3 * s / 16 for s in slope]


def test_overflow_is_refused():
    weight, shift = np.full((2, 160_000), 127, np.int8), np.array([3, 3], np.uint8)
    with pytest.raises(export.Overflow, match="layer.x: output 0"):
        export.prove_no_overflow("layer.x", weight, np.zeros(2, np.int32), shift, CODE)
    export.prove_no_overflow("layer.x", weight[:, :100_000], np.zeros(2, np.int32), shift, CODE)


def test_the_manifest_names_the_files_as_they_are(tiny, tmp_path):
    codec, plan, model, _ = tiny
    for name in ("one", "two"):
        identity = export.export(codec, plan, tmp_path, name)
        export.write_manifest(tmp_path, name, export.manifest_entry(tmp_path, name, identity, 'a "quoted" run'))
    manifest = tomllib.loads((tmp_path / "MANIFEST.toml").read_text())
    assert manifest.keys() == {"one", "two"} and manifest["two"]["source"] == 'a "quoted" run'
    assert manifest["two"]["model_id"] == model.id.hex()
    assert manifest["two"]["decoder_sha256"] == hashlib.sha256((tmp_path / "two.decoder.safetensors").read_bytes()).hexdigest()


def test_an_export_is_the_same_every_time(tiny, tmp_path):
    codec, plan, _, _ = tiny
    bytes_of = []
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        export.export(codec, plan, tmp_path / folder, "tiny")
        bytes_of.append([(tmp_path / folder / f"tiny.{part}.safetensors").read_bytes() for part in ("decoder", "encoder")])
    assert bytes_of[0] == bytes_of[1] == bytes_of[2]


def test_what_an_export_keeps_trains_on_with_the_same_plan(codec, shards, tmp_path, monkeypatch):
    checkpoint.save(codec, tmp_path / "float.pt")
    arguments = f"export {tmp_path}/float.pt --data {shards} --out {tmp_path} --name one --keep {tmp_path}/kept.pt"
    monkeypatch.setattr("sys.argv", arguments.split())
    export.main()
    kept, plan = checkpoint.load(tmp_path / "kept.pt"), checkpoint.load_plan(tmp_path / "kept.pt")
    assert torch.equal(kept.g_s.last.weight, codec.g_s.last.weight.half().float())
    written = reference_decoder.Model((tmp_path / "one.decoder.safetensors").read_bytes())
    assert plan.read["g_s.blocks.0.pw1"].tolist() == written.tensor["g_s.blocks.0.pw1.read_shift"].tolist()


def test_the_projects_manifest_is_current():
    models = Path(__file__).resolve().parents[2] / "assets/models"
    for name, entry in tomllib.loads((models / "MANIFEST.toml").read_text()).items():
        for part in ("decoder", "encoder"):
            assert hashlib.sha256((models / f"{name}.{part}.safetensors").read_bytes()).hexdigest() == entry[f"{part}_sha256"]


def test_model_id_follows_every_bit(tiny):
    _, _, model, _ = tiny
    config, tensors = model.config, {k: v.astype(np.int16) for k, v in model.tensor.items()}
    first = export.model_id(config, tensors)
    tensors["g_s.last.weight"] = tensors["g_s.last.weight"] ^ np.int16(1)
    assert export.model_id(config, tensors) != first


def test_reference_decoder_reads_what_an_encoder_writes(tiny):
    """Random symbols, escapes among them, coded by the independent coder in streams.py."""
    _, _, model, part = tiny
    rng = np.random.default_rng(3)
    width, height, quality = 97, 70, 9000
    file, symbols = calo_file(model, rng, width, height, quality)
    header, tiles = reference_decoder.read_streams(file)
    assert (header["width"], header["height"], len(tiles)) == (width, height, 4)
    for (rect, z, y), tile in zip(tiles, symbols):
        decoded = reference_decoder.decode_symbols(model, rect, z, y, quality)
        np.testing.assert_array_equal(decoded[0], tile[0])
        np.testing.assert_array_equal(decoded[2], tile[1])
    assert reference_decoder.decode(file, part).shape == (height, width, 3)


@pytest.mark.parametrize("width, height", [(300, 9), (9, 300), (65, 1), (1, 65)])
def test_a_folded_file_is_unfolded(tiny, width, height):
    """Each pixel by the equations of FORMAT.md section 2.1, from the same file as a picture that is coded as it is."""
    _, _, model, part = tiny
    file, _ = calo_file(model, np.random.default_rng(5), width, height, 9000, flags=9)
    header, _ = reference_decoder.read_streams(file)
    s, n = min(width, height), 64 // min(width, height)
    length = -(-max(width, height) // n)
    size = (length, n * s) if width > height else (n * s, length)
    assert reference_decoder.coded_size(header) == size
    plain, _ = calo_file(model, np.random.default_rng(5), *size, 9000)
    coded, pixels = reference_decoder.decode(plain, part), reference_decoder.decode(file, part)
    assert pixels.shape == (height, width, 3)
    for y in range(height):
        for x in range(width):
            place = (y + s * (x // length), x % length) if width > height else (y % length, x + s * (y // length))
            assert (pixels[y, x] == coded[place]).all()


def test_only_thin_pictures_are_folded(tiny):
    _, _, model, _ = tiny
    for width, height in [(64, 1), (16, 300), (100, 100)]:
        header = struct.pack("<4s4B2I8sH2B", b"CALO", 1, 2, 9, 8, width, height, model.id, 9000, 6, 0)
        with pytest.raises(reference_decoder.Malformed, match="not folded"):
            reference_decoder.read_header(header)


@pytest.mark.parametrize("position", [0, 5, 9, 20, 40, 70, -1])
def test_damaged_files_are_refused(tiny, position):
    _, _, model, part = tiny
    file, _ = calo_file(model, np.random.default_rng(4), 64, 64, 3000)
    damaged = bytearray(file)
    damaged[position] ^= 4
    with pytest.raises(reference_decoder.Malformed):
        reference_decoder.decode(bytes(damaged), part)
    with pytest.raises(reference_decoder.Malformed):
        reference_decoder.decode(file[:position], part)


def test_simulation_is_close_to_the_float_codec():
    codec, plan = golden.tiny_model()
    x, t = torch.rand(1, 3, 64, 64), torch.tensor([0.5])
    exact, _, _ = codec.float().eval()(x, t)
    integer, _, _ = IntegerCodec(codec, plan).eval()(x, t)
    # 8-bit codes differ by a few percent here; a wrong shift or order of channels by the whole deviation
    assert (exact - integer).abs().mean() < 0.1 * exact.std()


def test_gradients_reach_every_parameter():
    codec, plan = golden.tiny_model()
    x_hat, bpp_y, bpp_z = IntegerCodec(codec.float(), plan).train()(torch.rand(2, 3, 64, 64), torch.tensor([0.2, 0.8]))
    (x_hat.square().mean() + bpp_y.mean() + bpp_z.mean()).backward()
    assert [n for n, p in codec.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []
