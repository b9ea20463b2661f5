#!/usr/bin/env bash
# Draws the pictures of docs/VIEW.md from the project's own sample: `bash tools/screenshots.sh`. Needs python3 with numpy and pillow.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
calotype=${CALOTYPE:-target/release/calotype}
[ -x "$calotype" ] || cargo build --release
calotype=$(realpath "$calotype")

python3 - "$work/lake.png" <<'PYTHON'
import sys
sys.path.insert(0, "tools")
from PIL import Image
from draw_samples import lake
Image.fromarray(lake(1200, 800)).save(sys.argv[1])
PYTHON

shoot() { "$calotype" view "${@:2}" --screenshot "$work/shots/$1.png" --size 1120x700; }
mkdir -p "$work/shots" docs/view
cd "$work"
"$calotype" encode lake.png -o lake.calo -q 45
head -c 5000 lake.calo > lake-cut.calo
shoot plain lake.calo
shoot pixels lake.calo --zoom 48 --at 420,265
shoot compare lake.png --compare original q25 --zoom 2 --at 400,300
shoot bits lake.calo --overlay bits
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
