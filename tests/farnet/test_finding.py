"""Radiographs are found by what is in their files."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from farnet.errors import InvalidInputError
from farnet.finding import RadiographFinder
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")


def of_file(file, name=None):
    """Landmarks that record a file."""
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return Landmarks(np.ones((19, 2)), SCHEME, radiograph=name or file.stem, image_sha256=sha256)


@pytest.mark.parametrize("alike", [False, True])
def test_no_file_is_read_twice_however_many_there_are(tmp_path, monkeypatch, alike):
    files = []
    for number in range(300):
        file = tmp_path / ("lateral.png" if alike else f"{number}.png")
        file = tmp_path / f"{number}" / "lateral.png" if alike else file
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(f"content {number}".encode())
        files.append(file)
    items = [of_file(file) for file in files]
    missing = [item.replace(image_sha256=f"{number:064x}") for number, item in enumerate(items)]
    renamed = [item.replace(radiograph="renamed") for item in items]
    finder, opened = RadiographFinder([tmp_path]), Counter()
    plain = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: opened.update([self]) or plain(self, *a, **k))
    assert [finder.find(item) for item in items] == files
    for item in missing:
        with pytest.raises(InvalidInputError, match="is not that in which"):
            finder.find(item)
    assert [finder.find(item) for item in renamed] == files
    assert set(opened.values()) == {1}


def test_of_equal_files_the_namesake_is_taken(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(b"the same")
    finder = RadiographFinder([tmp_path])
    for name in ("c", "a", "b", "B.PNG", "scans/b"):
        found = finder.find(of_file(tmp_path / "a.png", name))
        assert found.stem == Path(name.lower()).stem
