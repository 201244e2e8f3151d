"""`farnet review`: what was corrected, who did it, and all of it in one file."""

import numpy as np
import pytest

from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.review import Review
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")


@pytest.fixture
def corrections(tmp_path):
    folder = tmp_path / "corrections"
    for name, spacing in (("a", (0.1, 0.1)), ("b", None)):
        item = Landmarks(np.full((19, 2), 50.0), SCHEME, spacing=spacing, radiograph=name, image_shape=(99, 99))
        review = Review.of(item).accepted(0, who="AB").moved(1, (53.0, 54.0), who="AB").marked_absent(2, who="AB")
        write_annotations(folder / f"{name}.csv", [review.to_landmarks()])
    return folder


def test_a_summary(farnet, corrections):
    report = farnet("review", corrections, "--json").json()["radiographs"]
    assert [item["radiograph"] for item in report] == ["a", "b"]
    first = report[0]
    assert (first["reviewed"], first["accepted"], first["edited"], first["absent"]) == (3, 1, 1, 1)
    assert (first["moved_mean"], first["unit"]) == (pytest.approx(0.5), "mm")
    assert (report[1]["moved_max"], report[1]["unit"]) == (pytest.approx(5.0), "px")
    assert "3 of 19" in farnet("review", corrections).out


def test_the_log(farnet, corrections):
    text = farnet("review", corrections / "a.csv", "--log").out
    for word in ("accepted", "moved", "marked absent", "Nasion", "53.0, 54.0", "0.50", "AB"):
        assert word in text
    entry = farnet("review", corrections, "--json").json()["radiographs"][1]["log"][1]
    assert (entry["landmark"], entry["moved_px"], entry["moved_mm"]) == ("Nasion", 5.0, None)


def test_all_in_one_file(farnet, corrections, tmp_path):
    target = tmp_path / "all.csv"
    farnet("review", corrections, "-o", target)
    found = read_annotations(target)
    assert [item.radiograph for item in found] == ["a", "b"]
    assert Review.of(found[0]).states[:3] == ("accepted", "edited", "absent")
    assert farnet("review", corrections, "-o", target).code == 2
    assert farnet("review", corrections, "-o", target, "--force").code == 0


def test_landmarks_that_nobody_reviewed(farnet, tmp_path):
    write_annotations(tmp_path / "x.csv", [Landmarks(np.ones((19, 2)), SCHEME, radiograph="x")])
    report = farnet("review", tmp_path / "x.csv", "--json").json()["radiographs"][0]
    assert (report["reviewed"], report["moved_mean"], report["log"]) == (0, None, [])


def test_wrong_use(farnet, tmp_path):
    result = farnet("review", tmp_path / "nowhere.csv")
    assert result.code == 2
    assert "nowhere.csv" in result.err


def test_a_session(farnet, corrections, tmp_path):
    session = tmp_path / "session"
    report = farnet("review", corrections, "--session", session, "--json").json()["session"]
    assert report["folder"] == str(session)
    assert {path.name for path in session.iterdir()} == set(report["files"])
    assert {item["name"] for item in report["left_out"]} == {"radiograph-01.sr.dcm", "radiograph-02.sr.dcm"}
    again = farnet("review", corrections, "--session", session)
    assert again.code == 2
    assert "--force" in again.err
    forced = farnet("review", corrections, "--session", session, "--force")
    assert (forced.code, f"Session: {session}" in forced.out) == (0, True)
    assert "Left out: radiograph-01.sr.dcm" in forced.err
    assert "--force" not in farnet("review", corrections, "--session", corrections).err
    assert str(tmp_path / "session-key.csv") in forced.out.replace("\n", "")
    named = farnet("review", corrections, "--session", tmp_path / "named", "--names", "--json").json()["session"]
    assert (named["key"], "a.mrk.json" in named["files"]) == (None, True)
    assert farnet("review", corrections, "--names").code == 2


@pytest.mark.parametrize("option", [[], ["--log"]])
def test_px_and_mm_stand_in_columns_of_their_own(farnet, corrections, option):
    both = farnet("review", corrections, *option).out
    assert "moved by (mm)" in both and "moved by (px)" in both
    line = next(line for line in both.splitlines() if "0.50" in line)
    assert "5.00" not in line
    assert "moved by (px)" not in farnet("review", corrections / "a.csv", *option).out
    assert "moved by (mm)" not in farnet("review", corrections / "b.csv", *option).out
