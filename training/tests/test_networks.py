"""Each network of training/networks, narrowed: trained in floats and integers, calibrated, exported, decoded by the NumPy decoder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import smooth_picture

from calotype_training import checkpoint, data, entropy_ablation, evaluate, export, golden, grow, reference_decoder, symbol_counts, train
from calotype_training.integer import IntegerCodec
from calotype_training.layers import step_masks
from calotype_training.model import Codec, Qualities
from calotype_training.network import ENCODER, Network, NetworkError
from calotype_training.streams import calo_file

ROOT = Path(__file__).parents[2]
NETWORKS = ROOT / "training/networks"
NAMES = ["checkerboard", "factorised", "hyperprior", "stride32", "wide96"]
OTHERS = ["channelwise", "scale_hyperprior", "stride8"]  # of the engines' tests

# What no file has, and the program does not run yet: a period of 3, a predictor that two steps share, one of v_hat alone, int8 and wide
# layers where the others have the other kind, biases in every kind of chain, an unshuffle in the decoder, a stage without blocks, blocks
# on a last stage.
ODD = {
    "decoder": {
        "latents": {"channels": 12, "stride": 16},
        "hyper": {"channels": 4, "stride": 64},
        "schedule": {
            "period": 3,
            "steps": [
                {"scale": "entropy.scale", "cells": [[0, 12, 0b000000001]]},
                {"mean": "known", "cells": [[0, 5, 0b111000110], [5, 12, 0b000111000]]},
                {"mean": "both", "cells": [[0, 5, 0b000101000]]},
                {"mean": "both", "cells": [[0, 5, 0b000010000], [5, 12, 0b111000110]]},
            ],
        },
        "chains": {
            "entropy.scale": {"from": ["h"], "stages": [{"name": "s.a", "outputs": 8, "bias": "bias.s"}, {"name": "s.b", "outputs": 12}]},
            "known": {
                "from": ["v_hat"],
                "stages": [{"name": "known.a", "outputs": 8, "blocks": ["known.b"], "expansion": 1}, {"name": "known.c", "outputs": 12}],
            },
            "both": {
                "from": ["v_hat", "h"],
                "stages": [
                    {"name": "both.a", "outputs": 8, "blocks": ["both.c", "both.d"], "expansion": 3},
                    {"name": "both.b", "outputs": 12},
                ],
            },
            "h_s": {
                "from": ["z"],
                "stages": [
                    {"name": "h_s.a", "outputs": 128, "shuffle": 4, "bias": "bias.h"},
                    {"name": "h_s.b", "outputs": 8, "wide": True, "blocks": ["h_s.c"], "expansion": 1},
                ],
            },
            "g_s": {
                "from": ["v_hat"],
                "stages": [
                    {"name": "g_s.a", "outputs": 128, "shuffle": 4, "bias": "bias.a", "blocks": ["g_s.b"], "expansion": 1},
                    {"name": "g_s.c", "outputs": 16, "unshuffle": 2},
                    {"name": "g_s.d", "outputs": 32, "shuffle": 2, "wide": True, "bias": "bias.d", "blocks": ["g_s.e"], "expansion": 2},
                    {"name": "g_s.f", "outputs": 48, "shuffle": 4},
                ],
            },
        },
    },
    "encoder": {
        "chains": {
            "g_a": {
                "from": ["pixels"],
                "stages": [
                    {"name": "g_a.a", "outputs": 8, "unshuffle": 4, "blocks": ["g_a.b"], "expansion": 1},
                    {"name": "g_a.c", "outputs": 12, "unshuffle": 4, "wide": True, "blocks": ["g_a.d"], "expansion": 1},
                ],
            },
            "h_a": {"from": ["v"], "stages": [{"name": "h_a.a", "outputs": 8}, {"name": "h_a.b", "outputs": 4, "unshuffle": 4}]},
        }
    },
}


def network_of(name):
    if name == "odd":
        return Network.from_json(ODD)
    return (
        Network.read(ROOT / f"tests/networks/{name}.json") if name in OTHERS else golden.narrowed(Network.read(NETWORKS / f"{name}.json"))
    )


def model_of(network):
    """A codec in float64 with random weights, and its plan."""
    if network != Network.from_json(ODD):
        return golden.tiny_model(network)
    torch.manual_seed(1)
    codec = Codec(network, Qualities(knots=3))
    with torch.no_grad():
        for parameter in codec.parameters():
            parameter += 0.15 * torch.randn_like(parameter)
        codec.log_gain_y.add_(2.5)
        codec.log_gain_dec.sub_(2.5)
        codec.log_gain_z.add_(3.0)
    return codec.double(), golden.calibrate(codec.float(), (torch.rand(4, 3, 64, 64) * 255).to(torch.uint8))


@pytest.fixture(scope="module", params=[*NAMES, *OTHERS, "odd"])
def tiny(request, tmp_path_factory):
    """codec, plan, and the folder with the exported model `tiny`."""
    codec, plan = model_of(network_of(request.param))
    folder = tmp_path_factory.mktemp(request.param)
    export.export(codec, plan, folder, "tiny")
    return codec, plan, folder


def decoder_part(tiny):
    return reference_decoder.Model((tiny[2] / "tiny.decoder.safetensors").read_bytes())


def test_these_are_the_networks():
    assert sorted(path.stem for path in NETWORKS.glob("*.json")) == NAMES


def test_json_goes_both_ways(tiny):
    network = tiny[0].network
    assert Network.from_json(json.loads(json.dumps(network.json(), sort_keys=True))) == network


@pytest.mark.parametrize("integers", [False, True])
def test_every_parameter_learns(tiny, integers):
    codec, plan, _ = tiny
    codec.float().zero_grad()
    forward = (IntegerCodec(codec, plan) if integers else codec).train()
    x_hat, bpp_y, bpp_z = forward(torch.cat([smooth_picture(128, i) for i in (1, 2)]), torch.tensor([0.2, 0.8]))
    assert x_hat.shape == (2, 3, 128, 128) and bpp_y.shape == bpp_z.shape == (2,)
    assert (bpp_z > 0).all() == bool(codec.network.hyper)
    (x_hat.square().mean() + bpp_y.mean() + bpp_z.mean()).backward()
    assert [name for name, p in codec.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@torch.no_grad()
def test_simulation_is_close_to_the_float_codec(tiny):
    codec, plan, _ = tiny
    x, t = smooth_picture(128, 4), torch.tensor([0.5])
    exact, integer = (c.eval()(x, t)[0] for c in (codec.float(), IntegerCodec(codec.float(), plan)))
    # 8-bit codes differ by a few percent here; a wrong shift or order of channels by the whole deviation
    assert (exact - integer).abs().mean() < 0.12 * exact.std()


def decoder_chains(network):
    return [chain for chain in network.chains if chain.name not in ENCODER]


def chain_in_both(tiny, chain, model):
    """One chain on random integers at the quality of a knot -> the simulation's output and the NumPy decoder's, as [h, w, N]."""
    codec, plan, _ = tiny
    integer, channels = IntegerCodec(codec.double(), plan).eval(), codec.network.input_channels(chain)
    limit = 1500 if chain.name == "g_s" else 60  # the simulation lets streams pass what they saturate at
    x = torch.randint(-limit, limit + 1, (1, channels, 6, 5), generator=torch.Generator().manual_seed(3)).double()
    with torch.no_grad():
        gains = codec.gains(torch.ones(1, dtype=torch.float64))
        simulated = integer.run(chain.name, x, gains)[0].permute(1, 2, 0).numpy()
    decoded = reference_decoder.run(model, chain.name, x[0].permute(1, 2, 0).long().numpy(), 63 * 256)
    return simulated, decoded


def test_chains_of_the_decoder_equal_the_simulation(tiny):
    codec, model = tiny[0], decoder_part(tiny)
    for chain in decoder_chains(codec.network):
        simulated, decoded = chain_in_both(tiny, chain, model)
        if chain.name == "g_s":  # pixels: the file rounds what the simulation does not, and its bias holds the centre, 1/2
            assert np.abs(np.clip(simulated + 2040, -4000, 8000) - np.clip(decoded, -4000, 8000)).max() < 2
            simulated = decoded
        np.testing.assert_array_equal(np.clip(simulated, -32768, 32767), decoded, err_msg=chain.name)
        assert len(np.unique(decoded)) > 50, chain.name


def test_the_comparison_of_chains_can_fail(tiny):
    """One weight of each layer is enough, whatever the layer: so every layer ran."""
    codec = tiny[0]
    for chain in decoder_chains(codec.network):
        model = decoder_part(tiny)
        _, honest = chain_in_both(tiny, chain, model)
        for layer in chain.layers():
            weight = model.tensor[f"{layer}.weight"]
            kept = weight.copy()
            weight[:, :1] += 60
            _, changed = chain_in_both(tiny, chain, model)
            assert (changed != honest).any(), layer
            weight[...] = kept


@pytest.mark.parametrize("height,width", [(1, 1), (5, 7), (6, 9)])
def test_both_walks_set_the_same_latents_in_each_step(tiny, height, width):
    network = tiny[0].network
    channels, schedule = network.latents.channels, network.schedule
    masks = step_masks(torch.zeros(1, channels, height, width), schedule)
    assert masks.sum(0).eq(1).all()
    for mask, step in zip(masks, schedule.steps, strict=True):
        latents = reference_decoder.latents_of(step.cells, schedule.period, height, width, channels)
        np.testing.assert_array_equal(mask.permute(1, 2, 0).numpy(), latents)


@torch.no_grad()
def v_hat_of_both(tiny, model, seed=6):
    """The same symbols through both walks, 8x8 latents -> v_hat of the simulation and of the NumPy decoder, in its integers."""
    codec, plan, _ = tiny
    network, integer = codec.double().network, IntegerCodec(codec, plan).eval()
    rng, t, quality = np.random.default_rng(seed), torch.ones(1, dtype=torch.float64), 63 * 256
    symbols, rows = rng.integers(-3, 4, (8, 8, network.latents.channels)), codec.gains(t)
    h = h8 = None
    if network.hyper:
        z = rng.integers(-3, 4, (2, 2, network.hyper.channels))
        h = integer.hyper_synthesise(torch.from_numpy(z).permute(2, 0, 1)[None].double(), rows)
        h8 = reference_decoder.hyper_synthesis(model, z, quality, 8, 8)
    gains = integer.gains_at(rows, h)
    wanted = torch.from_numpy(symbols).permute(2, 0, 1)[None].double()
    _, y_hat = integer.quantise_in_steps(wanted, h, gains, torch.zeros_like(wanted), lambda *_: wanted)
    v_hat = (y_hat * gains.dec / integer.unit("g_a"))[0].permute(1, 2, 0).numpy()
    return v_hat, reference_decoder.means(model, h8, symbols, quality)


def test_both_walks_give_the_same_latents(tiny):
    simulated, decoded = v_hat_of_both(tiny, decoder_part(tiny))
    # gains are floats here and 15-bit integers there: a hundredth of the deviation; a wrong step or mean costs half of it
    assert np.abs(simulated - decoded).mean() < 0.01 * decoded.std()


def test_the_comparison_of_walks_can_fail(tiny):
    model = decoder_part(tiny)
    steps = model.network["schedule"]["steps"]
    if len(steps) == 1:  # means of 0 in place of the predicted, or all latents left out
        steps[0] = {**steps[0], "cells": []} if "mean" not in steps[0] else {k: v for k, v in steps[0].items() if k != "mean"}
    else:
        steps[-1], steps[-2] = {**steps[-1], "cells": steps[-2]["cells"]}, {**steps[-2], "cells": steps[-1]["cells"]}
    simulated, decoded = v_hat_of_both(tiny, model)
    assert np.abs(simulated - decoded).mean() > 0.02 * simulated.std()


def test_a_file_of_random_symbols_is_decoded(tiny):
    model, part = decoder_part(tiny), (tiny[2] / "tiny.decoder.safetensors").read_bytes()
    file, symbols = calo_file(model, np.random.default_rng(3), 147, 70, 9000, tile_log2=7)
    _, tiles = reference_decoder.read_streams(file)
    for (rect, z, y), (wanted_z, wanted_y) in zip(tiles, symbols, strict=True):
        found_z, _, found_y = reference_decoder.decode_symbols(model, rect, z, y, 9000)
        np.testing.assert_array_equal(found_z, wanted_z)
        np.testing.assert_array_equal(found_y, wanted_y)
    assert wanted_y.any() and wanted_z.any() == bool(tiny[0].network.hyper)
    pixels = reference_decoder.decode(file, part)
    assert pixels.shape == (70, 147, 3) and len(np.unique(pixels)) > 20


def test_symbols_are_counted_and_points_measured(tiny):
    codec, plan, _ = tiny
    integer = IntegerCodec(codec.float(), plan).eval()
    image = (smooth_picture(128, 3)[0] * 255).byte()
    counts = symbol_counts.count(integer, image[None], qualities=(0.5,))
    assert counts.sum() > 100 and (counts[:, 1:].sum(1) > 0).any()
    (bpp, psnr, _), *_ = entropy_ablation.point(codec.float().eval(), image, 50, entropy_ablation.AsEncoder())
    assert bpp > 0 and np.isfinite(psnr)


# model files


def header(path):
    file = path.read_bytes()
    entries = json.loads(file[8 : 8 + int.from_bytes(file[:8], "little")])
    return entries.pop("__metadata__"), set(entries)


def test_only_other_forms_carry_their_network(tiny):
    codec, _, folder = tiny
    for part in ("decoder", "encoder"):
        metadata, _ = header(folder / f"tiny.{part}.safetensors")
        config = json.loads(metadata["config"])
        if codec.network.first_form():
            assert "network" not in metadata and config["C"] == codec.network.chain("g_a").stages[0].channels
        else:
            assert metadata["network"] == codec.network.text(part)
            assert config == {"released": 0, "scale_lut_offset": 2112, "skip_below": 2}


def test_the_files_hold_what_there_is(tiny):
    network, folder = tiny[0].network, tiny[2]
    (_, decoder), (_, encoder) = (header(folder / f"tiny.{part}.safetensors") for part in ("decoder", "encoder"))
    for chain in network.chains:
        own, other = (encoder, decoder) if chain.name in ENCODER else (decoder, encoder)
        for name in chain.layers():
            tensors = {f"{name}.{kind}" for kind in ("weight", "bias", "shift")}
            assert tensors <= own and not tensors & other
        for stage in chain.stages:
            assert (f"{stage.name}.read_shift" in own) == chain.reads(stage)
    tables = {name for name in decoder | encoder if name.count(".") == 1 and name.startswith(("gain", "log_"))}
    wanted = {"gain.y", "gain.y_shift", "gain.y_dec", "gain.y_dec_shift", "log_gain.y" if network.scale else "log_sigma.y"}
    if network.hyper:
        wanted |= {"gain.z", "gain.z_shift", "gain.z_dec", "gain.z_dec_shift", "log_sigma.z"}
    assert tables == wanted
    assert ("h.read_shift" in decoder) == bool(network.hyper)
    assert ("v_hat.read_shift" in decoder) == any("v_hat" in chain.inputs for chain in network.predictors)


def test_the_id_follows_the_network():
    decoder = {"a": np.zeros(3, np.int8)}
    config = {"skip_below": 2, "scale_lut_offset": 2112}
    text = b'{"chains":{}}'
    tensors = b"\1\0\0\0a\2\0\0\0I8\1\0\0\0\3\0\0\0\0\0\0"
    whole = b"calotype-model 2\n\2\0\0\0\x40\x08\0\0" + len(text).to_bytes(4, "little") + text + tensors
    assert export.model_id(config, decoder, text.decode()) == export.hashlib.sha256(whole).hexdigest()[:16]
    assert export.model_id(config, decoder, '{"chains":[]}') != export.model_id(config, decoder, text.decode())


# training


def config(shards, out, **changes):
    values = {"data": str(shards), "out": str(out), "steps": 2, "batch": 2, "crop": 128, "threads": 1, "precision": "float32"}
    return train.Config(**{**values, **changes})


@pytest.fixture(params=NAMES)
def network_file(request, tmp_path):
    path = tmp_path / f"{request.param}.json"
    path.write_text(json.dumps(network_of(request.param).json()))
    return path


def test_train_export_and_evaluate_from_the_checkpoint(network_file, shards, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "CALIBRATION_CROPS", 2)
    monkeypatch.setattr(export, "TABLE_CROPS", 1)
    out = tmp_path / "run"
    train.train(config(shards, out, network=str(network_file), end=0.5))
    train.train(config(shards, out, network=str(network_file), begin=0.5, qat=True))
    codec = checkpoint.load(out / "ema.pt")
    assert codec.network == Network.read(network_file)
    kept = tmp_path / "kept.pt"
    arguments = f"export {out}/ema.pt --data {shards} --out {tmp_path} --name one --keep {kept}"
    monkeypatch.setattr("sys.argv", arguments.split())
    export.main()
    assert reference_decoder.Model((tmp_path / "one.decoder.safetensors").read_bytes()).id
    assert checkpoint.load(kept).network == codec.network
    monkeypatch.setattr(evaluate.curve, "__defaults__", ((50,),))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    data_image = (smooth_picture(100, 1)[0].permute(1, 2, 0) * 255).byte().numpy()
    data.Image.fromarray(data_image).save(pictures / "a.png")
    evaluate.main([str(kept), str(pictures), "--integer", "--json", str(tmp_path / "a.json")])
    assert json.loads((tmp_path / "a.json").read_text())["calotype"]["bpp"][0] > 0


def test_another_network_than_the_states_is_refused(shards, tmp_path):
    paths = [tmp_path / f"{name}.json" for name in ("hyperprior", "checkerboard")]
    for path in paths:
        path.write_text(json.dumps(network_of(path.stem).json()))
    train.train(config(shards, tmp_path / "run", network=str(paths[0]), end=0.5))
    with pytest.raises(SystemExit, match="is of another network"):
        train.train(config(shards, tmp_path / "run", network=str(paths[1]), begin=0.5))
    with pytest.raises(SystemExit, match="is of another network"):
        train.train(config(shards, tmp_path / "new", network=str(paths[1]), init=str(tmp_path / "run" / "ema.pt")))


def test_a_missing_or_broken_network_file_is_named(shards, tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text('{"decoder": ')
    for path in (tmp_path / "none.json", broken):
        with pytest.raises(SystemExit, match=f"--network {path}: "):
            train.train(config(shards, tmp_path / "run", network=str(path)))


def test_klt_needs_its_two_transforms(shards, tmp_path):
    path, value = tmp_path / "net.json", network_of("hyperprior").json()
    value["encoder"]["chains"]["g_a"]["stages"][0]["outputs"] += 4
    path.write_text(json.dumps(value))
    with pytest.raises(SystemExit, match="--start random"):
        train.train(config(shards, tmp_path / "run", network=str(path)))
    train.train(config(shards, tmp_path / "run", network=str(path), start="random", steps=1))


@torch.no_grad()
def test_a_codec_grows_into_a_network_with_more_blocks(tmp_path):
    codec = golden.tiny_codec(network_of("checkerboard")).eval()
    value = codec.network.json()
    stage = value["decoder"]["chains"]["context"]["stages"][0]
    stage["blocks"].append("context.more")
    larger, x, t = grow.grown_into(codec, Network.from_json(value)), smooth_picture(64, 2), torch.tensor([0.5])
    assert larger.network.json() == value
    for was, now in zip(codec(x, t), larger.eval()(x, t), strict=True):
        assert torch.equal(was, now)
    stage["blocks"] = ["context.other"]
    with pytest.raises(SystemExit, match="context.block.pw1.weight of the codec is not in the network"):
        grow.grown_into(codec, Network.from_json(value))
    with pytest.raises(SystemExit, match="give --network"):
        grow.grown(codec, n_d=9)
    checkpoint.save(codec, tmp_path / "a.pt")
    with pytest.raises(SystemExit, match="none.json"):
        grow.main([str(tmp_path / "a.pt"), str(tmp_path / "b.pt"), "--network", "none.json"])


def test_a_name_that_the_codec_uses_itself_is_refused():
    value = network_of("hyperprior").json()
    value["decoder"]["chains"]["mean_head"]["stages"][0]["name"] = "forward"
    with pytest.raises(NetworkError, match="forward: a part of the codec has this name"):
        Codec(Network.from_json(value))
