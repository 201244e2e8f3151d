from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import farnet

HEAVY = {"torch", "scipy", "pandas", "matplotlib", "pydicom", "lightning", "napari", "qtpy", "SimpleITK", "tifffile"}
LIGHT = (
    "farnet",
    "farnet.atomic",
    "farnet.datasets.isbi2015",
    "farnet.errors",
    "farnet.formats",
    "farnet.landmarks",
    "farnet.radiograph",
    "farnet.scheme",
)


@pytest.mark.parametrize("name", farnet.__all__)
def test_every_public_name_is_there(name):
    assert getattr(farnet, name) is getattr(farnet, name)
    assert name in dir(farnet)


def test_names_for_type_checkers_are_the_names_at_run_time():
    tree = ast.parse(Path(farnet.__file__).read_text(encoding="utf-8"))
    typed = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == farnet._HOME
    assert sorted([*typed, "__version__"]) == sorted(farnet.__all__)


def test_version_is_that_of_the_distribution():
    assert farnet.__version__ == importlib.metadata.version("napari-farnet")


def test_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'detect_all'"):
        _ = farnet.detect_all


def test_foundation_imports_nothing_heavy():
    code = f"import sys, {', '.join(LIGHT)}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(run.stdout.split())
