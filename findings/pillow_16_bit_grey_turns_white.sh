#!/usr/bin/env bash
# Guess: Pillow refuses to save a 16-bit grey picture in a format of 8 bits (as it does for JPEG and BMP), or keeps its upper 8 bits.
# Truth: AVIF, WebP and GIF are written without error or warning, with every value above 255 clipped: a ramp from black to white comes back white.
#        Whoever feeds 16-bit scans to a comparison of codecs through Pillow measures white pictures.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.3.5
"$folder/env/bin/python" -W error - <<'PYTHON'
import io

import numpy as np
import PIL
from PIL import Image, features

print("Pillow", PIL.__version__, "libavif", features.version("avif"), "libwebp", features.version("webp"))
ramp = np.linspace(0, 65535, 256 * 64).astype(np.uint16).reshape(64, 256)
found = {}
for name, options in {"AVIF": {"quality": 100}, "WEBP": {"lossless": True}, "GIF": {}, "JPEG": {}, "BMP": {}, "PNG": {}}.items():
    file = io.BytesIO()
    try:
        Image.fromarray(ramp).save(file, name, **options)
    except OSError as error:
        found[name] = "refused"
        print(f"{name:5} refused: {error}")
        continue
    decoded = Image.open(io.BytesIO(file.getvalue()))
    values = np.asarray(decoded if decoded.mode == "I;16" else decoded.convert("L")).astype(int)
    white = (values == 255).mean()
    found[name] = "white" if white > 0.99 else "kept" if (values == ramp).all() else "other"
    print(f"{name:5} mode {decoded.mode}, mean {values.mean():.1f}, {100 * white:.1f} % of the samples are 255: {found[name]}")
expected = {"AVIF": "white", "WEBP": "white", "GIF": "white", "JPEG": "refused", "BMP": "refused", "PNG": "kept"}
assert found == expected, f"changed: {found}"
PYTHON
