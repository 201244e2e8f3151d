from __future__ import annotations

import io
import logging
import zlib

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from farnet.errors import RadiographError
from farnet.radiograph import read_radiograph
from farnet.readers.picture import inverted


def read(path, **options):
    return read_radiograph(path, **options).pixels


def lookup_table(entries, first=0, bits=16):
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTData = list(map(int, entries))
    item["LUTData"].VR = "US"
    return item


def test_stored_values_come_back_exactly(dicom_file, grey8, grey12):
    for pixels in (grey8, grey12):
        assert read(dicom_file(pixels)).dtype == pixels.dtype
        np.testing.assert_array_equal(read(dicom_file(pixels)), pixels)


def test_signed_values_are_kept(dicom_file, grey12):
    pixels = grey12.astype(np.int16) - 2000
    assert read(dicom_file(pixels)).dtype == np.float32
    np.testing.assert_array_equal(read(dicom_file(pixels)), pixels)


@pytest.mark.parametrize("suffix", ["", ".dcm", ".123"])
def test_content_counts_not_the_ending(dicom_file, grey8, suffix):
    np.testing.assert_array_equal(read(dicom_file(grey8, name=f"1.2.840{suffix}")), grey8)


@pytest.mark.parametrize("implicit", [True, False])
def test_file_without_the_usual_header(tmp_path, dicom_file, grey12, implicit):
    """Only the data set, as ACR-NEMA and some scanners wrote it."""
    dataset = dcmread(dicom_file(grey12))
    del dataset.file_meta, dataset.preamble
    old = tmp_path / "old.dcm"
    dataset.save_as(old, implicit_vr=implicit, little_endian=True)
    assert old.read_bytes()[128:132] != b"DICM"
    np.testing.assert_array_equal(read(old), grey12)


def test_monochrome1_is_inverted(dicom_file, grey12):
    path = dicom_file(grey12, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(read(path), inverted(grey12))


@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (2, 0), (-1, 4095), (-3, 100), (0.5, 0.25), (-0.25, 7)])
def test_rescale(dicom_file, grey12, slope, intercept):
    values = read(dicom_file(grey12, RescaleSlope=slope, RescaleIntercept=intercept))
    np.testing.assert_allclose(values, grey12 * float(slope) + intercept, rtol=1e-6)


def test_whole_rescaled_values_stay_whole(dicom_file, grey12):
    assert read(dicom_file(grey12, RescaleSlope=-1, RescaleIntercept=4095)).dtype == np.uint16


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("slope", [1, -1])
def test_window_follows_the_standard_whatever_the_sign_of_the_slope(dicom_file, grey12, slope, photometric):
    """PS3.3 C.11.2.1.2.1, with c = 2048 and w = 1001."""
    path = dicom_file(
        grey12,
        PhotometricInterpretation=photometric,
        RescaleSlope=slope,
        RescaleIntercept=0 if slope > 0 else 4095,
        WindowCenter=2048,
        WindowWidth=1001,
    )
    x = grey12.astype(float) if slope > 0 else 4095.0 - grey12
    expected = np.where(x <= 1547.5, 0, np.where(x > 2547.5, 1, (x - 2047.5) / 1000 + 0.5)) * 65535
    shown = read(path)
    assert shown.dtype == np.uint16
    np.testing.assert_allclose(shown, expected if photometric == "MONOCHROME2" else 65535 - expected, atol=0.51)


def test_exact_and_sigmoid_windows(dicom_file, grey12):
    window = {"WindowCenter": 2048, "WindowWidth": 1000}
    x = grey12.astype(float)
    exact = read(dicom_file(grey12, VOILUTFunction="LINEAR_EXACT", **window))
    np.testing.assert_allclose(exact, np.clip((x - 2048) / 1000 + 0.5, 0, 1) * 65535, atol=0.51)
    sigmoid = read(dicom_file(grey12, VOILUTFunction="SIGMOID", **window))
    np.testing.assert_allclose(sigmoid, 65535 / (1 + np.exp(-4 * (x - 2048) / 1000)), atol=0.51)


