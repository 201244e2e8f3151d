"""Labels that are landmarks of no scheme: a person says which they are."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qtpy.QtWidgets import QDialogButtonBox

from farnet.errors import AnnotationError, SchemeError, UnknownNameError
from farnet.scheme import bundled_schemes, load_scheme
from napari_farnet import labels_dialog
from napari_farnet.labels_dialog import LabelsDialog

PLUGIN = "napari-farnet"
LABELS = [f"l{number}" for number in range(1, 20)]


@pytest.fixture
def dialog(qtbot):
    made = LabelsDialog("<b>theirs</b>.json", LABELS[::-1], [load_scheme(name) for name in bundled_schemes()])
    qtbot.addWidget(made)
    return made


@pytest.fixture
def file(tmp_path):
    shapes = [
        {"label": label, "points": [[10.0 + number, 20.0]], "shape_type": "point"}
        for number, label in enumerate(LABELS)
    ]
    content = {"version": "5", "shapes": shapes, "imagePath": "a.png", "imageHeight": 100, "imageWidth": 80}
    (tmp_path / "a.json").write_text(json.dumps(content))
    return tmp_path / "a.json"


def can_open(dialog):
    return dialog.buttons.button(QDialogButtonBox.StandardButton.Open).isEnabled()


def test_labels_in_order_are_counted_as_people_count(dialog):
    assert not can_open(dialog)
    dialog.in_order.click()
    assert can_open(dialog)
    scheme, labels = dialog.answer
    assert scheme.name == "cephalometric19"
    assert labels == dict(zip(LABELS, scheme.names, strict=True))
    dialog.boxes[0].setCurrentIndex(1)  # a second Sella
    assert not can_open(dialog)


def test_another_scheme(dialog):
    dialog.scheme.setCurrentIndex(list(bundled_schemes()).index("hand37"))
    assert dialog.answer.scheme.name == "hand37"
    assert not can_open(dialog)


def test_labels_from_a_table(dialog, tmp_path):
    (tmp_path / "map.csv").write_text("label,landmark\nL1,N\nl2,Sella\nl3,\nother,Menton\n")
    dialog.fill_from(tmp_path / "map.csv")
    assert {label: name for label, name in dialog.answer.labels.items() if name} == {"l1": "Nasion", "l2": "Sella"}
    (tmp_path / "wrong.csv").write_text("l1,Kneecap\n")
    with pytest.raises(UnknownNameError):
        dialog.fill_from(tmp_path / "wrong.csv")
    (tmp_path / "wrong.csv").write_text("nothing\n")
    with pytest.raises(AnnotationError):
        dialog.fill_from(tmp_path / "wrong.csv")


def test_a_dropped_file_asks_and_opens(make_napari_viewer_proxy, plugin, file, monkeypatch):
    viewer = make_napari_viewer_proxy()
    with pytest.raises(SchemeError, match="l1"):  # there is no window to ask in
        viewer.open(file, plugin=PLUGIN)
    scheme = load_scheme("cephalometric19")
    answer = labels_dialog.Answer(scheme, dict(zip(LABELS, scheme.names, strict=True)) | {"l19": ""})
    monkeypatch.setattr(labels_dialog, "ask_labels", lambda *_: answer)
    (layer,) = viewer.open(file, plugin=PLUGIN)
    assert layer.features["name"].tolist() == list(scheme.names[:18])
    np.testing.assert_allclose(np.diff(layer.data[:, 1]), 1.0)
