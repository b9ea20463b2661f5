"""A plugin for Pillow: after `import calotype.pillow`, `Image.open` reads .calo files and `Image.save` writes them.

im = Image.open("x.calo")                       size, mode and metadata; pixels when they are wanted
im.draft(None, (200, 200))                      a smaller picture, at least of this size
im.save("x.calo", quality=80)                   or target_size=bytes; exif=, icc_profile=, xmp=
"""

from PIL import Image, ImageFile

import calotype
from calotype import UsageError

FORMAT, MIME = "CALO", "image/x-calotype"
MAGIC = b"CALO"
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
EXIF_START = b"Exif\0\0"
LARGEST_SCALE = 16


def mode_of(info):
    """Pillow has no 16-bit mode of several channels: these become 8-bit."""
    return "I;16" if info.depth == 16 and info.channels == 1 else MODES[info.channels]


class CalotypeImageFile(ImageFile.ImageFile):
    format, format_description = FORMAT, "Calotype"
    _data = None  # the file, until it is decoded; unpickled pictures have none
    _scale = 1

    def _open(self):
        self._data = self.fp.read()
        try:
            info, metadata = calotype.info(self._data), calotype.metadata(self._data)
        except calotype.Error as error:
            raise SyntaxError(str(error)) from error
        self._mode, self._size = mode_of(info), (info.width, info.height)
        for key, name in (("icc", "icc_profile"), ("exif", "exif"), ("xmp", "xmp")):
            if key in metadata:
                self.info[name] = metadata[key]
        self.tile = []

    def draft(self, mode, size):
        """Decode smaller, with sides of at least `size`. The mode stays."""
        if self._data is None or size is None:
            return None
        width, height = self.size
        fitting = min(width // max(1, size[0]), height // max(1, size[1]), LARGEST_SCALE // self._scale)
        if fitting < 2:
            return None
        self._scale *= fitting
        self._size = -(-width // fitting), -(-height // fitting)
        return self.mode, (0, 0, width / fitting, height / fitting)

    def load(self):
        if self._data is not None:
            data, self._data = self._data, None
            try:
                array = calotype.decode(data, scale=self._scale)
            except calotype.Error as error:
                raise OSError(str(error)) from error
            if self.mode != "I;16" and array.dtype.itemsize == 2:
                array = ((array.astype("uint32") * 255 + 32767) // 65535).astype("uint8")
            self.im = Image.fromarray(array).im
            if self._exclusive_fp and self.fp:
                self.fp.close()
            self.fp = None
        return super().load()


def accept(prefix):
    return prefix.startswith(MAGIC)


def save(image, file, filename):
    """quality (0 to 100) or target_size (bytes); exif, icc_profile, xmp; max_memory."""
    given = image.encoderinfo
    exif = given.get("exif")
    exif = exif.tobytes() if isinstance(exif, Image.Exif) else exif
    options = {name: given[name] for name in ("quality", "target_size", "max_memory", "cicp") if name in given}
    options["exif"] = exif.removeprefix(EXIF_START) if exif else None
    options["icc"] = given.get("icc_profile", image.info.get("icc_profile")) or None
    options["xmp"] = given.get("xmp", image.info.get("xmp")) or None
    try:
        file.write(calotype.encode(image, **options))
    except UsageError as error:
        raise OSError(str(error)) from error


Image.register_open(FORMAT, CalotypeImageFile, accept)
Image.register_save(FORMAT, save)
Image.register_extension(FORMAT, ".calo")
Image.register_mime(FORMAT, MIME)
