"""Landmarks of one's own: every command that reads them works without being told what they are."""

import json

import numpy as np
import pytest
from tests.farnet.models import write_tiny_model

from farnet.corrections import Corrections
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.networks import NetworkConfig
from farnet.scheme import LandmarkDefinition, LandmarkScheme

KNEE = LandmarkScheme("knee", "Knee", tuple(LandmarkDefinition(name, name[0]) for name in ("Top", "Middle", "Bottom")))
MODEL = {
    "scheme": KNEE.to_dict(),
    "network": NetworkConfig(backbone="efficientnet_lite0", width=8, landmarks=3),
}
MEASURE = """\
format: farnet-measurements
version: 1
name: knee
scheme: knee
measurements:
  - name: height
    title: Height
    distance: [Top, Bottom]
"""


def knee(name, shift=0.0):
    points = np.array([[5.0, 20.0], [20.0, 25.0], [30.0, 30.0]]) + shift
    return Landmarks(points, KNEE, radiograph=name, image_shape=(40, 60), spacing=0.5, source=f"by {shift}")


def bare(file, shift=0.0):
    """A table that names the scheme and does not hold it."""
    rows = [
        f"knee,{name},{landmark},{row},{column}"
        for name in ("a", "b")
        for landmark, (row, column) in zip(KNEE.names, knee(name, shift).points.tolist(), strict=True)
    ]
    file.write_text("\n".join(["scheme,radiograph,landmark,row_px,column_px", *rows]))


@pytest.fixture(params=["embedded", "beside", "above", "model beside", "installed"])
def tables(request, here, make, monkeypatch):
    """Radiographs and tables of knees, where the scheme is in one of the places where it is looked for."""
    monkeypatch.setenv("FARNET_MODELS", str(here / "models"))
    folder = here / "study" / "reader"
    for seed, name in enumerate(("a", "b")):
        make(here / "scans" / f"{name}.png", seed)
    folder.mkdir(parents=True)
    for file, shift in (("one.csv", 0.0), ("two.csv", 1.0)):
        if request.param == "embedded":
            write_annotations(folder / file, [knee("a", shift), knee("b", shift)])
        else:
            bare(folder / file, shift)
    if request.param in ("beside", "above"):
        place = folder if request.param == "beside" else folder.parent
        (place / "scheme.json").write_text(json.dumps(KNEE.to_dict()))
    elif request.param == "model beside":
        write_tiny_model(folder / "mine.safetensors", name="mine", **MODEL)
    elif request.param == "installed":
        (here / "models").mkdir()
        write_tiny_model(here / "models" / "mine.safetensors", name="mine", **MODEL)
    return folder


def done(result):
    assert result.code == 0, result.err
    return result


def test_every_command_that_reads_landmarks(farnet, tables, here):
    one, two = tables / "one.csv", tables / "two.csv"
    assert read_annotations(one)[0].scheme == KNEE
    evaluation = done(farnet("evaluate", "--predictions", one, "--reference", two, "--bootstrap", 0, "--json")).json()
    mm = read_annotations(one)[0].spacing or (1.0, 1.0)
    assert evaluation["evaluation"]["pooled"]["mre"] == pytest.approx(np.hypot(*mm))
    review = done(farnet("review", one, "-o", here / "out.csv", "--json")).json()
    assert [item["landmarks"] for item in review["radiographs"]] == [3, 3]
    assert read_annotations(here / "out.csv")[1].equals(read_annotations(one)[1])
    done(farnet("observers", one, two, "--bootstrap", 0, "--json"))
    (tables / "knee.yaml").write_text(MEASURE)
    done(farnet("measure", one, "--definitions", tables / "knee.yaml", "--json"))
    done(farnet("check", here / "scans", "--annotations", one, "--json"))


def test_correcting_starts_from_such_a_table(tables, here):
    corrections = Corrections.open(here / "scans", predictions=tables / "one.csv")
    assert corrections.scheme == KNEE


@pytest.mark.parametrize("ending", [".csv", ".coco.json", ".tps"])
def test_what_a_model_from_a_file_found_is_known_without_the_model(farnet, here, make, ending, monkeypatch):
    monkeypatch.setenv("FARNET_MODELS", str(here / "models"))
    make(here / "scans" / "a.png")
    write_tiny_model(here / "elsewhere" / "mine.safetensors", name="mine", **MODEL)
    found = here / f"found{ending}"
    done(farnet("detect", here / "scans" / "a.png", "--model", here / "elsewhere" / "mine.safetensors", "-o", found))
    assert read_annotations(found)[0].scheme == KNEE
    done(farnet("review", found, "--json"))


def test_labels_of_somebody_else_on_the_command_line(farnet, here, make):
    for seed, name in enumerate(("a", "b")):
        make(here / "scans" / f"{name}.png", seed)
    (here / "scheme.json").write_text(json.dumps(KNEE.to_dict()))
    bare(here / "one.csv")
    (here / "two.csv").write_text((here / "one.csv").read_text().replace("Top", "l1").replace("Bottom", "l3"))
    (here / "map.csv").write_text("label,landmark\nl1,T\nl3,Bottom\n")
    refused = farnet("review", "two.csv")
    assert refused.code == 2 and "l1" in refused.err
    for words in (
        ["review", "two.csv"],
        ["evaluate", "--predictions", "two.csv", "--reference", "one.csv", "--bootstrap", "0"],
        ["observers", "one.csv", "two.csv", "--bootstrap", "0"],
        ["check", "scans", "--annotations", "two.csv"],
    ):
        done(farnet(*words, "--labels", "map.csv", "--json"))
    (here / "knee.yaml").write_text(MEASURE)
    done(farnet("measure", "two.csv", "--definitions", "knee.yaml", "--labels", "map.csv", "--json"))
    wrong = farnet("review", "two.csv", "--labels", "none.csv")
    assert wrong.code == 2 and "no file none.csv" in wrong.err
