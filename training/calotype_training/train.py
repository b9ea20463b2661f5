"""Train the codec on CPU or CUDA.

    python -m calotype_training.train --data DIR --out runs/a --minutes 60                            one whole run
    python -m calotype_training.train --data DIR --out runs/a --minutes 9 --from 0 --to 0.33          a third of a run in each call:
    python -m calotype_training.train --data DIR --out runs/a --minutes 9 --from 0.33 --to 0.66      goes on from runs/a/state.pt
    python -m calotype_training.train ... --resume                                                    that call again, after it was killed
    python -m calotype_training.train ... --from 0.9 --to 1 --qat                                     the last tenth with fake quantisation
    python -m calotype_training.train ... --network training/networks/checkerboard.json               another network than the first

DIR holds shards train-*.tar of image crops. The learning rate follows one cosine over the whole run; a call covers --from..--to of it,
in --minutes (of this call, its start included) or --steps (of this call). --state FILE goes on from another run's state.
"""

import argparse
import copy
import math
import time
from dataclasses import dataclass, fields
from pathlib import Path

from . import cpu

cpu.set_thread_defaults()

import torch  # noqa: E402  (OpenMP reads its settings when torch loads it)

from . import checkpoint, data  # noqa: E402
from .distortion import Distortion  # noqa: E402
from .integer import IntegerCodec  # noqa: E402
from .model import Codec, kilo_macs_per_pixel  # noqa: E402
from .network import Network, NetworkError, Size  # noqa: E402
from .plan import Plan, calibrate  # noqa: E402
from .rounding import AsEncoder  # noqa: E402
from .run_folder import RunFolder, read_state  # noqa: E402
from .soap import Soap  # noqa: E402
from .warm_start import start_tables, warm_start  # noqa: E402

WARM_UP_STEPS = 200
FINAL_LR = 0.01  # of the peak
WARM_START_PATCHES = 400
CALIBRATION_CROPS = 48
TYPICAL_CROPS = 48  # that tell what distortion is typical
CHOICES = {"start": ("klt", "random"), "precision": ("auto", "float32", "bfloat16"), "optimiser": ("adam", "soap")}


@dataclass(frozen=True)
class Config:
    data: str
    out: str
    network: str | None = None  # JSON of training/networks that a new codec is made of; default: the first network
    init: str | None = None  # checkpoint to begin from, with a new optimiser
    state: str | None = None  # state to go on from; default: state.pt of the run folder
    start: str = "klt"  # of a codec without --init: klt (warm_start.py), random (its quality tables alone)
    resume: bool = False
    minutes: float | None = None
    steps: int | None = None
    begin: float = 0.0
    end: float = 1.0
    batch: int = 4
    crop: int = 256
    shrunk: float = 0.0  # share of a batch that is made of larger windows, shrunk
    enlarged: float = 0.0  # share that is made of smaller windows, enlarged
    grain: float = 0.0  # share, of all of these, that gets noise
    drawn: float = 0.0  # chance of each window to be a drawn page instead
    lr: float = 4e-4
    optimiser: str = "adam"  # adam, soap
    track_every: int = 4  # steps between SOAP's looks at the gradients' correlations
    basis_every: int = 20  # steps between SOAP's renewals of their eigenvectors
    ssimulacra2_weight: float = 0.0  # squared grey levels that 1 of SSIMULACRA2's weighted sum is worth in the loss
    ms_ssim_weight: float = 0.0  # squared grey levels that 1 - MS-SSIM is worth in the loss
    coarse_weight: float = 0.0  # what squared errors of the means of 16 x 16 pixels count in the loss besides
    distortion_power: float = 1.0  # 1: squared errors count as they are; towards 0: relative ones, as in PSNR
    dead_zone: float = 0.0  # 256ths, as in the encoder, which has 4: what a bit is worth when a symbol is rounded; 0: to the nearest
    ema_decay: float = 0.9995
    clip: float = 1.0
    precision: str = "auto"  # float32, bfloat16, auto
    threads: int = 2
    seed: int = 1
    compile: bool = True
    qat: bool = False
    save_seconds: float = 60
    log_steps: int = 100


class NonFiniteLoss(RuntimeError):
    pass


def learning_rate(config, step, progress, warm_up_steps=None):
    cosine = FINAL_LR + (1 - FINAL_LR) * 0.5 * (1 + math.cos(math.pi * progress))
    return config.lr * min(1.0, (step + 1) / (warm_up_steps or WARM_UP_STEPS)) * cosine


