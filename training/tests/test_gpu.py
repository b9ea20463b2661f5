"""The call for a few minutes of a GPU: its command lines as GPU.md has them, its deadline, its two paths, its way back."""

import io
import json
import math
import re
import shlex
import shutil
import subprocess
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import TINY, smooth_picture
from PIL import Image, features

from calotype_training import checkpoint, compiled, crop_file, data, evaluate, golden, gpu, soap, train
from calotype_training.layers import Block
from calotype_training.network import Network
from calotype_training.run_folder import read_state

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "training" / "GPU.md").read_text()
MOST_MB = 62  # that may be sent to the machine at once
BATCH = 8


def commands(module):
    """Arguments of the page's command lines for a module, in order."""
    lines = re.sub(r"\\\n\s*", "", PAGE).splitlines()
    start = f"    python3 -m calotype_training.{module} "
    return [shlex.split(line.removeprefix(start)) for line in lines if line.startswith(start)]


def with_value(arguments, flag, value, name=None):
    """Arguments with another value of a flag, under another name."""
    i = arguments.index(flag)
    return [*arguments[:i], name or flag, str(value), *arguments[i + 2 :]]


@pytest.fixture
def tiny(codec, tmp_path, monkeypatch):
    """Few crops to measure by, and a tiny checkpoint in half precision."""
    for module in (train, checkpoint):
        monkeypatch.setattr(module, "Size", lambda **kw: TINY)
    monkeypatch.setattr(train, "TYPICAL_CROPS", 4)
    monkeypatch.setattr(train, "CALIBRATION_CROPS", 4)
    checkpoint.save(codec, tmp_path / "fast.pt", half=True)
    return tmp_path


@pytest.fixture
def crops(shards, tmp_path):
    path = tmp_path / "crops.tar"
    crop_file.pack(shards, shards / "train-00.tar", path, 10**7, coding="jpeg")
    return path


def config(tiny, crops, **changes):
    values = {"data": str(crops), "out": str(tiny / "out"), "init": str(tiny / "fast.pt"), "steps": 4, "batch": 2, "crop": 64, "threads": 1}
    return gpu.GpuConfig(**{**values, "precision": "float32", "compile": False, **changes})


