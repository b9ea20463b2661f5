"""A run folder: config.json (one entry a call), metrics.jsonl, state.pt to go on from, ema.pt to use."""

import json
import os
import subprocess
import time
from dataclasses import asdict
from pathlib import Path

import torch

from .checkpoint import form, rename, save


def git_commit():
    """Commit of the source, '+' after it where files differ from it, or 'unknown' outside a repository."""
    here = Path(__file__).parent
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
        dirty = subprocess.run(["git", "status", "--porcelain", "."], cwd=here, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if dirty else "")


def write_whole(path, write):
    """write(temporary path), then put the result in place of path: a reader never sees half a file."""
    new = Path(f"{path}.new")
    write(new)
    os.replace(new, path)


class RunFolder:
    def __init__(self, path):
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.state, self.ema = self.path / "state.pt", self.path / "ema.pt"

    def record_call(self, config, **facts):
        """Append this call's configuration, so that a run cut into calls can be repeated."""
        path = self.path / "config.json"
        calls = json.loads(path.read_text()) if path.exists() else []
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S"),
            "commit": git_commit(),
            "torch": torch.__version__,
            **facts,
            "config": asdict(config),
        }
        write_whole(path, lambda new: new.write_text(json.dumps([*calls, entry], indent=1)))

    def log(self, **metrics):
        with open(self.path / "metrics.jsonl", "a") as f:
            f.write(json.dumps(metrics) + "\n")

    def keep(self, trainer, progress):
        """Weights, their average and the optimiser; where QAT runs, the integer plan with both."""
        facts = {"progress": progress, **({"plan": trainer.plan.to("cpu").state()} if trainer.plan else {})}
        counts = {"step": trainer.step, "averaged_from": trainer.averaged_from}
        state = {**form(trainer.codec), "optimiser": trainer.config.optimiser, **trainer.state(), **facts}
        write_whole(self.ema, lambda new: save(trainer.ema, new, **counts, **facts))
        write_whole(self.state, lambda new: torch.save(state, new))


def read_state(path):
    """state.pt, or the prototype's state file (which counts its steps in Adam's state alone) -> dict with this package's names."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    adam = state["opt"]["state"]
    step = int(adam[0]["step"]) if adam else 0
    return {
        "step": step,
        "progress": None,
        "averaged_from": 0,
        "optimiser": "adam",
        **state,
        "codec": rename(state["codec"]),
        "ema": rename(state["ema"]),
    }