def kinds(config):
    return data.Kinds(config.shrunk, config.enlarged, config.grain, config.drawn)


def fastest_precision(device):
    return "bfloat16" if device == "cuda" or cpu.bfloat16_is_faster() else "float32"


def optimiser(config, codec):
    if config.optimiser == "soap":
        return Soap(codec.parameters(), config.lr, track_every=config.track_every, basis_every=config.basis_every)
    return torch.optim.Adam(codec.parameters(), lr=config.lr, betas=(0.9, 0.99), fused=True)


class Clock:
    """Where a call stands on the run's cosine: by time where `minutes` are given, else by steps."""

    def __init__(self, config, begin, started, now=time.time):
        left = (config.end - begin) / (config.end - config.begin)  # a resumed call has only the rest to do
        self.begin, self.end, self.started, self.now = begin, config.end, started, now
        self.seconds = 60 * config.minutes * left if config.minutes else None
        self.steps = round(config.steps * left) if config.steps else None

    def progress(self, steps_done):
        done = (self.now() - self.started) / self.seconds if self.seconds else steps_done / max(1, self.steps)
        # at its end exactly `end`: the sum may round to less, and the call would never stop
        return self.end if done >= 1 else min(self.end, self.begin + (self.end - self.begin) * done)


class Trainer:
    """Weights, their average and the optimiser; `forward` is the codec, or its integer simulation in QAT."""

    def __init__(self, config, codec, device):
        self.config, self.device, self.codec = config, device, codec.to(device).train()
        self.precision = fastest_precision(device) if config.precision == "auto" else config.precision
        if config.dead_zone:
            self.codec.rounding = AsEncoder(config.dead_zone / 256)
        self.ema, self.forward, self.step = copy.deepcopy(self.codec).eval(), self.codec, 0
        self.averaged_from = 0  # step at which the average begins
        self.rate, self.warm_up_steps, self.ema_decay = 1.0, WARM_UP_STEPS, config.ema_decay  # rate: a factor of the learning rate
        self.distortion = Distortion(config.ms_ssim_weight, config.distortion_power, config.coarse_weight, config.ssimulacra2_weight)
        self.plan = None  # of the integers that QAT trains for
        self.opt = optimiser(config, codec)
        self.parameters, self.averages = list(codec.parameters()), list(self.ema.parameters())

    def state(self):
        """What `restore` needs."""
        parts = {"codec": self.codec, "ema": self.ema, "opt": self.opt}
        return {**{name: part.state_dict() for name, part in parts.items()}, "step": self.step, "averaged_from": self.averaged_from}

    def restore(self, state):
        checkpoint.restore(self.codec, state["codec"])
        checkpoint.restore(self.ema, state["ema"])
        # the file's param_groups would bring its learning rate and kernel choice with them
        self.opt.load_state_dict({"state": state["opt"]["state"], "param_groups": self.opt.state_dict()["param_groups"]})
        self.step, self.averaged_from = state["step"], state["averaged_from"]

    def code(self, x, t):
        """The codec or its integer simulation, in the precision of the run -> x_hat, bits per pixel of y, and of z."""
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.precision == "bfloat16"):
            return self.forward(x, t)

    def losses(self, x, t):
        x_hat, bpp_y, bpp_z = self.code(x, t)
        (distortion, mse), bpp, lam = self.distortion(x_hat, x, t), bpp_y + bpp_z, self.codec.lam(t)
        # dividing by sqrt(lambda) gives every quality a like share of the gradient
        return 0.1 * ((bpp + lam * distortion) / lam.sqrt()).mean(), bpp.mean(), mse.mean()

    def draw(self, crops):
        """-> x [B,3,crop,crop], t [B] of one step."""
        config = self.config
        x = data.batch(crops, config.batch, config.crop, kinds(config))
        return x, data.stratified_qualities(config.batch, self.device)

    def learn_typical_distortion(self, crops, count=TYPICAL_CROPS):
        """What `distortion_power` needs, from that many crops at every quality of a few."""
        few = min(self.config.batch, count)
        batches = [data.batch(crops, few, self.config.crop, kinds(self.config)) for _ in range(math.ceil(count / few))]
        self.distortion.measure(self.code, batches)

    def train_step(self, crops, progress):
        """One step of the optimiser -> tensor of loss, bpp, mse and gradient norm."""
        config = self.config
        for group in self.opt.param_groups:
            group["lr"] = self.rate * learning_rate(config, self.step, progress, self.warm_up_steps)
        x, t = self.draw(crops)
        loss, bpp, mse = self.losses(x, t)
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, config.clip, foreach=True)
        self.opt.step()
        self.average()
        self.step += 1
        return torch.stack([v.detach() for v in (loss, bpp, mse, norm)])

    @torch.no_grad()
    def average(self):
        steps = self.step - self.averaged_from
        decay = min(self.ema_decay, (1 + steps) / (10 + steps))
        torch._foreach_lerp_(self.averages, self.parameters, 1 - decay)

    @torch.no_grad()
    def is_finite(self):
        return bool(torch.stack([p.sum() for p in self.parameters]).isfinite().all())


