"""The formats of other programs: what is written comes back, in the other program's own coordinates, or is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farnet.errors import AnnotationError, SchemeError
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme, load_scheme

ENDINGS = (".mrk.json", ".json", ".coco.json", ".tps")
MANY = (".coco.json", ".tps")
SCHEME = load_scheme("cephalometric19")
PAIR = LandmarkScheme("pair", "Two", (LandmarkDefinition("Left end", "L"), LandmarkDefinition("Right end", "R")))


def landmarks(seed=0, absent=(2, 11), **changes):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-5, 900, (19, 2))
    points[list(absent)] = np.nan
    covariance = np.tile(np.array([[4.0, 1.0], [1.0, 9.0]]) / 3, (19, 1, 1))
    covariance[list(absent)] = np.nan
    confidence = rng.uniform(size=19)
    confidence[list(absent)] = np.nan
    values = {
        "points": points,
        "scheme": SCHEME,
        "spacing": (0.1, 0.125),
        "confidence": confidence,
        "covariance": covariance,
        "edited": rng.uniform(size=19) < 0.5,
        "source": "model ceph19-compact",
        "radiograph": "Ångström 7",
        "image_shape": (1000, 900),
        "image_sha256": "ab" * 32,
        "provenance": {"model": "m", "nested": [1, {"a": None}]},
    }
    return Landmarks(**{**values, **changes})


@pytest.mark.parametrize("ending", ENDINGS)
class TestRoundTrip:
    def test_everything_comes_back_to_the_last_bit(self, tmp_path, ending):
        written = landmarks()
        write_annotations(tmp_path / f"a{ending}", [written])
        (again,) = read_annotations(tmp_path / f"a{ending}")
        np.testing.assert_allclose(again.points, written.points, rtol=0, atol=1e-9)
        assert again.replace(points=written.points).equals(written)

    def test_what_is_unknown_stays_unknown(self, tmp_path, ending):
        plain = Landmarks(landmarks().points, SCHEME, image_shape=(1000, 900))
        write_annotations(tmp_path / f"a{ending}", [plain])
        (again,) = read_annotations(tmp_path / f"a{ending}")
        assert again.replace(points=plain.points).equals(plain)

    def test_nothing_at_all_was_found(self, tmp_path, ending):
        nothing = landmarks(absent=range(19))
        write_annotations(tmp_path / f"a{ending}", [nothing])
        (again,) = read_annotations(tmp_path / f"a{ending}")
        assert again.equals(nothing)

    def test_a_scheme_of_ones_own(self, tmp_path, ending):
        own = Landmarks(np.array([[1.5, 2.25], [np.nan, np.nan]]), PAIR, image_shape=(30, 40))
        write_annotations(tmp_path / f"a{ending}", [own])
        (again,) = read_annotations(tmp_path / f"a{ending}", scheme=PAIR)
        assert again.equals(own)
        with pytest.raises(SchemeError, match="pair"):
            read_annotations(tmp_path / f"a{ending}")
        with pytest.raises(SchemeError, match="cephalometric19"):
            read_annotations(tmp_path / f"a{ending}", scheme=SCHEME)

    def test_several_radiographs(self, tmp_path, ending):
        items = [landmarks(seed, radiograph=f"r{seed}") for seed in range(3)]
        file = tmp_path / f"a{ending}"
        if ending not in MANY:
            with pytest.raises(AnnotationError, match="one by one"):
                write_annotations(file, items)
            assert not file.exists()
            return
        write_annotations(file, items)
        assert [item.radiograph for item in read_annotations(file)] == ["r0", "r1", "r2"]

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        row=st.floats(-1e4, 1e5, allow_subnormal=False),
        column=st.floats(-1e4, 1e5, allow_subnormal=False),
        spacing=st.floats(1e-3, 10),
    )
    def test_any_position(self, tmp_path, ending, row, column, spacing):
        written = Landmarks(np.array([[row, column], [3.0, 4.0]]), PAIR, spacing=spacing, image_shape=(77, 99))
        write_annotations(tmp_path / f"a{ending}", [written])
        (again,) = read_annotations(tmp_path / f"a{ending}", scheme=PAIR)
        np.testing.assert_allclose(again.points, written.points, rtol=0, atol=1e-6)

    @pytest.mark.parametrize(
        "damage", [b"", b"\xff\xfe\x00", b"[", b"{}", b"[]", b"null", b"[" * 100_000, b'{"a": NaN}']
    )
    def test_other_contents_are_refused(self, tmp_path, ending, damage):
        file = tmp_path / f"a{ending}"
        file.write_bytes(damage)
        with pytest.raises(AnnotationError, match=f"a{ending}"):
            read_annotations(file)

    def test_a_file_cut_short_is_refused(self, tmp_path, ending):
        file = tmp_path / f"a{ending}"
        write_annotations(file, [landmarks()])
        whole = file.read_bytes()
        for share in (0.1, 0.5, 0.9):
            file.write_bytes(whole[: int(share * len(whole))])
            with pytest.raises(AnnotationError):
                read_annotations(file)


def edit(file, change):
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


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
        file.write_text(json.dumps({"markups": [{"type": "Fiducial", "controlPoints": points}]}))
        (found,) = read_annotations(file)
        assert found.radiograph == "skull" and found.spacing is None
        np.testing.assert_array_equal(found.points[:2], [[2.0, 1.0], [3.25, 4.5]])
        assert found.present.sum() == 2

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda markup: markup["controlPoints"][0].update(position=[1, 2, 3]), "3 mm off the picture"),
            (lambda markup: markup["controlPoints"][0].update(position=[1, "x"]), "no position"),
            (lambda markup: markup["controlPoints"][0].update(label="Knee"), "'Knee'|Knee"),
            (lambda markup: markup["controlPoints"][0].update(label="Nasion"), "twice"),
            (lambda markup: markup.update(coordinateUnits="um"), "LPS or RAS in mm"),
            (lambda markup: markup.update(type="Line"), "0 point lists"),
            (lambda markup: markup.update(controlPoints=None), "a list is expected"),
        ],
    )
    def test_what_cannot_be_landmarks_is_named(self, file, change, message):
        edit(file, lambda content: change(content["markups"][0]))
        with pytest.raises((AnnotationError, SchemeError), match=message):
            read_annotations(file)


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


class TestTps:
    def test_y_counts_from_the_bottom(self, tmp_path):
        write_annotations(tmp_path / "a.tps", [landmarks(spacing=0.1)])
        lines = (tmp_path / "a.tps").read_text().splitlines()
        row, column = landmarks().points[0]
        assert lines[0] == "LM=19" and lines[1] == f"{float(column)!r} {1000 - float(row)!r}" and lines[3] == "NA NA"
        assert "SCALE=0.1" in lines and "IMAGE=Ångström 7" in lines

    def test_without_the_height_there_is_no_bottom(self, tmp_path):
        with pytest.raises(AnnotationError, match="height"):
            write_annotations(tmp_path / "a.tps", [landmarks(image_shape=None)])
        assert not (tmp_path / "a.tps").exists()

    def foreign(self, folder, extra="", points=19):
        lines = [f"LM={points}", *(f"{k} {10 * k}" for k in range(points)), "IMAGE=skull.png", "ID=0", extra]
        (folder / "a.tps").write_text("\n".join(lines))
        return folder / "a.tps"

    def test_made_elsewhere_beside_its_picture(self, tmp_path):
        from PIL import Image

        Image.new("L", (300, 200)).save(tmp_path / "skull.png")
        (found,) = read_annotations(self.foreign(tmp_path, "SCALE=0.25"))
        np.testing.assert_array_equal(found.points[1], [190.0, 1.0])
        assert (found.radiograph, found.image_shape, found.spacing) == ("skull", (200, 300), (0.25, 0.25))

    def test_two_negative_numbers_are_an_absent_landmark(self, tmp_path):
        from PIL import Image

        Image.new("L", (300, 200)).save(tmp_path / "skull.png")
        file = self.foreign(tmp_path)
        file.write_text(file.read_text().replace("\n3 30\n", "\n-1 -1\n"))
        (found,) = read_annotations(file)
        assert np.flatnonzero(~found.present).tolist() == [3]

    def test_made_elsewhere_without_its_picture(self, tmp_path):
        with pytest.raises(AnnotationError, match=r"skull\.png.*beside"):
            read_annotations(self.foreign(tmp_path))

    def test_no_scheme_has_so_many(self, tmp_path):
        with pytest.raises(SchemeError, match="7 landmarks"):
            read_annotations(self.foreign(tmp_path, points=7))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("1 2\nLM=1\n1 2", "line 1.*before the first"),
            ("LM=x", "no number of landmarks"),
            ("LM=1\n1 2\n3 4", "line 3: more points"),
            ("LM=2\n1 2", "1 points follow"),
            ("LM=1\n1 two", "line 2.*no point"),
            ("LM=1\n1 2\nCOMMENT=farnet {", "no JSON"),
        ],
    )
    def test_damage_is_named_with_its_line(self, tmp_path, text, message):
        (tmp_path / "a.tps").write_text(text)
        with pytest.raises(AnnotationError, match=message):
            read_annotations(tmp_path / "a.tps")


@pytest.mark.parametrize("ending", (".mrk.json", ".json", ".coco.json"))
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 99), ("spacing_mm", [0, 1]), ("spacing_mm", "wide"), ("confidence", [1]), ("covariance", "big"),
        ("image_shape", [1]), ("edited", ["a", 2]), ("provenance", [1]),
    ],
)  # fmt: skip
def test_a_damaged_companion_is_no_crash(tmp_path, ending, key, value):
    file = tmp_path / f"a{ending}"
    write_annotations(file, [landmarks()])

    def damage(content):
        holder = content["annotations"][0] if ending == ".coco.json" else content
        holder["farnet"][key] = value

    edit(file, damage)
    with pytest.raises(AnnotationError, match=f"a{ending}"):
        read_annotations(file)
