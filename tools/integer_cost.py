#!/usr/bin/env python3
"""What the integer codec costs against the same network in float: BD-rate in PSNR-RGB from two results files.

    python -m calotype_training.evaluate FLOAT.pt DIR --name float --json FLOAT.json
    calotype eval DIR --dead-zone 0 --json INTEGER.json
    python3 tools/integer_cost.py INTEGER.json FLOAT.json          needs numpy, scipy

The float codec writes no files, so its rate is a cross entropy: the first figure compares with the cross entropy of the coded symbols,
the second with whole files. Last comes the file that exceeds its own cross entropy most.
"""

import json
import sys
from pathlib import Path

import numpy as np
from recompute_bd import bd_rate


def cross_entropy_curve(results):
    """Mean bpp by cross entropy and mean PSNR of each quality."""
    images = results["images"]
    bits = np.array([[p["cross_entropy_bits"] / (i["width"] * i["height"]) for p in i["points"]] for i in images])
    return bits.mean(0), [mean["psnr_db"] for mean in results["means"]]


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    results, curves = (json.loads(Path(path).read_text()) for path in sys.argv[1:])
    ((name, curve),) = curves.items()
    files = [mean["bpp"] for mean in results["means"]], [mean["psnr_db"] for mean in results["means"]]
    for what, points in (("cross entropy of the coded symbols", cross_entropy_curve(results)), ("whole files", files)):
        percent, low, high = bd_rate(points, (curve["bpp"], curve["psnr_rgb"]))
        print(f"BD-rate {percent:+.2f} % over {low:.2f}..{high:.2f} dB against {name}: {what}")
    worst = results["worst_rate"]
    print(f"worst rate: {worst['file']} at quality {worst['quality']:g}: {worst['bytes']} bytes, {100 * worst['of_bound']:.2f} % of the bound")


if __name__ == "__main__":
    main()
