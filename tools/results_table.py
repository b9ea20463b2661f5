#!/usr/bin/env python3
"""Writes the README's results from the files that commands wrote, between its `<!-- results -->` marks. Standard library only.

    python3 tools/results_table.py [--check]        --check only says whether the README is current

docs/results/kodak.json is of `calotype eval --json`, docs/results/speed.json of `tools/speed.py --json`.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- results -->\n", "<!-- /results -->"
SHOWN = (5, 20, 50, 80, 95)


def read(name):
    return json.loads((ROOT / "docs/results" / name).read_text())


def rate_table(kodak):
    rows = [mean for mean in kodak["means"] if mean["quality"] in SHOWN]
    cells = [f"| {m['quality']:g} | {m['bpp']:.3f} | {m['psnr_db']:.2f} | {m['ms_ssim']:.4f} |" for m in rows]
    return ["| quality | bits per pixel | PSNR-RGB, dB | MS-SSIM |", "|---|---|---|---|", *cells]


def bd_sentence(kodak):
    psnr = [entry for entry in kodak["bd_rate"] if entry["metric"] == "psnr_rgb" and entry["percent"] is not None]
    parts = [f"{entry['percent']:+.1f} % against {entry['against'].removesuffix(' (measured here)')}" for entry in psnr]
    return f"BD-rate in PSNR-RGB (negative is smaller at the same quality): {'; '.join(parts)}."


def speed_sentence(speed):
    return (
        f"Whole processes, PPM in and out, {speed['cpus']} AVX-512 cores, medians of {speed['runs']}: "
        f"decode {speed['median_decode_mp_per_s']:.1f} MP/s, encode {speed['median_encode_mp_per_s']:.1f} MP/s, {speed['peak_mb']:.0f} MB."
    )


def section():
    kodak = read("kodak.json")
    heading = f"Model `{kodak['model_id']}` on the {len(kodak['images'])} Kodak images, real files, means over the images:"
    return "\n".join([heading, "", *rate_table(kodak), "", bd_sentence(kodak), speed_sentence(read("speed.json")), ""])


def main():
    path = ROOT / "README.md"
    text = path.read_text()
    before, rest = text.split(BEGIN)
    updated = before + BEGIN + section() + END + rest.split(END)[1]
    if "--check" in sys.argv[1:]:
        raise SystemExit(0 if updated == text else "README.md is not what docs/results say: run tools/results_table.py")
    path.write_text(updated)


if __name__ == "__main__":
    main()
