"""Numbers that mean "no point", in every format: absent, with a notice; and what is a point all the same."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from farnet.formats import read_annotations, write_annotations

from .made_up import SCHEME, landmarks

ABSENT = ((-1, -1), (0, 0), (-1.0, -1.0), (-999, -999))
POINTS = ((-1, 30), (0, 30), (30, 0), (0, 1))


def isbi(folder, x, y):
    lines = [f"{x},{y}" if k == 3 else f"{10 + k},{20 + k}" for k in range(19)]
    (folder / "skull.txt").write_text("\n".join(lines))
    return folder / "skull.txt"


def table(folder, x, y):
    rows = [f"skull,{name},{y if k == 3 else 20 + k},{x if k == 3 else 10 + k}" for k, name in enumerate(SCHEME.names)]
    (folder / "skull.csv").write_text("\n".join(["radiograph,landmark,row_px,column_px", *rows]))
    return folder / "skull.csv"


def coco(folder, x, y):
    keypoints = [v for k in range(19) for v in ((x, y, 2) if k == 3 else (10 + k, 20 + k, 2))]
    content = {
        "images": [{"id": 1, "file_name": "skull.png"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "keypoints": keypoints}],
        "categories": [{"id": 1, "name": "head", "keypoints": list(SCHEME.names)}],
    }
    (folder / "skull.json").write_text(json.dumps(content))
    return folder / "skull.json"


def coco_one_each(folder, x, y):
    content = {
        "annotations": [
            {"id": k, "image_id": 7, "category_id": k, "keypoints": [*((x, y) if k == 3 else (10 + k, 20 + k)), 2]}
            for k in range(19)
        ],
        "categories": [{"id": k, "name": name} for k, name in enumerate(SCHEME.abbreviations)],
        "images": [{"id": 7, "file_name": "skull.png"}],
    }
    (folder / "skull.coco.json").write_text(json.dumps(content))
    return folder / "skull.coco.json"


def labelme(folder, x, y):
    shapes = [
        {"label": name, "shape_type": "point", "points": [[x, y] if k == 3 else [10.5 + k, 20.5 + k]]}
        for k, name in enumerate(SCHEME.names)
    ]
    (folder / "skull.json").write_text(json.dumps({"shapes": shapes, "imagePath": "skull.png"}))
    return folder / "skull.json"


def tps(folder, x, y):
    Image.new("L", (300, 200)).save(folder / "skull.png")
    lines = [f"{x} {y}" if k == 3 else f"{10 + k} {200 - 20 - k}" for k in range(19)]
    (folder / "skull.tps").write_text("\n".join(["LM=19", *lines, "IMAGE=skull.png"]))
    return folder / "skull.tps"


def aariz(folder, x, y):
    entries = [
        {"title": name, "symbol": "", "value": {"x": x, "y": y} if k == 3 else {"x": 10 + k, "y": 20 + k}}
        for k, name in enumerate(SCHEME.names)
    ]
    (folder / "skull.json").write_text(json.dumps({"ceph_id": "skull", "landmarks": entries}))
    return folder / "skull.json"


MAKERS = (isbi, table, coco, coco_one_each, labelme, tps, aariz)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("x", "y"), ABSENT)
def test_absent_and_told(tmp_path, caplog, make, x, y):
    (found,) = read_annotations(make(tmp_path, x, y))
    assert np.flatnonzero(~found.present).tolist() == [3]
    np.testing.assert_allclose(found.points[5], [25.0, 15.0])
    assert found.radiograph == "skull"
    (notice,) = [record.getMessage() for record in caplog.records if record.name == "farnet.notices"]
    assert "taken as absent" in notice and ("Po" in notice)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("x", "y"), POINTS)
def test_one_such_number_is_a_coordinate(tmp_path, caplog, make, x, y):
    (found,) = read_annotations(make(tmp_path, x, y))
    assert found.present.all() and not caplog.records


@pytest.mark.parametrize("ending", [".csv", ".json", ".coco.json", ".tps"])
def test_files_of_this_program_may_hold_the_first_pixel(tmp_path, caplog, ending):
    written = landmarks(image_shape=(1000, 900))
    written = written.replace(points=np.where(np.arange(19)[:, None] == 0, 0.0, written.points))
    write_annotations(tmp_path / f"a{ending}", [written])
    (found,) = read_annotations(tmp_path / f"a{ending}")
    np.testing.assert_allclose(found.points, written.points, atol=1e-9)
    assert not caplog.records


def test_off_the_picture_is_no_point_even_in_a_table_of_this_program(tmp_path, caplog):
    write_annotations(tmp_path / "a.csv", [landmarks(absent=())])
    lines = (tmp_path / "a.csv").read_text().splitlines()
    row = lines[1].split(",")
    row[8:10] = "-1", "-1"
    (tmp_path / "a.csv").write_text("\n".join([lines[0], ",".join(row), *lines[2:]]))
    (found,) = read_annotations(tmp_path / "a.csv")
    assert np.flatnonzero(~found.present).tolist() == [0] and "absent" in caplog.text
