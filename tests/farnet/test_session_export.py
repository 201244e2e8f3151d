"""A session holds everything, exactly, and is there as a whole or not at all."""

import csv
import hashlib
import json
import re

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
    assert names == sorted([*tables, *(f"radiograph-0{number}.mrk.json" for number in (1, 2, 3))])
    for file in ("landmarks.csv", "landmarks.coco.json"):
        found = read_annotations(session.folder / file)
        assert [item.radiograph for item in found] == ["radiograph-01", "radiograph-02", "radiograph-03"]
        for item, wanted in zip(found, items, strict=True):
            np.testing.assert_array_equal(item.points, wanted.points)
            assert item.image_sha256 == wanted.image_sha256
            kept = {key: value for key, value in wanted.provenance.items() if key != "image"}
            assert item.provenance == kept
    (one,) = read_annotations(session.folder / "radiograph-03.mrk.json")
    np.testing.assert_array_equal(one.points, items[2].points)
    # Beside it there is the key, and nothing else.
    assert sorted(path.name for path in session.folder.parent.iterdir()) == ["session", "session-key.csv"]


def test_with_names_every_file_has_them(tmp_path, items):
    session = export_session(tmp_path / "session", items, names=True)
    assert {"a.mrk.json", "b_B.mrk.json", "b_b-2.mrk.json"} < set(session.files) and session.key is None
    assert [path.name for path in tmp_path.iterdir()] == ["session"]
    for file in ("landmarks.csv", "landmarks.coco.json", "a.mrk.json"):
        found = read_annotations(session.folder / file)
        assert [item.radiograph for item in found] == ["a", "b/B", "b:b"][: len(found)]
        for item, wanted in zip(found, items, strict=False):
            np.testing.assert_array_equal(item.points, wanted.points)
            assert item.provenance == {**wanted.provenance, "image": "a.png"}
    about = json.loads((session.folder / "session.json").read_text(encoding="utf-8"))
    assert [item["name"] for item in about["radiographs"]] == ["a", "b/B", "b:b"]
    assert about["radiographs"][0]["file"] == "a.png"
    assert about["commands"]["detect"].startswith("farnet detect RADIOGRAPHS/a.png --model tiny")


PATIENT = "Mueller_1970"


@pytest.mark.parametrize("folder", ["/net/ann/scans", r"D:\ann\scans", r"\\server\ann", "file:///net/ann", "~/ann"])
def test_a_session_tells_neither_patients_nor_places(tmp_path, folder):
    foreign = {"imagePath": f"{folder}/{PATIENT}.png", "flags": {PATIENT: True}, "by": "ann"}
    provenance = PROVENANCE | {"image": f"{folder}/{PATIENT}.png"} | foreign
    first = landmarks(PATIENT, provenance=provenance)
    second = landmarks(PATIENT, provenance=provenance, image_sha256="ef" * 32)  # another patient of the same name
    items = [first, Review.of(second).moved(1, (3.0, 4.0), who="AB").to_landmarks(), first.replace(source="X")]
    session = export_session(tmp_path / PATIENT / "session", items)
    for path in session.folder.iterdir():
        for secret in (PATIENT, "ann", str(tmp_path), "server"):
            assert secret not in path.name and not re.search(rf"(?i)\b{secret}\b", path.read_text(encoding="utf-8")), (
                path
            )
    about = json.loads((session.folder / "session.json").read_text(encoding="utf-8"))
    assert [item["name"] for item in about["radiographs"]] == ["radiograph-01", "radiograph-02", "radiograph-01"]
    with session.key.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["code"], row["radiograph"], row["image_sha256"]) for row in rows] == [
        ("radiograph-01", PATIENT, "cd" * 32),
        ("radiograph-02", PATIENT, "ef" * 32),
    ]
    assert rows[0]["file"] == f"{folder}/{PATIENT}.png"

    named = export_session(tmp_path / "named", items[:2], names=True)
    for path in named.folder.iterdir():
        assert folder not in path.read_text(encoding="utf-8") and str(tmp_path) not in path.read_text(encoding="utf-8")


def test_a_key_is_replaced_only_with_its_session(tmp_path, items):
    folder = tmp_path / "session"
    key = export_session(folder, items).key
    before = key.read_text()
    folder.rename(tmp_path / "handed over")
    with pytest.raises(OutputError, match="earlier session"):
        export_session(folder, items[:1])
    assert key.read_text() == before and not folder.exists()
    export_session(folder, items[:1], force=True)
    assert len(key.read_text().splitlines()) == 2
    key.write_text("something,else\n")
    with pytest.raises(OutputError, match="no key of a session"):
        export_session(folder, items, force=True)
    assert key.read_text() == "something,else\n"


OUTSIDE = ["../outside.csv", "..", "/etc/passwd", r"..\outside.csv", "C:outside.csv", "a/b", "", 3]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_manifest_that_leads_out_of_its_folder_is_none(session, name):
    manifest = session.folder / "session.json"
    about = json.loads(manifest.read_text(encoding="utf-8"))
    about["files"].append({"name": name, "bytes": 1, "sha256": "ab" * 32})
    manifest.write_text(json.dumps(about))
    assert not is_session(session.folder)
    with pytest.raises(InvalidInputError, match="no session"):
        changed_files(session.folder)


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
    assert model["radiographs"] == ["radiograph-01", "radiograph-02", "radiograph-03"]
    first, second, _ = about["radiographs"]
    assert (first["sha256"], first["spacing_mm"], first["edits"]) == ("cd" * 32, [0.1, 0.2], 2)
    assert first["states"] == {"predicted": 17, "edited": 1, "absent": 1}
    assert second["spacing_mm"] is None
    for entry in about["files"]:
        data = (session.folder / entry["name"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert {entry["name"] for entry in about["files"]} == set(session.files) - {"session.json"}
    assert about["commands"]["verify"] == "farnet verify . --radiographs RADIOGRAPHS"
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


def test_what_was_left_out_has_its_reason(session, items, tmp_path):
    reasons = dict(session.left_out)
    assert set(reasons) == {f"radiograph-0{number}.sr.dcm" for number in (1, 2, 3)}
    assert set(reasons.values()) == {"no DICOM file of the radiograph is known"}
    reasons = dict(export_session(tmp_path / "named", items, names=True).left_out)
    assert set(reasons) == {"a.sr.dcm", "b_B.sr.dcm", "b_b-2.sr.dcm"}
    assert "a.png" in reasons["a.sr.dcm"] and "scans" not in reasons["a.sr.dcm"]


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
    coded = export_session(tmp_path / "coded", [item])
    assert "identifies the patient" in dict(coded.left_out)["radiograph-01.sr.dcm"]
    assert not list(coded.folder.glob("*.dcm"))
    session = export_session(tmp_path / "session", [item], names=True)
    assert "x.sr.dcm" in session.files
    assert str(tmp_path).encode() not in (session.folder / "x.sr.dcm").read_bytes()
    report = highdicom.sr.srread(session.folder / "x.sr.dcm")
    assert report.StudyInstanceUID == image.StudyInstanceUID


def test_nothing_is_overwritten_unless_it_is_a_session(session, items, tmp_path):
    before = (session.folder / "landmarks.csv").read_bytes()
    with pytest.raises(OutputError, match="not empty"):
        export_session(session.folder, items[:1])
    assert (session.folder / "landmarks.csv").read_bytes() == before
    again = export_session(session.folder, items[:1], force=True)
    assert len(read_annotations(again.folder / "landmarks.csv")) == 1
    assert not (again.folder / "radiograph-02.mrk.json").exists()
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
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["session", "session-key.csv"]


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
