import calotype
import numpy as np
import pytest


def drawn(height, width, channels=3, dtype=np.uint8):
    """A smooth picture with an edge, each channel another."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [128 + 90 * np.sin((x + 5 * k) / 9) * np.cos(y / 11) + 30 * (x > y) for k in range(max(1, channels))]
    pixels = np.stack(planes, -1).clip(0, 255)
    pixels = (pixels * 257 if dtype == np.uint16 else pixels).astype(dtype)
    return pixels[..., 0] if channels == 0 else pixels


@pytest.fixture(scope="session")
def codec():
    return calotype.Codec(engine="cpu", threads=2)


@pytest.fixture(scope="session")
def photo():
    return drawn(97, 130)


@pytest.fixture(scope="session")
def file(codec, photo):
    return codec.encode(photo, quality=80)
