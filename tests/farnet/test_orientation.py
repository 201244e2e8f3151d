"""Mirror images and inverses, and the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.detection import Detector
from farnet.errors import UnknownNameError
from farnet.frame import Frame
from farnet.orientation import VIEWS, View, brought_back, mirrored_frame
from farnet.radiograph import Radiograph
from farnet.samples import average_cephalogram


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_views_show_the_same_picture_otherwise(rng, dtype):
    pixels = rng.integers(7, 200, (30, 20)).astype(dtype)
    radiograph = Radiograph(pixels, spacing=(0.1, 0.2), name="r")
    both = View(mirrored=True, inverted=True)
    assert str(both) == "mirrored and inverted" and str(View()) == "as it is"
    np.testing.assert_array_equal(View(mirrored=True).of(radiograph).pixels, pixels[:, ::-1])
    inverse = View(inverted=True).of(radiograph).pixels
    assert inverse.dtype == dtype and (inverse.min(), inverse.max()) == (pixels.min(), pixels.max())
    np.testing.assert_array_equal(inverse.astype(int) + pixels.astype(int), int(pixels.min()) + int(pixels.max()))
    for view in VIEWS:
        seen = view.of(radiograph)
        assert (seen.spacing, seen.name) == (radiograph.spacing, "r")
        np.testing.assert_array_equal(view.of(seen).pixels, pixels)


@given(
    st.tuples(st.integers(20, 300), st.integers(20, 300)),
    st.sampled_from(["stretch", "letterbox"]),
    st.one_of(st.none(), st.tuples(st.integers(-9, 9), st.integers(-9, 9), st.integers(5, 99), st.integers(5, 99))),
)
def test_a_mirrored_frame_maps_mirrored_points(shape, mode, crop):
    frame = Frame.fit(shape, (64, 96), mode, crop=crop)
    there = mirrored_frame(frame)
    points = np.array([[0.0, 0.0], [3.5, 7.25], [shape[0] - 1.0, shape[1] - 1.0]])
    flipped = np.stack([points[:, 0], shape[1] - 1 - points[:, 1]], axis=1)
    expected = frame.to_network(points)
    expected[:, 1] = 95 - expected[:, 1]
    np.testing.assert_allclose(there.to_network(flipped), expected, atol=1e-9)
    assert mirrored_frame(there) == frame


@pytest.fixture(scope="module")
def detector():
    return Detector(device="cpu", orient="auto")


@pytest.fixture(scope="module")
def as_is(detector):
    return detector.detect(average_cephalogram()[0])


class TestDetector:
    """The bundled model on the sample radiograph, seen the wrong way round."""

    def test_a_familiar_radiograph_is_looked_at_as_it_is(self, as_is):
        assert not as_is.familiarity.unlike
        assert not {"orientation", "unlike_training"} & as_is.landmarks.provenance.keys()

    def test_a_mirrored_radiograph(self, detector, as_is):
        radiograph = average_cephalogram()[0]
        found = detector.detect(View(mirrored=True).of(radiograph), heatmaps=True)
        assert found.landmarks.provenance["orientation"] == "mirrored"
        assert not found.familiarity.unlike
        width = radiograph.shape[1]
        expected = np.stack([as_is.landmarks.points[:, 0], width - 1 - as_is.landmarks.points[:, 1]], axis=1)
        np.testing.assert_allclose(found.landmarks.points, expected, atol=1e-6)
        # Heatmaps and covariance go with the points.
        assert found.heatmaps is not None
        peaks = np.array([np.unravel_index(m.argmax(), m.shape) for m in found.heatmaps])
        assert np.abs(found.frame.to_network(found.landmarks.points) - peaks).max() < 2.0
        np.testing.assert_allclose(found.landmarks.covariance[:, 0, 1], -as_is.landmarks.covariance[:, 0, 1], atol=1e-6)
        assert found.landmarks.provenance["pixels_sha256"] == View(mirrored=True).of(radiograph).pixels_sha256()

    def test_an_inverted_radiograph(self, detector, as_is):
        found = detector.detect(View(inverted=True).of(average_cephalogram()[0]))
        assert found.landmarks.provenance["orientation"] == "inverted"
        np.testing.assert_allclose(found.landmarks.points, as_is.landmarks.points, atol=0.2)

    def test_another_picture_is_unlike_in_every_view(self, detector):
        rows, columns = np.mgrid[:400, :300]
        pixels = (100 + 80 * np.sin(rows / 17) * np.cos(columns / 23)).astype(np.uint8)
        found = detector.detect(Radiograph.from_array(pixels))
        assert found.familiarity.unlike
        assert found.landmarks.provenance["unlike_training"] == list(found.familiarity.reasons)

    def test_without_auto_it_is_only_told(self, as_is):
        found = Detector(device="cpu").detect(View(mirrored=True).of(average_cephalogram()[0]))
        assert found.familiarity.unlike
        assert "orientation" not in found.landmarks.provenance

    def test_an_orientation_that_there_is_not(self):
        with pytest.raises(UnknownNameError, match="as-is"):
            Detector(orient="sideways")


def test_what_was_not_mirrored_is_left_alone():
    detection = object()
    assert brought_back(detection, View(inverted=True)) is detection
