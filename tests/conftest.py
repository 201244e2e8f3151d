"""Fixtures that the whole suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# Examples are checked, not timed: how long one takes says more of the machine than of the code.
settings.register_profile("farnet", deadline=None)
settings.load_profile("farnet")


@pytest.fixture
def rng():
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20150416)


@pytest.fixture(scope="session")
def data_root():
    """Folder of real radiographs: FARNET_DATA, or the one beside the checkout; without it the test is skipped."""
    folder = Path(os.environ.get("FARNET_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real radiographs in {folder}; set FARNET_DATA to a folder that holds them")
    return folder


@pytest.fixture(scope="session")
def isbi2015(data_root):
    """Folder of the ISBI 2015 cephalograms (RawImage and AnnotationsByMD)."""
    folder = data_root / "isbi2015"
    if not folder.is_dir():
        pytest.skip(f"no ISBI 2015 cephalograms in {folder}")
    return folder


@pytest.fixture(scope="session")
def spineweb16(data_root):
    """Folder of the spines of SpineWeb 16 (data and labels)."""
    folder = data_root / "spineweb16"
    if not folder.is_dir():
        pytest.skip(f"no SpineWeb 16 spines in {folder}")
    return folder