def test_full_window_of_eight_bits_is_the_identity(dicom_file, grey8):
    shown = read(dicom_file(grey8, WindowCenter=128, WindowWidth=256))
    np.testing.assert_array_equal(shown, grey8.astype(np.uint16) * 257)


def test_first_of_several_windows_counts(dicom_file, grey12):
    several = dicom_file(grey12, WindowCenter=[2048, 10], WindowWidth=[4096, 20])
    one = dicom_file(grey12, name="one.dcm", WindowCenter=2048, WindowWidth=4096)
    np.testing.assert_array_equal(read(several), read(one))


@pytest.mark.parametrize("window", [(2048, 0), (2048, -5), (100_000, 10), (-100_000, 10)])
def test_nonsensical_window_is_passed_over_and_logged(dicom_file, grey12, window, caplog):
    path = dicom_file(grey12, WindowCenter=window[0], WindowWidth=window[1])
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read(path), grey12)
    assert "is not applied" in caplog.text


def test_empty_elements_count_as_missing(dicom_file, grey12):
    path = dicom_file(grey12, WindowCenter="", WindowWidth="", RescaleSlope="", PixelSpacing="", NumberOfFrames="1")
    np.testing.assert_array_equal(read(path), grey12)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_value_of_interest_table_with_eight_bit_entries(dicom_file, grey12, photometric):
    table = np.sqrt(np.arange(4096) / 4095) * 255
    path = dicom_file(
        grey12,
        PhotometricInterpretation=photometric,
        VOILUTSequence=[lookup_table(table, bits=8)],
        WindowCenter=1,
        WindowWidth=2,
    )
    expected = table.astype(int)[grey12]
    np.testing.assert_array_equal(read(path), expected if photometric == "MONOCHROME2" else inverted(expected))


def test_value_of_interest_table_after_a_rescale_below_zero(dicom_file, grey12):
    path = dicom_file(
        grey12,
        RescaleSlope=1,
        RescaleIntercept=-2048,
        VOILUTSequence=[lookup_table(np.arange(1000), first=65536 - 500, bits=10)],
    )
    np.testing.assert_array_equal(read(path), np.clip(grey12.astype(int) - 2048 + 500, 0, 999))


def test_modality_table_comes_first(dicom_file, grey12):
    path = dicom_file(
        grey12,
        ModalityLUTSequence=[lookup_table(np.arange(4095, -1, -1), bits=12)],
        VOILUTSequence=[lookup_table(np.arange(4096) * 2)],
    )
    np.testing.assert_array_equal(read(path), 2 * (4095 - grey12.astype(int)))


def test_table_stored_as_bytes(dicom_file, grey12):
    item = Dataset()
    item.LUTDescriptor = [4096, 0, 16]
    item.LUTData = np.arange(4096, dtype="<u2")[::-1].tobytes()
    item["LUTData"].VR = "OW"
    np.testing.assert_array_equal(read(dicom_file(grey12, VOILUTSequence=[item])), 4095 - grey12)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("value", [0, 65535])
def test_padding_becomes_background(dicom_file, grey12, photometric, value):
    pixels = grey12 + np.uint16(100)
    pixels[:, :5] = value
    shown = read(dicom_file(pixels, PhotometricInterpretation=photometric, PixelPaddingValue=value))
    inside = pixels[:, 5:]
    np.testing.assert_array_equal(shown[:, 5:], inverted(inside) if photometric == "MONOCHROME1" else inside)
    assert (shown[:, :5] == inside.min()).all()


def test_range_of_padding(dicom_file, grey12):
    pixels = grey12 + np.uint16(100)
    pixels[:2], pixels[2:4] = 3, 7
    shown = read(dicom_file(pixels, PixelPaddingValue=7, PixelPaddingRangeLimit=3))
    assert (shown[:4] == pixels[4:].min()).all()


def test_signed_padding_written_as_unsigned(dicom_file, grey12):
    pixels = grey12.astype(np.int16)
    pixels[0] = -2000
    path = dicom_file(pixels)
    dataset = dcmread(path)
    dataset.add_new("PixelPaddingValue", "US", 65536 - 2000)
    dataset.save_as(path)
    assert read(path).min() >= 0


