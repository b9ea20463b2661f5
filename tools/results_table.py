#!/usr/bin/env python3
"""Writes the README's results from the files that commands wrote, between its `<!-- NAME -->` marks. Standard library only.

    python3 tools/results_table.py [--check]        --check only says whether the README is current

docs/results/kodak.json is of `calotype eval --json`, docs/results/speed.json of `tools/speed.py --json`, docs/results/qualities.json of
`calotype eval --peers-file tools/usual_settings.toml --json`.
"""

import itertools
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHOWN = (30, 50, 70, 80)  # and the best
COMPARED = (40, 50, 60, 70, 80, 85)  # qualities in the table of other codecs' settings
METRICS = {"ssimulacra2": "SSIMULACRA2", "ms_ssim": "MS-SSIM", "psnr_rgb": "PSNR-RGB"}


def read(name):
    return json.loads((ROOT / "docs/results" / name).read_text())


def rate_table(kodak):
    rows = [*(mean for mean in kodak["means"] if mean["quality"] in SHOWN), kodak["means"][-1]]
    cells = [f"| {m['quality']:g} | {m['bpp']:.3f} | {m['ssimulacra2']:.1f} | {m['ms_ssim']:.4f} | {m['psnr_db']:.2f} |" for m in rows]
    return ["| quality | bits per pixel | SSIMULACRA2 | MS-SSIM | PSNR-RGB, dB |", "|---|---|---|---|---|", *cells]


def bd_table(kodak):
    """BD-rate of our files against each curve, in each metric that it has."""
    percent = {(entry["against"], entry["metric"]): entry["percent"] for entry in kodak["bd_rate"]}
    rows = dict.fromkeys(against for against, _ in percent)
    yield "| BD-rate against | " + " | ".join(METRICS.values()) + " |"
    yield "|---" * (len(METRICS) + 1) + "|"
    for name in rows:
        label = name.removesuffix(" (measured here)")
        source = kodak["curves"][name]["source"]
        version = f", {source}" if name == label and "github" not in source else ""
        yield f"| {label}{version} | " + " | ".join(cell(percent.get((name, metric))) for metric in METRICS) + " |"


def cell(percent):
    return "" if percent is None else f"{percent:+.1f} %"


def speed_sentence(speed):
    return (
        f"Whole processes, PPM in and out, {speed['cpus']} AVX-512 cores, medians of {speed['runs']}: "
        f"decode {speed['median_decode_mp_per_s']:.1f} MP/s, encode {speed['median_encode_mp_per_s']:.1f} MP/s, {speed['peak_mb']:.0f} MB of memory."
    )


def results():
    kodak = read("kodak.json")
    heading = f"Model `{kodak['model_id']}` on the {len(kodak['images'])} Kodak images, real files, means over the images:"
    note = (
        "BD-rate: negative means smaller files at the same quality; empty where a published curve lacks the metric. "
        "AVIF's default tune serves the eye, as SSIMULACRA2 does; `tune=psnr` serves PSNR."
    )
    speed = speed_sentence(read("speed.json"))
    return "\n".join([heading, "", *rate_table(kodak), "", *bd_table(kodak), "", note, speed, ""])


def setting_of(means, score):
    """The setting at which a codec's mean SSIMULACRA2 is that score, between two that were measured; None beyond them."""
    pairs = sorted((mean["ssimulacra2"], mean["quality"]) for mean in means)
    for (low, first), (high, last) in itertools.pairwise(pairs):
        if low <= score <= high:
            return first + (score - low) / (high - low) * (last - first)
    return None


def qualities():
    measured = read("qualities.json")
    scores = {mean["quality"]: mean["ssimulacra2"] for mean in measured["means"]}
    yield "| `calotype -q` | " + " | ".join(f"`{codec['label']}`" for codec in measured["codecs"]) + " |"
    yield "|---" * (len(measured["codecs"]) + 1) + "|"
    for quality in COMPARED:
        settings = [setting_of(codec["means"], scores[quality]) for codec in measured["codecs"]]
        yield f"| {quality} | " + " | ".join("" if setting is None else f"{setting:.0f}" for setting in settings) + " |"


def replaced(text, name, section):
    """The text with another section between the marks of that name."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, rest = text.split(begin)
    return before + begin + section + end + rest.split(end)[1]


def main():
    path = ROOT / "README.md"
    text = path.read_text()
    updated = replaced(replaced(text, "results", results()), "qualities", "\n".join([*qualities(), ""]))
    if "--check" in sys.argv[1:]:
        raise SystemExit(0 if updated == text else "README.md is not what docs/results say: run tools/results_table.py")
    path.write_text(updated)


if __name__ == "__main__":
    main()
