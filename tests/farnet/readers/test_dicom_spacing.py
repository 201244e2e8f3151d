from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from farnet.errors import RadiographError
from farnet.readers.dicom_spacing import spacing_of


def find(detector_spacing=False, **elements):
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return spacing_of(dataset, detector_spacing, "The file x.dcm")


def test_pixel_spacing_is_row_then_column():
    assert find(PixelSpacing=[0.2, 0.1]) == ((0.2, 0.1), "PixelSpacing")


def test_nothing_is_invented():
    assert find() == find(detector_spacing=True) == find(PixelSpacing="") == (None, None)


@pytest.mark.parametrize(
    ("keyword", "label"),
    [
        ("ImagerPixelSpacing", "ImagerPixelSpacing (detector plane)"),
        ("NominalScannedPixelSpacing", "NominalScannedPixelSpacing (film plane)"),
    ],
)
def test_detector_spacing_only_when_asked_for_and_labelled(keyword, label):
    assert find(**{keyword: [0.15, 0.15]}) == (None, None)
    assert find(detector_spacing=True, **{keyword: [0.15, 0.15]}) == ((0.15, 0.15), label)


def test_pixel_spacing_wins_over_the_detector():
    spacing, source = find(detector_spacing=True, PixelSpacing=[0.1, 0.1], ImagerPixelSpacing=[0.11, 0.11])
    assert (spacing, source) == ((0.1, 0.1), "PixelSpacing")


def test_uncalibrated_copy_of_the_detector_spacing_is_labelled():
    both = {"PixelSpacing": [0.15, 0.15], "ImagerPixelSpacing": [0.15, 0.15]}
    assert find(**both)[1] == "PixelSpacing (detector plane)"
    assert find(**both, PixelSpacingCalibrationType="FIDUCIAL")[1] == "PixelSpacing (calibrated: fiducial)"


@pytest.mark.parametrize("value", [[0, 0], [-0.1, 0.1], [0.1], [0.1, 0.1, 0.1], 0.1])
def test_nonsense_is_refused_with_its_name(value):
    with pytest.raises(RadiographError, match=r"x\.dcm says PixelSpacing .*Give the spacing yourself"):
        find(PixelSpacing=value)


def test_pixels_that_are_not_square_need_a_size():
    assert find(PixelAspectRatio=[1, 1]) == (None, None)
    assert find(PixelAspectRatio=[2, 1], PixelSpacing=[0.2, 0.1])[0] == (0.2, 0.1)
    with pytest.raises(RadiographError, match=r"not square .*2:1"):
        find(PixelAspectRatio=[2, 1])