def metrics(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_a_call_trains_another_network(tiny, crops):
    network = golden.narrowed(Network.read(ROOT / "training/networks/hyperprior.json"))
    (tiny / "net.json").write_text(json.dumps(network.json()))
    gpu.Call(config(tiny, crops, init=None, network=str(tiny / "net.json"), qat_share=0.5)).train()
    assert checkpoint.load(tiny / "out" / "final.pt").network == network
    assert checkpoint.load_plan(tiny / "out" / "final.pt")


# command lines


@pytest.fixture
def packed(shards, tmp_path):
    """The files that the page's own lines pack, by the names they have there."""
    files = {}
    for arguments in commands("crop_file"):
        name = arguments[2]
        files[name] = str(tmp_path / name)
        coding = [] if features.check("avif") else ["--coding", "jpeg"]
        crop_file.main([str(shards), str(shards / "train-00.tar"), files[name], *arguments[3:], *coding])
    return files


def two_steps(arguments, tiny, packed):
    """A call's arguments with this test's paths, two steps and a small batch; all other flags as they are."""
    arguments = with_value(arguments, "--minutes", 2, name="--steps")
    arguments = with_value(arguments, "--batch", BATCH)
    arguments = with_value(arguments, "--data", packed[arguments[arguments.index("--data") + 1]])
    for flag in ("--out", "--state"):
        arguments = with_value(arguments, flag, tiny / arguments[arguments.index(flag) + 1])
    if "--init" in arguments:
        arguments = with_value(arguments, "--init", tiny / "fast.pt")
    return [*arguments, "--threads", "1", "--crop", "64"]


def run_line(arguments, path, tiny, packed):
    """Run one of the page's lines, look at all it leaves -> the step its state stands at, and its progress."""
    gpu.main([*two_steps(arguments, tiny, packed), *(["--no-compile"] if path == "plain" else [])])
    out, qat = tiny / arguments[arguments.index("--out") + 1], "--qat-share" in arguments
    report = json.loads((out / "report.json").read_text())
    assert report["path"].startswith(path) and report["steps"] == 2 and report["crops"] == 2 * BATCH and report["qat"] == qat
    assert report["before"]["pictures"] == report["after"]["pictures"] == 4 and len(report["after"]["q50"]) == 3
    for name in ("half.pt", "final.pt"):
        assert all(p.isfinite().all() for p in checkpoint.load(out / name).parameters())
    assert (checkpoint.load_plan(out / "final.pt") is not None) == qat
    state = read_state(tiny / "STATE" / "state.pt")
    return state["step"], state["progress"]


@pytest.mark.parametrize("path", ["plain", "compiled"])
def test_the_command_lines_of_the_page_run_on_both_paths(path, tiny, packed, monkeypatch, capsys):
    monkeypatch.setattr(compiled, "BACKEND", "aot_eager")  # traces and rewrites as on a GPU; what it makes code of is another test's
    whole, first, second = commands("gpu")
    assert run_line(whole, path, tiny, packed) == (2, 1.0)
    for folder in ("STATE", "OUT"):
        shutil.rmtree(tiny / folder)
    assert run_line(first, path, tiny, packed) == (2, 0.5)
    assert run_line(second, path, tiny, packed) == (4, 1.0)
    assert capsys.readouterr().out.count("crops/s") >= 6


def test_what_is_sent_fits():
    """The tracked tree, which has training/ and the checkpoint, and the file of crops that the page packs."""
    if not shutil.which("git") or subprocess.run(["git", "-C", ROOT, "rev-parse"], capture_output=True).returncode:
        pytest.skip("no repository to add up")
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached"], capture_output=True, text=True, check=True).stdout
    tracked = {ROOT / name for name in listed.split("\0") if name}
    ours = {p for p in (ROOT / "training").rglob("*") if p.suffix in (".py", ".toml", ".md")}
    ours |= {ROOT / a[a.index("--init") + 1] for a in commands("gpu") if "--init" in a}
    tree = sum(p.stat().st_size for p in tracked | ours if p.is_file())
    for arguments in commands("crop_file"):
        limit_mb = float(arguments[arguments.index("--mb") + 1])
        assert limit_mb <= 45 and tree / 1e6 + limit_mb <= MOST_MB, f"tree {tree / 1e6:.1f} MB"


# crops


def noise_shard(folder, count):
    """A shard of pictures whose every first pixel is their number, and which do not compress."""
    folder.mkdir()
    torch.manual_seed(3)
    with tarfile.open(folder / "train-00.tar", "w") as tar:
        for i in range(count):
            pixels = torch.randint(256, (384, 384, 3), dtype=torch.uint8)
            pixels[:16, :16] = 8 * i
            encoded = io.BytesIO()
            Image.fromarray(pixels.numpy()).save(encoded, "png")
            crop_file.add(tar, f"{i}.png", encoded.getvalue())
    return folder


def numbers(path):
    return {round(crop[:, :8, :8].float().mean().item() / 8) for crop in crop_file.read(path).train}


def test_a_crop_file_is_as_full_as_it_may_be_and_parts_share_no_picture(tmp_path):
    shards, out = noise_shard(tmp_path / "shards", 12), tmp_path / "crops.tar"
    validation = tmp_path / "val"
    validation.mkdir()
    Image.new("RGB", (64, 64)).save(validation / "0.png")
    one = len(crop_file.coded(next(data.files_in(shards / "train-00.tar")), "jpeg", 90))
    packed, total = crop_file.pack(shards, validation, out, 6 * one, coding="jpeg")
    assert 4 <= packed < 6 and total == 12 and out.stat().st_size <= 6 * one
    spread = sorted(numbers(out))
    assert len(spread) == packed and max(b - a for a, b in zip([0, *spread], [*spread, 11])) <= 4, "evenly from all"
    parts = []
    for part in ("1/2", "2/2"):
        crop_file.pack(shards, validation, out, 10**8, coding="jpeg", part=part)
        parts.append(numbers(out))
        assert len(crop_file.read(out).validation) == 1
    assert parts[0] | parts[1] == set(range(12)) and not parts[0] & parts[1]


# compiled and plain


def trainer_of(codec, **changes):
    values = {"batch": 2, "crop": 64, "precision": "float32", "ssimulacra2_weight": 5.0, "dead_zone": 5.0}
    return train.Trainer(train.Config("", "", **{**values, **changes}), codec.train(), "cpu")


def gradients(trainer, x, t):
    torch.manual_seed(4)
    loss, *_ = trainer.losses(x, t)
    loss.backward()
    found = [p.grad.clone() for p in trainer.parameters if p.grad is not None]
    trainer.opt.zero_grad()
    return [loss.detach(), *found]


def test_the_compiled_parts_are_the_same_functions(codec, shards, monkeypatch):
    monkeypatch.setattr(compiled, "BACKEND", "aot_eager")
    trainer, crops = trainer_of(codec), data.read_crops(shards)
    x, t = trainer.draw(crops)
    plain = gradients(trainer, x, t)
    assert compiled.compile_within(trainer, crops, 600).startswith("compiled")
    for a, b in zip(plain, gradients(trainer, x, t), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(a.abs().max()))
    compiled.plain_parts(trainer)
    assert all(torch.equal(a, b) for a, b in zip(plain, gradients(trainer, x, t), strict=True))


@pytest.mark.skipif(not shutil.which("g++"), reason="no compiler")
def test_a_block_is_compiled_once_for_all_of_its_shape(monkeypatch):
    torch.manual_seed(1)
    blocks, x = [Block(8, 2) for _ in range(3)], torch.randn(1, 8, 4, 4)
    plain = [block(x) for block in blocks]
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    for block in blocks:
        block.compile(dynamic=False, backend=compiled.BACKEND)
    for block, wanted in zip(blocks, plain):
        torch.testing.assert_close(block(x), wanted)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


def broken(graph, inputs):
    raise RuntimeError("no such compiler")


def endless(graph, inputs):
    time.sleep(600)


@pytest.mark.parametrize("backend, seconds, reason", [(broken, 600, "no such compiler"), (endless, 0.3, "not done after")])
def test_everything_runs_plain_where_compiling_fails_or_takes_too_long(backend, seconds, reason, tiny, crops, monkeypatch):
    monkeypatch.setattr(compiled, "BACKEND", backend)
    torch._dynamo.reset()
    report = gpu.Call(config(tiny, crops, compile=True, compile_seconds=seconds, steps=2)).train()
    assert report["path"].startswith("plain") and reason in report["path"]
    assert report["steps"] == 2
    assert all(math.isfinite(m["loss"]) for m in metrics(tiny / "out") if "loss" in m)


def test_a_batch_that_does_not_fit_is_halved(tiny, crops, monkeypatch):
    real = train.Trainer.losses

    def small_memory(self, x, t):
        if len(x) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return real(self, x, t)

    monkeypatch.setattr(train.Trainer, "losses", small_memory)
    call = gpu.Call(config(tiny, crops, batch=8, steps=1))
    report = call.train()
    assert report["crops"] == 2
    assert call.trainer.config.lr == pytest.approx(gpu.scaled_lr(config(tiny, crops, batch=2)))


# a way back


def test_a_run_goes_back_from_what_is_not_finite_with_half_the_rate(tiny, crops, monkeypatch):
    real, poison = train.Trainer.losses, [6]

    def poisoned(self, x, t):
        loss, bpp, mse = real(self, x, t)
        bad = poison and self.step == poison[0]
        if bad:
            poison.clear()
        return loss * (math.nan if bad else 1), bpp, mse

    monkeypatch.setattr(train.Trainer, "losses", poisoned)
    call = gpu.Call(config(tiny, crops, steps=10, log_seconds=0))
    report = call.train()
    assert report["went_back"] == 1 and call.trainer.rate == 0.5
    assert call.trainer.step == 9, "of ten steps the poisoned one is gone"
    assert call.trainer.is_finite() and all(p.isfinite().all() for p in call.trainer.averages)


def test_what_is_gone_back_to_is_not_trained_further(tiny, crops):
    call = gpu.Call(config(tiny, crops))
    call.set_up()
    trainer = call.trainer
    run = gpu.GpuRun(trainer, call.crops, gpu.Deadline(trainer.config, 0.0, math.inf, time.time), call.folder, call.kept, None, 0.0)
    trainer.train_step(call.crops, 0.0)
    run.remember()
    good = [p.detach().clone() for p in trainer.parameters]
    for _ in range(2):
        trainer.train_step(call.crops, 0.0)
        run.go_back("a test")
        assert all(torch.equal(a, b) for a, b in zip(good, trainer.parameters)) and trainer.step == 1
    assert trainer.rate == 0.25


# time


class FakeTime:
    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.mark.parametrize("step, picture, keeping", [(1.0, 0.1, 0.5), (0.3, 3.0, 1.0), (7.0, 0.2, 0.1), (0.5, 0.1, 4.0), (200.0, 0.1, 0.1)])
def test_the_deadline_holds_whatever_takes_how_long(step, picture, keeping, tiny, crops, monkeypatch):
    now = FakeTime()

    def taking(seconds, real):
        def slowly(*arguments, **more):
            now.seconds += seconds
            return real(*arguments, **more)

        return slowly

    monkeypatch.setattr(train.Trainer, "train_step", taking(step, train.Trainer.train_step))
    monkeypatch.setattr(gpu, "trial", taking(step if step < 100 else 30, lambda *_: None))
    monkeypatch.setattr(gpu, "measure", taking(picture / 3, lambda *_: (1.0, 30.0, 50.0)))
    monkeypatch.setattr(gpu.RunFolder, "keep", taking(keeping, gpu.RunFolder.keep))
    call = gpu.Call(config(tiny, crops, minutes=1.0, steps=None, save_seconds=20.0, distortion_power=0.5), now, started=now() - 5)
    report = call.train()
    assert now() <= call.started + 60
    assert (report["steps"] > 0) == (step < 100), "a step that cannot be done in time is not begun"
    assert report["steps"] == 0 or now() > call.started + 60 - 8 - gpu.MARGIN_S - step - 7 * keeping, "most of the time is used"
    assert report["after"]["pictures"] >= 1
    assert (tiny / "out" / "final.pt").exists() and (tiny / "out" / "half.pt").exists() == (step < 100)


@pytest.mark.parametrize("first, second, pictures", [(4.5, 9.0, 4), (9.0, 2.5, 2), (9.0, 9.0, 5)])
def test_before_and_after_are_of_the_same_pictures(first, second, pictures, tiny, crops, monkeypatch):
    now = FakeTime()

    def measure(codec, image, q):
        now.seconds += 1 / 3
        return float(image), 30.0, 50.0

    monkeypatch.setattr(gpu, "measure", measure)
    monkeypatch.setattr(gpu.Call, "codec", lambda call: None)
    call = gpu.Call(config(tiny, crops), now)
    call.pictures = range(5)
    call.evaluate("before", now() + first)
    call.evaluate_again(now() + second)
    before, after = call.report["before"], call.report["after"]
    mean = sum(range(pictures)) / pictures
    assert before["pictures"] == after["pictures"] == pictures and before["q50"][0] == after["q50"][0] == mean


def test_qat_takes_the_last_share_of_the_time(tiny, crops, monkeypatch):
    began = []
    monkeypatch.setattr(train, "start_qat", lambda trainer, *_, **__: began.append(trainer.step))
    gpu.Call(config(tiny, crops, steps=8, qat_share=0.25)).train()
    assert began[0] == 6


def test_a_call_goes_on_with_the_integers_of_the_call_before(tiny, crops):
    first = gpu.Call(config(tiny, crops, steps=2, qat_share=0.5, end=0.5))
    first.train()
    second = gpu.Call(config(tiny, crops, steps=1, begin=0.5, init=None))
    assert second.train()["qat"] and second.trainer.step == 3
    for name, layer in first.trainer.plan.layers.items():
        assert torch.equal(layer.step_out, second.trainer.plan.layers[name].step_out)


# rates


def test_the_rate_grows_with_the_root_of_the_batch(tiny, crops):
    assert gpu.scaled_lr(config(tiny, crops, batch=gpu.LR_BATCH, lr=3e-4)) == pytest.approx(3e-4)
    assert gpu.scaled_lr(config(tiny, crops, batch=128, lr=3e-4)) == pytest.approx(1.2e-3)


def test_average_and_warm_up_follow_the_number_of_steps(tiny, crops):
    call = gpu.Call(config(tiny, crops))
    call.set_up()
    clock = gpu.Deadline(call.trainer.config, 0.0, math.inf, time.time)
    run = gpu.GpuRun(call.trainer, call.crops, clock, call.folder, call.kept, None, 0.0)
    for done, share, looks_back, warm_up in ((500, 0.05, 300, 200), (50, 0.1, 15, 25), (1, 0.1, 10, 10)):
        run.done = done
        run.pace(share)
        assert 1 / (1 - call.trainer.ema_decay) == pytest.approx(looks_back) and call.trainer.warm_up_steps == warm_up


def test_quality_is_measured_on_whole_grey_levels_of_the_picture_itself(codec):
    image = (smooth_picture(128, 3)[0, :, :100, :70] * 255).byte()
    bpp, psnr, score = gpu.measure(codec, image, 50)
    assert (bpp, psnr) == pytest.approx(evaluate.measure(codec, image, 50)[:2], rel=1e-4)
    assert score < 100


@pytest.mark.parametrize("wrong", [{"minutes": 1.0}, {"qat_share": 1.5}, {"qat": True}, {"begin": 0.5}])
def test_contradictory_flags_are_refused(wrong, tmp_path):
    with pytest.raises(SystemExit):
        gpu.check(replace(gpu.GpuConfig("", str(tmp_path), init="x", steps=1), **wrong))


def test_a_run_may_begin_without_a_checkpoint(tiny, crops):
    assert gpu.Call(config(tiny, crops, init=None, steps=1)).train()["steps"] == 1


# the optimiser


def test_bases_are_renewed_often_at_first_and_rarely_later():
    assert {soap.basis_period(step, 20) for step in (1, 100, 10**5)} == {20}, "what the trainer for the CPU has"
    assert [soap.basis_period(step, 200) for step in (1, 200, 1000, 2000, 10**5)] == [20, 20, 100, 200, 200]


def test_eigenvectors_are_found_on_the_cpu_where_the_first_solver_gives_up(monkeypatch):
    torch.manual_seed(6)
    matrix = torch.randn(2, 5, 5)
    matrix, real, calls = matrix @ matrix.mT, torch.linalg.eigh, []

    def gives_up_once(m):
        calls.append(m)
        if len(calls) == 1:
            raise torch.linalg.LinAlgError("did not converge")
        return real(m)

    wanted = soap.eigenvectors(matrix)
    monkeypatch.setattr(torch.linalg, "eigh", gives_up_once)
    assert torch.equal(soap.eigenvectors(matrix), wanted) and len(calls) == 2
    values = (wanted.mT @ matrix @ wanted).diagonal(dim1=1, dim2=2)
    assert (values.diff() <= 1e-4).all(), "the largest first"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda whole: b"", "is not a whole crop file"),
        (lambda whole: whole[: len(whole) // 2], "is not a whole crop file"),
        (lambda whole: whole.replace(b"ftypavif", b"ftypxxxx"), "is no picture that this Pillow reads"),
    ],
)
def test_a_crop_file_that_is_not_whole_is_refused_in_a_line(shards, tmp_path, spoil, words):
    whole = tmp_path / "whole.tar"
    crop_file.main([str(shards), str(shards / "train-00.tar"), str(whole), "--mb", "1"])
    spoilt = tmp_path / "spoilt.tar"
    spoilt.write_bytes(spoil(whole.read_bytes()))
    with pytest.raises(SystemExit, match=words):
        gpu.main(["--data", str(spoilt), "--out", str(tmp_path / "out"), "--steps", "1", "--batch", "8"])


def test_what_cannot_be_is_refused_before_any_work(tmp_path):
    data = tmp_path / "crops.tar"
    data.write_bytes(b"there")
    for line, words in (
        ("--data nowhere.tar --minutes 1", "crop_file"),
        (f"--data {data} --minutes 1 --init nothere.pt", "no such file"),
        (f"--data {data} --minutes -1", "must be more than 0"),
        (f"--data {data} --minutes 0", "must be more than 0"),
    ):
        with pytest.raises(SystemExit, match=words):
            gpu.main([*line.split(), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_results_of_an_earlier_call_stay(tmp_path):
    data, out = tmp_path / "crops.tar", tmp_path / "out"
    data.write_bytes(b"there")
    out.mkdir()
    (out / "final.pt").write_bytes(b"weights")
    with pytest.raises(SystemExit, match="holds the results of an earlier call, final.pt among them; give another folder"):
        gpu.main(["--data", str(data), "--out", str(out), "--minutes", "1"])
    assert [path.name for path in out.iterdir()] == ["final.pt"] and (out / "final.pt").read_bytes() == b"weights"
