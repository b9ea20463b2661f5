"""The scale of quality: measured by the program's report, written into an encoder part and into nothing else."""

import json
import tarfile
from pathlib import Path

import pytest

from calotype_training import quality_scale

ENCODER = Path(__file__).resolve().parents[2] / "assets/models/fast.encoder.safetensors"


def parts(encoded):
    """Header and tensors of a safetensors file."""
    length = int.from_bytes(encoded[:8], "little")
    return json.loads(encoded[8 : 8 + length]), encoded[8 + length :]


def test_a_scale_changes_nothing_else():
    pairs = [[0, 1000], [16128, 9000]]
    (before, weights), (after, same) = parts(ENCODER.read_bytes()), parts(quality_scale.with_scale(ENCODER.read_bytes(), pairs))
    assert json.loads(after["__metadata__"].pop("quality_scale")) == pairs
    before["__metadata__"].pop("quality_scale")
    assert (after, same) == (before, weights)


def test_scores_are_hundredths_and_rise():
    assert quality_scale.scale([0, 8064, 16128], [-3.0, 70.123, 88.0]) == [[0, 0], [8064, 7012], [16128, 8800]]
    for scores in ([10.0, 10.001, 20.0], [10.0, 9.0, 20.0], [10.0, 20.0]):
        with pytest.raises(SystemExit, match="do not rise"):
            quality_scale.scale([0, 8064, 16128], scores)


def test_every_so_many_th_picture_of_a_folder_or_a_tar(tmp_path):
    folder, archive = tmp_path / "in", tmp_path / "in.tar"
    folder.mkdir()
    for name in "edcba":
        (folder / f"{name}.png").write_text(name)
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, "in")
    for place, source in enumerate((folder, archive)):
        out = tmp_path / str(place)
        out.mkdir()
        assert quality_scale.extracted(source, 2, out) == 3
        assert {path.name: path.read_text() for path in out.iterdir()} == {"a.png": "a", "c.png": "c", "e.png": "e"}


def test_the_program_is_asked_for_fineness(tmp_path):
    program = tmp_path / "calotype"
    report = '{"means": [{"ssimulacra2": 20.5}, {"ssimulacra2": 80}]}'
    program.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\necho '{report}'\n")
    program.chmod(0o755)
    assert quality_scale.measured(program, "MODEL", "IN", [0, 16128]) == [20.5, 80]
    assert (tmp_path / "asked").read_text() == "--model MODEL --engine cpu eval IN --fineness 0,16128 --json -\n"
