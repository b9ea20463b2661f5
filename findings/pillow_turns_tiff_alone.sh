#!/usr/bin/env bash
# Guess: Image.open of Pillow gives pixels as they are stored, and ImageOps.exif_transpose turns them where Orientation asks for it; so a tool may
#        read Orientation, load the pixels, and turn them, whatever the format.
# Truth: with Pillow 13.0.0 TIFF alone is turned when it is loaded. Its size is that of the turned picture from the beginning, its Exif says the old
#        Orientation until the pixels are loaded and none after that. PNG, JPEG and WebP come as they are stored, and keep saying 6. Who reads
#        Orientation first and turns by it has a TIFF turned twice, and a region that is cut from a TIFF lies elsewhere than in the same PNG.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
"$folder/env/bin/python" - <<'PYTHON'
import io

import PIL
from PIL import Image, ImageOps

ORIENTATION, CLOCKWISE = 0x112, 6
print("Pillow", PIL.__version__)
picture = Image.new("RGB", (48, 16), (0, 0, 255))
picture.paste((255, 0, 0), (0, 0, 16, 16))
exif = Image.Exif()
exif[ORIENTATION] = CLOCKWISE
for name, how in {
    "TIFF": {"tiffinfo": {ORIENTATION: CLOCKWISE}},
    "PNG": {"exif": exif},
    "JPEG": {"exif": exif, "quality": 95},
    "WEBP": {"exif": exif, "lossless": True},
}.items():
    file = io.BytesIO()
    picture.save(file, name, **how)
    image = Image.open(io.BytesIO(file.getvalue()))
    opened, said = image.size, image.getexif().get(ORIENTATION)
    image.load()
    loaded, says = image.size, image.getexif().get(ORIENTATION)
    turned = ImageOps.exif_transpose(image).size
    print(f"{name}: opened {opened}, Orientation {said}; loaded {loaded}, Orientation {says}; after exif_transpose {turned}")
    wanted = ((16, 48), 6, (16, 48), None) if name == "TIFF" else ((48, 16), 6, (48, 16), 6)
    assert (opened, said, loaded, says) == wanted and turned == (16, 48), f"changed: {name}"
PYTHON
