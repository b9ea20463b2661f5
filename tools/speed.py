#!/usr/bin/env python3
"""Times whole processes of calotype, PPM in and PPM out: median of five after a warm-up run, and the peak memory.

    cargo build --release
    python3 tools/speed.py IMAGE_OR_FOLDER [-q 30,70,85] [--program target/release/calotype] [--json OUT]
    python3 tools/speed.py PHOTO_FOLDER --sizes 1920x1080,8192x8192 --isa avx512,avx2 -q 70        pictures of these sizes, laid of pieces of the photographs

Nothing else should run. Needs pillow, with --sizes numpy; Unix only.
"""

import argparse
import itertools
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
    """A PPM of the image in `folder`."""
    from PIL import Image

    target = folder / f"{path.stem}.ppm"
    Image.open(path).convert("RGB").save(target)
    return target


def laid_ppm(size, photos, folder):
    """A PPM of `size`, laid of pieces of photographs."""
    target = folder / f"{size}.ppm"
    run([sys.executable, ROOT / "tools" / "mosaic.py", size, target, photos])
    return target


def pixels_of(ppm):
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(ppm) as image:
        return image.width * image.height


def measure(program, ppm, quality, isa):
    """One row: a PPM encoded and decoded at this quality, by the instruction set `isa` or the engine that the program chooses."""
    calo, out = ppm.parent / "out.calo", ppm.parent / "out.ppm"
    engine = ["--engine", "cpu", "--isa", isa] if isa else []
    encode_s, encode_mb = median_run([program, "encode", ppm, "-o", calo, "-y", "-q", str(quality), *engine])
    decode_s, decode_mb = median_run([program, "decode", calo, "-o", out, "-y", *engine])
    pixels = pixels_of(ppm)
    return {
        "file": ppm.stem,
        "isa": isa,
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
    return f"{row['file']:20} {row['isa'] or '':8} q {row['quality']:<5g} {encode}   {decode}"


def summary(rows):
    """Medians over the images, and the worst of each."""
    keys = ("encode_mp_per_s", "decode_mp_per_s")
    result = {f"median_{key}": statistics.median(row[key] for row in rows) for key in keys}
    result |= {f"slowest_{key}": min(row[key] for row in rows) for key in keys}
    return result | {"peak_mb": max(max(row["encode_peak_mb"], row["decode_peak_mb"]) for row in rows)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("-q", "--quality", default="30,70,85")
    parser.add_argument("--sizes", type=lambda text: text.split(","), metavar="WxH,...")
    parser.add_argument("--isa", type=lambda text: text.split(","), default=[None])
    parser.add_argument("--program", type=Path, default=ROOT / "target" / "release" / "calotype")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    endings = {".png", ".jpg", ".ppm", ".webp", ".bmp", ".tif"}
    files = sorted(path for path in args.images.iterdir() if path.suffix.lower() in endings) if args.images.is_dir() else [args.images]
    if not args.program.is_file() or not files:
        raise SystemExit(f"needs images in {args.images} and the program {args.program}; build it with `cargo build --release`")
    rows, load = [], os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ppms = (laid_ppm(size, args.images, folder) for size in args.sizes) if args.sizes else (as_ppm(path, folder) for path in files)
        for ppm in ppms:
            for quality, isa in itertools.product(map(float, args.quality.split(",")), args.isa):
                rows.append(measure(args.program, ppm, quality, isa))
                print(line(rows[-1]), flush=True)
    result = {"cpus": os.cpu_count(), "load_average": load, "runs": RUNS}
    if not args.sizes:  # medians over sizes say nothing
        result |= summary(rows)
    for key, value in result.items():
        print(f"{key:26} {value:.2f}" if isinstance(value, float) else f"{key:26} {value}")
    if args.json:
        args.json.write_text(json.dumps({**result, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
