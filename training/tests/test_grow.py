"""A codec with more blocks computes what it did, until it is trained."""

import pytest
import torch

from calotype_training import checkpoint, grow
from calotype_training.model import Codec
from calotype_training.network import Size

SIZE = Size(C=16, M=16, Z=8, P=16, n_e=1, n_d=2)


def small():
    torch.manual_seed(5)
    codec = Codec(SIZE)
    for p in codec.parameters():
        p.data += 0.05 * torch.randn_like(p)
    return codec.eval()


@torch.no_grad()
def test_it_computes_the_same_and_its_new_blocks_learn(tmp_path):
    codec = small()
    checkpoint.save(codec, tmp_path / "small.pt")
    grow.main([str(tmp_path / "small.pt"), str(tmp_path / "large.pt"), "--n-e", "3", "--n-d", "4"])
    large = checkpoint.load(tmp_path / "large.pt").eval()
    sizes = large.network.first_form()
    assert (sizes["n_e"], sizes["n_d"]) == (3, 4)
    x, t = torch.rand(2, 3, 64, 128), torch.tensor([0.2, 0.9])
    for was, now in zip(codec(x, t), large(x, t), strict=True):
        assert torch.equal(was, now)
    with torch.enable_grad():
        large(x, t)[0].square().sum().backward()
    assert all(block.ffn2.weight.grad.abs().sum() > 0 for block in [*large.g_a.blocks[1:], *large.g_s.blocks[2:]])


@pytest.mark.parametrize("fewer", [{"n_d": 1}, {"n_e": 0}])
def test_it_does_not_shrink(fewer):
    with pytest.raises(SystemExit, match="can only grow"):
        grow.grown(small(), **fewer)
