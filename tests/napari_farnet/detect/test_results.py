"""What a detection says about itself."""

from __future__ import annotations

import numpy as np
import pytest

from farnet.frame import Frame
from napari_farnet.detect.results import summary
from napari_farnet.detect.workers import DetectionResult


@pytest.fixture
def result_of(radiograph):
    def make(*landmarks):
        return DetectionResult(landmarks, None, Frame.fit(radiograph.shape, (64, 48)), "cpu", 1.26)

    return make


def test_one_radiograph(result_of, radiograph, landmarks_on):
    text = summary(result_of(landmarks_on(radiograph)))
    assert text == "19 landmarks in 1.3 s on cpu.\nLeast certain: Articulare (confidence 0.40, ± 0.4 mm)."


def test_without_spacing_in_pixels(result_of, radiograph, landmarks_on):
    assert "± 2.5 px" in summary(result_of(landmarks_on(radiograph).replace(spacing=None)))


def test_what_was_not_found_is_named(result_of, radiograph, landmarks_on):
    text = summary(result_of(landmarks_on(radiograph, absent=(0, 18))))
    assert "17 landmarks" in text
    assert "Not found: Sella, Articulare." in text
    assert "Least certain: Anterior nasal spine" in text


def test_nothing_found(result_of, radiograph, landmarks_on):
    assert "0 landmarks" in summary(result_of(landmarks_on(radiograph, absent=tuple(range(19)))))


def test_a_stack(result_of, radiograph, landmarks_on):
    first, second = landmarks_on(radiograph), landmarks_on(radiograph, absent=(3,)).replace(radiograph="second")
    lower = second.confidence.copy()
    lower[7] = 0.125
    text = summary(result_of(first, second.replace(confidence=lower)))
    assert "37 landmarks on 2 radiographs" in text
    assert "Not found: 1." in text
    assert "Least certain: Menton on second (confidence 0.12" in text


def test_without_confidence(result_of, radiograph, landmarks_on):
    assert summary(result_of(landmarks_on(radiograph).replace(confidence=None))) == "19 landmarks in 1.3 s on cpu."


def test_of_equal_confidences_the_widest_is_named(result_of, radiograph, landmarks_on):
    item = landmarks_on(radiograph)
    covariance = item.covariance.copy()
    covariance[7] *= 4
    confidence = np.full(19, 0.998)
    confidence[3] = 0.996  # reads 1.00 too
    text = summary(result_of(item.replace(confidence=confidence, covariance=covariance)))
    assert f"Least certain: {item.scheme.names[7]} (confidence 1.00" in text


def test_of_a_calibrated_model_the_largest_expected_error_is_named(result_of, radiograph, landmarks_on):
    item = landmarks_on(radiograph)
    covariance = np.tile(np.eye(2), (19, 1, 1))
    covariance[7] *= 9
    confidence = np.full(19, 0.9)
    confidence[3] = 0.2
    item = item.replace(confidence=confidence, covariance=covariance, region95=np.full(19, 2.0))
    assert f"Least certain: {item.scheme.names[7]} (confidence 0.90, expected error" in summary(result_of(item))
    assert f"Least certain: {item.scheme.names[3]} " in summary(result_of(item.replace(region95=None)))


def test_what_would_lie_outside_is_named(result_of, radiograph, landmarks_on):
    item = landmarks_on(radiograph)
    cut = item.replace(image_shape=(int(np.sort(item.points[:, 0])[-2]) + 2, item.image_shape[1])).inside()
    name = item.scheme.names[int(np.argmax(item.points[:, 0]))]
    assert f"Outside the picture, and so absent: {name}." in summary(result_of(cut))
