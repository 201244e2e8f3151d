"""labelme's files: its coordinates, and files that it made."""

from __future__ import annotations

import json

import numpy as np

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
        (tmp_path / "a.json").write_text(json.dumps(content))
        (found,) = read_annotations(tmp_path / "a.json")
        np.testing.assert_array_equal(found.points[1], [20.0, 10.0])
        assert (found.radiograph, found.image_shape, found.present.sum()) == ("skull", (50, 40), 1)