def test_nothing_but_padding(dicom_file, grey8):
    with pytest.raises(RadiographError, match="nothing but padding"):
        read(dicom_file(np.zeros_like(grey8), PixelPaddingValue=0))


@pytest.mark.parametrize(
    ("syntax", "signed"),
    [(RLELossless, False), (RLELossless, True), (JPEG2000Lossless, False), (JPEG2000Lossless, True)],
    ids=["rle", "rle signed", "jpeg2000", "jpeg2000 signed"],
)
def test_lossless_compression(dicom_file, grey12, syntax, signed):
    pixels = np.tile(grey12, (3, 3))  # large enough for the levels of JPEG 2000
    pixels = pixels.astype(np.int16) - 2048 if signed else pixels
    path = dicom_file(pixels, syntax)
    assert dcmread(path).file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(read(path), pixels)


def test_jpeg_ls_compression(dicom_file, grey12):
    np.testing.assert_array_equal(read(dicom_file(grey12, JPEGLSLossless)), grey12)


def test_jpeg_compression(tmp_path, dicom_file):
    ramp = np.add.outer(np.arange(64), np.arange(96)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(ramp).convert("RGB").save(buffer, "jpeg", quality=95)
    path = dicom_file(np.stack([ramp] * 3, axis=-1), PhotometricInterpretation="YBR_FULL_422")
    dataset = dcmread(path)
    dataset.PixelData = encapsulate([buffer.getvalue()])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.save_as(path)
    assert np.abs(read(path).astype(int) - ramp).max() <= 4


def test_colour_becomes_luminance(dicom_file, grey8):
    np.testing.assert_array_equal(read(dicom_file(np.stack([grey8] * 3, axis=-1))), grey8)
    planar = dicom_file(
        np.stack([grey8] * 3, axis=-1), PlanarConfiguration=1, PixelData=np.stack([grey8] * 3).tobytes(), name="p.dcm"
    )
    np.testing.assert_array_equal(read(planar), grey8)


def test_luminance_and_chrominance(dicom_file, grey8):
    neutral = np.full_like(grey8, 128)
    path = dicom_file(np.stack([grey8, neutral, neutral], axis=-1), PhotometricInterpretation="YBR_FULL")
    np.testing.assert_array_equal(read(path), grey8)


def test_palette(dicom_file, grey8):
    table = (np.arange(255, -1, -1, dtype="<u2") * 257).tobytes()
    colours = {f"{colour}PaletteColorLookupTableData": table for colour in ("Red", "Green", "Blue")}
    descriptors = {f"{colour}PaletteColorLookupTableDescriptor": [256, 0, 16] for colour in ("Red", "Green", "Blue")}
    path = dicom_file(grey8, PhotometricInterpretation="PALETTE COLOR", **colours, **descriptors)
    np.testing.assert_array_equal(read(path), (255 - grey8).astype(np.uint16) * 257)


def test_unknown_photometric_interpretation(dicom_file, grey8):
    with pytest.raises(RadiographError, match="'HSV'; accepted are MONOCHROME1"):
        read(dicom_file(grey8, PhotometricInterpretation="HSV"))


def test_several_frames_are_refused_and_one_is_not(dicom_file, grey8):
    twice = np.stack([grey8, grey8]).tobytes()
    with pytest.raises(RadiographError, match="2 frames"):
        read(dicom_file(grey8, NumberOfFrames=2, PixelData=twice, SOPClassUID=SecondaryCaptureImageStorage))
    np.testing.assert_array_equal(read(dicom_file(grey8, NumberOfFrames=1)), grey8)


def test_no_pixel_data(dicom_file, grey8):
    with pytest.raises(RadiographError, match=r"no pixel data \(modality: SR\).*file of the picture itself"):
        read(dicom_file(grey8, PixelData=None, Modality="SR"))


def test_too_few_bytes_of_pixel_data(dicom_file, grey8):
    with pytest.raises(RadiographError, match=r"damaged or truncated: 100 bytes of pixels of 768 \(24 x 32\)"):
        read(dicom_file(grey8, PixelData=grey8.tobytes()[:100]))


@pytest.mark.parametrize("size", [8, 20_000])
def test_size_is_checked_before_decoding(dicom_file, grey8, size):
    with pytest.raises(RadiographError, match=f"{size} x {size} pixels"):
        read(dicom_file(grey8, Rows=size, Columns=size))


def test_missing_element_is_named(dicom_file, grey8):
    with pytest.raises(RadiographError, match=r"BitsAllocated|Bits Allocated"):
        read(dicom_file(grey8, BitsAllocated=None))


def test_truncated_anywhere_is_an_error_in_words(tmp_path, dicom_file, grey8):
    whole = dicom_file(grey8, RLELossless).read_bytes()
    path = tmp_path / "cut.dcm"
    for part in np.linspace(10, len(whole) - 50, 25, dtype=int):
        path.write_bytes(whole[:part])
        with pytest.raises(RadiographError, match=r"cut\.dcm"):
            read(path)


def test_random_bytes_called_dicom(tmp_path, rng):
    path = tmp_path / "noise.dcm"
    path.write_bytes(rng.bytes(5000))
    with pytest.raises(RadiographError, match=r"noise\.dcm"):
        read(path)


def test_nonsensical_spacing_is_passed_over_and_a_given_one_is_not(dicom_file, grey8, caplog):
    path = dicom_file(grey8, PixelSpacing=[0, 0])
    assert read_radiograph(path).spacing is None
    assert "PixelSpacing" in caplog.text
    radiograph = read_radiograph(path, spacing=0.2)
    assert (radiograph.spacing, radiograph.spacing_source) == ((0.2, 0.2), "given")


def test_high_bits_may_stand_anywhere(dicom_file, grey12, rng):
    """Left-justified, in the middle, or with overlays in the other bits: only the stored bits count."""
    for high_bit in (11, 13, 15):
        noise = rng.integers(0, 2**16, grey12.shape, dtype=np.uint16)
        shift = high_bit - 11
        word = (grey12 << shift) | (noise & ~np.uint16(4095 << shift))
        for syntax in (ExplicitVRLittleEndian, RLELossless):
            path = dicom_file(word, syntax)
            dataset = dcmread(path)
            dataset.BitsStored, dataset.HighBit = 12, high_bit
            dataset.save_as(path)
            np.testing.assert_array_equal(read(path), grey12)


@pytest.mark.parametrize("high_bit", [11, 15])
def test_signed_values_of_twelve_bits(dicom_file, grey12, high_bit):
    values = grey12.astype(np.int16) - 2048
    word = ((values.astype(int) & 4095) << (high_bit - 11)).astype(np.uint16).view(np.int16)
    np.testing.assert_array_equal(read(dicom_file(word, BitsStored=12, HighBit=high_bit)), values)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("predictor", [1, 4, 7])
def test_lossless_jpeg(dicom_file, rng, bits, signed, predictor):
    imagecodecs = pytest.importorskip("imagecodecs")
    word = rng.integers(0, 2**bits, (40, 50)).astype(np.uint8 if bits == 8 else np.uint16)
    frame = imagecodecs.jpeg8_encode(word, lossless=True, predictor=predictor, bitspersample=bits)
    path = dicom_file(word, BitsStored=bits, HighBit=bits - 1, PixelRepresentation=int(signed))
    dataset = dcmread(path)
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1 if predictor == 1 else JPEGLossless
    dataset.save_as(path)
    expected = word.astype(int)
    if signed:
        expected = np.where(expected >= 2 ** (bits - 1), expected - 2**bits, expected)
    np.testing.assert_array_equal(read(path), expected)


@pytest.mark.parametrize("selection", [b"\0\x3f", b"\0\0", b"\0\x3e"])
def test_jpeg_of_twelve_bits_whatever_its_scan_says_of_the_spectrum(dicom_file, selection):
    imagecodecs = pytest.importorskip("imagecodecs")
    ramp = (np.add.outer(np.arange(64), np.arange(96)) * 25).astype(np.uint16)
    frame = imagecodecs.jpeg8_encode(ramp, level=98, bitspersample=12)
    scan = frame.index(b"\xff\xda")
    place = scan + 2 + int.from_bytes(frame[scan + 2 : scan + 4], "big") - 3
    path = dicom_file(ramp, BitsStored=12, HighBit=11)
    dataset = dcmread(path)
    dataset.PixelData = encapsulate([frame[:place] + selection + frame[place + 2 :]])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGExtended12Bit
    dataset.save_as(path)
    assert np.abs(read(path).astype(int) - ramp).max() <= 8


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit])
@pytest.mark.parametrize("bits", [8, 12])
def test_lossless_frame_under_the_name_of_a_lossy_one(dicom_file, rng, syntax, bits):
    imagecodecs = pytest.importorskip("imagecodecs")
    word = rng.integers(0, 2**bits, (40, 50)).astype(np.uint8 if bits == 8 else np.uint16)
    path = dicom_file(word.astype(np.uint16), BitsStored=bits, HighBit=bits - 1)
    dataset = dcmread(path)
    dataset.PixelData = encapsulate([imagecodecs.jpeg8_encode(word, lossless=True, bitspersample=bits)])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path)
    np.testing.assert_array_equal(read(path), word)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit])
