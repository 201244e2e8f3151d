"""Memory is kept rather than given back and faulted in again."""

import json
import platform
import subprocess
import sys

import pytest

from farnet.allocator import keep_freed_memory, release_freed_memory

MIB = 1 << 20
PROBE = """
import ctypes, json, sys
import numpy as np
from farnet.allocator import keep_freed_memory, release_freed_memory

class Information(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Information
if sys.argv[1] == "keep":
    assert keep_freed_memory()
block = np.ones(1 << 23)  # 64 MiB
mapped = mallinfo().hblkhd
del block
kept = mallinfo().arena
blocks = [np.ones(1 << 20) for _ in range(8)]  # 8 MiB each; the last keeps the heap from being cut at its end
del blocks[:-1]
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
before = resident()
released = sys.argv[1] == "keep" and release_freed_memory()
print(json.dumps({"mapped": mapped, "kept": kept, "released": released, "freed": before - resident()}))
"""


def probe(setting):
    found = subprocess.run(
        [sys.executable, "-c", PROBE, setting], capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(found.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_large_blocks_come_from_memory_that_stays(monkeypatch):
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "LD_PRELOAD"):
        monkeypatch.delenv(name, raising=False)
    default, keep = probe("default"), probe("keep")
    assert default["mapped"] >= 64 * MIB and keep["mapped"] < 64 * MIB
    assert default["kept"] < 64 * MIB and keep["kept"] >= 64 * MIB
    assert keep["released"] and keep["freed"] >= 40 * MIB


def test_elsewhere_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False
    assert release_freed_memory() is False
