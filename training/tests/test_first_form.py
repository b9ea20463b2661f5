"""What is frozen of the first network: its parameters' names, its JSON, the bytes of its model files, its walk in the decoder."""

import hashlib

import first_walk
import numpy as np
import pytest
import torch
from conftest import TINY

from calotype_training import checkpoint, export, golden, reference_decoder
from calotype_training.integer import IntegerCodec
from calotype_training.model import Codec
from calotype_training.network import Network, Size
from calotype_training.plan import Plan, layer_plan

TABLES = ["log_sigma_z", "log_gain_y", "log_gain_dec", "log_gain_z", "bias_dec"]
# Blocks, written as NAME[], have five layers.
LAYERS = [
    *("g_a.first", "g_a.blocks.0[]", "g_a.last", "g_s.first", "g_s.blocks.0[]", "g_s.blocks.1[]", "g_s.last"),
    *("h_a.first", "h_a.block1[]", "h_a.mid", "h_a.block2[]", "h_a.last"),
    *("h_s.first", "h_s.block1[]", "h_s.mid", "h_s.block2[]", "scale_head", "width_head", "mean_head"),
    *("context.0.first", "context.0.block[]", "context.0.last"),
    *("context.1.first", "context.1.block[]", "context.1.last"),
    *("context.2.first", "context.2.block[]", "context.2.last"),
]

SMALL = Size(C=8, M=16, Z=4, P=8, n_e=1, n_d=2, knots=3)
DECODER_TEXT = (
    '{"chains":{'
    '"context.0":{"from":["h","v_hat"],"stages":[{"blocks":["context.0.block"],"expansion":1,"name":"context.0.first","outputs":8},'
    '{"name":"context.0.last","outputs":16}]},'
    '"context.1":{"from":["h","v_hat"],"stages":[{"blocks":["context.1.block"],"expansion":1,"name":"context.1.first","outputs":8},'
    '{"name":"context.1.last","outputs":16}]},'
    '"context.2":{"from":["h","v_hat"],"stages":[{"blocks":["context.2.block"],"expansion":1,"name":"context.2.first","outputs":8},'
    '{"name":"context.2.last","outputs":16}]},'
    '"g_s":{"from":["v_hat"],"stages":[{"bias":"bias.dec","blocks":["g_s.blocks.0","g_s.blocks.1"],"expansion":2,"name":"g_s.first",'
    '"outputs":32,"shuffle":2,"wide":true},{"name":"g_s.last","outputs":192,"shuffle":8,"wide":true}]},'
    '"h_s":{"from":["z"],"stages":[{"blocks":["h_s.block1"],"expansion":1,"name":"h_s.first","outputs":32,"shuffle":2},'
    '{"blocks":["h_s.block2"],"expansion":1,"name":"h_s.mid","outputs":32,"shuffle":2}]},'
    '"mean_head":{"from":["h"],"stages":[{"name":"mean_head","outputs":16}]},'
    '"scale_head":{"from":["h"],"stages":[{"name":"scale_head","outputs":16}]},'
    '"width_head":{"from":["h"],"stages":[{"name":"width_head","outputs":16}]}},'
    '"hyper":{"channels":4,"stride":64},"latents":{"channels":16,"stride":16},"schedule":{"period":2,"steps":['
    '{"cells":[[0,4,1],[4,8,8],[8,12,2],[12,16,4]],"mean":"mean_head","scale":"scale_head","width":"width_head"},'
    '{"cells":[[0,4,8],[4,8,1],[8,12,4],[12,16,2]],"mean":"context.0"},'
    '{"cells":[[0,4,2],[4,8,4],[8,12,1],[12,16,8]],"mean":"context.1"},'
    '{"cells":[[0,4,4],[4,8,2],[8,12,8],[12,16,1]],"mean":"context.2"}]}}'
)
ENCODER_TEXT = (
    '{"chains":{"g_a":{"from":["pixels"],"stages":[{"blocks":["g_a.blocks.0"],"expansion":2,"name":"g_a.first","outputs":8,"unshuffle":8,'
    '"wide":true},{"name":"g_a.last","outputs":16,"unshuffle":2,"wide":true}]},'
    '"h_a":{"from":["v"],"stages":[{"blocks":["h_a.block1"],"expansion":1,"name":"h_a.first","outputs":8},'
    '{"blocks":["h_a.block2"],"expansion":1,"name":"h_a.mid","outputs":8,"unshuffle":2},{"name":"h_a.last","outputs":4,"unshuffle":2}]}}}'
)
# of the files that the exporter writes of `dyadic`
DECODER_SHA256 = "467f4ec1a6e32c8415866e78de6b3acab5212976833b56b569b9ec05a15a4f3c"
ENCODER_SHA256 = "38424b57f7d6f8b889ab1bedd0552128a5b76884b7734d49dc67012a58bf2c0c"


