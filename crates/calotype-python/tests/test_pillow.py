"""The plugin for Pillow."""

import copy
import io
import pickle

import calotype
import calotype.pillow  # noqa: F401  (registers)
import numpy as np
import pytest
from conftest import drawn
from PIL import Image

MODES = {"L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA", "1": "L", "P": "RGB", "RGBX": "RGB", "I;16": "I;16"}


def saved(image, **options):
    file = io.BytesIO()
    image.save(file, "CALO", **options)
    return file.getvalue()


def opened(data):
    return Image.open(io.BytesIO(data))


@pytest.fixture(scope="module")
def image():
    return Image.fromarray(drawn(97, 130))


@pytest.mark.parametrize("mode", MODES)
def test_modes(image, mode):
    given = Image.fromarray(drawn(97, 130, 0, np.uint16)) if mode == "I;16" else image.convert(mode)
    found = opened(saved(given, quality=95))
    assert (found.format, found.mode, found.size) == ("CALO", MODES[mode], (130, 97))
    found.load()
    assert found.getpixel((3, 4)) is not None


def test_a_palette_with_transparency(image):
    image = image.convert("P")
    image.info["transparency"] = 0
    assert opened(saved(image)).mode == "RGBA"


@pytest.mark.parametrize("mode", ("CMYK", "YCbCr", "LAB", "HSV", "F", "I"))
def test_modes_that_are_refused(image, mode):
    given = image.convert("RGB").convert(mode) if mode != "LAB" else Image.new("LAB", (8, 8))
    with pytest.raises(OSError, match="convert|uint8"):
        saved(given)


def test_pixels_are_the_decoders(image):
    data = saved(image, quality=80)
    assert data == calotype.encode(np.asarray(image), quality=80)
    assert np.array_equal(np.asarray(opened(data)), calotype.decode(data))


def test_16_bits_of_colour_become_8():
    data = calotype.encode(drawn(40, 50, 3, np.uint16), quality=95)
    exact, found = calotype.decode(data), np.asarray(opened(data))
    assert found.dtype == np.uint8 and np.abs(exact / 257 - found).max() <= 0.5


def test_nothing_is_decoded_before_it_is_wanted(image, monkeypatch):
    data = saved(image)
    monkeypatch.setattr(calotype, "decode", lambda *_, **__: pytest.fail("decoded"))
    found = opened(data)
    assert found.size == (130, 97) and found.mode == "RGB" and found.get_format_mimetype() == "image/x-calotype"


def test_paths_and_endings(image, tmp_path):
    path = tmp_path / "x.calo"
    image.save(path, quality=70)
    with Image.open(path) as found:
        assert found.format == "CALO"
    with Image.open(path) as found:
        found.load()
        found.load()
        assert np.asarray(found).shape == (97, 130, 3)
    with path.open("rb") as file:
        assert Image.open(file).copy().size == (130, 97)


def test_metadata(image):
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    found = opened(saved(image, exif=exif, xmp=b"<x:xmpmeta/>"))
    assert found.getexif()[0x010F] == "a maker" and found.info["xmp"] == b"<x:xmpmeta/>"
    assert found.copy().getexif()[0x010F] == "a maker"
    assert opened(saved(image, exif=exif.tobytes())).getexif()[0x010F] == "a maker"
    assert "exif" not in opened(saved(image)).info


def test_profiles(image):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = opened(saved(image, icc_profile=profile))
    assert found.info["icc_profile"] == profile
    assert opened(saved(found)).info["icc_profile"] == profile  # goes with the picture, as with Pillow's own
    assert "icc_profile" not in opened(saved(found, icc_profile=None)).info


def test_drafts_are_smaller(image):
    found = opened(saved(image))
    assert found.draft(None, (40, 30)) is not None
    assert found.size == (44, 33)
    assert np.array_equal(np.asarray(found), calotype.decode(saved(image), scale=3))


def test_thumbnails(image):
    found = opened(saved(image))
    found.thumbnail((32, 32))
    assert found.size == (32, 24)


def test_verify(image):
    data = saved(image)
    opened(data).verify()


@pytest.mark.parametrize("cut", (10, 40, -1))
def test_cut_files(image, cut):
    with pytest.raises(OSError):
        opened(saved(image)[:cut]).load()


def test_copies(image):
    found = opened(saved(image))
    for other in (found.copy(), copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert np.array_equal(np.asarray(other), np.asarray(found))


@pytest.mark.parametrize("options", ({"quality": 101}, {"target_size": 10}))
def test_bad_options(image, options):
    with pytest.raises(OSError):
        saved(image, **options)


def test_crop_and_resize(image):
    found = opened(saved(image))
    assert found.crop((5, 5, 20, 25)).size == (15, 20) and found.resize((10, 10)).size == (10, 10)
