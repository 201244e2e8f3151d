from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from farnet.errors import RadiographError
from farnet.readers.dicom_header import Header
from farnet.readers.dicom_spacing import spacing_of


def find(detector_spacing=False, **elements):
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return spacing_of(Header(dataset, "The file x.dcm"), detector_spacing)


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


@pytest.mark.parametrize("plane", ["ImagerPixelSpacing", "NominalScannedPixelSpacing"])
@pytest.mark.parametrize("written", [[0.15, 0.15], ["0.150000", "1.5e-1"]])
def test_copy_of_the_detector_spacing_is_the_detectors(plane, written, caplog):
    """PS3.3 10.7.1.1: equal values say that nothing was corrected for magnification."""
    both = {"PixelSpacing": written, plane: [0.15, 0.15]}
    assert find(**both) == (None, None)
    assert f"only repeats {plane}" in caplog.text
    spacing, source = find(detector_spacing=True, **both)
    assert spacing == (0.15, 0.15)
    assert source.startswith("PixelSpacing (")
    assert source.endswith(" plane)")


def test_calibrated_spacing_counts_whatever_its_value():
    both = {"PixelSpacing": [0.15, 0.15], "ImagerPixelSpacing": [0.15, 0.15]}
    assert find(**both, PixelSpacingCalibrationType="FIDUCIAL") == ((0.15, 0.15), "PixelSpacing (calibrated: fiducial)")


@pytest.mark.parametrize("repeated", [True, False])
def test_magnification_divides_what_was_measured_on_the_detector(repeated):
    elements = {"ImagerPixelSpacing": [0.1, 0.2], "EstimatedRadiographicMagnificationFactor": 1.25}
    if repeated:
        elements["PixelSpacing"] = [0.1, 0.2]
    assert find(**elements) == (None, None)
    spacing, source = find(detector_spacing=True, **elements)
    assert spacing == pytest.approx((0.08, 0.16))
    assert "magnification 1.25" in source
    assert source.endswith("(detector plane)")


def test_magnification_leaves_the_size_in_the_patient_alone():
    elements = {"PixelSpacing": [0.08, 0.08], "ImagerPixelSpacing": [0.1, 0.1]}
    assert find(**elements, EstimatedRadiographicMagnificationFactor=1.25) == ((0.08, 0.08), "PixelSpacing")


@pytest.mark.parametrize("factor", [0, -1, 0.5, 125])
def test_nonsensical_magnification_is_passed_over(factor, caplog):
    spacing, _ = find(True, ImagerPixelSpacing=[0.1, 0.1], EstimatedRadiographicMagnificationFactor=factor)
    assert spacing == (0.1, 0.1)
    assert "no magnification" in caplog.text


@pytest.mark.parametrize("value", [[0, 0], [-0.1, 0.1], [0.1], [0.1, 0.1, 0.1], 0.1])
def test_nonsense_is_passed_over_with_its_name(value, caplog):
    assert find(PixelSpacing=value) == (None, None)
    assert "PixelSpacing" in caplog.text
    assert find(True, PixelSpacing=value, ImagerPixelSpacing=[0.1, 0.1])[0] == (0.1, 0.1)


def test_pixels_that_are_not_square_need_a_size(caplog):
    assert find(PixelAspectRatio=[1, 1]) == (None, None)
    assert find(PixelAspectRatio=[2, 1], PixelSpacing=[0.2, 0.1])[0] == (0.2, 0.1)
    assert find(PixelAspectRatio=[0, 0]) == (None, None)
    assert "PixelAspectRatio" in caplog.text
    with pytest.raises(RadiographError, match=r"not square .*2:1"):
        find(PixelAspectRatio=[2, 1])


def test_unknown_size_of_pixels_that_are_not_square_is_told(caplog):
    assert find(ImagerPixelSpacing=[0.2, 0.1]) == (None, None)
    assert "not square" in caplog.text
