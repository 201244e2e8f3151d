"""The steps from stored values to what is shown give what pydicom gives for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing
from pydicom.uid import ExplicitVRLittleEndian

from farnet.readers.dicom_display import modality, padding, value_of_interest
from farnet.readers.dicom_header import Header

STORED = st.sampled_from([np.uint8, np.uint16, np.int16]).flatmap(lambda kind: hnp.arrays(kind, (4, 5)))


def dataset(stored, **elements):
    made = Dataset()
    made.set_original_encoding(False, True)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.BitsStored = stored.dtype.itemsize * 8
    made.PixelRepresentation = int(stored.dtype.kind == "i")
    made.PhotometricInterpretation = "MONOCHROME2"
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def table(entries, first, depth, representation="US"):
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, depth]
    item["LUTDescriptor"].VR = "SS" if first < 0 else "US"
    if representation == "OW":
        item.LUTData = np.asarray(entries, "<u2").tobytes()
    else:
        item.LUTData = [int(entry) for entry in entries]
    item["LUTData"].VR = representation
    return item


@given(STORED, st.floats(-8, 8).map(lambda x: round(x, 3)), st.integers(-2000, 2000))
def test_rescale(stored, slope, intercept):
    data = dataset(stored, RescaleSlope=slope or 1.0, RescaleIntercept=intercept)
    np.testing.assert_allclose(modality(stored, Header(data, "x")), apply_modality_lut(stored, data), rtol=1e-12)


TABLES = st.tuples(
    st.lists(st.integers(0, 255), min_size=2, max_size=300), st.integers(-100, 1000), st.sampled_from(["US", "OW"])
)


@given(STORED, TABLES)
def test_modality_table(stored, entries_first_representation):
    entries, first, representation = entries_first_representation
    stored = stored.astype(np.int32)  # pydicom's own subtraction leaves the range of narrow types
    data = dataset(stored, ModalityLUTSequence=[table(entries, first, 16, representation)])
    np.testing.assert_array_equal(modality(stored, Header(data, "x")), apply_modality_lut(stored, data))


@given(STORED, TABLES)
def test_value_of_interest_table(stored, entries_first_representation):
    entries, first, representation = entries_first_representation
    stored = stored.astype(np.int32)
    data = dataset(stored, VOILUTSequence=[table(entries, first, 16, representation)])
    np.testing.assert_array_equal(value_of_interest(stored, Header(data, "x")), apply_voi(stored, data))


@given(
    STORED,
    st.integers(-3000, 3000),
    st.integers(1, 5000),
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    st.sampled_from([(1, 0), (2, -100), (0.5, 0)]),
)
def test_window(stored, centre, width, function, rescale):
    """pydicom's range is that of the values, falling where the slope is; here it is always 0 to 65535."""
    data = dataset(stored, WindowCenter=centre, WindowWidth=width, VOILUTFunction=function)
    data.RescaleSlope, data.RescaleIntercept = rescale
    values = modality(stored, Header(data, "x"))
    with np.errstate(over="ignore"):  # pydicom's exponential
        theirs = apply_windowing(values, data)
    low, high = sorted(
        end * rescale[0] + rescale[1] for end in (np.iinfo(stored.dtype).min, np.iinfo(stored.dtype).max)
    )
    expected = (theirs - low) / (high - low) * 65535
    ours = value_of_interest(values, Header(data, "x"))
    if expected.max() - expected.min() > 1:
        np.testing.assert_allclose(ours, expected, atol=0.51)


@pytest.mark.parametrize("keyword", ["ModalityLUTSequence", "VOILUTSequence"])
@pytest.mark.parametrize("broken", ["LUTDescriptor", "LUTData"])
def test_table_that_is_none_is_passed_over(keyword, broken, caplog):
    stored = np.arange(20, dtype=np.uint16).reshape(4, 5)
    item = table([1, 2, 3], 0, 16)
    del item[broken]
    step = modality if keyword.startswith("Modality") else value_of_interest
    np.testing.assert_array_equal(step(stored, Header(dataset(stored, **{keyword: [item]}), "x")), stored)
    assert keyword in caplog.text


def test_slope_of_zero_is_passed_over(caplog):
    stored = np.arange(20, dtype=np.uint16).reshape(4, 5)
    np.testing.assert_array_equal(modality(stored, Header(dataset(stored, RescaleSlope=0), "x")), stored)
    assert "RescaleSlope" in caplog.text


def test_padding_of_what_is_not_whole_numbers_is_none():
    stored = np.zeros((4, 5), np.float32)
    data = dataset(stored.astype(np.uint16), PixelPaddingValue=0)
    assert padding(stored, Header(data, "x")) is None
