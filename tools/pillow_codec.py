#!/usr/bin/env python3
"""Current AVIF and JPEG XL as command lines, through Pillow's wheels: what tools/peers.toml runs.

    pip install pillow==13.0.0 pillow-jxl-plugin==1.3.8
    python3 tools/pillow_codec.py version avif|jxl
    python3 tools/pillow_codec.py encode OPTION=VALUE,... IN OUT QUALITY      the format by OUT's ending
    python3 tools/pillow_codec.py decode IN OUT

Distribution packages are years behind these codecs: Debian 12 has libavif 0.11.1 with aom 3.6.0 and libjxl 0.7.
"""

import importlib.metadata
import sys

from PIL import Image


def version(name):
    if name == "avif":
        from PIL import _avif

        encoder = next(part.strip() for part in _avif.codec_versions().split(",") if "[enc]" in part)
        return f"libavif {_avif.libavif_version}, {encoder.replace(' [enc]:', ' ')} (Pillow {importlib.metadata.version('pillow')})"
    # the wheel does not say which libjxl it holds: 1.3.8 was built with 0.12
    return f"pillow-jxl-plugin {importlib.metadata.version('pillow-jxl-plugin')}"


def avif_options(options, quality):
    """libavif's own options stay; all others go to the AV1 encoder, as avifenc -a does."""
    own = {key: options.pop(key) for key in ("speed", "subsampling") if key in options}
    if "speed" in own:
        own["speed"] = int(own["speed"])
    return {"quality": quality, **own, "max_threads": 1, "advanced": options}


def encode(options, source, target, quality):
    options = dict(pair.split("=") for pair in options.split(",") if pair)
    picture = Image.open(source).convert("RGB")
    if target.endswith(".avif"):
        picture.save(target, **avif_options(options, int(quality)))
    else:
        import pillow_jxl  # noqa: F401  (registers the format)

        picture.save(target, quality=float(quality), num_threads=1, **{key: int(value) for key, value in options.items()})


def decode(source, target):
    if source.endswith(".jxl"):
        import pillow_jxl  # noqa: F401
    Image.open(source).convert("RGB").save(target)


def main(task, *arguments):
    if task == "version":
        print(version(*arguments))
    else:
        {"encode": encode, "decode": decode}[task](*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