def test_parameters_keep_their_names_and_order():
    layers = [name for entry in LAYERS for name in block_layers(entry)]
    names = TABLES + [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    codec = Codec(TINY)
    assert list(codec.state_dict()) == names
    assert [name for name, _ in codec.named_parameters()] == names


def block_layers(entry):
    block = entry.removesuffix("[]")
    return [entry] if block == entry else [f"{block}.{layer}" for layer in ("pw1", "dw", "pw2", "ffn1", "ffn2")]


def test_its_canonical_text():
    network = Network.v1(SMALL)
    assert network.text("decoder") == DECODER_TEXT
    assert network.text("encoder") == ENCODER_TEXT
    assert network.first_form() == {"C": 8, "M": 16, "Z": 4, "P": 8, "n_e": 1, "n_d": 2}


def dyadic():
    """A codec and a plan of numbers that are the same on every machine."""
    codec, plan = Codec(SMALL), Plan()
    with torch.no_grad():
        for i, parameter in enumerate(codec.parameters()):
            values = torch.arange(parameter.numel(), dtype=torch.long) * 40503 + 977 * i
            parameter.copy_(((values % 251 - 125) / 512).view(parameter.shape))
    for name, module in codec.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            wide = name.startswith("g_") and ".blocks." not in name
            unit = torch.full((module.out_channels,), 2.0**-9 if name == "g_s.last" else 2.0**-5)
            plan.layers[name] = layer_plan(module, torch.full((module.in_channels,), 2.0**-6), unit, wide)
    for name, channels in {
        "h": SMALL.P,
        "v_hat": SMALL.M,
        "h_a.first": SMALL.M,
        "h_a.mid": SMALL.P,
        "h_a.last": SMALL.P,
        "h_s.mid": SMALL.P,
    }.items():
        plan.read[name] = torch.arange(channels) % 4
    for name in [entry.removesuffix("[]") for entry in LAYERS if entry.endswith("[]")]:
        plan.read |= {f"{name}.{layer}": torch.arange(codec.get_submodule(f"{name}.pw1").in_channels) % 5 for layer in ("pw1", "ffn1")}
    plan.read |= {f"context.{k}.last": torch.arange(SMALL.P) % 3 for k in range(3)}
    return codec.double(), plan


def test_the_exporter_writes_the_same_bytes(tmp_path):
    codec, plan = dyadic()
    export.export(codec, plan, tmp_path, "small")
    hashes = [hashlib.sha256((tmp_path / f"small.{part}.safetensors").read_bytes()).hexdigest() for part in ("decoder", "encoder")]
    assert hashes == [DECODER_SHA256, ENCODER_SHA256]


def test_a_changed_weight_changes_the_bytes(tmp_path):
    codec, plan = dyadic()
    codec.get_parameter("h_s.mid.weight").data[3, 2] += 1
    export.export(codec, plan, tmp_path, "small")
    assert hashlib.sha256((tmp_path / "small.decoder.safetensors").read_bytes()).hexdigest() != DECODER_SHA256


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The decoder part of a tiny model of the first form."""
    folder = tmp_path_factory.mktemp("tiny")
    codec, plan = golden.tiny_model()
    export.export(codec, plan, folder, "tiny")
    return reference_decoder.Model((folder / "tiny.decoder.safetensors").read_bytes())


def walked(model, walk, quality=7003):
    """Random symbols through a walk -> h8, scale indices, v_hat, pixels of both depths."""
    rng, (height, width) = np.random.default_rng(8), (7, 6)
    z = rng.integers(-6, 7, (2, 2, model.config["Z"]))
    symbols = rng.integers(-4, 5, (height, width, model.config["M"]))
    h8 = walk.hyper_synthesis(model, z, quality, height, width)
    extent = (height, width) if walk is reference_decoder else ()
    v_hat = walk.means(model, h8, symbols, quality)
    return [h8, walk.scales(model, h8, quality, *extent), v_hat, *(walk.synthesis(model, v_hat, quality, depth) for depth in (8, 16))]


def test_chains_and_schedule_walk_as_the_first_walk_did(tiny):
    for now, then in zip(walked(tiny, reference_decoder), walked(tiny, first_walk), strict=True):
        assert now.dtype == then.dtype and len(np.unique(now)) > 5
        np.testing.assert_array_equal(now, then)


def test_the_walk_notices_another_schedule(tiny):
    steps = tiny.network["schedule"]["steps"]
    steps[1]["cells"], steps[2]["cells"] = steps[2]["cells"], steps[1]["cells"]
    try:
        assert (walked(tiny, reference_decoder)[2] != walked(tiny, first_walk)[2]).any()
    finally:
        steps[1]["cells"], steps[2]["cells"] = steps[2]["cells"], steps[1]["cells"]


def test_plans_of_older_checkpoints_load(tmp_path):
    """They say the units of streams once more."""
    codec, plan = golden.tiny_model()
    state = {**plan.state(), "unit": {"v": torch.ones(3)}, "z_step": torch.ones(4)}
    checkpoint.save(codec.float(), tmp_path / "old.pt", plan=state)
    loaded, x, t = checkpoint.load_plan(tmp_path / "old.pt"), torch.rand(1, 3, 64, 64), torch.tensor([0.4])
    with torch.no_grad():
        for now, then in zip(IntegerCodec(codec, loaded).eval()(x, t), IntegerCodec(codec, plan).eval()(x, t), strict=True):
            assert torch.equal(now, then)


def test_a_checkpoint_holds_the_size(tmp_path):
    checkpoint.save(Codec(SMALL), tmp_path / "a.pt")
    assert torch.load(tmp_path / "a.pt")["size"] == vars(SMALL)
    loaded = checkpoint.load(tmp_path / "a.pt")
    assert loaded.network == Network.v1(SMALL) and loaded.qualities.knots == SMALL.knots
