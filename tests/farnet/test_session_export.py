"""A session holds everything, exactly, and is there as a whole or not at all."""

import csv
import hashlib
import json

import numpy as np
import pytest

from farnet import session_export
from farnet.errors import InvalidInputError, OutputError
from farnet.formats import read_annotations
from farnet.landmarks import Landmarks
from farnet.review import Review
from farnet.scheme import bundled_schemes, load_scheme
from farnet.session_export import LOG_COLUMNS, changed_files, export_session, is_session

SCHEME = load_scheme("cephalometric19")
PROVENANCE = {"model": "tiny", "model_sha256": "ab" * 32, "device": "cpu", "image": "/scans of today/a.png"}


def landmarks(name, spacing=(0.1, 0.2), **changes):
    points = np.random.default_rng(3).uniform(0, 90, (19, 2))
    values = {"image_shape": (99, 99), "image_sha256": "cd" * 32, "provenance": PROVENANCE, "source": "model tiny"}
    return Landmarks(points, SCHEME, spacing=spacing, radiograph=name, **{**values, **changes})


@pytest.fixture
def items():
    first = landmarks("a")
    reviewed = Review.of(first).moved(1, first.points[1] + (3.0, 4.0), who="AB").marked_absent(2, who="AB")
    return [reviewed.to_landmarks(), landmarks("b/B", None), landmarks("b:b")]


@pytest.fixture
def session(tmp_path, items):
    return export_session(tmp_path / "deep" / "session", items)


def test_every_file_is_there_and_reads_back(session, items):
    names = sorted(path.name for path in session.folder.iterdir())
    assert names == sorted(session.files)
    tables = ["landmarks.coco.json", "landmarks.csv", "log.csv", "measurements.csv", "session.json"]
    assert names == ["a.mrk.json", "b_B.mrk.json", "b_b-2.mrk.json", *tables]
    for file in ("landmarks.csv", "landmarks.coco.json"):
        found = read_annotations(session.folder / file)
        assert [item.radiograph for item in found] == ["a", "b/B", "b:b"]
        for item, wanted in zip(found, items, strict=True):
            np.testing.assert_array_equal(item.points, wanted.points)
            assert item.provenance == wanted.provenance
    (one,) = read_annotations(session.folder / "b_b-2.mrk.json")
    np.testing.assert_array_equal(one.points, items[2].points)
    assert [path.name for path in session.folder.parent.iterdir()] == ["session"]  # nothing is left beside it


