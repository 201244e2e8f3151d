"""`farnet verify`: found once more, the same or not, and what the exit code says."""

import numpy as np
import pytest
from PIL import Image

from farnet.detection import Detector
from farnet.formats import read_annotations, write_annotations
from farnet.modelfile import DecoderConfig
from farnet.radiograph import read_radiograph
from farnet.review import Review

from ..models import write_tiny_model  # noqa: TID252  the tests are no package with a name of its own


@pytest.fixture
def scans(tmp_path, rng, monkeypatch):
    """A folder with two radiographs, and landmarks.csv of a model in the user's folder."""
    folder = tmp_path / "scans"
    folder.mkdir()
    monkeypatch.setenv("FARNET_MODELS", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    write_tiny_model(tmp_path / "models" / "tiny.safetensors", decoder=DecoderConfig(sigma=3.0, min_peak=0.0))
    detector = Detector("tiny", "cpu")
    for name in "ab":
        Image.fromarray(rng.integers(0, 255, (90, 70), np.uint8)).save(folder / f"{name}.png")
    files = [folder / "a.png", folder / "b.png"]
    write_annotations(folder / "landmarks.csv", [detector.detect(read_radiograph(file)).landmarks for file in files])
    return folder


def edit(scans, change):
    first, second = read_annotations(scans / "landmarks.csv")
    write_annotations(scans / "landmarks.csv", [change(first), second])


def test_identical(farnet, scans):
    result = farnet("verify", scans / "landmarks.csv", "--radiographs", scans, "--device", "cpu")
    assert result.code == 0
    assert "Verified: the landmarks of 2 radiographs were found again, identical." in result.out
    report = farnet("verify", scans / "landmarks.csv", "--json").json()  # the radiographs are where they were
    assert report["passed"] is True
    assert [item["outcome"] for item in report["radiographs"]] == ["identical", "identical"]
    assert report["radiographs"][0]["path"] == str(scans / "a.png")


def test_nothing_is_written(farnet, scans, tmp_path):
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert farnet("verify", scans / "landmarks.csv", "--radiographs", scans).code == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_point_that_is_elsewhere(farnet, scans):
    def move(item):
        points = item.points.copy()
        points[0] = 40.0, 30.0
        return item.replace(points=points)

    edit(scans, move)
    result = farnet("verify", scans / "landmarks.csv", "-r", scans)
    assert result.code == 1
    assert "DIFFERS" in result.out
    assert "Sella" in result.out
    assert "Not verified: of 2 radiographs 1 are the same, 1 differ, 0 cannot be checked." in result.out


def test_a_correction_is_no_difference(farnet, scans):
    edit(scans, lambda item: Review.of(item).moved(0, (40.0, 30.0), who="AB").to_landmarks())
    assert farnet("verify", scans / "landmarks.csv", "-r", scans).code == 0


def test_another_radiograph(farnet, scans):
    Image.fromarray(np.eye(90, 70, dtype=np.uint8) * 200).save(scans / "b.png")
    result = farnet("verify", scans / "landmarks.csv", "-r", scans)
    assert result.code == 1
    assert "b: the content of" in result.out
    assert "cannot be checked" in result.out


def test_a_session_is_checked_with_its_files(farnet, scans, tmp_path):
    session = tmp_path / "session"
    assert farnet("review", scans / "landmarks.csv", "--session", session).code == 0
    assert farnet("verify", session, "-r", scans).code == 0
    assert farnet("verify", session).code == 0  # by the key beside it
    (session / "log.csv").write_text("")
    result = farnet("verify", session, "-r", scans)
    assert result.code == 1
    assert "log.csv was changed" in result.err
    assert farnet("verify", session, "-r", scans, "--json").json()["passed"] is False


def test_wrong_use(farnet, scans):
    for arguments in (["nowhere.csv"], [scans / "landmarks.csv", "-r", scans / "nowhere"]):
        result = farnet("verify", *arguments)
        assert result.code == 2
        assert "nowhere" in result.err
    assert farnet("verify", scans / "landmarks.csv", "-r", scans, "--tolerance", "-1").code == 2
    assert farnet("verify", scans / "landmarks.csv", "-r", scans, "--model", "none").code == 2
    for file in scans.glob("*.png"):
        file.unlink()
    assert "not where the landmarks say" in farnet("verify", scans / "landmarks.csv").err