def check(config):
    for name, value in (("minutes", config.minutes), ("steps", config.steps)):
        if value is not None and value <= 0:
            raise SystemExit(f"--{name} {value}: must be more than 0")
    if bool(config.minutes) == bool(config.steps):
        raise SystemExit("give one of --minutes and --steps")
    if not 0 <= config.begin < config.end <= 1:
        raise SystemExit(f"--from {config.begin} --to {config.end}: must be 0 <= from < to <= 1")
    if config.init and (config.state or config.resume or config.begin > 0):
        raise SystemExit("--init begins a run; --state, --resume and --from go on with one")
    if min(kinds(config)) < 0 or config.shrunk + config.enlarged > 1 or max(config.grain, config.drawn) > 1:
        raise SystemExit("--shrunk, --enlarged, --grain and --drawn are shares of a batch: 0 to 1, the first two together as well")
    asked_network(config)


def state_to_continue(config, folder):
    """The state this call goes on from, or None for a new run."""
    if not (config.resume or config.state or config.begin > 0):
        if folder.state.exists():
            raise SystemExit(f"{folder.state} exists: --resume goes on with it, another folder begins anew")
        return None
    path = folder.state if config.resume and folder.state.exists() else Path(config.state or folder.state)
    if not path.exists():
        if config.resume and config.begin == 0:
            return None  # killed before its first minute
        raise SystemExit(f"no state to go on from: {path}; --state names the one that an earlier call wrote")
    state = read_state(path)
    if state["optimiser"] != config.optimiser:
        raise SystemExit(
            f"{path} is of {state['optimiser']}: give --optimiser {state['optimiser']}, or begin a run with --init from its ema.pt"
        )
    return state


def begin_at(config, state):
    """Progress this call begins at: --from, or where the state of a killed call stands."""
    if not (config.resume and state and state["progress"] is not None):
        return config.begin
    return min(max(config.begin, state["progress"]), config.end)


def asked_network(config):
    """The network of --network, or None."""
    try:
        return Network.read(config.network) if config.network else None
    except NetworkError as error:
        raise SystemExit(f"--network {error}") from error


def new_codec(config, state, crops):
    network = asked_network(config)
    if config.init or state:
        codec = checkpoint.load(config.init) if config.init else checkpoint.codec_of(state)
        if network and codec.network != network:
            raise SystemExit(f"--network {config.network}: {config.init or 'the state to go on from'} is of another network")
        return codec
    codec = Codec(network or Size())
    if config.start == "klt":
        warm_start(codec, data.batch(crops[:1000], WARM_START_PATCHES, 192))
    else:
        start_tables(codec)
    return codec


def known_plan(config, state):
    """The integer plan that a run has trained for already, which goes with its weights from call to call, or None."""
    if state and state.get("plan"):
        return Plan.from_state(state["plan"])
    return checkpoint.load_plan(config.init) if config.init else None


