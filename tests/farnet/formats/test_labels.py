"""Label maps: what a table says, and that every format follows it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.errors import AnnotationError, SchemeError
from farnet.formats import LabelMap, read_annotations, read_labels

from .made_up import SCHEME
from .test_missing import aariz, coco, coco_one_each, labelme, table

LABELS = {f"l{k + 1}": name for k, name in enumerate(SCHEME.names)}


@pytest.mark.parametrize(
    "text", ["label,landmark\nl1,Sella\nl2, N\n", "l1;Sella\r\nl2;N\r\n\r\n", "Label\tLandmark\nl1\tSella\nl2\tN"]
)
def test_a_table_of_two_columns(tmp_path, text):
    (tmp_path / "map.csv").write_text(text)
    assert dict(read_labels(tmp_path / "map.csv")) == {"l1": "Sella", "l2": "N"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("l1,Sella\nl2\n", "line 2: 'l2' is no row"),
        ("l1,Sella,x\n", "no row of a label map"),
        (",Sella\n", "no row of a label map"),
        ("l1,Sella\nl1,N\n", "line 2: the label 'l1' is there twice"),
        ("l1,Sella\nL1,N\n", "stands for 'Sella' and for 'N'"),
        ("l1,\n", "maps no label"),
        ("label,landmark\n", "maps no label"),
        ("", "is empty"),
    ],
)
def test_what_is_no_map(tmp_path, text, message):
    (tmp_path / "map.csv").write_text(text)
    with pytest.raises(AnnotationError, match=message):
        read_labels(tmp_path / "map.csv")


@given(st.dictionaries(st.integers(0, 999).map("l{}".format), st.sampled_from(SCHEME.names), min_size=1))
def test_labels_are_found_as_landmarks_are(landmarks):
    labels = LabelMap(landmarks)
    assert len(labels) == len(landmarks)
    for label, landmark in landmarks.items():
        assert labels[label.upper()] == labels[f" {label} "] == landmark


def with_labels(file, labels):
    """Write other names into a file."""
    text = file.read_text()
    for label, name in labels.items():
        for old in (name, SCHEME.abbreviations[SCHEME.index(name)]):
            text = text.replace(json.dumps(old), json.dumps(label)).replace(f",{old},", f",{label},")
    file.write_text(text)
    return file


@pytest.mark.parametrize("make", [table, coco, coco_one_each, labelme, aariz])
class TestEveryFormat:
    def test_names_of_its_own_are_refused_without_a_map_and_read_with_it(self, tmp_path, make):
        expected = read_annotations(make(tmp_path, 40, 50))[0]
        file = with_labels(make(tmp_path, 40, 50), LABELS)
        with pytest.raises((SchemeError, AnnotationError)):
            read_annotations(file)
        (found,) = read_annotations(file, labels=LABELS)
        assert found.equals(expected)
        np.testing.assert_array_equal(found.points[3], expected.points[3])

    def test_a_label_without_a_landmark_is_left_out(self, tmp_path, make):
        file = with_labels(make(tmp_path, 40, 50), LABELS)
        (found,) = read_annotations(file, labels=LABELS | {"l4": ""})
        assert np.flatnonzero(~found.present).tolist() == [3]
