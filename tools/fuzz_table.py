"""The table of docs/FUZZING.md from the logs of fuzz/run.sh.

    python3 tools/fuzz_table.py LOGS

Findings are the files that libFuzzer left: crashes, leaks, timeouts, memory. (A "slow unit" is one that was met while the machine was busy.)
"""

import re
import sys
from pathlib import Path

TARGETS = ["decode", "input", "container", "rans", "model", "plane"]


def row(logs, target):
    """-> a line of the table."""
    log = (logs / f"{target}.log").read_text(errors="replace") if (logs / f"{target}.log").exists() else ""
    cpu_s = sum(float(user) + float(system) for user, system in re.findall(r"^cpu_s ([\d.]+) ([\d.]+)$", log, re.MULTILINE))
    runs = sum(map(int, re.findall(r"^stat::number_of_executed_units:\s+(\d+)", log, re.MULTILINE)))
    edges = max(map(int, re.findall(r"cov: (\d+)", log)), default=0)
    findings = [path.name for path in logs.glob(f"{target}.*-*") if ".slow-unit-" not in path.name]
    return f"| `{target}` | {cpu_s / 60:.1f} | {runs:,} | {edges:,} | {len(findings)} |"


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    print("| target | CPU minutes | executions | edges reached | findings |\n|---|---|---|---|---|")
    for target in TARGETS:
        print(row(Path(sys.argv[1]), target))


if __name__ == "__main__":
    main()
