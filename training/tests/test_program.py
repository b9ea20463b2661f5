"""One file, one picture: the Rust program on every instruction set against the NumPy decoder. Needs CALOTYPE=path/to/calotype."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calotype_training import export, golden, reference_decoder
from calotype_training.network import Network
from calotype_training.streams import calo_file

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "assets/models/fast.decoder.safetensors"
PROGRAM = os.environ.get("CALOTYPE")
needs_program = pytest.mark.skipif(not PROGRAM, reason="set CALOTYPE to the program that was built")


def run(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments), "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def instruction_sets():
    """Those of this machine; `devices` lists each as an adapter of the cpu engine."""
    return [engine["adapter"] for engine in run("devices")["devices"] if engine["engine"] == "cpu"]


def numpy_hash(path, model):
    return hashlib.sha256(reference_decoder.decode(path.read_bytes(), model).tobytes()).hexdigest()


@pytest.fixture(scope="module", params=[(5, "odd-97x61.png"), (50, "odd-97x61.png"), (95, "odd-97x61.png"), (100, "pixel-1x1.png")])
def encoded(request, tmp_path_factory):
    quality, image = request.param
    path = tmp_path_factory.mktemp("calo") / "image.calo"
    run("encode", ROOT / "assets/images" / image, "-o", path, "-q", quality)
    return path


@needs_program
def test_every_decoder_gives_the_same_pixels(encoded, tmp_path):
    hashes = {isa: run("decode", encoded, "-o", tmp_path / f"{isa}.ppm", "--isa", isa)["rgb_sha256"] for isa in instruction_sets()}
    hashes["numpy"] = numpy_hash(encoded, MODEL.read_bytes())
    print(hashes)
    assert {"scalar", "portable", "numpy"} <= hashes.keys()
    assert len(set(hashes.values())) == 1, hashes


def noise_over_ramps(height, width, channels, dtype):
    ramps = np.add.outer(np.arange(height) * 3, np.arange(width) * 2)[:, :, None] + 40 * np.arange(channels)
    pixels = np.clip(ramps + np.random.default_rng(5).integers(0, 9, ramps.shape), 0, 255)
    pixels[: height // 2, :9, -1] = 0
    return (pixels * (257 if dtype == np.uint16 else 1)).astype(dtype)


@needs_program
@pytest.mark.parametrize("kind", ["L", "LA", "RGBA"])
def test_grey_and_alpha(kind, tmp_path):
    pixels = noise_over_ramps(40, 70, len(kind), np.uint8)
    Image.fromarray(pixels.squeeze(), kind).save(tmp_path / "in.png")
    run("encode", tmp_path / "in.png", "-o", tmp_path / "a.calo", "-q", 60)
    run("decode", tmp_path / "a.calo", "-o", tmp_path / "out.png")
    decoded = np.asarray(Image.open(tmp_path / "out.png")).reshape(40, 70, -1)
    assert np.array_equal(reference_decoder.decode((tmp_path / "a.calo").read_bytes(), MODEL.read_bytes()), decoded)
    if len(kind) != 1:
        assert np.array_equal(decoded[:, :, -1], pixels[:, :, -1]), "alpha is exact"


@needs_program
def test_sixteen_bits(tmp_path):
    pixels = noise_over_ramps(33, 50, 3, np.uint16)
    (tmp_path / "in.ppm").write_bytes(reference_decoder.pam(pixels))
    run("encode", tmp_path / "in.ppm", "-o", tmp_path / "a.calo", "-q", 90)
    run("decode", tmp_path / "a.calo", "-o", tmp_path / "out.ppm")
    decoded = reference_decoder.decode((tmp_path / "a.calo").read_bytes(), MODEL.read_bytes())
    assert decoded.dtype == np.uint16 and (tmp_path / "out.ppm").read_bytes() == reference_decoder.pam(decoded)


@needs_program
@pytest.mark.parametrize("size, kind", [((3, 700), "RGBA"), ((700, 3), "RGB"), ((200, 15), "LA")])
def test_thin_pictures(size, kind, tmp_path):
    pixels = noise_over_ramps(*size, len(kind), np.uint8)
    Image.fromarray(pixels.squeeze(), kind).save(tmp_path / "in.png")
    run("encode", tmp_path / "in.png", "-o", tmp_path / "a.calo", "-q", 60)
    assert run("info", tmp_path / "a.calo")["folded"]
    run("decode", tmp_path / "a.calo", "-o", tmp_path / "out.png")
    decoded = np.asarray(Image.open(tmp_path / "out.png")).reshape(*size, -1)
    assert np.array_equal(reference_decoder.decode((tmp_path / "a.calo").read_bytes(), MODEL.read_bytes()), decoded)


@pytest.fixture(scope="module", params=["checkerboard", "factorised", "hyperprior", "wide96"])
def exported(request, tmp_path_factory):
    """The decoder part of one of training/networks, narrowed and exported."""
    codec, plan = golden.tiny_model(golden.narrowed(Network.read(ROOT / f"training/networks/{request.param}.json")))
    folder = tmp_path_factory.mktemp(request.param)
    export.export(codec, plan, folder, "tiny")
    return folder / "tiny.decoder.safetensors"


def decoded_by_all(path, model, folder):
    """SHA-256 of a file's pixels by decoder."""
    hashes = {}
    for isa in instruction_sets():
        hashes[isa] = run("decode", path, "-o", folder / f"{isa}.ppm", "--isa", isa, "--model", model)["rgb_sha256"]
    pixels = reference_decoder.decode(path.read_bytes(), model.read_bytes())
    assert len(np.unique(pixels)) > 20
    return {**hashes, "numpy": hashlib.sha256(pixels.tobytes()).hexdigest()}


@needs_program
def test_random_symbols_of_every_network(exported, tmp_path):
    """In four tiles, escapes among them, coded by the independent coder."""
    file, _ = calo_file(reference_decoder.Model(exported.read_bytes()), np.random.default_rng(3), 97, 70, 9000)
    (tmp_path / "a.calo").write_bytes(file)
    hashes = decoded_by_all(tmp_path / "a.calo", exported, tmp_path)
    assert {"scalar", "portable", "numpy"} <= hashes.keys()
    assert len(set(hashes.values())) == 1, hashes


@needs_program
def test_a_picture_with_every_network(exported, tmp_path):
    run("encode", ROOT / "assets/images/odd-97x61.png", "-o", tmp_path / "a.calo", "-q", 70, "--model", exported)
    hashes = decoded_by_all(tmp_path / "a.calo", exported, tmp_path)
    assert len(set(hashes.values())) == 1, hashes


@needs_program
def test_the_comparison_can_fail(encoded, tmp_path):
    """A model with one weight bit flipped gives other pixels, if it is made to claim the same id."""
    part = bytearray(MODEL.read_bytes())
    header_end = 8 + int.from_bytes(part[:8], "little")
    entry = json.loads(part[8:header_end])["g_s.last.weight"]["data_offsets"]
    for at in range(header_end + entry[0], header_end + entry[1], 2):
        part[at] ^= 64
    honest = run("decode", encoded, "-o", tmp_path / "honest.ppm")["rgb_sha256"]
    assert numpy_hash(encoded, bytes(part)) != honest
