import numpy as np
import pytest

from farnet.identity import RadiographId
from farnet.landmarks import Landmarks
from farnet.radiograph import Radiograph
from farnet.scheme import load_scheme

NAMED = RadiographId("lateral.png", shape=(100, 80))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (RadiographId("a", file_sha256="1"), RadiographId("b", file_sha256="1"), "same"),
        (RadiographId("a", file_sha256="1"), RadiographId("a", file_sha256="2"), "other"),
        (RadiographId("a", "1", "p"), RadiographId("b", "2", "p"), "same"),  # saved in another format
        (RadiographId("a", "1", "p"), RadiographId("a", "1", "q"), "same"),  # read by another version
        (RadiographId("a", "1", "p"), RadiographId("a", "2", "q"), "other"),
        (RadiographId("a", "1"), RadiographId("a", None, "p"), "unproved"),
        (NAMED, RadiographId("scans/LATERAL.jpg", shape=(100, 80)), "unproved"),
        (NAMED, RadiographId("lateral", shape=(100, 81)), "other"),
        (NAMED, RadiographId("other", shape=(100, 80)), "other"),
        (NAMED, RadiographId(), "unproved"),
    ],
)
def test_rule_for_the_same(first, second, expected):
    assert first.compare(second) == second.compare(first) == expected


def test_identity_of_radiographs_and_their_landmarks_agree(rng):
    scheme = load_scheme("cephalometric19")
    radiograph = Radiograph.from_array(rng.integers(0, 255, (40, 30), np.uint8), name="lateral")
    known = RadiographId.of(radiograph)
    landmarks = Landmarks(
        rng.uniform(0, 30, (19, 2)), scheme, radiograph="x", provenance={"pixels_sha256": known.pixels_sha256}
    )
    assert landmarks.identity.compare(known) == "same"
    assert landmarks.replace(provenance={"pixels_sha256": 7}).identity.pixels_sha256 is None
