"""The table of keys: what is bound, what the guide says, and what is left to napari."""

from __future__ import annotations

import re

from napari.layers import Points

from napari_farnet.correct.shortcuts import SHORTCUTS, bind_keys, key_of, unbind_keys
from napari_farnet.ui.help import GUIDE

NAPARIS = {"1", "2", "3", "4", "5", "A", "P", "S", "Z", "V", "Delete", "Backspace", "Left", "Right", "Space"}


def test_each_key_calls_its_action():
    layer, called = Points([[0.0, 0.0]]), []
    bind_keys(layer, {item.action: lambda item=item: called.append(item.action) for item in SHORTCUTS})
    for function in layer.keymap.values():
        function(layer)
    assert sorted(called) == sorted(item.action for item in SHORTCUTS)
    unbind_keys(layer)
    assert not layer.keymap


def test_napari_keeps_its_keys():
    assert not NAPARIS & {item.key for item in SHORTCUTS}
    assert len({item.key for item in SHORTCUTS}) == len(SHORTCUTS)


def test_the_guide_lists_every_key():
    page = (GUIDE / "correct.md").read_text(encoding="utf-8")
    listed = {
        key.strip() for keys in re.findall(r"^\| ([^|]+) \| [^|]+ \|$", page, re.MULTILINE) for key in keys.split(",")
    }
    assert {item.shown for item in SHORTCUTS} <= listed
    assert key_of("accept") == "Y"
