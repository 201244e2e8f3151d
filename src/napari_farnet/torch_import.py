"""Importing torch inside napari: without holding the viewer up, and without ending it.

Python loads a library while it holds the lock that every thread needs, and torch's are so large that the viewer would
hang for it. `preload_torch` loads them beforehand through a call that lets go of the lock.

What torch's import makes sets Python looking for cyclic garbage among all that napari has made, several times and each
time with the viewer standing still. `without_collections` keeps it from that until the import is over.

Mesa's software and AMD drivers put their LLVM among the global symbols of the process, triton's own LLVM binds to it,
and importing triton (which torchvision does by way of torch) ends napari with a segmentation fault. `without_triton`
keeps it out there. Nothing in detection needs it, and torch does without what cannot be imported.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["preload_torch", "without_collections", "without_triton"]

_MAPS = Path("/proc/self/maps")
_LIBRARIES = ("libtorch_global_deps.so", "libtorch.so")  # with all that they depend on; none of them is Python's


def preload_torch() -> int:
    """Load torch's libraries, if `import torch` would load them; to be called in the thread that imports it next.

    Returns:
        How many were loaded. None is needed: `import torch` loads what is not there, and says what is wrong with it.
    """
    if sys.platform != "linux" or "torch" in sys.modules:
        return 0
    import ctypes
    from importlib.util import find_spec

    torch = find_spec("torch")
    if torch is None or torch.origin is None:
        return 0
    dlopen = ctypes.CDLL(None).dlopen  # called through ctypes, it runs without Python's lock
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    files = [Path(torch.origin).with_name("lib") / name for name in _LIBRARIES]
    modes = (os.RTLD_NOW | os.RTLD_GLOBAL, os.RTLD_NOW | os.RTLD_LOCAL)  # as torch itself does
    return sum(bool(dlopen(os.fsencode(file), mode)) for file, mode in zip(files, modes, strict=True))


@contextmanager
def without_collections() -> Iterator[None]:
    """While this lasts, Python looks for no cyclic garbage, and what is made meanwhile counts as old afterwards."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if not gc.get_freeze_count():
                # Together they make everything old without looking at it; the next search would be the longest of all.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


@contextmanager
def without_triton() -> Iterator[None]:
    """While this lasts, triton is not importable if importing it would end the process; otherwise nothing changes."""
    if "triton" in sys.modules or not _has_shared_llvm():
        yield
        return
    sys.modules["triton"] = None  # type: ignore[assignment]  # Python's way to say that there is no such module
    try:
        yield
    finally:
        del sys.modules["triton"]


def _has_shared_llvm() -> bool:
    """Whether an LLVM that is a library of its own is loaded, as Mesa's is."""
    try:
        return "libLLVM" in _MAPS.read_text()
    except OSError:
        return False  # not Linux, and no Mesa
