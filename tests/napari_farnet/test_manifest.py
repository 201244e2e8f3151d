"""The manifest: valid, light to import, and telling the same as the code."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_farnet
from napari_farnet.settings import Settings, load_settings

FILE = Path(napari_farnet.__file__).with_name("napari.yaml")
MANIFEST = PluginManifest.from_file(str(FILE))
MODULES = sorted({command.python_name.partition(":")[0] for command in MANIFEST.contributions.commands})
HEAVY = (
    "torch",
    "torchvision",
    "triton",
    "lightning",
    "scipy",
    "pandas",
    "matplotlib",
    "pydicom",
    "SimpleITK",
    "skimage",
)


def test_it_is_seen_at_the_top_of_the_repository():
    link = Path(__file__).parents[2] / "napari.yaml"
    assert link.is_symlink()
    assert link.samefile(FILE)


@pytest.mark.parametrize("command", MANIFEST.contributions.commands, ids=lambda command: command.id)
def test_every_command_is_there(command):
    module, _, name = command.python_name.partition(":")
    assert callable(getattr(__import__(module, fromlist=[name]), name))
    assert command.id.startswith(f"{MANIFEST.name}.")


@pytest.mark.parametrize("module", MODULES)
def test_importing_what_it_names_is_light(module):
    before = "import napari, qtpy.QtWidgets" if module.endswith(".dock") else "import numpy"
    probe = (
        f"import json, sys; {before}; before = set(sys.modules); import {module}; "
        f"print(json.dumps([name for name in {HEAVY} if name in set(sys.modules) - before]))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("module", [name for name in MODULES if not name.endswith(".dock")])
def test_only_docks_need_qt_or_napari(module):
    probe = f"import sys, {module}; assert not {{'napari', 'qtpy', 'PyQt6'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_opening_napari_imports_nothing_of_it():
    probe = (
        "import sys; from npe2 import PluginManager, PluginManifest; "
        f"PluginManager.instance().register(PluginManifest.from_file({str(FILE)!r})); "
        "assert not [name for name in sys.modules if name.startswith(('napari_farnet.', 'farnet'))]"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_pictures_are_left_to_napari():
    patterns = {pattern for reader in MANIFEST.contributions.readers for pattern in reader.filename_patterns}
    assert not patterns & {"*", "*.png", "*.jpg", "*.jpeg", "*.bmp", "*.tif", "*.tiff"}


def test_dicom_and_itk_files_are_all_claimed():
    from farnet.radiograph import RADIOGRAPH_SUFFIXES

    pictures = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
    (reader,) = (r for r in MANIFEST.contributions.readers if r.command == "napari-farnet.read_radiograph")
    assert set(reader.filename_patterns) == {f"*{ending}" for ending in RADIOGRAPH_SUFFIXES if ending not in pictures}


def test_configurations_have_the_defaults_of_the_settings():
    in_manifest = {
        name: item.default
        for category in MANIFEST.contributions.configurations.values()
        for name, item in category.properties.items()
    }
    assert in_manifest == {field.name: field.default for field in fields(Settings)}


def test_settings_of_the_user_count(plugin):
    from napari.settings import get_plugin_settings

    assert load_settings() == Settings()
    stored = get_plugin_settings("napari-farnet")
    stored.detection.heatmaps = "each"
    stored.display.label_size = 14
    assert load_settings() == Settings(heatmaps="each", label_size=14)


def test_without_the_plugin_the_defaults_count(plugin_settings):
    assert load_settings() == Settings()


def test_with_an_older_napari_the_defaults_count(monkeypatch):
    import napari.settings

    monkeypatch.delattr(napari.settings, "get_plugin_settings")
    assert load_settings() == Settings()


def test_sample(plugin):
    from napari.components import ViewerModel

    from farnet.samples import average_cephalogram

    radiograph, _ = average_cephalogram()
    (layer,) = ViewerModel().open_sample("napari-farnet", "average_cephalogram")
    assert layer.name == "Average cephalogram"
    assert layer.data.shape == radiograph.shape
    assert tuple(layer.scale) == radiograph.spacing
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 2
