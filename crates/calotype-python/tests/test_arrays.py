"""Arrays of every shape, stride and element type, there and back."""

import calotype
import numpy as np
import pytest
from conftest import drawn

DTYPES = (np.uint8, np.uint16)
SIDES = ((1, 1), (1, 70), (64, 64), (65, 63), (17, 200))


def psnr(a, b):
    peak = 65535 if a.dtype == np.uint16 else 255
    error = np.square(a.astype(np.float64) - b.astype(np.float64)).mean()
    return 10 * np.log10(peak**2 / max(error, 1e-9))


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("channels", (0, 1, 2, 3, 4))
@pytest.mark.parametrize("dtype", DTYPES)
def test_there_and_back(codec, sides, channels, dtype):
    image = drawn(*sides, channels, dtype)
    data = codec.encode(image, quality=95)
    info = calotype.info(data)
    found = codec.decode(data)
    assert (info.width, info.height) == (sides[1], sides[0])
    assert info.channels == max(1, channels) and info.depth == 8 * image.dtype.itemsize
    assert found.shape == tuple(info.shape) == (image.shape[:2] if channels < 2 else image.shape)
    assert found.dtype == dtype and found.flags.c_contiguous and found.flags.writeable
    if channels in (2, 4):
        assert np.array_equal(found[..., -1], image[..., -1])  # alpha is exact
    if min(sides) > 16:
        assert psnr(image.reshape(found.shape), found) > 30


STRIDES = {
    "every second column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "upside down": lambda a: a[::-1].copy()[::-1],
    "columns first": np.asfortranarray,
    "transposed": lambda a: a.transpose(1, 0, 2).copy().transpose(1, 0, 2),
    "channels first": lambda a: np.ascontiguousarray(a.transpose(2, 0, 1)).transpose(1, 2, 0),
    "of a larger array": lambda a: np.pad(a, ((3, 5), (2, 7), (0, 0)))[3:-5, 2:-7],
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "read only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "a list": lambda a: a,
    "memoryview": lambda a: memoryview(np.ascontiguousarray(a)),
}


@pytest.mark.parametrize("name", STRIDES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", (1, 3, 4))
def test_layouts_in_memory_do_not_matter(codec, name, dtype, channels):
    image = drawn(40, 70, channels, dtype)
    other = STRIDES[name](image)
    assert np.array_equal(np.asarray(other), image)
    assert codec.encode(other) == codec.encode(image)


def test_the_caller_may_change_the_array_meanwhile_and_after(codec, photo):
    image = photo.copy()
    data = codec.encode(image)
    image[:] = 0
    assert codec.encode(photo) == data


@pytest.mark.parametrize("shape", ((), (5,), (5, 5, 5), (5, 5, 0), (3, 3, 3, 3), (0, 5, 3), (5, 0), (3, 40, 50)))
def test_shapes_that_are_no_picture(codec, shape):
    with pytest.raises(calotype.UsageError):
        codec.encode(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("dtype", (np.float32, np.float64, np.int8, np.int64, np.uint32, bool, object, complex))
def test_elements_that_are_no_samples(codec, dtype):
    with pytest.raises(calotype.UsageError, match="uint8"):
        codec.encode(np.zeros((4, 4, 3), dtype))


@pytest.mark.parametrize("image", ("photo.png", b"bytes"))
def test_a_path_is_no_picture(codec, image):
    with pytest.raises(calotype.UsageError, match="takes pixels"):
        codec.encode(image)


@pytest.mark.parametrize("kind", (bytes, bytearray, memoryview))
def test_bytes_of_every_kind(codec, file, kind):
    assert np.array_equal(codec.decode(kind(file)), codec.decode(file))
    assert calotype.info(kind(file)).bytes == len(file)


def test_a_mapped_file(codec, file, tmp_path):
    import mmap

    path = tmp_path / "x.calo"
    path.write_bytes(file)
    with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert np.array_equal(codec.decode(mapped), codec.decode(file))
