"""One file of training crops and a few validation pictures, small enough to be sent to a machine with a GPU.

    python -m calotype_training.crop_file DIR VAL.tar OUT.tar --mb 45                  every picture of the same chance to be in it
    python -m calotype_training.crop_file DIR VAL.tar OUT.tar --mb 45 --part 2/2       of the other half of the pictures

The file is a tar. train/ holds pictures of DIR's shards train-*.tar, as many as fit, evenly from all of them, each coded once more; val/
holds VALIDATION pictures of VAL.tar byte for byte. AVIF 4:4:4 at quality 90 changes least for its size: the codec's rate on such crops is
within 1 % of that on their originals at every quality, and PSNR within 0.25 dB (training/GPU.md).
"""

import argparse
import io
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image

from . import data

VALIDATION = 10
CODINGS = {"avif": {"format": "AVIF", "subsampling": "4:4:4", "speed": 6}, "jpeg": {"format": "JPEG", "subsampling": 0}}
TAR_BLOCK, TAR_END = 512, 10240  # bytes: of a member's header and padding, of the tar's last record
GOLDEN = 0.6180339887498949


class Crops(NamedTuple):
    train: torch.Tensor  # uint8 [N,3,SIDE,SIDE]
    validation: list  # of uint8 [3,h,w]


def spread(count):
    """0..count-1 in an order whose every beginning is spread evenly over all of them."""
    return sorted(range(count), key=lambda i: i * GOLDEN % 1)


def coded(encoded, coding, quality):
    """A picture file's bytes -> bytes of the same picture in another coding."""
    out = io.BytesIO()
    Image.open(io.BytesIO(encoded)).convert("RGB").save(out, quality=quality, **CODINGS[coding])
    return out.getvalue()


def add(tar, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def tar_bytes(content):
    """What a member takes of a tar."""
    return TAR_BLOCK * (1 + -(-len(content) // TAR_BLOCK))


def part_of(numbers, part):
    """Numbers and "K/N" -> every N-th of them from the K-th on."""
    k, n = map(int, part.split("/"))
    if not 1 <= k <= n:
        raise ValueError(f"--part {part}: must be K/N with 1 <= K <= N")
    return numbers[k - 1 :: n]


def validation_files(path):
    """VALIDATION picture files of a folder or tar, evenly spread, as bytes."""
    found = list(data.files_in(path))
    return [found[i * len(found) // VALIDATION] for i in range(min(VALIDATION, len(found)))]


def pack(shards, validation, out, limit_bytes, coding="avif", quality=90, part="1/1"):
    """Write the file -> how many training pictures are in it, and of how many."""
    pictures = [encoded for shard in data.shards_of(shards) for encoded in data.files_in(shard)]
    packed, room = 0, limit_bytes - TAR_END
    with tarfile.open(out, "w") as tar:
        for i, encoded in enumerate(validation_files(validation)):
            add(tar, f"val/{i:02}", encoded)
            room -= tar_bytes(encoded)
        for i in part_of(spread(len(pictures)), part):
            content = coded(pictures[i], coding, quality)
            room -= tar_bytes(content)
            if room < 0:
                break
            add(tar, f"train/{i:05}", content)
            packed += 1
    return packed, len(pictures)


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Unreadable(ValueError):
    """A crop file that is none, or not whole."""


def members(path):
    """-> {"train": [...], "val": [...]}, each a list of names and bytes of picture files."""
    found = {"train": [], "val": []}
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                found[member.name.split("/")[0]].append((member.name, tar.extractfile(member).read()))
    except (tarfile.TarError, EOFError, KeyError) as error:
        raise Unreadable(f"{path}: is not a whole crop file ({error})") from error
    if not found["train"]:
        raise Unreadable(f"{path}: holds no training pictures")
    return found


def read(path, threads=None):
    """-> Crops; decoded in threads, by default one a core."""

    def decoded(member):
        name, encoded = member
        try:
            return data.picture(encoded)
        except OSError as error:
            raise Unreadable(f"{path}: {name} is no picture that this Pillow reads, which needs AVIF: 11.3 or later") from error

    found = members(path)
    with ThreadPoolExecutor(threads or cores()) as pool:
        cut = pool.map(lambda member: [c.contiguous() for c in data.corner_crops(decoded(member))], found["train"])
        crops = [crop for crops in cut for crop in crops]
        return Crops(torch.stack(crops), list(pool.map(decoded, found["val"])))


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="calotype_training.crop_file", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shards", help="folder of shards train-*.tar")
    parser.add_argument("validation", help="folder or tar of validation pictures")
    parser.add_argument("out")
    parser.add_argument("--mb", type=float, default=45, help="the file's size at most, in 10^6 bytes")
    parser.add_argument("--coding", choices=CODINGS, default="avif", help="jpeg where the other machine's Pillow has no AVIF")
    parser.add_argument("--quality", type=int, default=90)
    parser.add_argument("--part", default="1/1", help="K/N: from every N-th picture alone, so that N files share no picture")
    a = parser.parse_args(arguments)
    packed, total = pack(a.shards, a.validation, a.out, round(1e6 * a.mb), a.coding, a.quality, a.part)
    print(f"{a.out}: {packed} of {total} pictures, {Path(a.out).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
