"""What a network must be, and what is said of one that is not."""

import copy
import json
from pathlib import Path

import pytest

from calotype_training.network import Map, Network, NetworkError, Schedule, Size, Stage

FIRST = Network.v1(Size(C=8, M=16, Z=4, P=8, n_e=1, n_d=1)).json()


def at(value, path):
    for key in path:
        value = value[key]
    return value


def changed(path, new):
    """The first network's JSON with another value at a path; `...` takes the entry away."""
    value = copy.deepcopy(FIRST)
    holder, key = at(value, path[:-1]), path[-1]
    if new is ...:
        del holder[key]
    else:
        holder[key] = new
    return value


CHAINS = ("decoder", "chains")
G_S = (*CHAINS, "g_s", "stages")
CONTEXT = (*CHAINS, "context.0", "stages")
STEPS = ("decoder", "schedule", "steps")
WRONG = {
    "a part is missing": (("encoder",), ..., "the network: encoder is missing"),
    "a part too many": (("middle",), {}, "the network: does not know middle"),
    "no object": (("decoder", "latents"), 16, "latents: must be an object"),
    "an unknown key": ((*G_S, 0, "stride"), 2, "chain g_s, stage 0: does not know stride"),
    "no integer": ((*G_S, 0, "outputs"), 8.5, "g_s.first: outputs: 8.5 must be an integer"),
    "true for an integer": ((*G_S, 0, "shuffle"), True, "g_s.first: shuffle: True must be an integer"),
    "zero": ((*G_S, 0, "shuffle"), 0, "g_s.first: shuffle: must be at least 1"),
    "one for true": ((*G_S, 0, "wide"), 1, "g_s.first: wide must be true or false"),
    "expansion of nothing": ((*G_S, 1, "expansion"), 2, "g_s.last: expansion is that of blocks"),
    "a chain is missing": ((*CHAINS, "g_s"), ..., "chain g_s is missing"),
    "a chain of the other part": ((*CHAINS, "h_a"), FIRST["encoder"]["chains"]["h_a"], "decoder: chain h_a belongs to the other part"),
    "no stage": ((*CHAINS, "g_s", "stages"), [], "chain g_s: there is no stage"),
    "no stage before h": ((*CHAINS, "h_s", "stages"), [], "chain h_s: there is no stage"),
    "no hyper": (("decoder", "hyper"), ..., "chains h_a and h_s need hyper"),
    "another stride": (("decoder", "latents", "stride"), 24, "latents: stride 24 is not supported, only one of"),
    "a stride alone": (("decoder", "latents", "stride"), 32, "hyper: stride 64 is not supported, only 128"),
    "another hyper stride": (("decoder", "hyper", "stride"), 32, "hyper: stride 32 is not supported, only 64"),
    "channels do not meet": ((*CONTEXT, 1, "outputs"), 12, "chain context.0: ends with 12 channels, not 16"),
    "strides do not meet": ((*G_S, 0, "shuffle"), 1, "chain g_s: ends with a position for 2 pixels, not 1"),
    "too coarse": ((*G_S, 0, "unshuffle"), 2, "g_s.first: unshuffle 2 leaves a position for 32 pixels"),
    "a shuffle by 3": ((*G_S, 0, "shuffle"), 3, "g_s.first: 32 outputs cannot be shuffled by 3"),
    "no fours": ((*CONTEXT, 0, "outputs"), 10, "context.0.first: 10 channels are not a multiple of 4"),
    "wide on codes": ((*CHAINS, "h_s", "stages", 0, "wide"), True, "h_s.first: the first layer of h_s reads codes and cannot be wide"),
    "a wide predictor": ((*CONTEXT, 1, "wide"), True, "context.0.last: layers of predictors are not wide"),
    "a predictor with shuffles": ((*CONTEXT, 0, "unshuffle"), 2, "context.0.first: unshuffle 2 leaves a position for 32 pixels"),
    "blocks at a predictor's end": ((*CONTEXT, 1, "blocks"), ["x"], "context.0.last: the last stage of context.0 has neither blocks"),
    "a bias at the picture": ((*G_S, 1, "bias"), "bias.x", "g_s.last: the last stage of g_s has neither blocks nor a bias"),
    "a bias in the encoder": (("encoder", "chains", "h_a", "stages", 0, "bias"), "bias.x", "only chains of the decoder part have a bias"),
    "a bias of another name": ((*G_S, 0, "bias"), "dec", "g_s.first: bias dec must be bias. and a word"),
    "z for a predictor": ((*CHAINS, "mean_head", "from"), ["z"], r"chain mean_head: from \['z'\] must be of h and v_hat"),
    "h twice": ((*CHAINS, "mean_head", "from"), ["h", "h"], "chain mean_head: from"),
    "g_s from h": ((*CHAINS, "g_s", "from"), ["h"], r"chain g_s: must read from \['v_hat'\]"),
    "a name twice": ((*CONTEXT, 0, "blocks"), ["context.1.block"], "context.1.block.pw1: 2 tensors have this name"),
    "a name within another": ((*CONTEXT, 1, "name"), "context.0.first.x", "context.0.first.x: lies within another layer"),
    "a name of another tensor": ((*CONTEXT, 1, "name"), "v_hat", "layer v_hat: v_hat is the name of other tensors"),
    "a name with a space": ((*CONTEXT, 1, "name"), "a b", "layer a b: must be words of"),
    "no step": (STEPS, [], "schedule: there is no step"),
    "no cell": ((*STEPS, 1, "cells"), [], "step 1: there is no cell"),
    "half a cell": ((*STEPS, 1, "cells"), [[0, 4]], "step 1: a cell is"),
    "a cell outside": ((*STEPS, 0, "cells", 3, 1), 17, r"step 0, cell \[12, 17, 4\]: channels must lie in 0 to 16"),
    "a phase outside": ((*STEPS, 0, "cells", 3, 2), 16, r"step 0, cell \[12, 16, 16\]: phases must be 1 to 15"),
    "a long period": (("decoder", "schedule", "period"), 9, "schedule: period 9 must be 1 to 8"),
    "a latent set twice": ((*STEPS, 1, "cells", 0, 2), 9, "channel 0 at row 0, column 0 of the period is set 2 times"),
    "a latent never set": ((*STEPS, 3), ..., "context.2: no step of the schedule asks it"),
    "a channel never set": ((*STEPS, 2, "cells", 0, 0), 1, "channel 0 at row 0, column 1 of the period is set 0 times"),
    "an unknown predictor": ((*STEPS, 1, "mean"), "context.7", "there is no predictor context.7"),
    "a transform for a predictor": ((*STEPS, 1, "mean"), "h_s", "there is no predictor h_s"),
    "scales later": ((*STEPS, 1, "scale"), "scale_head", "scale and width stand in the first step alone"),
    "widths later": ((*STEPS, 1, "width"), "width_head", "scale and width stand in the first step alone"),
    "widths for scales": ((*STEPS, 0, "width"), "scale_head", "chain width_head: no step of the schedule asks it"),
    "no scales": ((*STEPS, 0, "scale"), ..., "scale_head: no step of the schedule asks it"),
    "scales for means": ((*STEPS, 1, "mean"), "scale_head", "context.0: no step of the schedule asks it"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_named(wrong):
    path, new, complaint = WRONG[wrong]
    with pytest.raises(NetworkError, match=complaint):
        Network.from_json(changed(path, new))


NOT_RUN = {
    "nine stages": ((*CHAINS, "h_s", "stages"), "stages", "chain h_s: the program runs at most 8 stages"),
    "too wide": ((*CONTEXT, 0, "outputs"), 4100, "context.0.first: the program runs at most 4096 inputs and outputs, not 4100"),
    "too expansive": ((*G_S, 0, "expansion"), 5, "g_s.first: the program runs an expansion of at most 4"),
    "too many blocks": ((*G_S, 0, "blocks"), [f"b{i}" for i in range(65)], "g_s.first: the program runs at most 64 blocks"),
    "an int8 transform": ((*G_S, 1, "wide"), False, "chain g_s: the program runs two wide stages"),
    "h_a without blocks": (("encoder", "chains", "h_a", "stages", 0), {"name": "x", "outputs": 8}, "x: the program runs h_a with blocks"),
    "v_hat in front": (
        (*CHAINS, "context.0", "from"),
        ["v_hat", "h"],
        "chain context.0: the program runs predictors of h, or of h and v_hat",
    ),
    "a predictor without blocks": (
        (*CONTEXT, 0),
        {"name": "x", "outputs": 8},
        "x: the program runs context.0 with blocks",
    ),
    "a wide entropy layer": ((*CHAINS, "h_s", "stages", 1, "wide"), True, "h_s.mid: the program runs h_s of int8 layers"),
    "a bias in h_s": (
        (*CHAINS, "h_s", "stages", 0, "bias"),
        "bias.h",
        "h_s.first: the program runs a bias in the first stage of g_s alone",
    ),
    "scales from v_hat": ((*CHAINS, "scale_head", "from"), ["h", "v_hat"], "chain scale_head: the program runs scales and widths from h"),
}


@pytest.mark.parametrize("wrong", NOT_RUN)
def test_what_the_program_does_not_run_is_refused_when_it_is_read(wrong, tmp_path):
    path, new, complaint = NOT_RUN[wrong]
    if new == "stages":
        stages = at(FIRST, path)
        new = [stages[0], *({"name": f"h_s.{i}", "outputs": 8} for i in range(7)), stages[1]]
    (tmp_path / "net.json").write_text(json.dumps(changed(path, new)))
    assert Network.from_json(changed(path, new))
    with pytest.raises(NetworkError, match=f"net.json: {complaint}"):
        Network.read(tmp_path / "net.json")


def test_a_chain_cannot_predict_both():
    value = changed((*STEPS, 0, "mean"), "scale_head")
    del value["decoder"]["chains"]["mean_head"]
    with pytest.raises(NetworkError, match="scale_head: predicts scales and means"):
        Network.from_json(value)


def without_hyper():
    value = copy.deepcopy(FIRST)
    value["decoder"]["chains"] = {"g_s": value["decoder"]["chains"]["g_s"]}
    value["decoder"]["schedule"] = {"period": 1, "steps": [{"cells": [[0, 16, 1]]}]}
    del value["decoder"]["hyper"], value["encoder"]["chains"]["h_a"]
    return value


def test_scales_and_hyper_go_together():
    assert Network.from_json(without_hyper()).hyper is None
    value = without_hyper()
    value["decoder"]["chains"]["mean"] = {"from": ["h"], "stages": [{"name": "mean", "outputs": 16}]}
    value["decoder"]["schedule"]["steps"][0]["mean"] = "mean"
    with pytest.raises(NetworkError, match="chain mean: there is no h without hyper"):
        Network.from_json(value)
    value["decoder"]["chains"]["mean"]["from"] = ["v_hat"]
    value["decoder"]["schedule"]["steps"][0]["scale"] = value["decoder"]["schedule"]["steps"][0].pop("mean")
    with pytest.raises(NetworkError, match="step 0: give a scale with hyper, and none without"):
        Network.from_json(value)


def test_what_is_left_out_is_the_default():
    value = copy.deepcopy(FIRST)
    value["decoder"]["chains"]["g_s"]["stages"][1] |= {"unshuffle": 1, "blocks": []}
    assert Network.from_json(value).json() == FIRST
    assert Stage("a", 8).json() == {"name": "a", "outputs": 8}


def test_a_file_that_is_wrong_is_named(tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps(changed((*STEPS, 1, "cells"), [])))
    with pytest.raises(NetworkError, match="net.json: step 1: there is no cell"):
        Network.read(path)


def test_other_networks_are_of_no_first_form():
    assert Network.from_json(FIRST).first_form() == {"C": 8, "M": 16, "Z": 4, "P": 8, "n_e": 1, "n_d": 1}
    assert Network.from_json(changed((*CONTEXT, 0, "expansion"), 2)).first_form() is None
    assert Network.from_json(without_hyper()).first_form() is None


def test_every_file_of_networks_is_one():
    paths = sorted((Path(__file__).parents[1] / "networks").glob("*.json"))
    latents = {path.stem: Network.read(path).latents for path in paths}
    assert latents["checkerboard"] == Map(384, 16) and latents["stride32"] == Map(768, 32)


def test_quarters_set_each_quarter_of_the_channels_at_another_place():
    schedule = Schedule.quarters(8, ["a", "b", "c", "d"], "s", "w")
    schedule.check(8)
    for step in schedule.steps:
        assert sorted(cell.phases for cell in step.cells) == [1, 2, 4, 8]
    asked = [(step.mean, step.scale, step.width) for step in schedule.steps]
    assert asked == [("a", "s", "w"), *((mean, None, None) for mean in "bcd")]
