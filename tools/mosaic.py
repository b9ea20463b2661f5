#!/usr/bin/env python3
"""Lays a picture of any size of pieces of photographs, for tests of speed and memory.

    python3 tools/mosaic.py 8192x8192 OUT.ppm PHOTO_OR_FOLDER...          needs numpy, pillow

Pieces are 256 pixels wide and high, or as the smallest photograph; each photograph gives one in turn. `calotype bench --pictures FOLDER` lays its own so.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".ppm", ".tif", ".tiff", ".bmp"}


def photographs(paths):
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    return [np.asarray(Image.open(file).convert("RGB")) for file in files if file.suffix.lower() in ENDINGS]


def mosaic(photos, width, height):
    side = min(256, *(min(photo.shape[:2]) for photo in photos))
    columns, rows = -(-width // side), -(-height // side)
    picture = np.empty((rows * side, columns * side, 3), np.uint8)
    for stone in range(rows * columns):
        photo = photos[stone % len(photos)]
        down, across = photo.shape[0] // side, photo.shape[1] // side
        py, px = divmod(stone // len(photos) % (down * across), across)
        y, x = divmod(stone, columns)
        picture[y * side : (y + 1) * side, x * side : (x + 1) * side] = photo[py * side : (py + 1) * side, px * side : (px + 1) * side]
    return picture[:height, :width]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", help="WIDTHxHEIGHT")
    parser.add_argument("output", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    photos = photographs(args.photos)
    if not photos:
        raise SystemExit("no photographs there; give files or folders of " + ", ".join(sorted(ENDINGS)))
    Image.fromarray(mosaic(photos, width, height)).save(args.output)


if __name__ == "__main__":
    main()
