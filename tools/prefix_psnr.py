"""Mean PSNR of what the first bytes of files show.

    python tools/prefix_psnr.py CALOTYPE FOLDER [SHARE...]

Encodes every PNG of the folder at q 60 and 90, cuts the files to these shares of their bytes (default 0.1 0.3 0.6 1) and decodes them with
--partial. Needs NumPy and Pillow.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image


def psnr_db(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(np.float64) - b) ** 2))


def shown(calotype, folder, file, share):
    """Pixels that the first bytes of a file show."""
    part, out = folder / "part.calo", folder / "part.ppm"
    part.write_bytes(file[: int(len(file) * share)])
    subprocess.run([calotype, "decode", part, "-o", out, "-y", "--partial"], check=True, capture_output=True)
    return np.asarray(Image.open(out).convert("RGB"))


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    calotype, images = sys.argv[1], sorted(Path(sys.argv[2]).glob("*.png"))
    shares = [float(share) for share in sys.argv[3:]] or [0.1, 0.3, 0.6, 1.0]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for quality in (60, 90):
            values = []
            for image in images:
                file = folder / "whole.calo"
                subprocess.run([calotype, "encode", image, "-o", file, "-y", "-q", str(quality)], check=True, capture_output=True)
                pixels = np.asarray(Image.open(image).convert("RGB"))
                values.append([psnr_db(pixels, shown(calotype, folder, file.read_bytes(), share)) for share in shares])
            mean = ", ".join(f"{100 * share:.0f} % of the bytes {db:.2f} dB" for share, db in zip(shares, np.mean(values, 0)))
            print(f"q {quality}, {len(images)} images: {mean}; worst at {shares[0]:.2f}: {np.min(values, 0)[0]:.2f} dB")


if __name__ == "__main__":
    main()
