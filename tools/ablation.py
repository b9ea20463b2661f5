#!/usr/bin/env python3
"""Collect curves of `calotype_training.evaluate --json` and `calotype eval --json` in one file, or print what each needs against its base.

    python3 tools/ablation.py docs/results/ablation.json                                   the table of DECISIONS.md; needs numpy, scipy
    python3 tools/ablation.py docs/results/ablation.json --add CURVE.json --base NAME      adds a curve; NAME is one in the file

A curve of `calotype eval` is of real files, and is called after its model.
"""

import argparse
import json
import math
from pathlib import Path

from recompute_bd import bd_rate

METRICS = {"psnr_rgb": "PSNR-RGB", "ms_ssim_db": "MS-SSIM", "ssimulacra2": "SSIMULACRA2"}
KEPT = ("source", "q", "bpp", *METRICS)  # the last metric is missing in curves of before it was measured


def of_files(results):
    """What `calotype eval` wrote -> name and curve."""
    means = results["means"]
    curve = {"q": [m["quality"] for m in means], "bpp": [m["bpp"] for m in means], "psnr_rgb": [m["psnr_db"] for m in means]}
    curve["ms_ssim_db"] = [-10 * math.log10(1 - m["ms_ssim"]) for m in means]
    curve["ssimulacra2"] = [m["ssimulacra2"] for m in means]
    return f"{results['model_id']}, real files", {"source": f"calotype eval, {len(results['images'])} images", **curve}


def add(curves, path, base):
    new = json.loads(Path(path).read_text())
    name, curve = of_files(new) if "means" in new else next(iter(new.items()))
    if base and base not in curves:
        raise SystemExit(f"{base} is not in the file; it has {', '.join(curves) or 'nothing'}")
    curves[name] = {key: curve[key] for key in KEPT if key in curve} | {"base": base}


def rows(curves):
    for name, curve in curves.items():
        if base := curves.get(curve["base"]):
            yield f"| {name} | {curve['base']} | " + " | ".join(figure(curve, base, metric) for metric in METRICS) + " |"


def figure(curve, base, metric):
    if metric not in curve or metric not in base:
        return ""
    return f"{bd_rate((curve['bpp'], curve[metric]), (base['bpp'], base[metric]))[0]:+.2f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--add", metavar="CURVE.json")
    parser.add_argument("--base", metavar="NAME")
    a = parser.parse_args()
    curves = json.loads(a.file.read_text()) if a.file.exists() else {}
    if a.add:
        add(curves, a.add, a.base)
        a.file.write_text(json.dumps(curves, indent=1) + "\n")
        return
    print("| weights | against | " + " | ".join(METRICS.values()) + " |", "|---" * (2 + len(METRICS)) + "|", *rows(curves), sep="\n")


if __name__ == "__main__":
    main()
