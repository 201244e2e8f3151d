"""JSON files: told apart by their keys wherever these stand, and named as what they are without landmarks."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from farnet.errors import AnnotationError
from farnet.formats import read_annotations, recognised_formats, write_annotations
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme

from .made_up import SCHEME, landmarks

ENDINGS = {".mrk.json": "slicer-markups", ".coco.json": "coco", ".json": "labelme"}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("long", [0, 10_000])
def test_the_keys_tell_it_under_any_name_and_in_any_order(tmp_path, ending, long):
    written = landmarks()
    write_annotations(tmp_path / f"a{ending}", [written])
    content = list(json.loads((tmp_path / f"a{ending}").read_text()).items())
    for seed in range(3):
        random.Random(seed).shuffle(content)
        file = tmp_path / "b.json"
        file.write_text(json.dumps({"info": "x" * long, **dict(content), "last": "markups annotations shapes"}))
        assert ENDINGS[ending] in [item.name for item in recognised_formats(file)]
        np.testing.assert_allclose(read_annotations(file)[0].points, written.points, atol=1e-9)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_with_a_mark_of_its_encoding(tmp_path, encoding):
    write_annotations(tmp_path / "a.json", [landmarks()])
    (tmp_path / "a.json").write_text((tmp_path / "a.json").read_text(encoding="utf-8"), encoding=encoding)
    assert read_annotations(tmp_path / "a.json")[0].radiograph == "Ångström 7"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"type": "FeatureCollection", "features": []}, "GeoJSON"),
        ({"_via_img_metadata": {}, "_via_settings": {}}, "VGG Image Annotator"),
        ([{"id": 1, "data": {}, "annotations": []}], "Label Studio"),
        ({"version": 1.3, "people": []}, "OpenPose"),
        ({"description": "", "size": {}, "objects": []}, "Supervisely"),
        (SCHEME.to_dict(), "'farnet-scheme'; give it with --scheme"),
        ({"images": [], "categories": []}, "COCO without annotations"),
        ({"patient": "x", "points": [1, 2]}, "JSON with the keys 'patient', 'points'"),
        ({}, "an empty JSON object"),
        ([1, 2, 3], "a JSON list of 3 entries"),
        (7, "JSON that holds 7"),
    ],
)
@pytest.mark.parametrize("ending", ENDINGS)
def test_what_holds_no_landmarks_is_called_what_it_is(tmp_path, content, message, ending):
    (tmp_path / f"a{ending}").write_text(json.dumps(content))
    with pytest.raises(AnnotationError, match=message):
        read_annotations(tmp_path / f"a{ending}")


def test_json_of_something_else_in_a_folder_is_left_out_and_told(tmp_path, caplog):
    write_annotations(tmp_path / "a.json", [landmarks()])
    (tmp_path / "settings.json").write_text('{"colour": "red"}')
    (tmp_path / "scheme.json").write_text(json.dumps(SCHEME.to_dict()))
    assert len(read_annotations(tmp_path)) == 1
    (notice,) = [record.getMessage() for record in caplog.records]
    assert "Left out" in notice and "settings.json" in notice
    (tmp_path / "a.json").unlink()
    with pytest.raises(AnnotationError, match="'colour'"):
        read_annotations(tmp_path)
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(AnnotationError, match="no JSON"):
        read_annotations(tmp_path)


class TestAariz:
    SYMBOLS = (
        ("A-point", "A"), ("Anterior Nasal Spine", "ANS"), ("B-point", "B"), ("Menton", "Me"), ("Nasion", "N"),
        ("Orbitale", "Or"), ("Pogonion", "Pog"), ("Posterior Nasal Spine", "PNS"), ("Pronasale", "Pn"),
        ("Ramus", "R"), ("Sella", "S"), ("Articulare", "Ar"), ("Condylion", "Co"), ("Gnathion", "Gn"),
        ("Gonion", "Go"), ("Porion", "Po"), ("Lower 2nd PM Cusp Tip", "LPM"), ("Lower Incisor Tip", "LIT"),
        ("Lower Molar Cusp Tip", "LMT"), ("Upper 2nd PM Cusp Tip", "UPM"), ("Upper Incisor Apex", "UIA"),
        ("Upper Incisor Tip", "UIT"), ("Upper Molar Cusp Tip", "UMT"), ("Lower Incisor Apex", "LIA"),
        ("Labrale inferius", "Li"), ("Labrale superius", "Ls"), ("Soft Tissue Nasion", "N`"),
        ("Soft Tissue Pogonion", "Pog`"), ("Subnasale", "Sn"),
    )  # fmt: skip

    def file(self, folder, name="cks2", **changes):
        entries = [
            {"landmark_id": f"id{k}", "title": title, "symbol": symbol, "value": {"x": 100 + k, "y": 200 + 2 * k}}
            for k, (title, symbol) in enumerate(self.SYMBOLS)
        ]
        content = {"ceph_id": "cks2", "landmarks": entries, "dataset_name": "Aariz", **changes}
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(content))
        return folder / f"{name}.json"

    def place(self, symbol):
        k = [theirs for _, theirs in self.SYMBOLS].index(symbol)
        return [200 + 2 * k, 100 + k]

    def test_its_29_landmarks_by_the_scheme(self, tmp_path, caplog):
        (found,) = read_annotations(self.file(tmp_path))
        assert (found.radiograph, found.scheme, found.present.sum()) == ("cks2", SCHEME, 19)
        for ours, theirs in {
            "S": "S", "A": "A", "LI": "LIT", "UI": "UIT", "LL": "Li", "UL": "Ls", "Pog'": "Pog`", "Pog": "Pog",
            "Me": "Me",
        }.items():  # fmt: skip
            assert found.points[SCHEME.index(ours)].tolist() == self.place(theirs)
        assert all(name in caplog.text for name in ("Pn", "Co", "LPM", "N`")) and "left out" in caplog.text

    def test_observers_are_the_folders(self, tmp_path):
        for folder in ("Junior Orthodontists", "Senior Orthodontists"):
            (found,) = read_annotations(self.file(tmp_path / folder))
            assert found.source == folder

    def test_a_scheme_that_has_all_of_them_is_taken(self, tmp_path):
        own = LandmarkScheme("aariz29", "29", tuple(LandmarkDefinition(*pair) for pair in self.SYMBOLS))
        (tmp_path / "scheme.json").write_text(json.dumps(own.to_dict()))
        (found,) = read_annotations(self.file(tmp_path))
        assert found.scheme == own and found.present.all()
        assert found.points[own.index("Li")].tolist() == self.place("Li")

    @pytest.mark.parametrize("value", [None, {"x": None, "y": None}, {"x": -1, "y": -1}])
    def test_no_value_is_no_point(self, tmp_path, value):
        (found,) = read_annotations(
            self.file(
                tmp_path,
                landmarks=[
                    {"title": "Sella", "symbol": "S", "value": value},
                    {"title": "Nasion", "value": {"x": 1, "y": 2}},
                ],
            )
        )
        assert found.present.sum() == 1 and found.points[1].tolist() == [2, 1]

    @pytest.mark.parametrize(
        ("entries", "message"),
        [
            ([], "empty list"),
            ([{"title": "Knee", "symbol": "K", "value": {"x": 1, "y": 2}}], "none of its 1 landmarks"),
            ([{"title": "Sella", "value": {"x": 1}}], "no position"),
            ([{"title": "Sella", "value": 3}], "an object is expected"),
            ([{"title": "Sella", "value": {"x": 1, "y": 2}}] * 2, "there twice"),
            ({"Sella": 1}, "a list is expected"),
        ],
    )
    def test_damage_is_refused(self, tmp_path, entries, message):
        with pytest.raises(AnnotationError, match=message):
            read_annotations(self.file(tmp_path, landmarks=entries))


class TestCocoOfOthers:
    def content(self, names, **image):
        return {
            "annotations": [
                {"id": k, "image_id": k // 2, "category_id": k % 2, "keypoints": [10 + k, 20 + k, 2]} for k in range(4)
            ],
            "images": [
                {"id": k, "file_name": f"images/film {k}.PNG", "height": 90, "width": 80, **image} for k in (0, 1)
            ],
            "categories": [{"id": k, "name": name} for k, name in enumerate(names)],
        }

    def test_an_annotation_for_each_landmark(self, tmp_path):
        (tmp_path / "a.json").write_text(json.dumps(self.content(["Sella", "N"])))
        found = read_annotations(tmp_path / "a.json")
        assert [item.radiograph for item in found] == ["film 0", "film 1"]
        assert found[1].points[:2].tolist() == [[22, 12], [23, 13]] and found[1].present.sum() == 2
        assert found[1].image_shape == (90, 80)

    def test_the_category_s_only_keypoint_may_be_the_landmark(self, tmp_path):
        content = self.content(["a", "b"])
        content["categories"][0]["keypoints"], content["categories"][1]["keypoints"] = ["Sella"], ["N"]
        (tmp_path / "a.json").write_text(json.dumps(content))
        assert read_annotations(tmp_path / "a.json")[0].points[0].tolist() == [20, 10]

    def test_a_landmark_twice_on_an_image(self, tmp_path):
        content = self.content(["Sella", "N"])
        content["annotations"].append(content["annotations"][0])
        (tmp_path / "a.json").write_text(json.dumps(content))
        with pytest.raises(AnnotationError, match=r"image 'film 0'.*there twice"):
            read_annotations(tmp_path / "a.json")

    def test_boxes_are_left_out_and_counted(self, tmp_path, caplog):
        content = self.content(["Sella", "N"])
        content["annotations"] += [{"id": 9, "image_id": 0, "category_id": 0, "bbox": [1, 2, 3, 4]}] * 2
        (tmp_path / "a.json").write_text(json.dumps(content))
        assert len(read_annotations(tmp_path / "a.json")) == 2 and "2 annotations without keypoints" in caplog.text

    def test_names_with_dots_keep_them(self, tmp_path):
        (tmp_path / "a.json").write_text(json.dumps(self.content(["Sella", "N"], file_name="1.2.840.113")))
        assert read_annotations(tmp_path / "a.json")[0].radiograph == "1.2.840.113"


def test_a_landmarks_file_of_one_s_own_scheme_under_a_plain_name(tmp_path):
    own = LandmarkScheme("two", "Two", (LandmarkDefinition("Top", "T"), LandmarkDefinition("End", "E")))
    write_annotations(tmp_path / "a.coco.json", [Landmarks(np.array([[1.0, 2.0], [3.0, 4.0]]), own, radiograph="x")])
    (tmp_path / "a.coco.json").rename(tmp_path / "a.json")
    assert read_annotations(tmp_path / "a.json")[0].scheme == own
