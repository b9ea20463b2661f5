#!/usr/bin/env bash
# Guess: at one quality number, libaom's tunes share out about the same number of bits differently.
# Truth: with libavif 1.4.2 and aom 3.14.1 the default of still pictures (tune=iq) makes smaller files than tune=psnr, by a tenth to a third,
#        at the same number, and loses 1 to 3 dB: its quantisers come from another curve. Tunes can only be compared over whole curves,
#        and "AVIF at quality 60" means nothing without the tune and the version of aom.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.3.5
"$folder/env/bin/python" - <<'PYTHON'
import io

import numpy as np
from PIL import Image, _avif

print("libavif", _avif.libavif_version, "-", _avif.codec_versions())
# Clouds at five scales with grain: about as hard as a photograph.
random = np.random.default_rng(3)
side = 512
picture = np.full((side, side, 3), 128.0)
for octave in range(1, 6):
    coarse = random.normal(0, 22, (side >> octave, side >> octave, 3))
    grown = [Image.fromarray(coarse[..., c].astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC) for c in range(3)]
    picture += np.stack([np.asarray(plane) for plane in grown], -1) * 0.6
picture = (picture + random.normal(0, 2, picture.shape)).clip(0, 255).astype(np.uint8)


def measured(quality, **advanced):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "AVIF", quality=quality, speed=6, subsampling="4:4:4", max_threads=1, advanced=advanced)
    error = np.asarray(Image.open(io.BytesIO(file.getvalue())).convert("RGB")).astype(float) - picture
    return len(file.getvalue()), 10 * np.log10(255**2 / (error**2).mean())


for quality in (30, 50, 70):
    (default, default_db), (iq, iq_db), (psnr, psnr_db) = measured(quality), measured(quality, tune="iq"), measured(quality, tune="psnr")
    print(f"quality {quality}: default {default} bytes, {default_db:.2f} dB; tune=iq {iq}, {iq_db:.2f}; tune=psnr {psnr}, {psnr_db:.2f}")
    assert (default, default_db) == (iq, iq_db), "changed: the default is no longer tune=iq"
    assert default < 0.95 * psnr and psnr_db - default_db > 0.5, "changed: the tunes now agree at one number"
PYTHON
