"""`farnet measure`: tables, files, JSON, and what it refuses."""

import csv
import json

import numpy as np
import pytest

from farnet import write_annotations
from farnet.landmarks import Landmarks
from farnet.samples import average_cephalogram
from farnet.scheme import load_scheme


@pytest.fixture
def landmarks():
    return average_cephalogram()[1]


@pytest.fixture
def table(here, landmarks):
    """landmarks.csv: the average cephalogram, and the same without a spacing."""
    bare = landmarks.replace(spacing=None, radiograph="bare")
    write_annotations(here / "landmarks.csv", [landmarks, bare])
    return here / "landmarks.csv"


@pytest.fixture
def mine(here):
    path = here / "mine.yaml"
    path.write_text(
        "name: mine\nscheme: cephalometric19\nmeasurements:\n"
        "  - {name: SN, distance: [S, N], norm: {mean: 60, sd: 5}}\n  - {name: length, distance: [Go, Gn]}\n"
    )
    return path


def test_tables(farnet, table):
    result = farnet("measure", table)
    assert result.code == 0
    assert "average_cephalogram, mean shape of" in result.out
    assert "prognathic mandible" in result.out
    assert "74.6 to 78.7" in result.out
    assert "MW: no mm: the size of a pixel is unknown" in result.out
    assert result.err == ""


def test_json(farnet, table):
    report = farnet("measure", table, "--json").json()
    assert [item["name"] for item in report["definitions"]] == ["cephalometry"]
    assert report["mw_gap"] == "strict"
    first, second = report["radiographs"]
    assert first["spacing"] == [0.2, 0.2]
    assert second["spacing"] is None
    values = {item["name"]: item for item in first["measurements"]}
    assert values["SNA"]["value"] == pytest.approx(82.6, abs=0.05)
    assert (values["SNA"]["class_number"], values["SNA"]["class"]) == (1, "normal maxilla")
    assert second["measurements"][-1]["value"] is None
    assert second["measurements"][-1]["remark"].startswith("no mm")


def test_a_spacing_from_the_command_line(farnet, table):
    report = farnet("measure", table, "--spacing", "0.4", "--json").json()
    assert [item["spacing"] for item in report["radiographs"]] == [[0.4, 0.4]] * 2
    mw = [item["measurements"][-1]["value"] for item in report["radiographs"]]
    assert mw[0] == mw[1] == pytest.approx(4.3, abs=0.1)
    uneven = farnet("measure", table, "--spacing", "0.4,0.2", "--json").json()
    assert uneven["radiographs"][0]["measurements"][1]["value"] != report["radiographs"][0]["measurements"][1]["value"]


def test_the_gap_of_the_overjet(farnet, here, landmarks):
    points = landmarks.points.copy()
    points[11] = points[10] + (0, 5)  # 1 mm in front
    write_annotations(here / "one.csv", [landmarks.replace(points=points)])
    classes = [
        farnet("measure", "one.csv", "--mw-gap", gap, "--json").json()["radiographs"][0]["measurements"][-1]["class"]
        for gap in ("strict", "script")
    ]
    assert classes == [None, "anterior cross-bite"]


