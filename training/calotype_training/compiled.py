"""Compiled parts of a training step, made within a time limit or not at all: the same functions, fused by torch.compile.

Not the whole step is compiled but the parts that repeat or are long chains of elementwise work: the block (once for each of its few
shapes, not for each instance), the distortion, and the rounding of latents. That takes a fraction of the time; the rest runs as without.
"""

import signal
import threading
import time
from contextlib import contextmanager

import torch

from .layers import Block
from .rounding import AsEncoder

BACKEND = "inductor"


class OutOfTime(BaseException):
    """Not an Exception, which a compiler may catch and go on."""


@contextmanager
def time_limit(seconds):
    """Raises OutOfTime inside the block once the seconds are over. In threads other than the main one there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(*_):
        raise OutOfTime(f"not done after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def blocks_of(trainer):
    return [m for m in trainer.codec.modules() if isinstance(m, Block)]


def compile_parts(trainer):
    """From now on those parts run compiled, which happens when each is first called."""
    for block in blocks_of(trainer):
        block.compile(dynamic=False, backend=BACKEND)
    trainer.distortion.plain = torch.compile(trainer.distortion.plain, dynamic=False, backend=BACKEND)
    if isinstance(trainer.codec.rounding, AsEncoder):
        set_rounding(trainer, torch.compile(trainer.codec.rounding.__call__, dynamic=False, backend=BACKEND))


def set_rounding(trainer, rounding):
    trainer.codec.rounding = trainer.forward.rounding = rounding  # in QAT they are two


def plain_blocks(trainer):
    for block in blocks_of(trainer):
        block._compiled_call_impl = None


def plain_parts(trainer):
    """Undo compile_parts."""
    plain_blocks(trainer)
    vars(trainer.distortion).pop("plain", None)
    set_rounding(trainer, trainer.ema.rounding)


def wait(device):
    """For everything the device was asked to do."""
    if device == "cuda":
        torch.cuda.synchronize()


def trial(trainer, crops):
    """Everything of a step but the optimiser's part; the gradients are dropped."""
    x, t = trainer.draw(crops)
    loss, *_ = trainer.losses(x, t)
    loss.backward()
    trainer.opt.zero_grad(set_to_none=True)
    if not bool(loss.detach().isfinite()):
        raise ValueError(f"the compiled loss is {float(loss)}")
    wait(trainer.device)


def compile_within(trainer, crops, seconds):
    """Compile the parts, or leave all plain where that fails or takes longer -> what was done, for people."""
    began = time.monotonic()
    try:
        with time_limit(seconds):
            compile_parts(trainer)
            trial(trainer, crops)
    except (Exception, OutOfTime) as error:  # whatever a compiler raises, the plain functions do
        plain_parts(trainer)
        trainer.opt.zero_grad(set_to_none=True)
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        return f"plain: compiling gave up after {time.monotonic() - began:.0f} s ({reason})"
    return f"compiled in {time.monotonic() - began:.0f} s"
