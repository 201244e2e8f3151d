"""Memory is kept rather than given back and faulted in again."""

import platform
import subprocess
import sys

import pytest

from farnet.allocator import keep_freed_memory

COUNT_FAULTS = """
import resource, sys
import numpy as np
from farnet.allocator import keep_freed_memory
if "keep" in sys.argv:
    assert keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(1 << 22)  # 32 MiB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*arguments):
    found = subprocess.run(
        [sys.executable, "-c", COUNT_FAULTS, *arguments], capture_output=True, text=True, check=True, timeout=120
    )
    return int(found.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_page_faults_happen_once(monkeypatch):
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "LD_PRELOAD"):
        monkeypatch.delenv(name, raising=False)
    assert faults("keep") < 0.2 * faults()


def test_elsewhere_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False
