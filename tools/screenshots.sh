#!/usr/bin/env bash
# Draws the pictures of docs/VIEW.md from the project's own sample: `bash tools/screenshots.sh`. Needs python3 with pillow.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
calotype=${CALOTYPE:-target/release/calotype}
[ -x "$calotype" ] || cargo build --release
calotype=$(realpath "$calotype")

cp assets/images/SAMPLE.png "$work/lake.png"

shoot() { "$calotype" view "${@:2}" --screenshot "$work/shots/$1.png" --size 1120x700; }
mkdir -p "$work/shots" docs/view
cd "$work"
"$calotype" encode lake.png -o lake.calo -q 60
head -c 900 lake.calo > lake-cut.calo
shoot plain lake.calo --zoom 2
shoot pixels lake.calo --zoom 48 --at 120,60
shoot compare lake.png --compare original q40 --zoom 2
shoot bits lake.calo --overlay bits --zoom 2
shoot error lake-cut.calo
cd - >/dev/null

python3 - "$work/shots" docs/view <<'PYTHON'
import sys
from pathlib import Path
from PIL import Image
for shot in sorted(Path(sys.argv[1]).glob("*.png")):
    Image.open(shot).save(Path(sys.argv[2]) / f"{shot.stem}.jpg", quality=84, optimize=True)
PYTHON
ls -l docs/view