def test_jpeg_of_eight_bits_in_a_file_that_says_sixteen(dicom_file, syntax):
    ramp = np.add.outer(np.arange(64), np.arange(96)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(ramp).save(buffer, "jpeg", quality=95)
    path = dicom_file(ramp.astype(np.uint16), BitsStored=12, HighBit=11)
    dataset = dcmread(path)
    dataset.PixelData = encapsulate([buffer.getvalue()])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path)
    assert np.abs(read(path).astype(int) - ramp).max() <= 4


def test_compression_that_is_not_read_is_called_so(dicom_file, grey8):
    path = dicom_file(grey8)
    dataset = dcmread(path)
    dataset.PixelData = encapsulate([b"\0\0\1\xb3" * 20])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = MPEG2MPML
    dataset.save_as(path)
    with pytest.raises(RadiographError, match=r"compressed as MPEG2 .*not supported\. Export it uncompressed"):
        read(path)


@pytest.mark.parametrize("size", [(60_000, 60_000), (24, 33), (23, 32)])
def test_compressed_picture_of_another_size_is_refused_before_it_is_decoded(dicom_file, grey8, size):
    buffer = io.BytesIO()
    Image.fromarray(grey8).save(buffer, "jpeg")
    frame = bytearray(buffer.getvalue())
    place = frame.index(b"\xff\xc0") + 5
    frame[place : place + 4] = size[0].to_bytes(2, "big") + size[1].to_bytes(2, "big")
    path = dicom_file(grey8)
    dataset = dcmread(path)
    dataset.PixelData = encapsulate([bytes(frame)])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.save_as(path)
    with pytest.raises(RadiographError, match=f"its compressed picture has {size[0]} x {size[1]}"):
        read(path)


