"""Settings that a training process needs on CPUs; each was measured (docs/DECISIONS.md). Import before torch."""

import ctypes
import os
import sys

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
