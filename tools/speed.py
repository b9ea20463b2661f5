#!/usr/bin/env python3
"""Times whole processes of calotype, PPM in and PPM out: median of five after a warm-up run, and the peak memory.

    cargo build --release
    python3 tools/speed.py IMAGE_OR_FOLDER [-q 20,50,80] [--program target/release/calotype] [--json OUT]

Nothing else should run. Images other than PPM are converted first (needs pillow). Standard library otherwise; Unix only.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 5


def run(command):
    """Seconds from start to exit, and the peak of resident memory in MB."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"exit code {child.returncode}: {' '.join(map(str, command))}")
    return seconds, usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1024)


def median_run(command):
    """Median seconds and the largest peak of RUNS runs, after one that does not count."""
    run(command)
    runs = [run(command) for _ in range(RUNS)]
    return statistics.median(seconds for seconds, _ in runs), max(peak for _, peak in runs)


def as_ppm(path, folder):
    """A PPM of the image in `folder`, and its pixels."""
    from PIL import Image

    image = Image.open(path).convert("RGB")
    target = folder / f"{path.stem}.ppm"
    image.save(target)
    return target, image.width * image.height


def measure(program, path, quality, folder):
    ppm, pixels = as_ppm(path, folder)
    calo, out = folder / "out.calo", folder / "out.ppm"
    encode_s, encode_mb = median_run([program, "encode", ppm, "-o", calo, "-y", "-q", str(quality)])
    decode_s, decode_mb = median_run([program, "decode", calo, "-o", out, "-y"])
    return {
        "file": path.name,
        "quality": quality,
        "pixels": pixels,
        "encode_ms": encode_s * 1e3,
        "encode_mp_per_s": pixels / 1e6 / encode_s,
        "encode_peak_mb": encode_mb,
        "decode_ms": decode_s * 1e3,
        "decode_mp_per_s": pixels / 1e6 / decode_s,
        "decode_peak_mb": decode_mb,
    }


def line(row):
    encode = f"encode {row['encode_ms']:7.1f} ms {row['encode_mp_per_s']:6.2f} MP/s {row['encode_peak_mb']:5.0f} MB"
    decode = f"decode {row['decode_ms']:7.1f} ms {row['decode_mp_per_s']:6.2f} MP/s {row['decode_peak_mb']:5.0f} MB"
    return f"{row['file']:20} q {row['quality']:<5g} {encode}   {decode}"


def summary(rows):
    """Medians over the images, and the worst of each."""
    keys = ("encode_mp_per_s", "decode_mp_per_s")
    result = {f"median_{key}": statistics.median(row[key] for row in rows) for key in keys}
    result |= {f"slowest_{key}": min(row[key] for row in rows) for key in keys}
    return result | {"peak_mb": max(max(row["encode_peak_mb"], row["decode_peak_mb"]) for row in rows)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("-q", "--quality", default="20,50,80")
    parser.add_argument("--program", type=Path, default=ROOT / "target" / "release" / "calotype")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    endings = {".png", ".jpg", ".ppm", ".webp", ".bmp", ".tif"}
    files = sorted(path for path in args.images.iterdir() if path.suffix.lower() in endings) if args.images.is_dir() else [args.images]
    if not args.program.is_file() or not files:
        raise SystemExit(f"needs images in {args.images} and the program {args.program}; build it with `cargo build --release`")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            for quality in map(float, args.quality.split(",")):
                rows.append(measure(args.program, path, quality, Path(folder)))
                print(line(rows[-1]), flush=True)
    result = {"cpus": os.cpu_count(), "runs": RUNS, **summary(rows)}
    for key, value in result.items():
        print(f"{key:26} {value:.2f}" if isinstance(value, float) else f"{key:26} {value}")
    if args.json:
        args.json.write_text(json.dumps({**result, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
