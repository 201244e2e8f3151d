"""Every model in the package: small, honest about itself, and finding what it is for on a real radiograph."""

import json
import re

import numpy as np
import pytest

from farnet.datasets.hand_atlas import HandAtlas
from farnet.datasets.isbi2015 import ISBI2015
from farnet.datasets.spineweb16 import SpineWeb16
from farnet.detection import Detector
from farnet.zoo import list_models

BUNDLED = [entry for entry in list_models() if entry.bundled]


@pytest.fixture(scope="module")
def radiographs(data_root):
    """By model: a radiograph, its true landmarks, and how far the points may be on average, in px of the radiograph.

    That of the head and that of the spine were not trained on; of hands there are no others.
    """
    head, spine = ISBI2015(data_root / "isbi2015", "test1"), SpineWeb16(data_root / "spineweb16", "test50")
    hand = HandAtlas(data_root / "hand_atlas", "all")
    return {
        "ceph19-compact": (head.radiograph(1), head.landmarks(1), 20.0),
        "spine68-compact": (spine.radiograph(0), spine.landmarks(0), 60.0),
        "hand37-compact": (hand.radiograph(0), hand.landmarks(0), 15.0),
    }


def test_these_are_there():
    assert [entry.name for entry in BUNDLED] == ["ceph19-compact", "hand37-compact", "spine68-compact"]


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.name)
def test_the_card_is_whole_and_the_file_small(entry):
    about = entry.metadata
    assert entry.path.stat().st_size <= 12_000_000
    assert "not for diagnosis" in about.intended_use
    assert about.title and about.description and about.licence and about.evaluation and about.typical_points is not None
    assert about.training["command"].startswith("farnet train --data ")
    text = json.dumps(about.model_dump(mode="json"))
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|work|Users)\b", text)


@pytest.mark.parametrize("name", [entry.name for entry in BUNDLED])
def test_it_finds_what_it_is_for_and_knows_what_it_is_not_for(name, radiographs):
    detector = Detector(name, "cpu")
    radiograph, truth, limit = radiographs[name]
    found = detector.detect(radiograph)
    errors = np.linalg.norm(found.landmarks.points - truth.points, axis=1)
    assert errors.mean() < limit and not found.familiarity.unlike
    for other, (strange, _, _) in radiographs.items():
        if other != name:
            assert detector.detect(strange).familiarity.unlike, other
