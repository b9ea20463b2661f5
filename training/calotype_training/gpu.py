"""Train the codec on one data-centre GPU for a few minutes, with a deadline that holds. training/GPU.md has the command lines.

    python -m calotype_training.gpu --data CROPS.tar --init assets/checkpoints/fast.pt --state STATE --out OUT --minutes 9 --qat-share 0.15
    python -m calotype_training.gpu --data CROPS.tar --state STATE --out OUT2 --minutes 9 --from 0.5 --to 1 ...      goes on from STATE

CROPS.tar is of crop_file.py. STATE, a folder that stays on that machine, keeps what a second call goes on from. OUT is what to bring home:
half.pt and final.pt (averaged weights in half precision, with the plan of QAT), metrics.jsonl, config.json and report.json.
--minutes are those of the whole call, its start and end included; the cosine from --from to --to begins at the first step and ends in time
for what follows. Without a GPU it runs on the CPU, with the same flags.
"""

import time

STARTED = time.time()  # before torch is imported, which is part of a call's minutes

import copy  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from dataclasses import dataclass, replace  # noqa: E402
from pathlib import Path  # noqa: E402

from . import cpu  # noqa: E402

cpu.set_thread_defaults()

import torch  # noqa: E402  (OpenMP reads its settings when torch loads it)

from . import checkpoint, crop_file, ssimulacra2, train  # noqa: E402
from .compiled import compile_within, plain_blocks, trial, wait  # noqa: E402
from .distortion import KNOTS  # noqa: E402
from .evaluate import padded  # noqa: E402
from .integer import IntegerCodec  # noqa: E402
from .run_folder import RunFolder, write_whole  # noqa: E402

LR_BATCH = 8  # crops, of the batch that --lr is meant for
EMA_SHARE = 0.03  # of a call's steps that the averaged weights look back over
WARM_UP_SHARE = 0.05  # of a call's steps at most
QUALITIES = (20, 50, 80)
# shares of a call's time, at most
FIRST_EVALUATION, TYPICAL, COMPILING, LAST_EVALUATION = 0.05, 0.05, 0.15, 0.15
CALIBRATING = 0.25  # of the time that is left for QAT
CALIBRATION_CROPS = TYPICAL_CROPS = 4  # at least
CROPS_A_PICTURE = 6  # windows that the codec runs over in the time of evaluating a picture at all QUALITIES
MARGIN_S, MARGIN_SHARE = 5.0, 0.02  # the interpreter's own end takes some of it
FIRST_STEP = 3  # times a trial, which leaves out the optimiser: SOAP's first step finds its eigenvectors
GROWN = 5  # a state with the optimiser's part against one before the first step, in bytes
LARGEST_FILE = 16e6  # bytes that a result may have


@dataclass(frozen=True)
class GpuConfig(train.Config):
    state: str | None = None  # folder of the state, made by a first call and read by a second; default: OUT-state
    batch: int = 128
    lr: float = 3e-4  # at a batch of LR_BATCH; times the square root of how many times larger this one is
    optimiser: str = "soap"
    basis_every: int = 200
    threads: int = 0  # 0: one a core
    save_seconds: float = 120
    log_seconds: float = 10
    compile_seconds: float = 60  # that compiling may take, else everything runs plain
    qat_share: float = 0.0  # of the time of this call, its last


def scaled_lr(config):
    """The rate of a batch whose gradient has 1 / sqrt(batch) of the noise: Adam's steps may grow as that shrinks."""
    return config.lr * math.sqrt(config.batch / LR_BATCH)


class Deadline(train.Clock):
    """A clock that begins with the first step, and ends before a step that would not be done by `stop`."""

    def __init__(self, config, begin, stop, now):
        super().__init__(config, begin, now(), now)
        self.step_seconds = 0.0
        self.stop_at(stop)

    def stop_at(self, stop):
        self.seconds = max(stop - self.started, 1e-3) if math.isfinite(stop) else None

    def seconds_left(self):
        return self.started + self.seconds - self.now() if self.seconds else math.inf

    def progress(self, steps_done):
        return self.end if self.seconds_left() <= self.step_seconds else super().progress(steps_done)


# evaluation


@contextmanager
def full_precision():
    """On CUDA: convolutions in float32, as the integers of wide layers have more bits than TF32, and none timed for a few pictures."""
    cudnn, benchmark = torch.backends.cudnn, torch.backends.cudnn.benchmark
    cudnn.allow_tf32, cudnn.benchmark = False, False
    try:
        yield
    finally:
        cudnn.allow_tf32, cudnn.benchmark = True, benchmark


