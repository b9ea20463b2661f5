"""Memory and time of large pictures, whole processes; ends with exit code 1 where a limit is passed.

    python3 tools/large.py SCRATCH [--folder IMAGES] [--size 20000x15000] [--calotype target/release/calotype] [--json OUT]

Draws a PPM (tools/large_picture.py), encodes it, decodes it whole and a region of 256x256 pixels, which must be the same pixels in less than 2 %
of the CPU time; then the same for a quarter of it as TIFF and PNG of 16 bits with alpha and metadata. Each process may take 1.5 GB. Needs NumPy.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

MOST_MB = 1500
REGION_PX = 256
REGION_SHARE = 0.02


def run(what, command):
    """-> one row: what a process took."""
    # GNU time's own memory is small; a child of this process would count this process's.
    with tempfile.NamedTemporaryFile("r") as out:
        timed = ["/usr/bin/time", "-o", out.name, "-f", "%e %U %S %M", *map(str, command)]
        code = subprocess.run(timed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
        wall_s, user_s, system_s, peak_kib = map(float, out.read().splitlines()[-1].split())
    row = {"what": what, "wall_s": wall_s, "cpu_s": round(user_s + system_s, 2), "peak_mb": round(peak_kib * 1024 / 1e6)}
    row["ok"] = code == 0 and row["peak_mb"] < MOST_MB
    print(row, flush=True)
    return row


def ppm(path):
    """-> pixels uint8 [height, width, 3], mapped."""
    with open(path, "rb") as file:
        assert file.readline() == b"P6\n"
        width, height = map(int, file.readline().split())
        file.readline()
        return np.memmap(path, np.uint8, "r", file.tell(), (height, width, 3))


def write_deep_tiff(pixels, path):
    """RGBA of 16 bits, a part of it clear, with an XMP packet, in strips of 64 rows."""
    height, width = pixels.shape[:2]
    strips, row, xmp = -(-height // 64), 8 * width, b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    with open(path, "wb") as file:
        file.write(b"II*\0\0\0\0\0")
        for top in range(0, height, 64):
            part = pixels[top : top + 64].astype(np.uint16) * 257
            y, x = np.mgrid[top : top + len(part), 0:width]
            alpha = np.where((x // 500 + y // 700) % 3 == 0, 0, (x + y) % 65536)
            file.write(np.dstack([part, alpha.astype(np.uint16)]).astype("<u2").tobytes())
        values = {
            258: np.array([16] * 4, "<u2").tobytes(),
            273: (8 + 64 * row * np.arange(strips, dtype=np.uint64)).astype("<u4").tobytes(),
            279: np.array([row * min(64, height - 64 * strip) for strip in range(strips)], "<u4").tobytes(),
            700: xmp,
        }
        at = {}
        for tag, value in values.items():
            at[tag] = file.tell()
            file.write(value + b"\0" * (len(value) % 2))
        entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 4, at[258]), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, strips, at[273])]
        entries += [(277, 3, 1, 4), (278, 4, 1, 64), (279, 4, strips, at[279]), (338, 3, 1, 2), (700, 1, len(xmp), at[700])]
        begin = file.tell()
        file.write(len(entries).to_bytes(2, "little"))
        file.writelines(np.array([(t, k, n, v)], "<u2,<u2,<u4,<u4").tobytes() for t, k, n, v in entries)
        file.write(bytes(4))
        file.seek(4)
        file.write(begin.to_bytes(4, "little"))


def plain(program, scratch, picture):
    """Rows for 8-bit RGB."""
    file, whole, part = scratch / "large.calo", scratch / "large-whole.ppm", scratch / "large-part.ppm"
    height, width = ppm(picture).shape[:2]
    x, y = width // 7, height // 7
    rows = [run("encode PPM", [program, "encode", picture, "-o", file, "-y"])]
    rows += [run("decode to PPM", [program, "decode", file, "-o", whole, "-y"])]
    rows += [run("decode a region of 256x256", [program, "decode", file, "-o", part, "-y", "--region", f"{x},{y},{REGION_PX},{REGION_PX}"])]
    share = rows[2]["cpu_s"] / rows[1]["cpu_s"]
    same = np.array_equal(ppm(part), ppm(whole)[y : y + REGION_PX, x : x + REGION_PX])
    rows[0]["bytes"] = file.stat().st_size
    rows[2] |= {"share_of_the_whole": round(share, 4), "ok": rows[2]["ok"] and bool(same) and share < REGION_SHARE}
    print(f"region: {100 * share:.2f} % of the CPU time, {'the same pixels' if same else 'OTHER PIXELS'}")
    return rows


def deep(program, scratch, pixels):
    """Rows for 16 bits with alpha and metadata."""
    tiff, png, file = scratch / "deep.tif", scratch / "deep.png", scratch / "deep.calo"
    write_deep_tiff(pixels, tiff)
    size = f"{pixels.shape[1]}x{pixels.shape[0]}"
    rows = [run(f"encode TIFF, RGBA of 16 bits, {size}", [program, "encode", tiff, "-o", file, "-y"])]
    rows += [run("decode to PNG", [program, "decode", file, "-o", png, "-y"])]
    rows += [run("encode that PNG", [program, "encode", png, "-o", file, "-y"])]
    rows += [run("decode to TIFF", [program, "decode", file, "-o", tiff, "-y"])]
    refused = subprocess.run([program, "encode", png, "-o", file, "-y", "--max-memory", "100MB"], capture_output=True, text=True, check=False)
    rows += [{"what": "encode --max-memory 100MB", "refused": refused.stderr.splitlines()[-1].split(": ", 2)[-1], "ok": refused.returncode == 3}]
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--size", default="20000x15000")
    parser.add_argument("--calotype", type=Path, default=Path("target/release/calotype"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    picture = options.scratch / "large.ppm"
    draw = [sys.executable, Path(__file__).with_name("large_picture.py"), *options.size.split("x"), picture]
    subprocess.run([*draw, *([options.folder] if options.folder else [])], check=True)
    pixels = ppm(picture)
    rows = plain(options.calotype, options.scratch, picture)
    rows += deep(options.calotype, options.scratch, pixels[: pixels.shape[0] // 2, : pixels.shape[1] // 2])
    result = {"size": options.size, "most_mb": MOST_MB, "rows": rows}
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(0 if all(row["ok"] for row in rows) else 1)


if __name__ == "__main__":
    main()