def test_the_log_says_how_far_in_px_and_mm(session):
    with (session.folder / "log.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == LOG_COLUMNS
    assert [(row["action"], row["landmark"], row["who"]) for row in rows] == [
        ("moved", SCHEME.names[1], "AB"),
        ("marked absent", SCHEME.names[2], "AB"),
    ]
    assert float(rows[0]["moved_px"]) == pytest.approx(5.0)
    assert float(rows[0]["moved_mm"]) == pytest.approx(np.hypot(0.3, 0.8))
    assert float(rows[0]["row_to_px"]) - float(rows[0]["row_from_px"]) == pytest.approx(3.0)
    assert (rows[1]["row_to_px"], rows[1]["moved_px"]) == ("", "")


def test_the_manifest_says_what_with_and_of_what(session):
    about = json.loads((session.folder / "session.json").read_text(encoding="utf-8"))
    assert set(about["versions"]) == {"farnet", "torch", "numpy", "python", "system"}
    (model,) = about["models"]
    assert (model["name"], model["sha256"], model["device"]) == ("tiny", "ab" * 32, "cpu")
    assert model["radiographs"] == ["a", "b/B", "b:b"]
    first, second, _ = about["radiographs"]
    assert (first["sha256"], first["spacing_mm"], first["edits"]) == ("cd" * 32, [0.1, 0.2], 2)
    assert first["states"] == {"predicted": 17, "edited": 1, "absent": 1}
    assert second["spacing_mm"] is None
    for entry in about["files"]:
        data = (session.folder / entry["name"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert {entry["name"] for entry in about["files"]} == set(session.files) - {"session.json"}
    verify = about["commands"]["verify"]
    assert verify == f"farnet verify {session.folder} --radiographs '/scans of today'"
    assert "--model tiny" in about["commands"]["detect"]


def test_the_command_that_detects_knows_the_spacing(tmp_path):
    for source, words in (
        ("given", "--spacing 0.1,0.2"),
        ("X (detector plane)", "--detector-spacing"),
        ("X", "cpu --o"),
    ):
        item = landmarks("a", provenance={**PROVENANCE, "spacing_source": source})
        session = export_session(tmp_path / source, [item])
        about = json.loads((session.folder / "session.json").read_text(encoding="utf-8"))
        assert words in about["commands"]["detect"]


def test_a_provenance_of_another_program_does_no_harm(tmp_path):
    strange = {"model": {"name": "x"}, "image": 7, "model_sha256": [], "device": None, "spacing_source": 3}
    session = export_session(tmp_path / "s", [landmarks("a", provenance=strange)])
    about = json.loads((session.folder / "session.json").read_text(encoding="utf-8"))
    assert about["models"] == []
    assert "--radiographs RADIOGRAPHS" in about["commands"]["verify"]


def test_what_was_left_out_has_its_reason(session):
    reasons = dict(session.left_out)
    assert set(reasons) == {"a.sr.dcm", "b_B.sr.dcm", "b_b-2.sr.dcm"}
    assert "a.png" in reasons["a.sr.dcm"]


def test_landmarks_without_measurements_say_so(tmp_path):
    for name in bundled_schemes():
        scheme = load_scheme(name)
        item = Landmarks(np.ones((len(scheme), 2)), scheme, radiograph="x")
        session = export_session(tmp_path / name, [item])
        assert ("measurements.csv" in session.files) != ("measurements.csv" in dict(session.left_out))


def test_a_dicom_radiograph_gets_a_report(tmp_path):
    highdicom = pytest.importorskip("highdicom")
    from pydicom import Dataset, FileMetaDataset, dcmwrite
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", generate_uid()
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dcmwrite(tmp_path / "x.dcm", image, enforce_file_format=True)
    sha256 = hashlib.sha256((tmp_path / "x.dcm").read_bytes()).hexdigest()
    item = landmarks("x", image_sha256=sha256, provenance={"image": str(tmp_path / "x.dcm")})
    session = export_session(tmp_path / "session", [item])
    assert "x.sr.dcm" in session.files
    report = highdicom.sr.srread(session.folder / "x.sr.dcm")
    assert report.StudyInstanceUID == image.StudyInstanceUID


def test_nothing_is_overwritten_unless_it_is_a_session(session, items, tmp_path):
    before = (session.folder / "landmarks.csv").read_bytes()
    with pytest.raises(OutputError, match="not empty"):
        export_session(session.folder, items[:1])
    assert (session.folder / "landmarks.csv").read_bytes() == before
    again = export_session(session.folder, items[:1], force=True)
    assert len(read_annotations(again.folder / "landmarks.csv")) == 1
    assert not (again.folder / "b_B.mrk.json").exists()
    scans = tmp_path / "scans"
    scans.mkdir()
    export_session(scans, items)  # empty
    (scans / "session.json").write_text("{}")
    with pytest.raises(OutputError, match="no session"):
        export_session(scans, items, force=True)
    assert (scans / "landmarks.csv").exists()


def test_a_failure_leaves_nothing_and_keeps_what_was_there(session, items, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(session_export, "_write_measurements", fail)
    with pytest.raises(OutputError, match="No space left"):
        export_session(session.folder, items, force=True)
    assert changed_files(session.folder) == []
    with pytest.raises(OutputError):
        export_session(tmp_path / "new", items)
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["session"]


def test_a_file_that_was_changed_is_told(session):
    assert is_session(session.folder)
    assert changed_files(session.folder) == []
    (session.folder / "log.csv").write_text("nobody did anything")
    (session.folder / "measurements.csv").unlink()
    changed, missing = sorted(changed_files(session.folder))
    assert "log.csv was changed" in changed
    assert "measurements.csv is missing" in missing
    assert not is_session(session.folder.parent)
    with pytest.raises(InvalidInputError, match="no session"):
        changed_files(session.folder.parent)


def test_wrong_use(tmp_path, items):
    with pytest.raises(InvalidInputError, match="no landmarks"):
        export_session(tmp_path / "s", [])
    other = load_scheme("hand37")
    with pytest.raises(InvalidInputError, match="one scheme"):
        export_session(tmp_path / "s", [items[0], Landmarks(np.ones((len(other), 2)), other, radiograph="h")])
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        export_session(tmp_path / "file", items)