def start_qat(trainer, crops, plan=None, calibration_crops=CALIBRATION_CROPS):
    """Train through fake quantisation; a plan is made once, as the weights grow into it."""
    if plan is None:
        chosen = crops[:: max(1, len(crops) // calibration_crops)][:calibration_crops]
        plan = calibrate(trainer.codec, list(chosen))
        trainer.averaged_from = trainer.step  # the weights move at once, and their old average would lag behind
    trainer.plan = plan
    trainer.forward = IntegerCodec(trainer.codec, plan).train()


class Run:
    """Steps until the clock's end; logs every log_steps, and keeps the state every save_seconds whatever a step takes."""

    def __init__(self, trainer, crops, clock, folder):
        self.trainer, self.crops, self.clock, self.folder = trainer, crops, clock, folder
        self.done, self.total = 0, []  # steps of this call, and what those since the last report gave
        self.logged = self.saved = clock.now()

    def go(self):
        while (progress := self.clock.progress(self.done)) < self.clock.end:
            self.step(progress)
        self.keep(self.clock.end)

    def step(self, progress):
        self.total.append(self.trainer.train_step(self.crops, progress))
        self.done += 1
        after = self.clock.progress(self.done)
        due = self.clock.now() - self.saved > self.trainer.config.save_seconds
        if due or self.is_report_due() or after == self.clock.end:
            self.report(progress)
        if due:
            self.keep(after)
            self.saved = self.clock.now()

    def is_report_due(self):
        return len(self.total) == self.trainer.config.log_steps

    def report(self, progress):
        total, seconds = self.total, self.clock.now() - self.logged
        self.total, self.logged = [], self.clock.now()
        report(self.trainer, self.folder, total, progress, seconds)

    def keep(self, progress):
        keep(self.trainer, self.folder, progress)


def report(trainer, folder, total, progress, seconds):
    means = torch.stack(total).mean(0).tolist()
    values = dict(zip(("loss", "bpp", "mse", "grad_norm"), (round(v, 5) for v in means), strict=True))
    crops_per_s = round(len(total) * trainer.config.batch / seconds, 2)
    folder.log(step=trainer.step, progress=round(progress, 5), crops_per_s=crops_per_s, lr=trainer.opt.param_groups[0]["lr"], **values)
    print(f"step {trainer.step}  progress {progress:.3f}  {crops_per_s:.1f} crops/s  loss {values['loss']:.4f}", flush=True)
    if not math.isfinite(means[0]):
        raise NonFiniteLoss(f"loss is not finite at step {trainer.step}: the last state is kept")


def keep(trainer, folder, progress):
    if not trainer.is_finite():
        raise NonFiniteLoss(f"weights are not finite at step {trainer.step}: the last state is kept")
    folder.keep(trainer, progress)


def set_up_torch(config, seed):
    """Threads and seed of this process -> device. On CUDA matrix products stay float32: variances in SSIM are small differences."""
    cpu.keep_heap()
    torch.set_num_threads(config.threads)
    torch.manual_seed(seed)
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = False, True
    return "cuda" if torch.cuda.is_available() else "cpu"


def make_trainer(config, state, crops, device):
    """A trainer where the state left it, or of a new codec."""
    trainer = Trainer(config, new_codec(config, state, crops), device)
    if state:
        trainer.restore(state)
    return trainer


def train(config):
    """A whole call: reads the state, trains, leaves the run folder. -> Trainer"""
    started = time.time()
    check(config)
    folder = RunFolder(config.out)
    state = state_to_continue(config, folder)
    device = set_up_torch(config, config.seed + (state["step"] if state else 0))
    crops = data.read_crops(config.data)
    trainer = make_trainer(config, state, crops, device)
    crops, begin = crops.to(device), begin_at(config, state)
    if config.distortion_power != 1:
        trainer.learn_typical_distortion(crops)
    if config.qat:
        start_qat(trainer, crops, known_plan(config, state))
    macs = kilo_macs_per_pixel(trainer.ema)
    folder.record_call(config, device=device, begin=begin, crops=len(crops), kilo_macs_per_pixel=macs)
    print(f"{len(crops)} crops, {device}, {macs}, from step {trainer.step}, progress {begin:.3f}", flush=True)
    if config.compile and device == "cuda":
        trainer.forward = torch.compile(trainer.forward)
    Run(trainer, crops, Clock(config, begin, started), folder).go()
    return trainer


def parse(arguments=None, kind_of_config=Config, program="calotype_training.train", description=__doc__):
    """Command line -> Config. Flags are the fields' names but for --from, --to and --no-compile."""
    parser = argparse.ArgumentParser(prog=program, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags = {"begin": "from", "end": "to"}
    for field in fields(kind_of_config):
        name, default = "--" + flags.get(field.name, field.name).replace("_", "-"), field.default
        if field.name == "compile":
            parser.add_argument("--no-compile", dest="compile", action="store_false")
        elif isinstance(default, bool):
            parser.add_argument(name, dest=field.name, action="store_true")
        elif field.name in ("data", "out"):
            parser.add_argument(name, required=True)
        else:
            kind = {"minutes": float, "steps": int}.get(field.name, str if default is None else type(default))
            choices = CHOICES.get(field.name)
            parser.add_argument(name, dest=field.name, type=kind, default=default, choices=choices)
    return kind_of_config(**vars(parser.parse_args(arguments)))


def main(arguments=None):
    try:
        train(parse(arguments))
    except NonFiniteLoss as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
