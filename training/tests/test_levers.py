"""Arms of `levers` start as the codec they begin from, and their table is against the base."""

import json

import pytest
import torch
from conftest import TINY
from torch.nn.utils.parametrize import is_parametrized

from calotype_training import levers
from calotype_training.model import Codec


@pytest.mark.parametrize("arm", ["scale", "tables", "encoder", "decoder"])
def test_an_arm_begins_as_the_codec_it_is_made_of(arm, monkeypatch):
    torch.manual_seed(3)
    codec = Codec(TINY).eval()
    x, t = torch.rand(1, 3, 64, 64), torch.tensor([0.4])
    with torch.no_grad():
        wanted = codec(x, t)
        if arm in ("encoder", "decoder"):
            part = {"encoder": "g_a", "decoder": "g_s"}[arm]
            more = len(codec.network.chain(part).stages[0].blocks) + 1
            monkeypatch.setitem(levers.ARMS, arm, lambda codec: levers.grown(codec, **{"n_e" if part == "g_a" else "n_d": more}))
        found = levers.ARMS[arm](codec).eval()
        if arm == "tables":
            assert is_parametrized(found, "log_gain_y")
        else:
            assert sum(p.numel() for p in found.parameters()) > sum(p.numel() for p in Codec(TINY).parameters())
        for a, b in zip(wanted, found(x, t), strict=True):
            assert torch.allclose(a, b, atol=1e-5)


def test_the_table_is_against_the_base(tmp_path, capsys):
    rows = [[0.1, 30.0, 40.0], [0.3, 33.0, 60.0], [0.9, 38.0, 80.0]]
    for arm, share in (("base", 1.0), ("smaller", 0.9)):
        values = {"arm": arm, "steps": 7, "rows": [[share * bpp, psnr, score] for bpp, psnr, score in rows]}
        (tmp_path / f"{arm}.json").write_text(json.dumps(values))
    levers.main(["table", str(tmp_path / "base.json"), str(tmp_path / "smaller.json")])
    base, smaller = capsys.readouterr().out.splitlines()
    assert "+0.00 %" in base and smaller.count("-10.00 %") == 2
    with pytest.raises(SystemExit, match="arm base"):
        levers.main(["table", str(tmp_path / "smaller.json")])
