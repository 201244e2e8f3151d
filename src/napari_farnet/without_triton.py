"""Imports that survive beside Mesa.

Mesa's software and AMD drivers put their LLVM among the global symbols of the process, triton's own LLVM binds to it,
and importing triton (which torchvision does by way of torch) ends napari with a segmentation fault. Nothing here needs
triton: torch does without it where it cannot be imported.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["without_triton"]

_MAPS = Path("/proc/self/maps")


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
