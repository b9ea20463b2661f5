#!/usr/bin/env python3
"""Keep what the report of `calotype eval --compare --report OUT` says of each peer, and print its BD-rates. Standard library only.

    python3 tools/peers.py OUT/results.json --json docs/results/kodak_peers.json      the report's figures without those of each picture
    python3 tools/peers.py OUT/results.json --curves FILE                             the peers' curves alone, for `calotype eval --against FILE NAME`
    python3 tools/peers.py docs/results/kodak_peers.json                              the table of DECISIONS.md
"""

import argparse
import json
from pathlib import Path

METRICS = {"psnr_rgb": "PSNR-RGB", "ms_ssim": "MS-SSIM", "ssimulacra2": "SSIMULACRA2"}
OF_EACH_PICTURE = ("images", "crops")


def table(results):
    """BD-rate of our files against each peer's, a peer a line."""
    percent = {(entry["against"], entry["metric"]): entry["percent"] for entry in results["bd_rate"]}
    yield "| | " + " | ".join(METRICS.values()) + " |"
    yield "|---" * (len(METRICS) + 1) + "|"
    for peer in dict.fromkeys(peer for peer, _ in percent):
        yield f"| {peer} | " + " | ".join(cell(percent.get((peer, metric))) for metric in METRICS) + " |"


def cell(percent):
    return "none" if percent is None else f"{percent:+.1f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what is kept here")
    parser.add_argument("--curves", type=Path, metavar="FILE", help="write the curves of the codecs that ran here")
    a = parser.parse_args()
    results = {key: value for key, value in json.loads(a.results.read_text()).items() if key not in OF_EACH_PICTURE}
    if a.json:
        a.json.write_text(json.dumps(results, indent=1) + "\n")
    if a.curves:
        curves = {codec["label"]: results["curves"][codec["label"]] for codec in results["codecs"]}
        a.curves.write_text(json.dumps(curves, indent=1) + "\n")
    print(*table(results), sep="\n")


if __name__ == "__main__":
    main()
