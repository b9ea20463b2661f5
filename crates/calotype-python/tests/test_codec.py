"""Options, errors, threads, processes."""

import copy
import multiprocessing
import os
import pickle
import sys
import threading
import time

import calotype
import numpy as np
import pytest
from conftest import drawn


def test_quality_says_how_large_a_file_is(codec, photo):
    sizes = [len(codec.encode(photo, quality=quality)) for quality in (0, 10, 50, 80, 100)]
    assert sizes == sorted(sizes) and sizes[0] * 4 < sizes[-1]


def test_functions_do_what_a_codec_does(codec, photo, file):
    assert calotype.encode(photo, quality=80) == file
    assert np.array_equal(calotype.decode(file), codec.decode(file))


@pytest.mark.parametrize("region", ((0, 0, 1, 1), (5, 7, 64, 33), (129, 96, 1, 1), (0, 0, 130, 97)))
def test_regions(codec, file, region):
    x, y, width, height = region
    assert np.array_equal(codec.decode(file, region=region), codec.decode(file)[y : y + height, x : x + width])


@pytest.mark.parametrize("region", ((0, 0, 131, 1), (0, 97, 1, 1), (3, 3, 0, 4)))
def test_regions_that_are_not_inside(codec, file, region):
    with pytest.raises(calotype.UsageError, match="not inside"):
        codec.decode(file, region=region)


@pytest.mark.parametrize("scale", (1, 2, 3, 8, 16))
def test_scales_are_means(codec, file, scale):
    whole, small = codec.decode(file).astype(float), codec.decode(file, scale=scale)
    assert small.shape == (-(-97 // scale), -(-130 // scale), 3)
    first = whole[:scale, :scale].mean((0, 1))
    assert np.abs(small[0, 0] - first).max() <= 0.5


@pytest.mark.parametrize("scale", (0, 17))
def test_scales_that_there_are_not(codec, file, scale):
    with pytest.raises(calotype.UsageError, match="scale"):
        codec.decode(file, scale=scale)


def test_target_size(codec, photo):
    size = len(codec.encode(photo, quality=60))
    data = codec.encode(photo, target_size=size)
    assert 0.97 * size < len(data) <= size
    with pytest.raises(calotype.UsageError, match="cannot be made in 40 bytes"):
        codec.encode(photo, target_size=40)
    with pytest.raises(calotype.UsageError, match="not both"):
        codec.encode(photo, target_size=size, quality=50)


@pytest.mark.parametrize("quality", (-1, 100.5, float("nan"), float("inf")))
def test_qualities_off_the_scale(codec, photo, quality):
    with pytest.raises(calotype.UsageError, match="quality"):
        codec.encode(photo, quality=quality)


def test_metadata(codec, photo):
    given = {"exif": b"II*\0\x08\0\0\0\0\0\0\0\0\0", "xmp": b"<x:xmpmeta/>", "cicp": (1, 13, 0, 1)}
    assert calotype.metadata(codec.encode(photo, **given)) == given
    assert calotype.metadata(codec.encode(photo)) == {}
    with pytest.raises(calotype.UsageError, match="icc takes bytes"):
        codec.encode(photo, icc="profile.icc")


def test_info(file):
    info = calotype.info(file)
    assert (info.width, info.height, info.channels, info.depth, info.bytes) == (130, 97, 3, 8, len(file))
    assert info.shape == [97, 130, 3] and len(info.model) == 16
    assert abs(info.bits_per_pixel - len(file) * 8 / (97 * 130)) < 1e-9
    assert repr(info).startswith("Info(width=130, height=97, channels=3, depth=8")


def test_info_of_the_first_bytes(file):
    assert calotype.info(file[: len(file) // 2]).width == 130


@pytest.mark.parametrize("cut", (0, 3, 20, -1))
def test_cut_files(codec, file, cut):
    with pytest.raises(calotype.MalformedError):
        codec.decode(file[:cut])


@pytest.mark.parametrize("data", (b"", b"\x89PNG\r\n\x1a\n", b"CALO", bytes(1000)))
def test_other_files(codec, data):
    with pytest.raises(calotype.MalformedError):
        codec.decode(data)


def test_every_changed_byte_is_noticed(codec, file):
    for at in range(0, len(file), max(1, len(file) // 60)):
        changed = bytearray(file)
        changed[at] ^= 0x40
        with pytest.raises(calotype.Error):
            codec.decode(changed)


@pytest.mark.parametrize("data", ("x.calo", None, 7))
def test_data_that_are_no_bytes(codec, data):
    with pytest.raises(calotype.UsageError, match="takes bytes"):
        codec.decode(data)


def test_limits(codec, file, photo):
    for limits in ({"max_pixels": 1000}, {"max_memory": 1000}):
        with pytest.raises(calotype.LimitError):
            codec.decode(file, **limits)
    with pytest.raises(calotype.LimitError):
        codec.encode(photo, max_memory=1000)


def test_errors_have_one_root():
    for name in ("MalformedError", "UsageError", "LimitError", "UnsupportedError", "EngineError"):
        assert issubclass(getattr(calotype, name), calotype.Error)
    assert issubclass(calotype.UsageError, ValueError) and not issubclass(calotype.EngineError, ValueError)


@pytest.mark.parametrize("arguments", ({"engine": "tpu"}, {"threads": 0}, {"threads": 10**6}, {"engine": "cpu", "adapter": "0"}))
def test_codecs_that_there_are_not(arguments):
    with pytest.raises(calotype.UsageError):
        calotype.Codec(**arguments)


def test_an_adapter_that_is_not_there():
    with pytest.raises(calotype.EngineError):
        calotype.Codec(engine="gpu", adapter="a GPU of this name")


def test_a_codec_says_what_it_is(codec):
    assert codec.engine == "cpu" and codec.threads == 2 and codec.device in repr(codec) and len(codec.model) == 16


def test_copies(codec, file):
    for other in (copy.copy(codec), copy.deepcopy(codec), pickle.loads(pickle.dumps(codec))):
        assert other.threads == 2 and np.array_equal(other.decode(file), codec.decode(file))


def test_many_threads(codec):
    images = [drawn(50 + i, 90) for i in range(8)]
    wanted = [codec.encode(image) for image in images]
    found = [None] * len(images)

    def work(i):
        found[i] = codec.encode(images[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == wanted


def test_another_thread_runs_meanwhile(codec):
    """The interpreter's lock is free while the codec works. Threads are not switched otherwise: the interval is longer than the test."""
    image, counts, begun, stop = drawn(1500, 2000), [0], threading.Event(), threading.Event()

    def count():
        while not stop.is_set():
            counts[0] += 1
            begun.set()
            time.sleep(0)  # gives the lock away

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e6)
    thread = threading.Thread(target=count)
    try:
        thread.start()
        begun.wait()
        assert any(counted_meanwhile(codec, image, counts) for _ in range(100))
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)


def counted_meanwhile(codec, image, counts):
    before = counts[0]
    codec.encode(image)
    return counts[0] > before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_forked_processes(codec, file):
    wanted = codec.decode(file).tobytes()
    calotype.decode(file)  # the codec of the functions, too
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for engine in (codec, None):
            assert pool.starmap(decoded_by, [(engine, file)] * 4) == [wanted] * 4
    assert codec.decode(file).tobytes() == wanted  # and the parent goes on


def decoded_by(codec, file):
    return (codec or calotype).decode(file).tobytes()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_uses_the_codec_it_was_born_with(codec, file):
    wanted = codec.decode(file)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(codec.decode(file), wanted) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_spawned_processes(codec, file):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(decoded_by, (codec, file)) == codec.decode(file).tobytes()
