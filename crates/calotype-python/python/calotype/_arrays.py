"""What users call pictures and bytes, as arrays and bytes."""

import os

import numpy as np

from .errors import UsageError

# Modes of Pillow that are encoded as another; "P" and "PA" by whether they have transparency.
MODES = {"1": "L", "RGBX": "RGB", "RGBa": "RGBA", "La": "LA"}
PLAIN = ("L", "LA", "RGB", "RGBA")


def as_array(image):
    """An array, a Pillow image, or anything that NumPy takes for an array -> uint8 or uint16, in this machine's byte order."""
    if isinstance(image, (str, bytes, os.PathLike)):
        raise UsageError("encode takes pixels: an array or a Pillow image, such as PIL.Image.open(path)")
    array = np.asarray(of_pillow(image) if hasattr(image, "getbands") else image)
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    raise UsageError(
        f"{array.dtype} cannot be encoded: scale the values to 0 to 255 and convert them to uint8, or to 0 to 65535 and uint16"
    )


def of_pillow(image):
    """A Pillow image in a mode that arrays can have."""
    if image.mode in PLAIN:
        return image
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode in MODES:
        return image.convert(MODES[image.mode])
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    raise UsageError(f'mode {image.mode} cannot be encoded: convert("RGB") or convert("L") gives one that can')


def as_bytes(data, name):
    """Bytes, or what can be read as bytes (bytearray, memoryview, mmap) -> bytes."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, (str, os.PathLike)):
        raise UsageError(f"{name} takes bytes, not a path: pathlib.Path(path).read_bytes()")
    try:
        return memoryview(data).tobytes()
    except TypeError:
        raise UsageError(f"{name} takes bytes, not {type(data).__name__}") from None
