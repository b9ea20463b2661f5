"""Settings that a training process needs on CPUs; each was measured (docs/DECISIONS.md). Import before torch."""

import ctypes
import os
import sys
import time

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # malloc.h


def set_thread_defaults():
    """Waiting OpenMP threads give up soon: by default they spin for milliseconds, and one other busy process then costs a factor of ten."""
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")


def keep_heap():
    """Stop glibc from giving memory back between steps: the page faults of fresh memory cost a tenth of a step."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:  # musl has none
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)
        mallopt(M_TOP_PAD, 256 << 20)


def bfloat16_is_faster():
    """Whether this processor multiplies matrices faster in bfloat16 than in float32: some do so at twice the rate, some at half of it."""
    import torch

    def seconds(dtype):
        a, b = torch.ones(3072, 128, dtype=dtype), torch.ones(128, 256, dtype=dtype)
        times = []
        for _ in range(6):
            begin = time.perf_counter()
            a @ b
            times.append(time.perf_counter() - begin)
        return min(times)

    return seconds(torch.bfloat16) < seconds(torch.float32)
