#!/usr/bin/env bash
# Guess: quality=100 gives the best lossy file, or a lossless one (as cjxl -q 100 does).
# Truth: pillow-jxl-plugin asks libjxl for distance 0 without asking for lossless, which libjxl 0.12 refuses: saving ends with
#        "The encoder API is used in an incorrect way", which names neither the quality nor the remedy (lossless=True, or quality=99).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 pillow-jxl-plugin==1.3.8 numpy==2.3.5
"$folder/env/bin/python" - <<'PYTHON'
import importlib.metadata
import io

import numpy as np
import pillow_jxl  # noqa: F401
from PIL import Image

print("pillow-jxl-plugin", importlib.metadata.version("pillow-jxl-plugin"))
picture = np.random.default_rng(1).integers(0, 256, (40, 64, 3), dtype=np.uint8)
found = []
for options in ({"quality": 99}, {"quality": 100}, {"lossless": True}):
    file = io.BytesIO()
    try:
        Image.fromarray(picture).save(file, "JXL", **options)
        worst = int(abs(np.asarray(Image.open(io.BytesIO(file.getvalue()))).astype(int) - picture).max())
        found.append("exact" if worst == 0 else "lossy")
        print(options, len(file.getvalue()), "bytes, largest error", worst)
    except RuntimeError as error:
        found.append("refused")
        print(options, "RuntimeError:", error)
assert found == ["lossy", "refused", "exact"], f"changed: {found}"
PYTHON
