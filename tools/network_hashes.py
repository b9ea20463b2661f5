"""Code a picture with a model on every engine of this machine, and say whether all wrote and read the same.

    python tools/network_hashes.py NAME.decoder.safetensors PICTURE.png [--program target/release/calotype] [--quality 50]

Engines: the CPU's instruction sets that this machine has, every GPU (software ones too), and the NumPy decoder of training/.
Prints a line for each, and fails unless all files and all pixels are equal.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def engines(program):
    """Names, and the flags that ask for them."""
    listed = json.loads(
        subprocess.run(
            [program, "devices", "--json"], check=True, capture_output=True
        ).stdout
    )
    for device in listed["devices"]:
        place = (
            ["--isa", device["adapter"]]
            if device["engine"] == "cpu"
            else ["--adapter", str(device["number"])]
        )
        yield device["adapter"], ["--engine", device["engine"], *place]


def run(program, *arguments):
    done = subprocess.run(
        [program, *map(str, arguments)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, arguments))}: {done.stderr.strip()}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("picture")
    parser.add_argument("--program", default=str(ROOT / "target/release/calotype"))
    parser.add_argument("--quality", default="50")
    a = parser.parse_args()
    seen = set()
    with tempfile.TemporaryDirectory() as folder:
        file, pixels = Path(folder) / "a.calo", Path(folder) / "a.ppm"
        for name, flags in engines(a.program):
            flags = ["--model", a.model, *flags]
            run(
                a.program,
                *flags,
                "encode",
                a.picture,
                "-q",
                a.quality,
                "-o",
                file,
                "-y",
            )
            run(a.program, *flags, "decode", file, "-o", pixels, "-y")
            seen.add((sha256(file), sha256(pixels)))
            print(
                f"{name}: file {sha256(file)} ({file.stat().st_size} bytes), pixels {sha256(pixels)}"
            )
        decoder = ROOT / "training/calotype_training/reference_decoder.py"
        subprocess.run([sys.executable, decoder, file, a.model, pixels], check=True)
        seen.add((sha256(file), sha256(pixels)))
        print(f"NumPy: pixels {sha256(pixels)}")
    if len(seen) > 1:
        sys.exit("not all are equal")
    print("all are equal")


if __name__ == "__main__":
    main()
