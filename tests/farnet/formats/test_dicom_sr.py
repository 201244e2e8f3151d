"""DICOM structured reports: what other readers see in them, whose they are, and what is refused."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID, ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

from farnet.errors import AnnotationError, MissingExtraError, RadiographError, SchemeError
from farnet.formats import ReadOptions, dicom_sr, read_annotations, write_annotations
from farnet.formats.dicom_sr import is_report
from farnet.formats.dicom_sr_writing import write_report
from farnet.landmarks import Landmarks
from farnet.radiograph import find_radiographs, read_radiograph
from farnet.scheme import LandmarkDefinition, LandmarkScheme

from .made_up import SCHEME, landmarks

PATIENT = {"PatientName": "Müller^Jörg", "PatientID": "4711", "PatientBirthDate": "19800229", "PatientSex": "M"}


@pytest.fixture
def file(tmp_path):
    write_annotations(tmp_path / "a.sr.dcm", [landmarks()])
    return tmp_path / "a.sr.dcm"


@pytest.fixture
def radiograph(tmp_path):
    """Function (**elements) -> path of a DICOM radiograph of a patient."""

    def make(**elements):
        dataset = Dataset()
        dataset.SpecificCharacterSet = "ISO_IR 100"
        dataset.SOPClassUID = ComputedRadiographyImageStorage
        dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = (generate_uid() for _ in range(3))
        dataset.Modality, dataset.Rows, dataset.Columns = "CR", 20, 30
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        dataset.PixelData = np.arange(600, dtype=np.uint8).tobytes()
        dataset["PixelData"].VR = "OW"
        for keyword, value in {**PATIENT, "StudyDate": "20200131", "StudyTime": "101112", **elements}.items():
            setattr(dataset, keyword, value)
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = tmp_path / "patient.dcm"
        dataset.save_as(path, enforce_file_format=True)
        return path

    return make


def found_in(path):
    """Landmarks as a detector gives them: they know the file and its hash."""
    return landmarks(
        image_sha256=hashlib.sha256(path.read_bytes()).hexdigest(), provenance={"image": str(path), "model": "m"}
    )


def change(file, edit):
    """Edit a report as another program would."""
    dataset = pydicom.dcmread(file)
    edit(dataset)
    dataset.save_as(file, enforce_file_format=True)


def groups(dataset):
    (measurements,) = [item for item in dataset.ContentSequence if name_of(item) == "126010"]
    return measurements.ContentSequence


def name_of(item):
    return item.ConceptNameCodeSequence[0].CodeValue


def inside(group, kind):
    return [item for item in group.ContentSequence if item.ValueType == kind]


class TestWhatOthersSee:
    def test_pydicom(self, file):
        """Independent of highdicom and of the reader: the bare elements."""
        written = landmarks()
        dataset = pydicom.dcmread(file)
        assert dataset.SOPClassUID.name == "Comprehensive SR Storage"
        assert (dataset.Modality, dataset.CompletionFlag) == ("SR", "COMPLETE")
        assert (dataset.VerificationFlag, dataset.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
        assert dataset.ContentTemplateSequence[0].TemplateIdentifier == "1500"
        assert len(groups(dataset)) == 19
        for k, group in enumerate(groups(dataset)):
            (finding,) = [item for item in inside(group, "CODE") if name_of(item) == "121071"]
            code = finding.ConceptCodeSequence[0]
            assert code.CodingSchemeDesignator == "99FARNET"
            assert code.get("LongCodeValue", code.get("CodeValue")) == f"cephalometric19:{SCHEME.abbreviations[k]}"
            assert code.CodeMeaning == SCHEME.names[k]
            assert [item.TextValue for item in inside(group, "TEXT")] == [SCHEME.names[k]]
            points = inside(group, "SCOORD")
            if not written.present[k]:
                assert points == []
                continue
            (point,) = points
            assert point.GraphicType == "POINT"
            row, column = written.points[k]
            np.testing.assert_array_equal(
                np.array(point.GraphicData, np.float32), np.float32([column + 0.5, row + 0.5])
            )
            image = point.ContentSequence[0].ReferencedSOPSequence[0]
            assert image.ReferencedSOPClassUID.name == "Secondary Capture Image Storage"
            exact = {name_of(item): item.MeasuredValueSequence[0].FloatingPointValue for item in inside(group, "NUM")}
            said = {} if written.edited[k] else {"CONFIDENCE": written.confidence[k]}
            assert exact == {"ROW": row, "COLUMN": column, **said}

    def test_highdicom(self, file):
        written = landmarks()
        report = highdicom.sr.srread(file)
        found = report.content.get_planar_roi_measurement_groups(graphic_type=highdicom.sr.GraphicTypeValues.POINT)
        assert [group.finding_type.meaning for group in found] == [
            name for name, here in zip(SCHEME.names, written.present, strict=True) if here
        ]
        for group, (row, column) in zip(found, written.points[written.present], strict=True):
            np.testing.assert_allclose(group.roi.value, [[column + 0.5, row + 0.5]], atol=1e-4)
        absent = report.content.get_image_measurement_groups()
        assert [group.tracking_identifier for group in absent] == ["Orbitale", "Upper incisal incision"]
        for group in absent:
            (evaluation,) = group.get_qualitative_evaluations()
            assert (evaluation.name.meaning, evaluation.value.meaning) == ("Presence", "Absent")
        assert report.content.get_observer_contexts(observer_type=codes.DCM.Device)

    def test_it_stands_in_text_whose_points_they_are(self, file):
        texts = {name_of(item): item.TextValue for item in pydicom.dcmread(file).ContentSequence if "TextValue" in item}
        assert texts["SOURCE"] == "model ceph19-compact"

    def test_evidence_names_the_image(self, file):
        dataset = pydicom.dcmread(file)
        (study,) = dataset.CurrentRequestedProcedureEvidenceSequence
        (image,) = study.ReferencedSeriesSequence[0].ReferencedSOPSequence
        assert study.StudyInstanceUID == dataset.StudyInstanceUID
        assert image.ReferencedSOPInstanceUID == (
            inside(groups(dataset)[0], "SCOORD")[0].ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        )


class TestWhoseItIs:
    def test_nobody_is_made_up(self, file):
        dataset = pydicom.dcmread(file)
        for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "AccessionNumber"):
            assert str(dataset[keyword].value or "") == ""

    def test_the_same_radiograph_has_the_same_identifiers(self, tmp_path):
        uids = []
        for seed, changes in enumerate(({}, {}, {"image_sha256": "cd" * 32})):
            path = tmp_path / f"{seed}.sr.dcm"
            write_annotations(path, [landmarks(seed, **changes)])
            dataset = pydicom.dcmread(path)
            image = dataset.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
            uids.append(
                (
                    dataset.StudyInstanceUID,
                    image.SeriesInstanceUID,
                    image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID,
                )
            )
            assert all(UID(uid).is_valid and uid.startswith("2.25.") for uid in uids[-1])
        assert uids[0] == uids[1]
        assert not set(uids[0]) & set(uids[2])
        assert len(set(uids[0])) == 3

    def test_without_a_hash_radiographs_of_one_name_are_kept_apart(self, tmp_path):
        studies = set()
        for seed in range(2):
            write_annotations(tmp_path / "a.sr.dcm", [landmarks(seed, image_sha256=None, radiograph="001")])
            studies.add(pydicom.dcmread(tmp_path / "a.sr.dcm").StudyInstanceUID)
        assert len(studies) == 2

    def test_every_report_is_a_document_of_its_own(self, tmp_path):
        documents = []
        for name in "ab":
            write_annotations(tmp_path / f"{name}.sr.dcm", [landmarks()])
            documents.append(pydicom.dcmread(tmp_path / f"{name}.sr.dcm"))
        assert documents[0].SOPInstanceUID != documents[1].SOPInstanceUID
        assert documents[0].SeriesInstanceUID != documents[1].SeriesInstanceUID

    def test_a_radiograph_that_is_still_there_gives_patient_and_study(self, tmp_path, radiograph):
        path = radiograph()
        written = found_in(path)
        write_annotations(tmp_path / "a.sr.dcm", [written])
        report, image = pydicom.dcmread(tmp_path / "a.sr.dcm"), pydicom.dcmread(path)
        for keyword in (*PATIENT, "StudyInstanceUID", "StudyDate", "StudyTime"):
            assert str(report[keyword].value) == str(image[keyword].value), keyword
        reference = inside(groups(report)[0], "SCOORD")[0].ContentSequence[0].ReferencedSOPSequence[0]
        assert reference.ReferencedSOPInstanceUID == image.SOPInstanceUID
        assert reference.ReferencedSOPClassUID == image.SOPClassUID
        assert report.SeriesInstanceUID != image.SeriesInstanceUID
        assert read_annotations(tmp_path / "a.sr.dcm")[0].equals(written)

    @pytest.mark.parametrize("elements", [{"PatientSex": "X"}, {"PatientID": None}, {"PatientBirthDate": ""}])
    def test_odd_or_missing_elements_are_left_empty(self, tmp_path, radiograph, elements):
        path = radiograph(**elements)
        write_annotations(tmp_path / "a.sr.dcm", [found_in(path)])
        report = pydicom.dcmread(tmp_path / "a.sr.dcm")
        (keyword,) = elements
        assert str(report[keyword].value or "") == ""
        assert str(report.PatientName) == "Müller^Jörg"

    def test_another_file_in_its_place_gives_nothing(self, tmp_path, radiograph):
        path = radiograph()
        written = found_in(path)
        radiograph(PatientName="Somebody^Else")
        write_annotations(tmp_path / "a.sr.dcm", [written])
        assert str(pydicom.dcmread(tmp_path / "a.sr.dcm").PatientName) == ""

    def test_a_picture_gives_nothing(self, tmp_path):
        picture = tmp_path / "a.png"
        picture.write_bytes(b"\x89PNG\r\n\x1a\n and so on")
        write_annotations(tmp_path / "a.sr.dcm", [found_in(picture)])
        assert str(pydicom.dcmread(tmp_path / "a.sr.dcm").PatientName) == ""

    @pytest.mark.parametrize("image", ["/dev/zero", "a\0b", "", 7, None, "."])
    def test_a_provenance_that_names_no_file_does_no_harm(self, tmp_path, image):
        write_annotations(tmp_path / "a.sr.dcm", [landmarks(provenance={"image": image})])
        assert str(pydicom.dcmread(tmp_path / "a.sr.dcm").PatientName) == ""

    def test_a_source_can_be_given(self, tmp_path, radiograph):
        path = radiograph()
        target = tmp_path / "a.sr.dcm"
        write_report(target, landmarks(image_sha256=None), source=path)
        assert pydicom.dcmread(target).PatientID == "4711"
        before = target.read_bytes()
        with pytest.raises(AnnotationError, match="SHA-256 is another"):
            write_report(target, landmarks(), source=path)
        with pytest.raises(AnnotationError, match="cannot be read"):
            write_report(target, landmarks(), source=tmp_path / "gone.dcm")
        (tmp_path / "text.dcm").write_text("no DICOM")
        with pytest.raises(AnnotationError, match="no DICOM image"):
            write_report(target, landmarks(image_sha256=None), source=tmp_path / "text.dcm")
        assert target.read_bytes() == before


class TestReading:
    def test_the_last_bit_comes_from_the_measurements(self, file):
        np.testing.assert_array_equal(read_annotations(file)[0].points, landmarks().points)

    def test_what_another_program_moved_is_where_it_put_it(self, file):
        def move(dataset):
            inside(groups(dataset)[0], "SCOORD")[0].GraphicData = [101.0, 51.25]

        change(file, move)
        (again,) = read_annotations(file)
        np.testing.assert_array_equal(again.points[0], [50.75, 100.5])
        np.testing.assert_array_equal(again.points[1:], landmarks().points[1:])

    def test_without_what_is_ours_names_and_points_remain(self, file):
        def strip(dataset):
            dataset.ContentSequence = [
                item for item in dataset.ContentSequence if name_of(item) not in ("COMPANION", "SOURCE")
            ]
            for group in groups(dataset):
                group.ContentSequence = [
                    item for item in group.ContentSequence if item.ValueType != "NUM" and name_of(item) != "121071"
                ]

        change(file, strip)
        (again,) = read_annotations(file)
        assert again.scheme == SCHEME
        assert again.radiograph == "a"
        assert again.spacing is None
        assert set(again.provenance) == {"SOPInstanceUID"}
        np.testing.assert_allclose(again.points, landmarks().points, atol=1e-4)

    def test_a_report_with_any_ending_when_the_format_is_named(self, file):
        other = file.with_name("IM0001")
        file.rename(other)
        assert read_annotations(other, format="dicom-sr")[0].equals(landmarks())

    def test_names_that_fit_no_code(self, tmp_path):
        names = ("Left\\end " + "x" * 80, "日本語")
        scheme = LandmarkScheme(
            "a scheme of one's own", "Own", tuple(LandmarkDefinition(name, f"P{i}") for i, name in enumerate(names))
        )
        written = Landmarks(np.array([[1.0, 2.0], [3.0, 4.0]]), scheme, source="A\\B\n" * 40, radiograph="\udcff")
        write_annotations(tmp_path / "a.sr.dcm", [written])
        (again,) = read_annotations(tmp_path / "a.sr.dcm", scheme=scheme)
        assert again.equals(written)

    def test_it_is_no_radiograph(self, file):
        assert is_report(file.read_bytes()[:4096])
        assert find_radiographs([file.parent]) == [file.parent]
        with pytest.raises(RadiographError, match="a report"):
            read_radiograph(file)


def _another_image(dataset):
    inside(groups(dataset)[0], "SCOORD")[0].ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID = "1.2"


def _two_points(dataset):
    group = groups(dataset)[0]
    group.ContentSequence.append(inside(group, "SCOORD")[0])


def _twice(dataset):
    groups(dataset).append(groups(dataset)[0])


def _no_number(dataset):
    inside(groups(dataset)[0], "SCOORD")[0].GraphicData = [float("nan"), 1.0]


def _one_number(dataset):
    inside(groups(dataset)[0], "SCOORD")[0].GraphicData = 1.0


def _unknown_name(dataset):
    for item in inside(groups(dataset)[0], "CODE"):
        if name_of(item) == "121071":
            code = item.ConceptCodeSequence[0]
            code.CodeValue, code.CodeMeaning = "ceph:Z", "Knee"
    inside(groups(dataset)[0], "TEXT")[0].TextValue = "Knee"


def _damaged_companion(text):
    def edit(dataset):
        (item,) = [item for item in dataset.ContentSequence if name_of(item) == "COMPANION"]
        item.TextValue = text

    return edit


def _nothing_measured(dataset):
    groups(dataset).clear()


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            (_another_image, "2 images"),
            (_two_points, "has 2 points"),
            (_twice, "twice"),
            (_no_number, "finite numbers"),
            (_one_number, "damaged"),
            (_unknown_name, "Z|Knee"),
            (_nothing_measured, "no measurement group"),
            (_damaged_companion("{"), "damaged"),
            (_damaged_companion("[]"), "farnet"),
            (_damaged_companion("[" * 100_000), "damaged"),
            (_damaged_companion('{"version": 7, "scheme": "cephalometric19"}'), "version 7"),
            (_damaged_companion('{"version": 1, "scheme": "cephalometric19", "spacing_mm": [0, 1]}'), "above zero"),
        ],
    )
    def test_what_cannot_be_landmarks_is_named(self, file, edit, message):
        change(file, edit)
        with pytest.raises((AnnotationError, SchemeError), match=message):
            read_annotations(file)

    def test_another_kind_of_dicom_file(self, tmp_path, radiograph):
        path = radiograph().rename(tmp_path / "a.sr.dcm")
        assert not is_report(path.read_bytes())
        with pytest.raises(AnnotationError, match="Computed Radiography"):
            read_annotations(path)

    def test_another_kind_of_report(self, file):
        basic = "1.2.840.10008.5.1.4.1.1.88.11"

        def as_basic_text(dataset):
            dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(basic)

        change(file, as_basic_text)
        assert is_report(file.read_bytes())
        with pytest.raises(AnnotationError, match="Basic Text SR"):
            read_annotations(file)

    def test_two_kinds_at_once(self, file):
        content = file.read_bytes()
        at = content.rindex(b"1.2.840.10008.5.1.4.1.1.88.33")
        file.write_bytes(content[:at] + b"1.2.840.10008.5.1.4.1.1.88.34" + content[at + 29 :])
        with pytest.raises(AnnotationError, match="two different SOP classes"):
            read_annotations(file)

    def test_compressed(self, file):
        dataset = pydicom.dcmread(file)
        dataset.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1.99")
        dataset.save_as(file)
        with pytest.raises(AnnotationError, match=r"Deflated.*uncompressed"):
            read_annotations(file)

    def test_huge(self, file, monkeypatch):
        monkeypatch.setattr(dicom_sr, "_MAXIMUM_BYTES", 1000)
        with pytest.raises(AnnotationError, match="MiB"):
            read_annotations(file)

    def test_too_many_items(self, file, monkeypatch):
        monkeypatch.setattr(dicom_sr, "_MAXIMUM_ITEMS", 10)
        with pytest.raises(AnnotationError, match="more than 10 content items"):
            read_annotations(file)

    def test_no_file_and_a_folder(self, tmp_path):
        with pytest.raises(AnnotationError, match="no file"):
            read_annotations(tmp_path / "a.sr.dcm")
        with pytest.raises(AnnotationError, match="cannot be read"):
            dicom_sr.DICOM_SR.read(tmp_path, ReadOptions())

    @pytest.mark.parametrize("undefined", [False, True])
    def test_cut_short_anywhere(self, file, rng, undefined):
        def delimited(dataset):
            for item in (dataset, *dataset.ContentSequence):
                if "ContentSequence" in item:
                    item["ContentSequence"].is_undefined_length = undefined

        change(file, delimited)
        assert read_annotations(file)[0].equals(landmarks())
        whole = file.read_bytes()
        end = whole.index(b"COMPANION")
        for length in (*rng.integers(0, len(whole) - 1, 60), end, len(whole) - 9, len(whole) - 1):
            file.write_bytes(whole[:length])
            with pytest.raises(AnnotationError):
                read_annotations(file)

    def test_any_byte_may_be_wrong(self, file, rng):
        """It is refused or read; nothing else happens."""
        whole = np.frombuffer(file.read_bytes(), np.uint8)
        for _ in range(150):
            damaged = whole.copy()
            where = rng.integers(0, len(whole), 8)
            damaged[where] = rng.integers(0, 256, 8)
            file.write_bytes(damaged.tobytes())
            try:
                (again,) = read_annotations(file)
            except (AnnotationError, SchemeError):
                continue
            assert len(again) == 19

    def test_too_far_out(self, tmp_path):
        points = landmarks().points.copy()
        points[0] = 1e39
        with pytest.raises(AnnotationError, match="32-bit"):
            write_annotations(tmp_path / "a.sr.dcm", [landmarks(points=points)])
        assert not list(tmp_path.iterdir())


def test_writing_needs_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(MissingExtraError, match=r"napari-farnet\[dicom-sr\]"):
        write_annotations(tmp_path / "a.sr.dcm", [landmarks()])
    assert not list(tmp_path.iterdir())


def test_reading_needs_neither_the_extra_nor_an_import_before(file):
    code = (
        "import sys, farnet; from farnet.formats import read_annotations; early = 'pydicom' in sys.modules; "
        f"read_annotations({str(file)!r}); print(early, 'highdicom' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
