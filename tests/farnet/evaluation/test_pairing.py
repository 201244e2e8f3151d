"""Predictions meet their references by name, and nothing is dropped in silence."""

import numpy as np
import pytest

from farnet.errors import AnnotationError
from farnet.evaluation import pair_landmarks
from farnet.identity import radiograph_key
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme

SCHEME = LandmarkScheme("one", "One landmark", (LandmarkDefinition("Point", "P"),))


def of(*names):
    return [Landmarks(np.full((1, 2), float(i)), SCHEME, radiograph=name) for i, name in enumerate(names)]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("151", "151"),
        ("scans/151.JPG", "151"),
        ("C:\\scans\\Patient.nii.gz", "patient"),
        ("1.2.840.113", "1.2.840.113"),
        (".png", ".png"),
        ("", ""),
    ],
)
def test_names_are_compared_without_folder_ending_and_case(name, key):
    assert radiograph_key(name) == key


def test_pairs_come_in_the_order_of_the_references():
    pairing = pair_landmarks(of("c.png", "a.png", "b.png"), of("a", "b", "c"))
    assert [p.radiograph for p in pairing.predictions] == ["a.png", "b.png", "c.png"]
    assert [r.radiograph for r in pairing.references] == ["a", "b", "c"]
    pairing.require_complete()


def test_what_has_no_counterpart_is_named():
    pairing = pair_landmarks(of("a", "x"), of("a", *(f"only{i}" for i in range(7))))
    assert pairing.only_predicted == ("x",)
    assert len(pairing.only_referenced) == 7
    with pytest.raises(AnnotationError, match=r"7 have a reference but no prediction \(only0, .* and 2 more\).*\(x\)"):
        pairing.require_complete()


@pytest.mark.parametrize(
    ("predictions", "references", "message"),
    [
        (of("a", "A.png"), of("a"), r"'A.png' occurs twice among the predictions"),
        (of("a"), of("a", ""), "references names no radiograph"),
        (of("a"), of("b"), "no radiograph in common: the predictions are of a, the references of b"),
        ([], of("b"), "predictions are of none"),
    ],
)
def test_ambiguous_or_disjoint_names_are_refused(predictions, references, message):
    with pytest.raises(AnnotationError, match=message):
        pair_landmarks(predictions, references)
