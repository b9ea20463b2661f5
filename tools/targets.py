"""Whether sizes and PSNRs asked for are met, how many tries and how much time they take: over a folder of pictures.

    python3 tools/targets.py FOLDER [--calotype target/release/calotype] [--json OUT] [--after IN]

Sizes: five between those of the lowest and the highest quality, evenly in log. PSNR: every 2 dB from 30 to 38. Time is that of encoding alone,
against the mean time of plain encodes of the same picture. Ends with exit code 1 if any target is missed, or if sizes take more than four plain encodes on average.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = 5
PSNR_DB = [30, 32, 34, 36, 38]
LONGEST = 4.0


def encode(program, picture, out, *flags):
    """-> what --json prints, or None where the target is refused."""
    done = subprocess.run([program, "encode", picture, "-o", out, "-y", "--json", *map(str, flags)], capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def measure(program, picture, out):
    """One row for each target."""
    plain = [encode(program, picture, out, "-q", q) for q in (0, 100, 70, 70)]
    plain_ms = statistics.mean(p["encode_ms"] for p in plain[2:])
    low, high = plain[0]["bytes"], plain[1]["bytes"]
    rows = []
    for step in range(SIZES):
        target = int(low * (high / low) ** ((step + 0.5) / SIZES))
        rows.append(("size", target, encode(program, picture, out, "--target-size", target)))
    for target in PSNR_DB:
        rows.append(("psnr", target, encode(program, picture, out, "--target-psnr", target)))
    return [row(picture.name, plain_ms, *r) for r in rows]


def row(name, plain_ms, kind, target, found):
    if found is None:
        return {"picture": name, "kind": kind, "target": target, "hit": False}
    value = found["bytes"] if kind == "size" else found["psnr_db"]
    hit = 0.98 * target <= value <= target if kind == "size" else target <= value <= target + 0.1
    times = found["encode_ms"] / plain_ms
    return {"picture": name, "kind": kind, "target": target, "value": value, "hit": hit, "tries": found["tries"], "plain_encodes": round(times, 2)}


def say(kind, rows):
    """Prints a line; -> mean time in plain encodes."""
    found = [r for r in rows if "tries" in r]
    tries, times = [r["tries"] for r in found], [r["plain_encodes"] for r in found]
    hits, mean = sum(r["hit"] for r in rows), statistics.mean(times)
    print(f"{kind}: {hits} of {len(rows)} targets hit; {statistics.mean(tries):.2f} tries, at most {max(tries)}; ", end="")
    print(f"time of {mean:.2f} plain encodes, at most {max(times)}")
    for miss in (r for r in rows if not r["hit"]):
        print("  missed:", miss)
    return mean


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calotype", default="target/release/calotype")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--after", type=Path, help="what --json wrote of other pictures: they count, too")
    options = parser.parse_args()
    pictures = sorted(p for p in options.folder.iterdir() if p.suffix.lower() in (".png", ".ppm", ".jpg", ".webp"))
    with tempfile.TemporaryDirectory() as folder:
        rows = json.loads(options.after.read_text()) if options.after else []
        rows += [r for picture in pictures for r in measure(options.calotype, picture, Path(folder) / "out.calo")]
    if options.json:
        options.json.write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
    means = {kind: say(kind, [r for r in rows if r["kind"] == kind]) for kind in ("size", "psnr")}
    sys.exit(0 if all(r["hit"] for r in rows) and means["size"] <= LONGEST else 1)


if __name__ == "__main__":
    main()
