"""A tiny codec whose every parameter is active, crops and shards of them."""

import io
import tarfile

import pytest
import torch
from PIL import Image

from calotype_training.model import Codec
from calotype_training.network import Size

torch.set_num_threads(1)  # tiny layers: threads only wait for one another

TINY = Size(C=16, M=32, Z=8, P=16, n_e=1, n_d=2, knots=4)


@pytest.fixture
def codec():
    torch.manual_seed(5)
    codec = Codec(TINY)
    with torch.no_grad():
        for parameter in codec.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
        codec.log_gain_y.add_(2.0)
        codec.log_gain_dec.sub_(2.0)
        codec.log_gain_z.add_(2.0)
    return codec.eval()


def smooth_picture(side, seed):
    """float [1,3,side,side] in [0,1], like a photograph in that neighbours agree."""
    coarse = torch.rand(1, 3, max(2, side // 16), max(2, side // 16), generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=side, mode="bicubic").clamp(0, 1)


@pytest.fixture
def shards(tmp_path):
    """A folder with one shard of four crops of 384x384."""
    folder = tmp_path / "shards"
    folder.mkdir()
    with tarfile.open(folder / "train-00.tar", "w") as tar:
        for i in range(4):
            pixels = (smooth_picture(384, i)[0].permute(1, 2, 0) * 255).byte().numpy()
            encoded = io.BytesIO()
            Image.fromarray(pixels).save(encoded, "png")
            member = tarfile.TarInfo(f"{i}.png")
            member.size = encoded.tell()
            encoded.seek(0)
            tar.addfile(member, encoded)
    return folder
