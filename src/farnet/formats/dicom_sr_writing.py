"""Writing DICOM structured reports of landmarks, with highdicom (extra `dicom-sr`).

Which image a report is about. Where the radiograph came from a DICOM file, its UIDs are referenced and the report is
of its study and patient: the file is the one that is given, or the one that the provenance names ("image") if it is
still there with the SHA-256 that the landmarks know. **The report then identifies the patient as the radiograph
does.** Otherwise nothing is known of a patient and nothing is made up: name, ID, birth date and sex are empty, and
the image is a Secondary Capture with UIDs made from its SHA-256 (under 2.25, from a UUID of version 5), the same for
every report on this image. Without a SHA-256 they are made from the radiograph's name, its size and the points.

The document is complete, preliminary and not verified: no person has signed it.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.atomic import atomic_path
from farnet.errors import AnnotationError, missing_extra
from farnet.formats.companion import companion
from farnet.formats.dicom_sr_codes import CODING_SCHEME, CORNER

if TYPE_CHECKING:
    from pydicom import Dataset

    from farnet.landmarks import Landmarks

__all__ = ["no_dicom_source", "write_report"]

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_NAMESPACE = uuid.UUID("3b8269d6-c5ee-4ba6-8687-31738b3aa01f")  # of this project's UIDs; drawn at random, once
_DEVICE = "napari-farnet"
_LONG_STRING = 64  # characters of a code's meaning
_UTF8 = "ISO_IR 192"
_OF_PATIENT_AND_STUDY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("AccessionNumber", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"),
)


def write_report(path: Path, landmarks: Landmarks, *, source: str | Path | None = None) -> None:
    """Write the landmarks of one radiograph as a Comprehensive SR, all or nothing.

    Args:
        path: The file.
        landmarks: What to write.
        source: The DICOM file of the radiograph; None looks for the one that the provenance names.

    Raises:
        AnnotationError: If the source is no DICOM image, its SHA-256 is not that of the landmarks, or a point is too
            far out for a report.
        MissingExtraError: If highdicom is not installed.
        OutputError: If the file cannot be written.
    """
    try:
        import highdicom
    except ImportError as error:
        raise missing_extra("highdicom", "dicom-sr", "writing DICOM structured reports") from error
    from pydicom.uid import UID

    beyond = np.abs(landmarks.points[landmarks.present]) > float(np.finfo(np.float32).max) / 2
    if beyond.any():
        raise AnnotationError("A point is further out than the 32-bit numbers of a DICOM report reach.")
    image = _image(landmarks, source)
    report = highdicom.sr.ComprehensiveSR(
        evidence=[image],
        content=_content(landmarks, image),
        series_instance_uid=UID(f"2.25.{uuid.uuid4().int}"),
        series_number=1,
        sop_instance_uid=UID(f"2.25.{uuid.uuid4().int}"),
        instance_number=1,
        manufacturer=_DEVICE,
        is_complete=True,
        is_final=False,
        series_description="Anatomical landmarks",
        manufacturer_model_name=_DEVICE,
        software_versions=_version(),
        specific_character_set=_UTF8,
    )
    with atomic_path(path) as temporary:
        report.save_as(temporary, enforce_file_format=True)


def no_dicom_source(landmarks: Landmarks) -> str:
    """Say why a report can refer to no DICOM file of the radiograph; an empty text where it can."""
    name = landmarks.provenance.get("image")
    if not (isinstance(name, str) and landmarks.image_sha256):
        return "it is not recorded which file the radiograph is"
    try:
        _read_source(Path(name), landmarks)
    except AnnotationError as error:
        return str(error)
    return ""


def _content(landmarks: Landmarks, image: Dataset) -> Any:
    """The content tree: TID 1500 with a group for each landmark, and two texts more."""
    from highdicom import sr
    from pydicom.sr.codedict import codes

    observer = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=_uid("device", _DEVICE), name=_DEVICE, model_name=_plain(landmarks.source) or None
        ),
    )
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=sr.CodedConcept("363680008", "SCT", "Radiographic imaging procedure"),
        imaging_measurements=[_group(landmarks, k, image) for k in range(len(landmarks))],
    )
    for value, meaning, text in (
        ("SOURCE", "Source of the landmarks", landmarks.source),
        ("COMPANION", "What a report has no place for", json.dumps(companion(landmarks))),
    ):
        if text:
            item = sr.TextContentItem(
                name=_code(value, meaning), value=text, relationship_type=sr.RelationshipTypeValues.CONTAINS
            )
            report[0].ContentSequence.append(item)
    return report


def _group(landmarks: Landmarks, k: int, image: Dataset) -> Any:
    """One landmark: TID 1410 with its point, or TID 1501 that says that it is absent."""
    from highdicom import sr

    landmark = landmarks.scheme.landmarks[k]
    about: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(
            uid=_uid("landmark", str(image.SOPInstanceUID), landmarks.scheme.name, landmark.abbreviation),
            identifier=landmark.name,
        ),
        "finding_type": _code(
            f"{landmarks.scheme.name}:{landmark.abbreviation}", _plain(landmark.name) or _plain(landmark.abbreviation)
        ),
    }
    if not landmarks.present[k]:
        absent = sr.QualitativeEvaluation(
            sr.CodedConcept("705057003", "SCT", "Presence"), sr.CodedConcept("2667000", "SCT", "Absent")
        )
        return sr.MeasurementsAndQualitativeEvaluations(**about, qualitative_evaluations=[absent])
    row, column = landmarks.points[k].tolist()
    pixels, one = sr.CodedConcept("{pixels}", "UCUM", "Pixels"), sr.CodedConcept("1", "UCUM", "no units")
    measured = [
        sr.Measurement(_code("ROW", "Row, 0 at the first pixel's centre"), row, pixels),
        sr.Measurement(_code("COLUMN", "Column, 0 at the first pixel's centre"), column, pixels),
    ]
    if landmarks.confidence is not None and not np.isnan(landmarks.confidence[k]):
        measured.append(sr.Measurement(_code("CONFIDENCE", "Confidence, 0 to 1"), float(landmarks.confidence[k]), one))
    region = sr.ImageRegion(
        graphic_type=sr.GraphicTypeValues.POINT,
        graphic_data=np.array([[column + CORNER, row + CORNER]]),
        source_image=sr.SourceImageForRegion(str(image.SOPClassUID), str(image.SOPInstanceUID)),
    )
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(**about, referenced_region=region, measurements=measured)


def _image(landmarks: Landmarks, source: str | Path | None) -> Dataset:
    """What is known of the image: its UIDs, its patient and study; see the module."""
    given = _known_file(landmarks) if source is None else _read_source(Path(source), landmarks)
    image = _nameless(landmarks)
    if given is None:
        return image
    for name in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        if given.get(name):
            setattr(image, name, str(given[name].value))
    for name in _OF_PATIENT_AND_STUDY:
        value = str(given.get(name) or "")
        if name != "PatientSex" or value in ("M", "F", "O"):
            setattr(image, name, value)
    return image


def _nameless(landmarks: Landmarks) -> Dataset:
    from pydicom import Dataset

    if landmarks.image_sha256:
        identity = landmarks.image_sha256
    else:
        identity = f"{landmarks.radiograph} {landmarks.image_shape} {landmarks.points.tobytes().hex()}"
    image = Dataset()
    image.SOPClassUID = _SECONDARY_CAPTURE
    image.SOPInstanceUID, image.SeriesInstanceUID, image.StudyInstanceUID = (
        _uid(level, identity) for level in ("image", "series", "study")
    )
    for name in _OF_PATIENT_AND_STUDY:
        setattr(image, name, "")
    return image


def _known_file(landmarks: Landmarks) -> Dataset | None:
    """The DICOM file that the provenance names, if it is there and is the one that the landmarks are of."""
    name = landmarks.provenance.get("image")
    if not (isinstance(name, str) and landmarks.image_sha256):
        return None
    try:
        return _read_source(Path(name), landmarks)
    except AnnotationError:  # moved, changed, or a picture: the report does without
        return None


def _read_source(path: Path, landmarks: Landmarks) -> Dataset:
    import io

    from pydicom import dcmread

    try:
        if not path.is_file():  # a pipe or a device might never end
            raise OSError("it is no file")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise AnnotationError(f"The radiograph {path} of the report cannot be read: {error}.") from error
    if landmarks.image_sha256 and hashlib.sha256(data).hexdigest() != landmarks.image_sha256:
        raise AnnotationError(f"{path} is not the radiograph of the landmarks: its SHA-256 is another.")
    try:
        if data[128:132] != b"DICM":
            raise ValueError("it is another kind of file")
        dataset = dcmread(io.BytesIO(data), stop_before_pixels=True)
        if not (dataset.get("SOPInstanceUID") and dataset.get("SOPClassUID")):
            raise ValueError("it has no SOP Instance UID")
    except Exception as error:  # whatever pydicom raises on what is no DICOM file
        raise AnnotationError(f"{path} is no DICOM image that a report can refer to ({error}).") from error
    return dataset


def _code(value: str, meaning: str) -> Any:
    from highdicom import sr

    return sr.CodedConcept(value, CODING_SCHEME, meaning)


def _uid(*words: str) -> str:
    return f"2.25.{uuid.uuid5(_NAMESPACE, json.dumps(words)).int}"


def _plain(text: str) -> str:
    """What fits a DICOM long string: no control characters, no backslash, 64 characters."""
    cleaned = "".join(character if character.isprintable() and character != "\\" else " " for character in text)
    return " ".join(cleaned.split())[:_LONG_STRING].strip()


def _version() -> str:
    from farnet import __version__

    return __version__
