"""COCO keypoints: the published layout, files made elsewhere, and what cannot be landmarks."""

from __future__ import annotations

import json

import numpy as np
import pytest

from farnet.errors import AnnotationError, SchemeError
from farnet.formats import read_annotations, write_annotations

from .made_up import SCHEME, edit, landmarks


class TestCoco:
    def test_the_layout_is_that_of_the_published_files(self, tmp_path):
        write_annotations(tmp_path / "a.coco.json", [landmarks(), landmarks(1)])
        content = json.loads((tmp_path / "a.coco.json").read_text())
        (category,) = content["categories"]
        assert category["keypoints"] == list(SCHEME.names) and min(map(min, category["skeleton"])) >= 1
        first = content["annotations"][0]
        row, column = landmarks().points[0]
        assert first["keypoints"][:3] == [column, row, 2] and first["keypoints"][6:9] == [0, 0, 0]
        assert first["num_keypoints"] == 17 and len(first["keypoints"]) == 57
        assert {image["id"] for image in content["images"]} == {a["image_id"] for a in content["annotations"]}

    def test_made_elsewhere(self, tmp_path):
        content = {
            "images": [{"id": 7, "file_name": "scans/skull.png", "height": 50, "width": 40}],
            "categories": [{"id": 1, "name": "ceph", "keypoints": ["N", "S"]}, {"id": 2, "name": "box"}],
            "annotations": [
                {"id": 1, "image_id": 7, "category_id": 1, "keypoints": [10, 20, 1, 0, 0, 0]},
                {"id": 2, "image_id": 7, "category_id": 2, "bbox": [0, 0, 1, 1]},
            ],
        }
        (tmp_path / "any.json").write_text(json.dumps(content))
        (found,) = read_annotations(tmp_path / "any.json")
        np.testing.assert_array_equal(found.points[1], [20.0, 10.0])
        assert (found.radiograph, found.image_shape, found.present.sum()) == ("skull", (50, 40), 1)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda c: c["annotations"][0].update(keypoints=[1, 2]), "2 numbers for 19 keypoints"),
            (lambda c: c["annotations"][0]["keypoints"].__setitem__(2, 3), "visibility is 3"),
            (lambda c: c["annotations"][0]["keypoints"].__setitem__(0, "x"), "keypoint 1"),
            (lambda c: c["annotations"][0].update(image_id=99), "no image with the id 99"),
            (lambda c: c["annotations"][0].update(category_id=[]), "no category with the id"),
            (lambda c: c["categories"][0].update(keypoints=["Knee"] * 19), "Knee"),
            (lambda c: c.update(annotations=[]), "no annotation with keypoints"),
        ],
    )
    def test_what_cannot_be_landmarks_is_named(self, tmp_path, change, message):
        write_annotations(tmp_path / "a.coco.json", [landmarks()])
        edit(tmp_path / "a.coco.json", change)
        with pytest.raises((AnnotationError, SchemeError), match=message):
            read_annotations(tmp_path / "a.coco.json")