class TestDeflated:
    def deflate(self, path, more=b"", packed=None):
        """Deflate the data set of an uncompressed file."""
        dataset = dcmread(path)
        buffer = io.BytesIO()
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        dataset.save_as(buffer, enforce_file_format=True)
        whole = buffer.getvalue()
        if more:
            plain = zlib.decompress(whole[self.begins(whole) :], -zlib.MAX_WBITS)
            packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            whole = whole[: self.begins(whole)] + packer.compress(plain + more) + packer.flush()
        path.write_bytes(whole)
        return path

    @staticmethod
    def begins(whole):
        return 132 + 12 + int.from_bytes(whole[140:144], "little")

    def test_comes_back_exactly(self, dicom_file, grey12):
        np.testing.assert_array_equal(read(self.deflate(dicom_file(grey12))), grey12)

    def test_cut_short_is_damaged(self, dicom_file, grey12):
        path = self.deflate(dicom_file(grey12))
        whole = path.read_bytes()
        for end in range(self.begins(whole) + 20, len(whole) - 1, 50):
            path.write_bytes(whole[:end])
            with pytest.raises(RadiographError, match="damaged or truncated"):
                read(path)

    def test_bomb_is_refused(self, dicom_file, grey12):
        path = self.deflate(dicom_file(grey12), more=bytes(160 * 2**20))
        assert path.stat().st_size < 2**20
        with pytest.raises(RadiographError, match="unpacks to more than 128 MiB"):
            read(path)
