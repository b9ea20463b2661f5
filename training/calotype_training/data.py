"""Training crops from tar shards, random batches of them, and the pictures of a folder or tar for evaluation and calibration."""

import io
import tarfile
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

SIDE = 384  # px, of a stored crop
ENLARGED_BY = 1.2, 2.5
GRAIN = 5.0  # grey levels, the largest standard deviation: Kodak's median noise is 2.2, the crops' 0.7
SUFFIXES = {".png", ".webp", ".jpg", ".jpeg", ".ppm", ".bmp", ".tif", ".tiff"}


def picture(encoded):
    """Bytes of a picture file -> uint8 [3,h,w]."""
    rgb = np.array(Image.open(io.BytesIO(encoded)).convert("RGB"))
    return torch.from_numpy(rgb).permute(2, 0, 1)


def named_files(path):
    """(name, bytes) of each picture file in a folder (not its subfolders) or tar, by name in a folder, in order in a tar."""
    path = Path(path)
    if path.is_dir():
        yield from ((p.name, p.read_bytes()) for p in sorted(path.iterdir()) if p.suffix.lower() in SUFFIXES)
        return
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile() and Path(member.name).suffix.lower() in SUFFIXES:
                yield Path(member.name).name, tar.extractfile(member).read()


def files_in(path):
    """Bytes of each picture file, as `named_files` gives them."""
    return (encoded for _, encoded in named_files(path))


def pictures(path, limit=None):
    """The first `limit` pictures of a folder or tar -> list of uint8 [3,h,w]."""
    found = [picture(encoded) for encoded in islice(files_in(path), limit)]
    if not found:
        raise FileNotFoundError(f"no pictures in {path}")
    return found


def corner_crops(image):
    """uint8 [3,h,w] -> its top left and bottom right crops of SIDE px, or the one that is both."""
    h, w = image.shape[1:]
    return [image[:, r : r + SIDE, c : c + SIDE] for r, c in sorted({(0, 0), (h - SIDE, w - SIDE)})]


def shards_of(folder):
    """Paths of a folder's shards train-*.tar, by name."""
    shards = sorted(Path(folder).glob("train-*.tar"))
    if not shards:
        raise FileNotFoundError(f"no train-*.tar in {folder}")
    return shards


def read_crops(folder):
    """All shards train-*.tar of a folder -> uint8 [N,3,SIDE,SIDE]."""
    return torch.stack([crop for shard in shards_of(folder) for image in pictures(shard) for crop in corner_crops(image)])


def windows(crops, n, side):
    """n random windows with random flip and transpose -> uint8 [n,3,side,side]."""
    device, span = crops.device, torch.arange(side, device=crops.device)
    i = torch.randint(len(crops), (n,), device=device)
    rows, columns = (torch.randint(crops.shape[2] - side + 1, (n,), device=device)[:, None] + span for _ in range(2))
    channels = torch.arange(3, device=device)[None, :, None, None]
    x = crops[i[:, None, None, None], channels, rows[:, None, :, None], columns[:, None, None, :]]
    flip, turn = (torch.rand(n, 1, 1, 1, device=device) < 0.5 for _ in range(2))
    x = torch.where(flip, x.flip(3), x)
    return torch.where(turn, x.transpose(2, 3), x)


def shrunk_windows(crops, n, side):
    """n windows of one random size from side to all of a crop, shrunk -> uint8 [n,3,side,side]: more detail, less of JPEG's traces."""
    wide = int(torch.randint(side, crops.shape[2] + 1, ()))
    x = F.interpolate(windows(crops, n, wide).float(), (side, side), mode="bicubic", antialias=True)
    return x.round().clamp(0, 255).to(torch.uint8)


def enlarged_windows(crops, n, side):
    """n windows, all enlarged by one random factor of 1.2 to 2.5 -> uint8 [n,3,side,side]: as soft as large photographs are."""
    small = round(side / float(torch.empty(()).uniform_(*ENLARGED_BY)))
    x = F.interpolate(windows(crops, n, small).float(), (side, side), mode="bicubic")
    return x.round().clamp(0, 255).to(torch.uint8)


def with_grain(x):
    """float [n,3,h,w] in grey levels -> with noise of film and sensors, as strong in each window as chance will have it."""
    n, _, h, w = x.shape
    deviation = torch.rand(n, 1, 1, 1, device=x.device) * GRAIN
    grey, colour = (torch.randn(n, channels, h, w, device=x.device) for channels in (1, 3))
    noise = 0.8 * grey + 0.6 * colour  # most of it is in all three colours
    if torch.rand(()) < 0.5:  # grain wider than a pixel, as strong as the other
        noise = 2 * F.avg_pool2d(F.pad(noise, (0, 1, 0, 1), mode="replicate"), 2, stride=1)
    return (x + deviation * noise).round().clamp(0, 255)


def page(side):
    """A drawn page -> float [3,side,side] in grey levels: one flat colour up to its borders, mostly with some flat rectangles on it.

    Colours are corners of the cube, greys and any others: what screens have and photographs do not.
    """

    def colour():
        any_, kind = torch.rand(3), torch.rand(())
        return (255 * (any_.round() if kind < 0.5 else any_[:1].expand(3) if kind < 0.7 else any_)).round()[:, None, None]

    x = colour().repeat(1, side, side)
    for _ in range(int(torch.randint(-3, 6, ()))):
        rows, columns = (torch.randint(0, side + 1, (2,)).sort().values.tolist() for _ in range(2))
        x[:, rows[0] : rows[1], columns[0] : columns[1]] = colour()
    return x


class Kinds(NamedTuple):
    """Shares of a batch that are made of other windows than crops have: shrunk, enlarged, any with grain, and the chance of a page."""

    shrunk: float = 0.0
    enlarged: float = 0.0
    grain: float = 0.0
    drawn: float = 0.0


CROPS_ALONE = Kinds()


def batch(crops, n, side, kinds=CROPS_ALONE):
    """n random windows, shares of them of other kinds -> float [n,3,side,side] in [0, 1], channels last."""
    shrunk, enlarged, grainy = (round(n * share) for share in kinds[:3])
    makers = ((windows, n - shrunk - enlarged), (shrunk_windows, shrunk), (enlarged_windows, enlarged))
    x = torch.cat([make(crops, count, side) for make, count in makers if count]).float()
    if grainy:
        chosen = torch.randperm(n, device=x.device)[:grainy]
        x[chosen] = with_grain(x[chosen])
    for i in (torch.rand(n) < kinds.drawn).nonzero().flatten().tolist():
        x[i] = page(side).to(x.device)
    return (x / 255).contiguous(memory_format=torch.channels_last)


def stratified_qualities(n, device):
    """One random t in each of n equal parts of [0, 1], in random order -> [n]."""
    return (torch.randperm(n, device=device) + torch.rand(n, device=device)) / n


def calibration_images(path, limit=24, side=256):
    """Top left corners of the first pictures of a folder or tar, side a multiple of 64 -> list of uint8 [3,side,side]."""
    return [image[:, :side, :side].contiguous() for image in pictures(path, limit)]