@torch.no_grad()
def measure(codec, image, q):
    """image uint8 [3,h,w], quality 0..100 -> bits per pixel, PSNR-RGB in dB, SSIMULACRA2 of the 8-bit reconstruction."""
    (h, w), device = image.shape[1:], next(codec.parameters()).device
    x = padded(image, codec.network.side).to(device)
    x_hat, bpp_y, bpp_z = codec(x, torch.tensor([q / 100], device=device))
    decoded = (x_hat[:, :, :h, :w].clamp(0, 1) * 255).round() / 255
    original = image[None].to(device).float() / 255
    psnr = -10 * torch.log10((decoded - original).square().mean().clamp(min=1e-10))
    bits = float(bpp_y + bpp_z) * x.shape[2] * x.shape[3]
    return bits / (h * w), float(psnr), float(ssimulacra2.score(ssimulacra2.raw(original, decoded)))


def evaluate(codec, pictures, until, now):
    """As many of the pictures as can be done by then -> of each {"q20": [bpp, PSNR, SSIMULACRA2] ...}, and the seconds that one takes."""
    points, seconds = [], []
    with full_precision():
        for image in pictures:
            began = now()
            if began + max(seconds, default=0.0) > until:
                break
            points.append({f"q{q}": measure(codec, image, q) for q in QUALITIES})
            seconds.append(now() - began)
    later = seconds[1:] or seconds or [0.0]  # the first one also warms up
    return points, round(sum(later) / len(later), 4)


def means(points):
    """Of pictures' points -> {"pictures", "q20": [bpp, PSNR, SSIMULACRA2] ...}."""
    found = {f"q{q}": list(zip(*(picture[f"q{q}"] for picture in points))) for q in QUALITIES if points}
    return {"pictures": len(points), **{q: [round(sum(v) / len(v), 4) for v in values] for q, values in found.items()}}


def describe(evaluation):
    if not evaluation["pictures"]:
        return "no time is left for pictures"
    points = "; ".join(f"{q}: {v[0]:.4f} bpp {v[1]:.2f} dB {v[2]:.2f}" for q, v in evaluation.items() if q.startswith("q"))
    return f"{evaluation['pictures']} pictures, bits per pixel, PSNR-RGB and SSIMULACRA2: {points}"


# training


class GpuRun(train.Run):
    """A run that goes back where something is not finite, writes weights at half-time and trains the integers at its end.

    kept: the folder of the state. stop: when to end training, if keeping the state takes so many seconds.
    picture_seconds: of evaluating one picture.
    """

    def __init__(self, trainer, crops, clock, folder, kept, stop, picture_seconds):
        super().__init__(trainer, crops, clock, folder)
        self.kept, self.stop, self.picture_seconds = kept, stop, picture_seconds
        self.config, self.begin, self.went_back, self.half_written = trainer.config, clock.begin, 0, False
        self.known_plan = None  # that the weights have been trained for before
        least = 1 / clock.steps if clock.steps else 0  # with few steps the last of them is QAT's
        self.qat_from = 1 - max(self.config.qat_share, least) - 1e-9 if self.config.qat_share else math.inf
        self.remember()

    def share(self, progress):
        """Of this call's way from --from to --to."""
        return (progress - self.begin) / (self.clock.end - self.begin)

    def remember(self):
        self.good = copy.deepcopy(self.trainer.state())

    def go_back(self, error):
        self.trainer.restore(copy.deepcopy(self.good))  # the optimiser would go on in the copy itself
        self.trainer.rate /= 2
        self.went_back += 1
        self.say(f"{error}; back to step {self.trainer.step}, rate x {self.trainer.rate:g}", went_back=self.went_back)

    def say(self, text, **metrics):
        self.folder.log(step=self.trainer.step, **metrics)
        print(text, flush=True)

    def step(self, progress):
        if not self.trainer.plan and self.share(progress) >= self.qat_from:
            self.begin_qat()
        if not self.half_written and self.share(progress) >= 0.5:
            self.write("half.pt")
            self.half_written = True
        began = self.clock.now()
        super().step(progress)
        before = 0.9 * self.clock.step_seconds if self.done > 1 else 0.0  # the first estimate was a guess
        self.clock.step_seconds = max(self.clock.now() - began, before)

    def is_report_due(self):
        return self.clock.now() - self.logged >= self.config.log_seconds

    def report(self, progress):
        wait(self.trainer.device)
        try:
            super().report(progress)
            if not self.trainer.is_finite():
                raise train.NonFiniteLoss(f"weights are not finite at step {self.trainer.step}")
        except train.NonFiniteLoss as error:
            self.go_back(error)
        else:
            self.remember()
        self.pace(self.share(progress))

    def pace(self, share):
        """Average and warm up over what is known by now of the number of steps."""
        expected = self.done / max(share, 1e-3)
        self.trainer.ema_decay = 1 - 1 / max(10, EMA_SHARE * expected)
        self.trainer.warm_up_steps = min(train.WARM_UP_STEPS, max(10, round(WARM_UP_SHARE * expected)))

    def keep(self, progress):
        """The state, for a second call; what it takes moves the end of training."""
        wait(self.trainer.device)
        if not self.trainer.is_finite():
            self.go_back("weights are not finite")
        began = self.clock.now()
        self.kept.keep(self.trainer, progress)
        self.clock.stop_at(self.stop((self.clock.now() - began) * (1 if self.done else GROWN)))

    def write(self, name):
        """Averaged weights in half precision and the plan they were trained for, into the folder of results."""
        trainer, path = self.trainer, self.folder.path / name
        facts = {"plan": trainer.plan.to("cpu").state()} if trainer.plan else {}
        write_whole(path, lambda new: checkpoint.save(trainer.ema, new, half=True, **facts))
        size = path.stat().st_size
        note = ", too large to bring home" if size > LARGEST_FILE else ""
        self.say(f"{path}: {size / 1e6:.1f} MB, step {trainer.step}{note}", wrote=name)

    def begin_qat(self):
        """Train the integers from here on, of the known plan or of one calibrated on as many crops as there is time for."""
        left = CALIBRATING * self.clock.seconds_left() / max(self.picture_seconds, 1e-6)  # crops
        if self.known_plan is None and left < CALIBRATION_CROPS:
            self.qat_from = math.inf
            self.say("no QAT: too little time is left to calibrate")
            return
        rounding = self.trainer.forward.rounding
        plain_blocks(self.trainer)  # calibration looks inside them, and at pictures of another size
        self.trainer.codec.rounding = self.trainer.ema.rounding
        train.start_qat(self.trainer, self.crops, self.known_plan, int(min(left, train.CALIBRATION_CROPS)))
        self.trainer.forward.rounding = rounding
        self.remember()
        self.say(f"QAT from step {self.trainer.step}", qat=True)


