"""Licences of what the project needs."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def listing():
    spec = importlib.util.spec_from_file_location("list_licences", ROOT / "scripts" / "list_licences.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_in_the_base_is_under_gpl(listing):
    names = listing.closure(listing.direct()["base"])
    assert {"numpy", "torch", "pydicom", "imagecodecs"} <= names
    assert [name for name in names if listing.is_strong_copyleft(listing.licence(name))] == []


@pytest.mark.parametrize(
    ("stated", "strong"),
    [
        ("GPL-3.0-or-later", True),
        ("GPL-3.0-only", True),
        ("AGPL-3.0", True),
        ("GNU General Public License v3", True),
        ("LGPL-3.0", False),
        ("MIT or GPL-3.0", False),
        ("BSD-3-Clause", False),
    ],
)
def test_what_counts_as_gpl(listing, stated, strong):
    assert listing.is_strong_copyleft(stated) == strong


def test_every_dependency_is_on_the_page(listing):
    rows = [line.split("|")[1].strip() for line in PAGE.splitlines() if line.startswith("| ")]
    for wanted in listing.direct().values():
        assert [one.name for one in wanted if one.name not in rows] == []


def test_the_page_says_what_the_packages_say(listing):
    for line in listing.table()[2:]:
        name, _, stated = (cell.strip() for cell in line.strip("|").split("|"))
        if stated != "not installed here":
            assert metadata.version(name)
            assert f"| {name} |" in PAGE
            assert listing.is_strong_copyleft(stated) is False