def test_a_file_with_a_row_for_each_measurement(farnet, table, here):
    result = farnet("measure", table, "-o", "out/measured.csv")
    assert result.code == 0
    assert "2 radiographs measured" in result.out
    with (here / "out" / "measured.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    assert rows[0]["class_number"] == "3"
    again = farnet("measure", table, "-o", "out/measured.csv")
    assert again.code == 2
    assert "would be overwritten" in again.err
    assert farnet("measure", table, "-o", "out/measured.csv", "--force", "--wide").code == 0
    with (here / "out" / "measured.csv").open(encoding="utf-8", newline="") as file:
        (first, second) = csv.DictReader(file)
    assert (first["ANB class"], second["MW (mm)"]) == ("3", "")


def test_json_and_a_file(farnet, table, here):
    report = farnet("measure", table, "-o", "m.csv", "--json").json()
    assert report["output"] == "m.csv"
    assert (here / "m.csv").is_file()


def test_many_radiographs_are_a_row_each(farnet, here, landmarks):
    write_annotations(here / "many.csv", [landmarks.replace(radiograph=f"r{i}") for i in range(5)])
    out = farnet("measure", "many.csv").out
    assert "SNB class" in out
    assert out.count("82.56") == 5
    lines = [line.split() for line in out.splitlines()]
    assert ["SNB", "prognathic", "mandible", "5"] in lines


def test_definitions_of_ones_own(farnet, table, mine):
    report = farnet("measure", table, "--definitions", mine, "--json").json()
    assert report["definitions"][0]["file"] == str(mine)
    first, second = (item["measurements"] for item in report["radiographs"])
    assert [item["name"] for item in first] == ["SN", "length"]
    assert first[0]["deviation_sd"] == pytest.approx((first[0]["value"] - 60) / 5)
    assert (second[0]["value"], second[1]["unit"]) == (None, "px")
    assert second[1]["value"] == pytest.approx(first[1]["value"] / 0.2)


def test_each_scheme_has_its_own(farnet, here, landmarks):
    hand = load_scheme("hand37")
    points = np.stack([np.arange(37.0), np.arange(37.0) ** 1.5], axis=1)
    write_annotations(here / "a.csv", [landmarks])
    write_annotations(here / "b.csv", [Landmarks(points, hand, radiograph="hand")])
    report = farnet("measure", "a.csv", "b.csv", "--json").json()
    assert [item["name"] for item in report["definitions"]] == ["cephalometry", "hand"]
    assert report["radiographs"][1]["measurements"][0]["unit"] == "px"


def test_a_list_of_what_can_be_measured(farnet, mine):
    out = farnet("measure", "--list").out
    for text in ("cephalometry", "angle S–N–A", "SN-GoGn", "Metacarpal 2", "Cobb 1", "Parts: "):
        assert text in out
    assert "distance S–N" in farnet("measure", "--list", "--definitions", mine).out
    sets = farnet("measure", "--list", "--json").json()
    assert [item["name"] for item in sets] == ["cephalometry", "hand", "spine"]
    assert sets[0]["measurements"][0]["classes"][0] == {"name": "Class I", "number": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give annotation files"),
        (["gone.csv"], "There is no file gone.csv"),
        (["landmarks.csv", "--definitions", "cephalometri"], "Did you mean 'cephalometry'?"),
        (["landmarks.csv", "--definitions", "gone.yaml"], "There is no file gone.yaml"),
        (["landmarks.csv", "--definitions", "spine"], "need the landmark 'T1 upper left corner'"),
        (["landmarks.csv", "--definitions", "bad.yaml"], "bad.yaml, line 4: Unknown landmark"),
        (["landmarks.csv", "--spacing", "0"], "above zero"),
        (["landmarks.csv", "--mw-gap", "scrip"], "Did you mean 'script'?"),
        (["landmarks.csv", "--wide"], "add -o FILE.csv"),
        (["landmarks.csv", "-o", "measured.xlsx"], "ends in .csv"),
    ],
)
def test_wrong_use_is_told(farnet, table, here, arguments, message):
    (here / "bad.yaml").write_text(
        "name: mine\nscheme: cephalometric19\nmeasurements:\n  - {name: SN, distance: [S, Nose]}\n"
    )
    result = farnet("measure", *arguments)
    assert result.code == 2
    assert message in result.err
    assert result.out == ""


def test_a_scheme_without_measurements(farnet, here):
    data = load_scheme("cephalometric19").to_dict() | {"name": "mine", "links": []}
    data["landmarks"] = data["landmarks"][:2]
    (here / "mine.json").write_text(json.dumps(data))
    scheme = load_scheme(here / "mine.json")
    write_annotations(here / "two.csv", [Landmarks(np.eye(2), scheme, radiograph="r")])
    result = farnet("measure", "two.csv")
    assert result.code == 2
    assert "scheme 'mine'" in result.err


def test_what_to_know_of_the_points_is_told(farnet, here, landmarks):
    rows = int(np.sort(landmarks.points[:, 0])[-2])
    cut = landmarks.replace(image_shape=(rows, landmarks.image_shape[1]), radiograph="cut")
    write_annotations(here / "l.csv", [landmarks, cut, cut.inside().replace(radiograph="absent")])
    result = farnet("measure", here / "l.csv")
    assert "cut: Outside the picture, but taken as they are" in result.err
    assert "absent: Outside the picture, and so absent" in result.err
    assert "average" not in result.err
    wrong = farnet("measure", here / "l.csv", "--spacing", "45", "--json")
    assert "At 45 mm a pixel" in wrong.err
    for item in wrong.json()["radiographs"]:
        assert "At 45 mm a pixel" in item["doubts"][-1]


def test_px_and_mm_of_many_radiographs_stand_in_columns_of_their_own(farnet, here, landmarks, mine):
    items = [landmarks.replace(radiograph=f"r{i}", spacing=(0.2, 0.2) if i % 2 else None) for i in range(6)]
    write_annotations(here / "l.csv", items)
    out = farnet("measure", here / "l.csv", "--definitions", mine).out
    assert "length (mm)" in out and "length (px)" in out


@pytest.mark.parametrize("command", ["measure", "review"])
def test_a_damaged_file_does_not_stop_the_others(farnet, tmp_path, command):
    for name in ("a", "c"):
        write_annotations(tmp_path / f"{name}.csv", [average_cephalogram()[1].replace(radiograph=name)])
    (tmp_path / "b.csv").write_text("scheme,landmark,row_px,column_px\ncephalometric19,Sella,1,x\n")
    for words in ([tmp_path], sorted(tmp_path.glob("*.csv"))):
        result = farnet(command, *words, "--json")
        assert result.code == 1
        assert [item["radiograph"] for item in result.json()["radiographs"]] == ["a", "c"]
        (failed,) = result.json()["failed"]
        assert failed["path"] == str(tmp_path / "b.csv") and "'x'" in failed["error"]
    told = farnet(command, tmp_path)
    assert told.code == 1 and "Failed: 1" in told.err and "b.csv" in told.err
    assert farnet(command, tmp_path / "b.csv").code == 2