# a call


class Call:
    """The parts of a call around its steps, each with the time that it may take."""

    def __init__(self, config, now=time.time, started=STARTED):
        self.config, self.now, self.started = config, now, started
        self.seconds = 60 * config.minutes if config.minutes else math.inf
        self.folder, self.kept = RunFolder(config.out), RunFolder(config.state or f"{config.out.rstrip('/')}-state")
        self.report, self.points = {"seconds": {}}, {}

    def by(self, share):
        """The time when a part that begins now and may take that share of the call must be done."""
        return self.now() + share * self.seconds

    def done(self, part):
        self.report["seconds"][part] = round(self.now() - self.started, 2)

    def set_up(self):
        """Crops, weights and optimiser on the device."""
        config = replace(self.config, state=None, lr=scaled_lr(self.config), threads=self.config.threads or crop_file.cores())
        state = train.state_to_continue(config, self.kept)
        device = train.set_up_torch(config, config.seed + (state["step"] if state else 0))
        torch.backends.cudnn.benchmark = True
        found = crop_file.read(config.data, config.threads)
        self.done("decoded")
        self.pictures, self.begin = found.validation, train.begin_at(config, state)
        self.trainer, self.crops = train.make_trainer(config, state, found.train, device), found.train.to(device)
        if plan := (state or {}).get("plan"):
            train.start_qat(self.trainer, self.crops, train.Plan.from_state(plan))
        self.known_plan = train.known_plan(config, None)
        self.done("set up")

    def codec(self):
        """The averaged weights as the decoder will run them."""
        trainer = self.trainer
        return IntegerCodec(trainer.ema, trainer.plan).eval() if trainer.plan else trainer.ema

    def evaluate(self, name, until):
        self.points[name], seconds_each = evaluate(self.codec(), self.pictures, until, self.now)
        self.report[name] = {**means(self.points[name]), "seconds_each": seconds_each}
        print(f"{name}: {describe(self.report[name])}", flush=True)
        self.done(name)

    def evaluate_again(self, until):
        """The pictures that were evaluated before; where time ends among them, both evaluations are of the first ones."""
        self.pictures = self.pictures[: self.report["before"]["pictures"]]
        self.evaluate("after", until)
        if count := self.report["after"]["pictures"]:
            self.report["before"] |= means(self.points["before"][:count])

    def learn_typical_distortion(self):
        """From fewer crops than `train.py` takes where these would take too long."""
        if self.config.distortion_power == 1:
            return
        seconds_each = KNOTS * max(self.report["before"]["seconds_each"], 1e-6) / CROPS_A_PICTURE
        count = min(train.TYPICAL_CROPS, TYPICAL * self.seconds / seconds_each)
        self.trainer.learn_typical_distortion(self.crops, int(max(count, TYPICAL_CROPS)))

    def fit_batch(self):
        """Halve the batch until a step fits into memory -> seconds of that step."""
        while True:
            began = self.now()
            try:
                trial(self.trainer, self.crops)
                return self.now() - began
            except torch.OutOfMemoryError:
                if self.trainer.config.batch == 1:
                    raise
            # only here, where the error no longer holds on to the tensors of its step
            self.halve_batch()

    def halve_batch(self):
        trainer, config = self.trainer, self.trainer.config
        trainer.opt.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        trainer.config = replace(config, batch=config.batch // 2, lr=config.lr / math.sqrt(2))
        print(f"a batch of {config.batch} does not fit: {trainer.config.batch}", flush=True)

    def compile(self):
        """Compile what can be, unless it is not wanted."""
        limit = min(self.config.compile_seconds, COMPILING * self.seconds)
        self.report["path"] = compile_within(self.trainer, self.crops, limit) if self.config.compile else "plain"
        self.done("compiled")

    def stop(self, keep_seconds):
        """When training must end, if keeping the state takes so long: the last evaluation and what nobody thought of come after it."""
        if not self.config.minutes:
            return math.inf
        each = self.report["before"]["seconds_each"] * (2 if self.config.qat_share and not self.trainer.plan else 1)
        evaluation = min(1.2 * each * self.report["before"]["pictures"], LAST_EVALUATION * self.seconds)
        return self.started + self.seconds - evaluation - 2 * keep_seconds - max(MARGIN_S, MARGIN_SHARE * self.seconds)

    def announce(self):
        trainer, config = self.trainer, self.trainer.config
        device = torch.cuda.get_device_name() if trainer.device == "cuda" else "cpu"
        macs = train.kilo_macs_per_pixel(trainer.ema)
        facts = {"device": device, "begin": self.begin, "crops": len(self.crops), "kilo_macs_per_pixel": macs, "path": self.report["path"]}
        self.folder.record_call(self.config, **facts, batch=config.batch, rate=config.lr)
        start = f"from step {trainer.step}, {self.report['seconds']['compiled']:.1f} s after the start"
        how = f"batches of {config.batch}, rate {config.lr:.2e}, {self.report['path']}"
        print(f"{device}, {trainer.precision}, {len(self.crops)} crops, {how}; {start}", flush=True)

    def steps(self):
        """The run itself -> GpuRun."""
        clock = Deadline(self.trainer.config, self.begin, self.stop(0.0), self.now)
        clock.step_seconds = FIRST_STEP * self.step_seconds
        each = self.report["before"]["seconds_each"]
        run = GpuRun(self.trainer, self.crops, clock, self.folder, self.kept, self.stop, each)
        run.known_plan = self.known_plan
        run.keep(self.begin)
        try:
            run.go()
        except Exception:
            self.trainer.restore(run.good)
            run.write("final.pt")
            raise
        return run

    def train(self):
        """-> what report.json says."""
        self.set_up()
        self.evaluate("before", self.by(FIRST_EVALUATION))
        self.learn_typical_distortion()
        self.step_seconds = self.fit_batch()
        self.done("measured")
        self.compile()
        self.announce()
        first = self.trainer.step
        run = self.steps()
        run.write("final.pt")
        self.done("trained")
        self.evaluate_again(self.started + self.seconds - MARGIN_S / 2)
        crops = run.done * self.trainer.config.batch
        seconds = self.report["seconds"]["trained"] - self.report["seconds"]["compiled"]
        self.report |= {"from_step": first, "steps": run.done, "crops": crops, "crops_per_s": round(crops / max(seconds, 1e-6), 1)}
        self.report |= {"went_back": run.went_back, "qat": self.trainer.plan is not None}
        write_whole(self.folder.path / "report.json", lambda new: new.write_text(json.dumps(self.report, indent=1) + "\n"))
        return self.report


def check(config):
    train.check(replace(config, state=None))
    if not Path(config.data).is_file():
        raise SystemExit(f"--data {config.data}: no such file; make it with python3 -m calotype_training.crop_file")
    if (Path(config.out) / "final.pt").exists():
        what = "holds the results of an earlier call, final.pt among them"
        raise SystemExit(f"--out {config.out}: {what}; give another folder, or move them away")
    if config.init and not Path(config.init).is_file():
        raise SystemExit(f"--init {config.init}: no such file; give a checkpoint such as assets/checkpoints/fast.pt")
    if not 0 <= config.qat_share <= 1:
        raise SystemExit(f"--qat-share {config.qat_share}: must be 0 to 1")
    if config.qat:
        raise SystemExit("--qat: give --qat-share, 1 for all of the call")


def main(arguments=None):
    config = train.parse(arguments, GpuConfig, "calotype_training.gpu", __doc__)
    check(config)
    try:
        report = Call(config).train()
    except crop_file.Unreadable as error:
        raise SystemExit(f"--data {error}; pack or copy it again") from error
    print(f"{report['steps']} steps, {report['crops_per_s']} crops/s, {time.time() - STARTED:.1f} s in all", flush=True)


if __name__ == "__main__":
    main()
