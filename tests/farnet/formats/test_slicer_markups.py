"""3D Slicer's markups: its coordinates, what it may change, and what cannot be landmarks."""

from __future__ import annotations

import json

import numpy as np
import pytest

from farnet.errors import AnnotationError, SchemeError
from farnet.formats import read_annotations, write_annotations

from .made_up import edit, landmarks


class TestSlicer:
    @pytest.fixture
    def file(self, tmp_path):
        write_annotations(tmp_path / "a.mrk.json", [landmarks()])
        return tmp_path / "a.mrk.json"

    def points(self, file):
        return json.loads(file.read_text())["markups"][0]["controlPoints"]

    def test_positions_are_mm_along_left_and_posterior(self, file):
        row, column = landmarks().points[0]
        first = self.points(file)[0]
        assert first["label"] == "Sella" and first["positionStatus"] == "defined"
        np.testing.assert_allclose(first["position"], [column * 0.125, row * 0.1, 0.0])

    def test_absent_is_undefined(self, file):
        points = self.points(file)
        assert [k for k, point in enumerate(points) if point["positionStatus"] == "undefined"] == [2, 11]
        assert "position" not in points[2]

    def test_what_slicer_moved_is_where_slicer_put_it(self, file):
        edit(file, lambda content: content["markups"][0]["controlPoints"][0].update(position=[12.5, 10.0, 0.0]))
        (again,) = read_annotations(file)
        np.testing.assert_allclose(again.points[0], [100.0, 100.0])
        np.testing.assert_array_equal(again.points[1:], landmarks().points[1:])

    def test_right_and_anterior(self, file):
        def mirror(content):
            markup = content["markups"][0]
            markup["coordinateSystem"] = "RAS"
            for point in markup["controlPoints"]:
                if "position" in point:
                    point["position"] = [-point["position"][0], -point["position"][1], 0.0]

        edit(file, mirror)
        np.testing.assert_allclose(read_annotations(file)[0].points, landmarks().points, atol=1e-9)

    def test_made_in_slicer(self, tmp_path):
        file = tmp_path / "skull.mrk.json"
        points = [{"label": "N", "position": [4.5, 3.25, 0.0]}, {"label": "sella", "position": [1, 2, 0]}]
        points += [
            {"label": name, "positionStatus": status} for name, status in (("Po", "undefined"), ("Me", "missing"))
        ]
        markup = {"type": "Fiducial", "controlPoints": points, "coordinateUnits": ["mm", "UCUM", "millimeter"]}
        file.write_text(json.dumps({"markups": [markup]}))
        (found,) = read_annotations(file, spacing=(0.5, 0.25))
        assert found.radiograph == "skull" and found.spacing == (0.5, 0.25)
        np.testing.assert_array_equal(found.points[:2], [[4.0, 4.0], [6.5, 18.0]])
        assert found.present.sum() == 2

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda markup: markup["controlPoints"][0].update(position=[1, 2, 3]), "3 mm off the picture"),
            (lambda markup: markup["controlPoints"][0].update(position=[1, "x"]), "no position"),
            (lambda markup: markup["controlPoints"][0].update(label="Knee"), "'Knee'|Knee"),
            (lambda markup: markup["controlPoints"][0].update(label="Nasion"), "twice"),
            (lambda markup: markup.update(coordinateUnits="um"), "LPS or RAS in mm"),
            (lambda markup: markup.update(coordinateSystem=["LPS"]), "LPS or RAS in mm"),
            (lambda markup: markup.update(coordinateSystem="IJK"), "LPS or RAS in mm"),
            (lambda markup: markup.update(coordinateUnits=["px", "UCUM", "pixel"]), "LPS or RAS in mm"),
            (lambda markup: markup["controlPoints"][0].update(position=[1, 2, None]), "no position"),
            (lambda markup: markup.update(type="Line"), "0 point lists"),
            (lambda markup: markup.update(controlPoints=None), "a list is expected"),
        ],
    )
    def test_what_cannot_be_landmarks_is_named(self, file, change, message):
        edit(file, lambda content: change(content["markups"][0]))
        with pytest.raises((AnnotationError, SchemeError), match=message):
            read_annotations(file)
