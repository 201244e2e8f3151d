"""Keep glibc's allocator from handing large tensors back to the system and faulting them in again.

By default glibc maps every large block afresh and unmaps it when freed, so that a training step on the CPU spends most
of its time in page faults. Telling malloc to keep and reuse freed memory removes that; `benchmarks/allocator.py`
measures it. The setting is for the whole process and memory is returned when the process ends, so it is made by the
command line's training and by nothing else: not on import, never inside napari. Between the parts of a training, whose
tensors are of other sizes, what is free is handed back once, or the parts would add up.
"""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_freed_memory", "release_freed_memory"]

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST = 2**31 - 1  # mallopt takes an int
_LARGEST_BEFORE = 2**25  # what older versions take for the mapping threshold at most


def keep_freed_memory() -> bool:
    """Make malloc keep freed memory; True if it could be told (glibc), False elsewhere (nothing is changed)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
        ctypes.CDLL(None).gnu_get_libc_version  # noqa: B018 - AttributeError where the C library is not glibc
    except AttributeError:
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    mapped = any(mallopt(_M_MMAP_THRESHOLD, size) for size in (_LARGEST, _LARGEST_BEFORE))
    return mapped and bool(mallopt(_M_TRIM_THRESHOLD, _LARGEST))


def release_freed_memory() -> bool:
    """Hand free memory back to the system, whatever the settings; True if any was (glibc), False elsewhere."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except AttributeError:
        return False
    trim.argtypes, trim.restype = (ctypes.c_size_t,), ctypes.c_int
    return bool(trim(0))
