"""Write a large PPM row by row: a mosaic of photographs, or drawn waves and noise.

    python tools/large_picture.py WIDTH HEIGHT OUT.ppm [FOLDER OF IMAGES]

Needs NumPy, and Pillow for photographs. Same arguments, same bytes. Memory: a row of stones.
"""

import sys
from pathlib import Path

import numpy as np

STONE = 384


def photographs(folder):
    """uint8 [STONE, STONE, 3] from the top left of every image that is large enough."""
    from PIL import Image

    images = (np.asarray(Image.open(path).convert("RGB")) for path in sorted(Path(folder).iterdir()))
    return [image[:STONE, :STONE] for image in images if min(image.shape[:2]) >= STONE]


def drawn(count=24):
    """Waves of many frequencies with some noise."""
    random = np.random.default_rng(1841)
    y, x = np.mgrid[0:STONE, 0:STONE]
    stones = []
    for _ in range(count):
        wave = sum(np.sin(x * a + y * b + c) / (1 + 9 * abs(a)) for a, b, c in random.normal(0, 0.3, (8, 3)))
        colour = 128 + 60 * wave[..., None] * random.uniform(0.3, 1, 3) + random.normal(0, 3, (STONE, STONE, 3))
        stones.append(np.clip(colour, 0, 255).astype(np.uint8))
    return stones


def main():
    if len(sys.argv) not in (4, 5):
        raise SystemExit(__doc__)
    width, height = map(int, sys.argv[1:3])
    stones = photographs(sys.argv[4]) if len(sys.argv) == 5 else drawn()
    columns = -(-width // STONE)
    with open(sys.argv[3], "wb") as out:
        out.write(b"P6\n%d %d\n255\n" % (width, height))
        for top in range(0, height, STONE):
            # A different stone at every place of a row and of a column.
            row = [stones[(7 * (top // STONE) + column) % len(stones)] for column in range(columns)]
            out.write(np.concatenate(row, 1)[: height - top, :width].tobytes())


if __name__ == "__main__":
    main()
