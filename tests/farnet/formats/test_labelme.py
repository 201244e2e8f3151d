"""labelme's files: its coordinates, and files that it made."""

from __future__ import annotations

import json

import numpy as np
import pytest

from farnet.formats import read_annotations, write_annotations

from .made_up import landmarks


class TestLabelme:
    def test_positions_are_from_the_corner_of_the_picture(self, tmp_path):
        write_annotations(tmp_path / "a.json", [landmarks()])
        content = json.loads((tmp_path / "a.json").read_text())
        row, column = landmarks().points[0]
        assert content["shapes"][0]["points"] == [[column + 0.5, row + 0.5]]
        assert len(content["shapes"]) == 17 and content["imageHeight"] == 1000 and content["imageWidth"] == 900

    def test_made_in_labelme(self, tmp_path):
        shapes = [
            {"label": "Nasion", "shape_type": "point", "points": [[10.5, 20.5]]},
            {"label": "a tooth", "shape_type": "polygon", "points": [[1, 2], [3, 4], [5, 6]]},
        ]
        content = {"shapes": shapes, "imagePath": "..\\scans\\skull.png", "imageHeight": 50, "imageWidth": 40}
        (tmp_path / "skull.json").write_text(json.dumps(content))
        (found,) = read_annotations(tmp_path / "skull.json")
        np.testing.assert_array_equal(found.points[1], [20.0, 10.0])
        assert (found.radiograph, found.image_shape, found.present.sum()) == ("skull", (50, 40), 1)


def shapes(label="Nasion"):
    return [{"label": label, "shape_type": "point", "points": [[10.5, 20.5]]}]


class TestWhichRadiograph:
    def read(self, folder, name, said):
        (folder / name).write_text(json.dumps({"shapes": shapes(), "imagePath": said}))
        return read_annotations(folder / name)[0].radiograph

    @pytest.mark.parametrize("said", ["38.tif", "..\\raw\\38.tif", "/films/38.tif"])
    @pytest.mark.parametrize("beside", [(), ("033.png",), ("033.png", "38.tif")])
    def test_the_file_s_own_name_wins_and_that_is_told(self, tmp_path, caplog, said, beside):
        for name in beside:
            (tmp_path / name).touch()
        assert self.read(tmp_path, "033.json", said) == "033"
        assert "38.tif" in caplog.text and "033" in caplog.text

    @pytest.mark.parametrize("said", ["033.tif", "..\\raw\\033.PNG", "", None])
    def test_the_same_name_is_not_spoken_of(self, tmp_path, caplog, said):
        assert self.read(tmp_path, "033.json", said) == "033"
        assert not caplog.records

    def test_a_picture_that_is_there_while_none_of_the_own_name_is(self, tmp_path, caplog):
        (tmp_path / "skull.png").touch()
        assert self.read(tmp_path, "points of anna.json", "skull.png") == "skull"
        assert "skull.png" in caplog.text

    def test_other_shapes_are_counted(self, tmp_path, caplog):
        content = {"shapes": [*shapes(), {"label": "x", "shape_type": "polygon", "points": [[1, 2]]}], "imagePath": ""}
        (tmp_path / "a.json").write_text(json.dumps(content))
        assert read_annotations(tmp_path / "a.json")[0].present.sum() == 1
        assert "1 shapes that are no points" in caplog.text
