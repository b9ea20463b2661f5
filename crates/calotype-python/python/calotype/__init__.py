"""Calotype, a learned image codec.

    import calotype

    data = calotype.encode(array, quality=80)       an array or a Pillow image -> bytes of a .calo file
    array = calotype.decode(data)                   bytes -> NumPy array

Arrays are [height, width] (grey) or [height, width, channels] with 2 (grey, alpha), 3 (RGB) or 4 (RGBA) channels of uint8 or uint16.
The same file gives the same pixels on every machine, whichever engine decodes it.
"""

from . import errors
from ._arrays import as_array, as_bytes
from ._calotype import VERSION as __version__
from ._calotype import Codec as _Codec
from ._calotype import Info
from ._calotype import info as _info
from ._calotype import metadata as _metadata
from .errors import EngineError, Error, LimitError, MalformedError, UnsupportedError, UsageError

__all__ = [
    "Codec",
    "EngineError",
    "Error",
    "Info",
    "LimitError",
    "MalformedError",
    "UnsupportedError",
    "UsageError",
    "__version__",
    "decode",
    "encode",
    "errors",
    "info",
    "metadata",
]


class Codec(_Codec):
    """A model, an engine and threads of its own, for many pictures and from many Python threads.

    engine: "auto" (a GPU if there is a real one, else the CPU), "cpu" or "gpu"; adapter: name or number of a GPU;
    threads: how many share the work of a picture, by default one for each core. All engines give the same bytes and pixels.
    In a forked process (as a DataLoader's workers are) the codec is loaded anew, on the CPU unless a GPU was asked for by name.
    """

    def __new__(cls, *, engine="auto", adapter=None, threads=None):
        arguments = {"engine": engine, "adapter": None if adapter is None else str(adapter), "threads": threads}
        self = super().__new__(cls, **arguments)
        self._arguments = arguments
        return self

    def __reduce__(self):
        return _codec_of, (self._arguments,)

    def encode(self, image, *, quality=None, target_size=None, icc=None, exif=None, xmp=None, cicp=None, **limits):
        """An array or Pillow image -> bytes of a .calo file.

        quality: 0 to 100, decimals included; target_size: at most so many bytes, instead of a quality.
        icc, exif (from its TIFF header on), xmp: bytes to be kept; cicp: four numbers. max_memory: bytes.
        Metadata of a Pillow image are not taken: give them here, or use `calotype.pillow`.
        """
        if quality is not None and target_size is not None:
            raise UsageError("give a quality or a target_size, not both")
        given = {"icc": icc, "exif": exif, "xmp": xmp}
        given = {name: None if value is None else as_bytes(value, name) for name, value in given.items()}
        return super().encode(as_array(image), quality=quality, target_size=target_size, cicp=cicp, **given, **limits)

    def decode(self, data, *, region=None, scale=1, **limits):
        """Bytes of a .calo file -> array.

        region: (x, y, width, height) in pixels; scale: 1 to 16, sides divided by it and rounded up (means of pixels).
        max_pixels, max_memory: what larger pictures are refused for, before anything is allocated for them.
        """
        return super().decode(as_bytes(data, "data"), region=region, scale=scale, **limits)


def _codec_of(arguments):
    return Codec(**arguments)


_default = None


def _default_codec():
    global _default
    if _default is None:
        _default = Codec()
    return _default


def encode(image, **options):
    """An array or Pillow image -> bytes of a .calo file. Options are `Codec.encode`'s."""
    return _default_codec().encode(image, **options)


def decode(data, **options):
    """Bytes of a .calo file -> array. Options are `Codec.decode`'s."""
    return _default_codec().decode(data, **options)


def info(data):
    """What a file, or its first bytes, says about itself: width, height, channels, depth, quality, model, ... -> `Info`."""
    return _info(as_bytes(data, "data"))


def metadata(data):
    """A file's metadata, those that it has: {"icc": bytes, "exif": bytes, "xmp": bytes, "cicp": (4 numbers)}."""
    return _metadata(as_bytes(data, "data"))
