#!/usr/bin/env python3
"""Collect curves of `calotype_training.evaluate --json` in one file, or print what each needs against the one it names as its base.

    python3 tools/ablation.py docs/results/ablation.json                                   the table of DECISIONS.md; needs numpy, scipy
    python3 tools/ablation.py docs/results/ablation.json --add CURVE.json --base NAME      adds a curve; NAME is one in the file
"""

import argparse
import json
from pathlib import Path

from recompute_bd import bd_rate

KEPT = ("source", "q", "bpp", "psnr_rgb", "ms_ssim_db")


def add(curves, path, base):
    ((name, curve),) = json.loads(Path(path).read_text()).items()
    if base and base not in curves:
        raise SystemExit(f"{base} is not in the file; it has {', '.join(curves) or 'nothing'}")
    curves[name] = {key: curve[key] for key in KEPT} | {"base": base}


def rows(curves):
    for name, curve in curves.items():
        if base := curves.get(curve["base"]):
            figures = [bd_rate((curve["bpp"], curve[key]), (base["bpp"], base[key]))[0] for key in ("psnr_rgb", "ms_ssim_db")]
            yield f"| {name} | {curve['base']} | " + " | ".join(f"{v:+.2f} %" for v in figures) + " |"


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
    print("| weights | against | PSNR-RGB | MS-SSIM |", "|---|---|---|---|", *rows(curves), sep="\n")


if __name__ == "__main__":
    main()
