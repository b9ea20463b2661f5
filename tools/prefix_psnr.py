"""Mean PSNR of what the first bytes of files show.

    python tools/prefix_psnr.py CALOTYPE FOLDER [SHARE...] [--json OUT]

Encodes every PNG of the folder at q 70 and 85, cuts the files to these shares of their bytes (default 0.1 0.3 0.6 1) and decodes them with
--partial. Ends with exit code 1 where 30 % of the bytes (if among the shares) show less than 22 dB on average. Needs NumPy and Pillow.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

LEAST_SHARE, LEAST_DB = 0.3, 22.0


def psnr_db(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(np.float64) - b) ** 2))


def shown(calotype, folder, file, share):
    """Pixels that the first bytes of a file show."""
    part, out = folder / "part.calo", folder / "part.ppm"
    part.write_bytes(file[: int(len(file) * share)])
    subprocess.run([calotype, "decode", part, "-o", out, "-y", "--partial"], check=True, capture_output=True)
    return np.asarray(Image.open(out).convert("RGB"))


def measure(calotype, images, quality, shares):
    """-> PSNR in dB, [images, shares]."""
    values = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for image in images:
            file = folder / "whole.calo"
            subprocess.run([calotype, "encode", image, "-o", file, "-y", "-q", str(quality)], check=True, capture_output=True)
            pixels = np.asarray(Image.open(image).convert("RGB"))
            values.append([psnr_db(pixels, shown(calotype, folder, file.read_bytes(), share)) for share in shares])
    return np.array(values)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calotype")
    parser.add_argument("folder", type=Path)
    parser.add_argument("shares", type=float, nargs="*", default=[0.1, 0.3, 0.6, 1.0])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    images, rows = sorted(options.folder.glob("*.png")), []
    for quality in (70, 85):
        values = measure(options.calotype, images, quality, options.shares)
        for share, mean, worst in zip(options.shares, values.mean(0), values.min(0)):
            rows.append({"quality": quality, "share": share, "images": len(images), "mean_db": round(mean, 2), "worst_db": round(worst, 2)})
            print(f"q {quality}, {len(images)} images, {100 * share:.0f} % of the bytes: mean {mean:.2f} dB, worst {worst:.2f} dB", flush=True)
    if options.json:
        options.json.write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
    sys.exit(0 if all(row["mean_db"] >= LEAST_DB for row in rows if row["share"] == LEAST_SHARE) else 1)


if __name__ == "__main__":
    main()
