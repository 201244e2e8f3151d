"""torch is imported gently, and triton kept away only where it would end the process."""

from __future__ import annotations

import gc
import importlib
import json
import subprocess
import sys

import pytest

from napari_farnet import torch_import as module
from napari_farnet.torch_import import preload_torch, without_collections, without_triton


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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch is imported as usual")
def test_torch_finds_its_libraries_loaded():
    probe = (
        "import json, sys; from napari_farnet.torch_import import preload_torch; loaded = preload_torch(); "
        "before = 'libtorch_cpu' in open('/proc/self/maps').read(); early = 'torch' in sys.modules; import torch; "
        "print(json.dumps([loaded, before, early, preload_torch(), torch.ones(3).sum().item()]))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [2, True, False, 0, 3.0]


def test_without_torch_nothing_happens(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert preload_torch() == 0


def test_detecting_with_the_default_preset_imports_no_triton(tmp_path):
    probe = (
        "import sys; from farnet.training.config import load_preset; from farnet.networks import build_network; "
        "from farnet.networks.inference import optimise; import farnet.detection, torch; "
        "optimise(build_network(load_preset('compact').network).eval())(torch.zeros(1, 3, 64, 64)); "
        "from farnet.frame import Frame; import numpy as np; "
        "Frame.fit((90, 80), (64, 64)).resample(np.zeros((90, 80), np.uint8)); "
        "assert not {'triton', 'torchvision'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_no_collection_while_importing_and_none_of_it_afterwards():
    collections = []

    def note(phase, info):
        if phase == "stop":
            collections.append(info["generation"])

    gc.callbacks.append(note)
    try:
        with without_collections():
            kept = [[index] for index in range(100_000)]
            during = len(collections)
        assert gc.isenabled() and len(kept) == 100_000
        assert during == 0 and gc.get_count()[0] < 10_000 and gc.get_freeze_count() == 0
    finally:
        gc.callbacks.remove(note)


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with without_collections():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_is_on_again_after_an_error():
    with pytest.raises(RuntimeError), without_collections():
        raise RuntimeError
    assert gc.isenabled()
