import json
import math

import pytest
import torch
from conftest import TINY
from test_model import prototype_names

from calotype_training import checkpoint, data, train
from calotype_training.model import Codec
from calotype_training.run_folder import read_state
from calotype_training.warm_start import start_tables


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    for module in (train, checkpoint):
        monkeypatch.setattr(module, "Size", lambda **kw: TINY)


def config(shards, out, **changes):
    values = {"data": str(shards), "out": str(out), "steps": 4, "batch": 2, "crop": 64, "log_steps": 2, "save_seconds": 0, "threads": 1}
    values["precision"] = "float32"  # whatever this machine is faster at
    return train.Config(**{**values, **changes})


def metrics(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_training_lowers_the_loss(shards, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "WARM_UP_STEPS", 1)
    # random weights have the most to learn
    train.train(config(shards, tmp_path / "run", start="random", steps=40, log_steps=10, lr=3e-3, save_seconds=1000))
    losses = [m["loss"] for m in metrics(tmp_path / "run")]
    assert losses[-1] < 0.7 * losses[0]


def test_a_warm_start_begins_ahead(shards, tmp_path):
    first = {}
    for start in ("klt", "random"):
        train.train(config(shards, tmp_path / start, start=start, steps=1, log_steps=1))
        first[start] = metrics(tmp_path / start)[0]["loss"]
    assert first["klt"] < 0.7 * first["random"], first


def test_the_run_folder_says_what_was_done(shards, tmp_path):
    out = tmp_path / "run"
    trainer = train.train(config(shards, out, save_seconds=1000))
    call = json.loads((out / "config.json").read_text())[0]
    assert call["config"]["seed"] == 1 and call["config"]["lr"] == 4e-4 and call["commit"]
    assert [m["step"] for m in metrics(out)] == [2, 4]
    assert torch.equal(checkpoint.load(out / "ema.pt").g_s.last.weight, trainer.ema.g_s.last.weight)
    assert not torch.equal(trainer.ema.g_s.last.weight, trainer.codec.g_s.last.weight)


def test_a_run_cut_in_two_goes_on_with_everything(shards, tmp_path):
    out = tmp_path / "run"
    first = train.train(config(shards, out, end=0.5))
    state = read_state(out / "state.pt")
    assert state["step"] == 4 and state["progress"] == 0.5
    second = train.Trainer(config(shards, out), checkpoint.load(out / "ema.pt"), "cpu")
    second.restore(state)
    for a, b in zip(first.parameters + first.averages, second.parameters + second.averages):
        assert torch.equal(a, b)
    for a, b in zip(first.parameters, second.parameters):
        assert torch.equal(first.opt.state[a]["exp_avg_sq"], second.opt.state[b]["exp_avg_sq"])
    third = train.train(config(shards, out, begin=0.5))
    assert third.step == 8 and len(json.loads((out / "config.json").read_text())) == 2


def test_a_killed_call_resumes_where_its_state_stands(shards, tmp_path, monkeypatch):
    out, real = tmp_path / "run", train.Trainer.train_step

    def killed(self, crops, progress):
        if self.step == 5:
            raise KeyboardInterrupt
        return real(self, crops, progress)

    monkeypatch.setattr(train.Trainer, "train_step", killed)
    with pytest.raises(KeyboardInterrupt):
        train.train(config(shards, out, steps=8))
    monkeypatch.setattr(train.Trainer, "train_step", real)
    assert read_state(out / "state.pt")["progress"] == 0.625  # kept after step 5 of 8
    trainer = train.train(config(shards, out, steps=8, resume=True))
    assert trainer.step == 8
    assert read_state(out / "state.pt")["progress"] == 1.0


def test_a_prototype_state_goes_on_with_its_adam(shards, tmp_path):
    out = tmp_path / "run"
    trainer = train.train(config(shards, out))
    saved = torch.load(out / "state.pt")
    del saved["step"], saved["progress"], saved["size"]
    old = {**saved, "codec": prototype_names(saved["codec"]), "ema": prototype_names(saved["ema"])}
    torch.save(old, tmp_path / "proto-state.pt")
    state = read_state(tmp_path / "proto-state.pt")
    assert state["step"] == 4 and state["progress"] is None
    for key, value in trainer.ema.state_dict().items():
        assert torch.equal(state["ema"][key], value)
    onward = train.train(config(shards, tmp_path / "on", state=str(tmp_path / "proto-state.pt"), begin=0.8))
    assert onward.step == 8 and int(onward.opt.state[onward.parameters[0]]["step"]) == 8


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_state(shards, tmp_path, monkeypatch):
    out, real = tmp_path / "run", train.Trainer.losses

    def poisoned(self, x, t):
        loss, bpp, mse = real(self, x, t)
        return loss * (math.nan if self.step >= 5 else 1), bpp, mse

    monkeypatch.setattr(train.Trainer, "losses", poisoned)
    with pytest.raises(train.NonFiniteLoss):
        train.train(config(shards, out, steps=40))
    kept = torch.load(out / "state.pt")
    assert kept["step"] == 5
    assert all(v.isfinite().all() for v in kept["codec"].values())


def test_qat_trains_the_float_weights_and_keeps_its_plan(shards, tmp_path):
    out = tmp_path / "run"
    train.train(config(shards, out, end=0.5))
    before = checkpoint.load(out / "ema.pt").state_dict()
    assert checkpoint.load_plan(out / "ema.pt") is None
    trainer = train.train(config(shards, out, steps=2, begin=0.5, end=0.75, qat=True))
    assert trainer.averaged_from == trainer.step - 2, "the average of the float run would lag behind"
    plan, after = checkpoint.load_plan(out / "ema.pt"), checkpoint.load(out / "ema.pt").state_dict()
    assert before.keys() == after.keys()
    assert not torch.equal(before["g_s.last.weight"], after["g_s.last.weight"])
    last = train.train(config(shards, out, steps=2, begin=0.75, qat=True))
    assert last.averaged_from == trainer.averaged_from
    again = checkpoint.load_plan(out / "ema.pt")
    train.train(config(shards, tmp_path / "next", steps=1, init=str(out / "ema.pt"), qat=True))
    for later in (again, checkpoint.load_plan(tmp_path / "next" / "ema.pt")):
        assert plan.layers.keys() == later.layers.keys()
        assert all(torch.equal(plan.layers[name].step_out, later.layers[name].step_out) for name in plan.layers)


def test_latents_may_be_rounded_as_the_encoder_does(shards, tmp_path):
    runs = [train.Trainer(config(shards, tmp_path, dead_zone=zone, batch=2), Codec(TINY), "cpu") for zone in (0.0, 32.0)]
    runs[1].codec.load_state_dict(runs[0].codec.state_dict())
    x, t = data.batch(data.read_crops(shards), 2, 64), torch.tensor([0.1, 0.9])
    for run in runs:
        start_tables(run.codec)
    nearest, encoder = (run.code(x, t)[0] for run in runs)
    assert not torch.equal(nearest, encoder)


def test_a_new_run_does_not_overwrite_an_old_one(shards, tmp_path):
    train.train(config(shards, tmp_path / "run", steps=1))
    with pytest.raises(SystemExit, match="--resume"):
        train.train(config(shards, tmp_path / "run", steps=1))


@pytest.mark.parametrize("wrong", [{"minutes": 1.0}, {"steps": None}, {"begin": 0.5, "end": 0.5}, {"init": "x", "resume": True}])
def test_contradictory_flags_are_refused(wrong, tmp_path):
    with pytest.raises(SystemExit):
        train.check(config("unused", tmp_path, **wrong))


def test_a_state_goes_on_with_its_own_optimiser_alone(shards, tmp_path):
    train.train(config(shards, tmp_path / "run", end=0.5, optimiser="soap"))
    with pytest.raises(SystemExit, match="is of soap"):
        train.train(config(shards, tmp_path / "run", begin=0.5))
    trainer = train.train(config(shards, tmp_path / "run", begin=0.5, optimiser="soap"))
    assert trainer.step == 8


def test_bfloat16_is_taken_where_it_is_faster(shards, tmp_path, monkeypatch):
    for faster, precision in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(train.cpu, "bfloat16_is_faster", lambda faster=faster: faster)
        trainer = train.train(config(shards, tmp_path / precision, steps=1, precision="auto"))
        assert trainer.precision == precision


def test_flags_reach_the_config():
    c = train.parse(
        ["--data", "d", "--out", "o", "--minutes", "9", "--from", "0.25", "--to", "0.5", "--no-compile", "--qat", "--ema-decay", "0.9"]
    )
    assert (c.minutes, c.begin, c.end, c.compile, c.qat, c.ema_decay) == (9.0, 0.25, 0.5, False, True, 0.9)


def test_the_cosine_runs_over_the_whole_run(shards, tmp_path):
    c = config(shards, tmp_path, lr=1.0)
    late = 10**6
    assert train.learning_rate(c, late, 0.0) == pytest.approx(1)
    assert train.learning_rate(c, late, 0.5) == pytest.approx(0.505)
    assert train.learning_rate(c, late, 1.0) == pytest.approx(0.01)
    assert train.learning_rate(c, 0, 0.0) == pytest.approx(1 / 200)


def test_a_clock_ends_at_its_end_however_the_fractions_round(tmp_path):
    for begin, end in ((i / 100, j / 100) for i in range(100) for j in range(i + 1, 101)):
        clock = train.Clock(config("unused", tmp_path, begin=begin, end=end), begin, 0.0)
        assert clock.progress(4) == end and clock.progress(3) < end


def test_batches_are_windows_of_the_crops(shards):
    crops = data.read_crops(shards)
    assert crops.shape == (4, 3, 384, 384)
    torch.manual_seed(0)
    x = data.batch(crops[:1], 16, 352)
    wanted = set()
    for r in range(33):
        for c in range(33):
            window = crops[0, :, r : r + 352, c : c + 352].float() / 255
            wanted |= {window[0, i, j].item() for i, j in ((0, 0), (0, -1), (-1, 0))}
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert all(v.item() in wanted for v in x[:, 0, 0, 0])
    assert len({v.item() for v in x[:, 0, 0, 0]}) > 1


def test_shrunk_windows_hold_more_of_their_crops():
    ramp = torch.arange(384).mul(2 / 3).to(torch.uint8).expand(1, 3, 384, 384)  # 0..255 from left to right
    spans = []
    for _ in range(20):
        x = data.batch(ramp, 4, 256, data.Kinds(shrunk=0.5))
        assert x.shape == (4, 3, 256, 256)
        assert torch.equal(x, (x * 255).round() / 255)  # whole grey levels, as pictures have
        spans.append((x.amax((1, 2, 3)) - x.amin((1, 2, 3))).tolist())
    plain, shrunk = ([s for span in spans for s in span[half]] for half in (slice(2), slice(2, 4)))
    assert max(plain) < 0.68 and min(shrunk) > 0.65 and max(shrunk) > 0.85


def test_enlarged_windows_are_soft():
    checks = torch.zeros(1, 3, 384, 384, dtype=torch.uint8)
    checks[..., ::2] = 255  # columns, the steepest there are
    x = data.batch(checks, 4, 256, data.Kinds(enlarged=0.5))
    assert x.shape == (4, 3, 256, 256)
    steps = [max(v.diff(dim=1).abs().max(), v.diff(dim=2).abs().max()).item() for v in x]
    assert steps[:2] == [1, 1] and max(steps[2:]) < 1


def test_drawn_pages_are_flat_to_their_borders():
    torch.manual_seed(1)
    crops = torch.randint(0, 256, (4, 3, 384, 384), dtype=torch.uint8)
    x = data.batch(crops, 8, 256, data.Kinds(drawn=1.0)) * 255
    assert torch.equal(x, x.round()) and x.min() >= 0 and x.max() <= 255
    changes = (x[..., 1:] != x[..., :-1]).any(1).float().mean()
    assert 0 < changes < 0.05
    assert any(image.flatten(1).eq(image[:, :1, 0]).all() for image in x), "a page of one colour"
    assert len({tuple(image[:, 0, 0].tolist()) for image in x}) > 4


def test_grain_is_noise_of_mean_zero():
    grey = torch.full((1, 3, 384, 384), 128, dtype=torch.uint8)
    torch.manual_seed(1)
    x = data.batch(grey, 8, 256, data.Kinds(grain=0.5)) * 255
    noise = x - 128
    grainy = noise.flatten(1).ne(0).any(1)
    assert grainy.sum() == 4 and torch.equal(noise[~grainy], torch.zeros_like(noise[~grainy]))
    assert noise.flatten(1).std(1).max() < 1.1 * data.GRAIN and noise.mean().abs() < 0.05


def test_shares_of_a_batch_are_checked(shards, tmp_path):
    for shares in ({"shrunk": 0.7, "enlarged": 0.4}, {"grain": 1.1}, {"enlarged": -0.1}):
        with pytest.raises(SystemExit, match="shares of a batch"):
            train.check(train.Config(data=str(shards), out=str(tmp_path), steps=1, **shares))


def test_qualities_cover_every_part_of_the_range():
    t = data.stratified_qualities(8, "cpu")
    assert sorted((t * 8).long().tolist()) == list(range(8))
