"""`farnet observers`: two doctors, one of them again, a model beside them, and a blind study."""

import csv

import pytest

from farnet import ISBI2015, write_annotations


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def doctors(isbi, here):
    """junior.csv and senior.csv, 1 mm (10 columns) apart, on three radiographs."""
    data = ISBI2015(isbi, "test1")
    for who in data.observers:
        write_annotations(here / f"{who}.csv", [data.observer_landmarks(i, who) for i in range(3)])
    return data


def test_two_doctors(farnet, doctors):
    report = farnet("observers", "junior.csv", "senior.csv", "--json", "--bootstrap", 20).json()
    assert report["files"] == [["junior", "junior.csv"], ["senior", "senior.csv"]]
    found = report["observers"]
    assert (found["unit"], found["n_radiographs"]) == ("mm", 3)
    assert found["inter"]["mre"] == pytest.approx(1.0)
    assert found["offsets"][0]["bias_down_right"] == pytest.approx([0.0, -0.5])
    assert found["differences"] == []


def test_the_tables_name_everybody(farnet, doctors, here):
    mean = [doctors.landmarks(i) for i in range(3)]
    write_annotations(here / "found.csv", mean)
    result = farnet("observers", "anna=junior.csv", "ben=senior.csv", "--predictions", "found.csv")
    assert result.code == 0
    assert "anna, ben on 3 radiographs" in result.out
    assert "anna \N{EN DASH} found" not in result.out
    assert "found \N{EN DASH} anna" in result.out
    assert "The model is within the observers' distance (-0.50 [-0.50, -0.50] mm, all landmarks)." in result.out
    assert "Soft-tissue pogonion" in result.out


def test_one_name_twice_is_one_observer_in_two_sessions(farnet, doctors):
    report = farnet("observers", "anna=junior.csv", "anna=senior.csv", "--json").json()["observers"]
    assert report["observers"] == ["anna"]
    assert report["inter"] is None
    assert report["intra"][0]["pooled"]["mre"] == pytest.approx(1.0)
    assert report["intra"][0]["dahlberg"] == pytest.approx(0.5**0.5)
    assert "anna, read again" in farnet("observers", "anna=junior.csv", "anna=senior.csv").out


def test_folders_of_one_name_are_two_observers(farnet, isbi, here):
    for who in ("junior", "senior"):
        (here / who).mkdir()
        (isbi / "AnnotationsByMD" / f"400_{who}").rename(here / who / "points")
    report = farnet("observers", "junior/points", "senior/points", "--spacing", 0.1, "--json").json()["observers"]
    assert report["observers"] == ["junior/points", "senior/points"]
    assert (report["unit"], report["inter"]["mre"]) == ("mm", pytest.approx(1.0))
    result = farnet("observers", "junior/points", "senior/points")
    assert "10.00" in result.out
    assert "In pixels" in result.out


def test_the_tables_can_be_written(farnet, doctors, here):
    result = farnet("observers", "junior.csv", "senior.csv", "-o", "out.csv", "--bootstrap", 20)
    assert "out-errors.csv" in result.out
    figures = rows(here / "out.csv")
    pooled = next(row for row in figures if (row["group"], row["landmark"]) == ("inter-observer", ""))
    assert (pooled["figure"], pooled["unit"], float(pooled["value"])) == ("mre", "mm", pytest.approx(1.0))
    distances = rows(here / "out-errors.csv")
    assert len(distances) == 3 * 19
    assert {(row["first"], row["second"]) for row in distances} == {("junior", "senior")}
    assert farnet("observers", "junior.csv", "senior.csv", "-o", "out.csv").code == 2
    assert farnet("observers", "junior.csv", "senior.csv", "-o", "out.csv", "--force").code == 0


def test_a_blind_study_from_order_to_result(farnet, isbi, doctors, here):
    folder = isbi / "RawImage" / "Test1Data"
    prepared = farnet("observers", "--blind", folder, "-o", "study", "--repeats", 1, "--seed", 5, "--json").json()
    assert (prepared["radiographs"], prepared["readings"]) == (3, 4)
    key = {row["code"]: row["radiograph"] for row in rows(here / "study-key.csv")}
    place = {doctors.ids[i]: i for i in range(3)}
    for who in doctors.observers:
        readings = [
            doctors.observer_landmarks(place[radiograph.rpartition("/")[2].removesuffix(".png")], who).replace(
                radiograph=code
            )
            for code, radiograph in key.items()
        ]
        write_annotations(here / f"{who}-blind.csv", readings)
    result = farnet("observers", "junior-blind.csv", "senior-blind.csv", "--key", "study-key.csv", "--json")
    found = result.json()["observers"]
    assert found["n_radiographs"] == 3
    assert found["inter"]["mre"] == pytest.approx(1.0)
    assert [item["pooled"]["mre"] for item in found["intra"]] == [0.0, 0.0]
    again = farnet("observers", "--blind", folder, "-o", "study")
    assert again.code == 1
    assert "never overwritten" in again.err


def test_not_everybody_read_everything(farnet, doctors, here):
    write_annotations(here / "two.csv", [doctors.landmarks(i) for i in range(2)])
    refused = farnet("observers", "junior.csv", "two.csv")
    assert refused.code == 2
    assert "were not read by two (173)" in refused.err
    common = farnet("observers", "junior.csv", "two.csv", "--common", "--json")
    assert common.json()["observers"]["n_radiographs"] == 2
    assert "Left out" in common.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give the readings"),
        (["junior.csv"], "nobody to compare with"),
        (["junior.csv", "junior.csv"], "given twice"),
        (["junior.csv", "nobody.csv"], "no file nobody.csv"),
        (["junior.csv", "senior.csv", "--radii", "x"], "--radii"),
        (["junior.csv", "senior.csv", "-o", "out.xlsx"], "ends in .csv"),
        (["junior.csv", "senior.csv", "--key", "senior.csv"], "no key"),
        (["junior.csv", "--blind", "isbi2015"], "second call"),
        (["--blind", "isbi2015"], "--output FOLDER"),
        (["--blind", "isbi2015", "-o", "study"], "no folder of radiographs"),
        (["--blind", "nowhere", "-o", "study"], "no folder of radiographs"),
        (["junior.csv", "senior.csv", "--copy"], "add --blind FOLDER"),
    ],
)
def test_wrong_use_is_told(farnet, doctors, arguments, message):
    result = farnet("observers", *arguments)
    assert result.code == 2
    assert message in result.err
    assert result.out == ""
