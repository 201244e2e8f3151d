"""triton is kept away only where it would end the process."""

from __future__ import annotations

import importlib
import sys

import pytest

from napari_farnet import without_triton as module
from napari_farnet.without_triton import without_triton


@pytest.fixture
def maps(monkeypatch, tmp_path):
    """Pretends that the libraries written into it are loaded, and that triton is not yet."""
    file = tmp_path / "maps"
    monkeypatch.setattr(module, "_MAPS", file)
    monkeypatch.delitem(sys.modules, "triton", raising=False)
    return file


def test_beside_mesa_triton_cannot_be_imported(maps):
    maps.write_text("7f00 r-xp /usr/lib/x86_64-linux-gnu/libLLVM-15.so.1\n")
    with without_triton(), pytest.raises(ImportError):
        importlib.import_module("triton")
    assert "triton" not in sys.modules


def test_it_is_importable_again_after_an_error(maps):
    maps.write_text("7f00 r-xp /usr/lib/x86_64-linux-gnu/libLLVM-15.so.1\n")
    with pytest.raises(RuntimeError), without_triton():
        raise RuntimeError
    assert "triton" not in sys.modules


@pytest.mark.parametrize("content", ["7f00 r-xp /usr/lib/x86_64-linux-gnu/libc.so.6\n", None])
def test_elsewhere_nothing_changes(maps, content):
    if content is not None:
        maps.write_text(content)
    with without_triton():
        assert "triton" not in sys.modules


def test_a_triton_that_is_there_stays(maps, monkeypatch):
    maps.write_text("7f00 r-xp /usr/lib/x86_64-linux-gnu/libLLVM-15.so.1\n")
    already = object()
    monkeypatch.setitem(sys.modules, "triton", already)
    with without_triton():
        assert sys.modules["triton"] is already
    assert sys.modules["triton"] is already
