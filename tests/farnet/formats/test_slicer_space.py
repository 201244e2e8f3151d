"""3D Slicer's point lists lie where ITK has the pixels: written for every kind of file, and read from Slicer's own."""

from __future__ import annotations

import csv
import hashlib
import json

import numpy as np
import pytest

from farnet.errors import AnnotationError
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks

from . import pictures
from .made_up import SCHEME

ENDINGS = (".mrk.json", ".json", ".fcsv")
POINTS = np.random.default_rng(3).uniform((0, 0), np.array(pictures.SHAPE) - 1, (19, 2))


@pytest.fixture(scope="module", autouse=True)
def simple_itk():
    return pytest.importorskip("SimpleITK", reason="the extra itk is not installed")


def of_picture(path, **changes):
    """The landmarks that a detection in a file gives."""
    values = {
        "points": POINTS,
        "scheme": SCHEME,
        "spacing": (0.7, 0.9),
        "radiograph": path.name.split(".")[0],
        "image_shape": pictures.SHAPE,
        "image_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "provenance": {"image": str(path)},
    }
    return Landmarks(**{**values, **changes})


def positions_in(file):
    """Label and mm in LPS of the points in a list, as Slicer would take them."""
    if file.suffix == ".json":
        (markup,) = json.loads(file.read_text())["markups"]
        assert markup["coordinateSystem"] == "LPS"
        return {point["label"]: point["position"] for point in markup["controlPoints"] if "position" in point}
    lines = file.read_text().splitlines()
    assert "# CoordinateSystem = 0" in lines and max(map(len, lines)) < 1024
    rows = csv.reader(line for line in lines if not line.startswith("#"))
    return {row[11]: [-float(row[1]), -float(row[2]), float(row[3])] for row in rows}


def slicers_list(file, positions, system="LPS", names=SCHEME.names, **more):
    """Write a list as Slicer does."""
    signs = np.array([-1, -1, 1]) if system in ("RAS", "0", 0) else np.ones(3)
    placed = (np.asarray(positions) * signs).tolist()
    if file.suffix == ".json":
        points = [
            {"id": str(k), "label": name, "associatedNodeID": "vtkMRMLScalarVolumeNode1", "position": position,
             "orientation": [-1, 0, 0, 0, -1, 0, 0, 0, 1], "selected": True, "positionStatus": "defined"}
            for k, (name, position) in enumerate(zip(names, placed, strict=True))
        ]  # fmt: skip
        markup = {"type": "Fiducial", "coordinateSystem": system, "coordinateUnits": "mm", "controlPoints": points}
        file.write_text(json.dumps({"@schema": "markups-schema-v1.0.3.json#", "markups": [markup | more]}, indent=4))
        return
    lines = ["# Markups fiducial file version = 5.6", f"# CoordinateSystem = {system}"]
    lines.append("# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID")
    for k, (name, (x, y, z)) in enumerate(zip(names, placed, strict=True)):
        lines.append(f"{k},{x!r},{y!r},{z!r},0,0,0,1,1,1,0,{name},,vtkMRMLScalarVolumeNode1,2,0")
    file.write_text("\n".join(lines) + "\n")


class TestWritten:
    @pytest.mark.parametrize("ending", [".mrk.json", ".fcsv"])
    @pytest.mark.parametrize("case", pictures.TYPICAL)
    def test_the_point_lies_on_its_pixel(self, tmp_path, caplog, case, ending):
        path = pictures.made(tmp_path, case)
        (tmp_path / "elsewhere").mkdir()
        file = tmp_path / "elsewhere" / f"list{ending}"
        landmarks = of_picture(path)
        write_annotations(file, [landmarks])
        itk = pictures.Itk(path)
        wanted = itk.turned(POINTS, pictures.grey()) if "turned" in case else POINTS
        found = positions_in(file)
        assert list(found) == list(SCHEME.names)
        np.testing.assert_allclose(itk.points(found.values()), wanted, atol=1e-6)
        path.unlink()
        assert read_annotations(file)[0].equals(landmarks)
        assert not caplog.records

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_a_point_that_slicer_moved_is_where_slicer_put_it(self, tmp_path, ending):
        path = pictures.made(tmp_path, "tilted.dcm")
        file = tmp_path / f"list{ending}"
        write_annotations(file, [of_picture(path)], format="slicer-fcsv" if ending == ".fcsv" else "slicer-markups")
        x, y, z = pictures.Itk(path).positions([[5.0, 6.5]])[0].tolist()
        if ending == ".fcsv":
            lines = file.read_text().splitlines()
            at = next(k for k, line in enumerate(lines) if not line.startswith("#"))
            cells = lines[at].split(",")
            lines[at] = ",".join([cells[0], str(-x), str(-y), str(z), *cells[4:]])
            file.write_text("\n".join(lines) + "\n")
        else:
            content = json.loads(file.read_text())
            content["markups"][0]["controlPoints"][0]["position"] = [x, y, z]
            file.write_text(json.dumps(content))
        (again,) = read_annotations(file)
        np.testing.assert_allclose(again.points[0], [5.0, 6.5], atol=1e-9)
        np.testing.assert_array_equal(again.points[1:], POINTS[1:])

    @pytest.mark.parametrize("ending", [".mrk.json", ".fcsv"])
    def test_without_the_file_it_is_a_plain_picture_and_said(self, tmp_path, caplog, ending):
        path = pictures.made(tmp_path, "tilted.dcm")
        landmarks = of_picture(path)
        path.unlink()
        file = tmp_path / f"film{ending}"
        write_annotations(file, [landmarks])
        np.testing.assert_allclose(
            list(positions_in(file).values()), np.c_[POINTS[:, ::-1] * [0.9, 0.7], np.zeros(19)], atol=1e-12
        )
        assert "0.7 x 0.9 mm" in caplog.text and "'film' is not at hand" in caplog.text
        assert read_annotations(file)[0].equals(landmarks)

    def test_a_file_that_moved_is_found_beside_the_list(self, tmp_path, caplog):
        path = pictures.made(tmp_path, "inch.tif")
        landmarks = of_picture(path, provenance={"image": "gone/film.tif"})
        write_annotations(tmp_path / "x.mrk.json", [landmarks])
        found = positions_in(tmp_path / "x.mrk.json").values()
        np.testing.assert_allclose(pictures.Itk(path).points(found), POINTS, atol=1e-6)
        assert not caplog.records  # its hash proves it

    def test_another_file_of_the_name_is_not_taken(self, tmp_path, caplog):
        path = pictures.made(tmp_path, "inch.tif")
        write_annotations(tmp_path / "x.mrk.json", [of_picture(path, image_sha256="ab" * 32)])
        assert "is another file than the radiograph" in caplog.text
        first = positions_in(tmp_path / "x.mrk.json")["Sella"]
        np.testing.assert_allclose(first, [POINTS[0, 1] * 0.9, POINTS[0, 0] * 0.7, 0.0])

    def test_a_name_alone_is_said(self, tmp_path, caplog):
        path = pictures.made(tmp_path, "inch.tif")
        write_annotations(tmp_path / "x.mrk.json", [of_picture(path, image_sha256=None, provenance={})])
        found = positions_in(tmp_path / "x.mrk.json").values()
        np.testing.assert_allclose(pictures.Itk(path).points(found), POINTS, atol=1e-6)
        assert "by its name alone" in caplog.text


class TestRead:
    @pytest.mark.parametrize("system", ["LPS", "RAS"])
    @pytest.mark.parametrize("ending", [".mrk.json", ".fcsv"])
    @pytest.mark.parametrize("case", [case for case in pictures.TYPICAL if "turned" not in case])
    def test_a_list_that_was_made_on_the_picture(self, tmp_path, case, ending, system):
        path = pictures.made(tmp_path, case)
        file = tmp_path / f"film{ending}"
        slicers_list(file, pictures.Itk(path).positions(POINTS), system)
        (found,) = read_annotations(file)
        np.testing.assert_allclose(found.points, POINTS, atol=1e-6)
        assert found.radiograph == "film" and found.image_shape == pictures.SHAPE and found.spacing is None

    @pytest.mark.parametrize("system", ["1", 1, "0", 0, "lps"])
    @pytest.mark.parametrize("ending", ENDINGS)
    def test_coordinate_systems_by_number(self, tmp_path, ending, system):
        path = pictures.made(tmp_path, "tilted.dcm")
        file = tmp_path / f"film{ending}"
        slicers_list(file, pictures.Itk(path).positions(POINTS), system)
        np.testing.assert_allclose(read_annotations(file)[0].points, POINTS, atol=1e-6)

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_mm_are_no_pixels(self, tmp_path, ending):
        file = tmp_path / f"film{ending}"
        slicers_list(file, np.c_[POINTS, np.zeros(19)])
        with pytest.raises(AnnotationError, match=r"mm.*how large a pixel is, is not known.*'film'.*spacing"):
            read_annotations(file)
        (found,) = read_annotations(file, spacing=(0.5, 0.25))
        np.testing.assert_allclose(found.points, POINTS[:, ::-1] / [0.5, 0.25])
        assert found.spacing == (0.5, 0.25)

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_the_picture_is_found_by_name(self, tmp_path, ending):
        scans, lists = tmp_path / "scans", tmp_path / "lists"
        scans.mkdir(), lists.mkdir()
        path = pictures.made(scans, "tilted.dcm")
        pictures.png(scans / "other.png")
        positions = pictures.Itk(path).positions(POINTS)
        slicers_list(lists / f"FILM{ending}", positions)
        for radiographs in ([scans], [path], [scans / "other.png", path]):
            (found,) = read_annotations(lists / f"FILM{ending}", radiographs=radiographs)
            np.testing.assert_allclose(found.points, POINTS, atol=1e-6)
        for radiographs in ([], [scans / "other.png"], [lists]):
            with pytest.raises(AnnotationError, match="not known"):
                read_annotations(lists / f"FILM{ending}", radiographs=radiographs)

    @pytest.mark.parametrize("key", ["name", "node", "without ending"])
    def test_other_names_of_the_picture(self, tmp_path, key):
        path = pictures.made(tmp_path, "tilted.dcm")
        positions, file = pictures.Itk(path).positions(POINTS), tmp_path / "F.mrk.json"
        if key == "without ending":
            file = tmp_path / "film.mrk.json"
            path.rename(tmp_path / "film")
        slicers_list(file, positions, **({"name": "film.dcm"} if key == "name" else {}))
        if key == "node":
            content = json.loads(file.read_text())
            content["markups"][0]["controlPoints"][3]["associatedNodeID"] = "film"
            file.write_text(json.dumps(content))
        np.testing.assert_allclose(read_annotations(file)[0].points, POINTS, atol=1e-6)

    def test_several_pictures_of_one_name(self, tmp_path, caplog):
        path = pictures.made(tmp_path, "class 1.1, ImagerPixelSpacing.dcm")
        pictures.png(tmp_path / "film.png")
        file = tmp_path / "film.mrk.json"
        slicers_list(file, pictures.Itk(path).positions(POINTS))
        with pytest.raises(AnnotationError, match=r"film\.png and .*film\.dcm.* different"):
            read_annotations(file)
        np.testing.assert_allclose(read_annotations(file, radiographs=[path])[0].points, POINTS, atol=1e-6)
        np.testing.assert_allclose(read_annotations(file, spacing=(0.13, 0.14))[0].points, POINTS, atol=1e-6)
        pictures.dicom(path)  # of 1 mm now, as the other
        slicers_list(file, pictures.Itk(path).positions(POINTS))
        np.testing.assert_allclose(read_annotations(file)[0].points, POINTS, atol=1e-6)
        assert "tells no size of a pixel" in caplog.text

    def test_a_picture_that_tells_no_size(self, tmp_path, caplog):
        path = pictures.made(tmp_path, "8 bit.png")
        file = tmp_path / "film.mrk.json"
        slicers_list(file, pictures.Itk(path).positions(POINTS))
        np.testing.assert_allclose(read_annotations(file)[0].points, POINTS)
        assert "film.png tells no size of a pixel" in caplog.text
        caplog.clear()
        np.testing.assert_allclose(read_annotations(file, spacing=2.0)[0].points, POINTS / 2.0)
        assert not caplog.records
        (found,) = read_annotations(file, spacing=0.1)  # that of the patient, of a list that was made on this very file
        np.testing.assert_allclose(found.points, POINTS)
        assert found.spacing == (0.1, 0.1) and "they are read by 1 mm" in caplog.text

    @pytest.mark.parametrize("ending", [".mrk.json", ".fcsv"])
    @pytest.mark.parametrize(
        "case", ["8 bit.png", "plain.jpg", "plain.tif", "plain.bmp", "class 1.1, PixelSpacing.dcm"]
    )
    def test_mm_of_another_file_of_the_radiograph(self, tmp_path, case, ending):
        """A list that was made on the DICOM file, beside a picture that was saved of it."""
        pictures.made(tmp_path, case)
        slicers_list(tmp_path / f"film{ending}", np.c_[POINTS[:, ::-1] * 0.25, np.zeros(19)])
        with pytest.raises(AnnotationError, match=r"fill 2\d% of film.*another file.*give the spacing"):
            read_annotations(tmp_path / f"film{ending}")
        np.testing.assert_allclose(read_annotations(tmp_path / f"film{ending}", spacing=0.25)[0].points, POINTS)
        np.testing.assert_allclose(read_annotations(tmp_path / f"film{ending}", spacing=1)[0].points, POINTS * 0.25)

    def test_mm_of_another_file_beside_a_picture_with_dots_per_inch(self, tmp_path, caplog):
        pictures.jpeg(tmp_path / "film.jpg", unit=1, density=(25, 25))
        slicers_list(tmp_path / "film.fcsv", np.c_[POINTS[:, ::-1] * 0.25, np.zeros(19)])
        read_annotations(tmp_path / "film.fcsv")
        assert "fill 2" in caplog.text and "probably made on another file" in caplog.text

    def test_a_few_points_may_be_close_together(self, tmp_path):
        pictures.png(tmp_path / "film.png")
        slicers_list(tmp_path / "film.fcsv", np.c_[POINTS[:4, ::-1] * 0.1, np.zeros(4)], names=SCHEME.names[:4])
        np.testing.assert_allclose(read_annotations(tmp_path / "film.fcsv")[0].points[:4], POINTS[:4] * 0.1)

    def test_a_picture_that_tells_another_size_than_the_one_given(self, tmp_path, caplog):
        path = pictures.made(tmp_path, "inch.tif")
        file = tmp_path / "film.mrk.json"
        slicers_list(file, pictures.Itk(path).positions(POINTS))
        np.testing.assert_allclose(read_annotations(file, spacing=2.0)[0].points, POINTS, atol=1e-6)
        assert "not by the spacing that was given" in caplog.text

    def test_points_outside_are_told(self, tmp_path, caplog):
        pictures.png(tmp_path / "film.png")
        slicers_list(tmp_path / "film.mrk.json", np.c_[POINTS + np.array([0.0, 25.0]), np.zeros(19)])
        read_annotations(tmp_path / "film.mrk.json")
        assert "lie outside the picture" in caplog.text

    def test_points_off_the_plane_are_refused(self, tmp_path):
        path = pictures.made(tmp_path, "tilted.dcm")
        positions = pictures.Itk(path).positions(POINTS)
        normal = np.cross([0.8, 0.6, 0], [-0.36, 0.48, -0.8])
        slicers_list(tmp_path / "film.fcsv", positions + 0.3 * normal)
        np.testing.assert_allclose(read_annotations(tmp_path / "film.fcsv")[0].points, POINTS, atol=1e-6)
        slicers_list(tmp_path / "film.fcsv", positions + 3.0 * normal)
        with pytest.raises(AnnotationError, match="3 mm off the picture"):
            read_annotations(tmp_path / "film.fcsv")

    def test_a_picture_that_cannot_be_read(self, tmp_path):
        (tmp_path / "film.png").write_bytes(b"\x89PNG")
        slicers_list(tmp_path / "film.mrk.json", np.zeros((19, 3)))
        with pytest.raises(AnnotationError, match=r"which cannot be read: .*film\.png"):
            read_annotations(tmp_path / "film.mrk.json")

    @pytest.mark.parametrize("name", ["x" * 300, "a/b", "nul\0byte", "..", "F"])
    def test_strange_names_of_lists(self, tmp_path, name):
        slicers_list(tmp_path / "film.mrk.json", np.zeros((19, 3)), name=name)
        with pytest.raises(AnnotationError, match="not known"):
            read_annotations(tmp_path / "film.mrk.json")

    def test_labels_of_others(self, tmp_path):
        labels = {f"l{k + 1}": name for k, name in enumerate(SCHEME.names)}
        slicers_list(tmp_path / "film.fcsv", np.c_[POINTS[:, ::-1], np.zeros(19)], names=list(labels))
        (found,) = read_annotations(tmp_path / "film.fcsv", labels=labels, spacing=1.0)
        np.testing.assert_allclose(found.points, POINTS)

    def test_a_file_of_earlier_versions(self, tmp_path):
        """They placed points by the spacing alone and kept no geometry."""
        path = pictures.made(tmp_path, "tilted.dcm")
        landmarks = of_picture(path)
        file = tmp_path / "film.mrk.json"
        write_annotations(file, [landmarks])
        content = json.loads(file.read_text())
        del content["farnet"]["geometry"]
        for point, (row, column) in zip(content["markups"][0]["controlPoints"], POINTS.tolist(), strict=True):
            point["position"] = [column * 0.9, row * 0.7, 0.0]
        file.write_text(json.dumps(content))
        assert read_annotations(file)[0].equals(landmarks)

    @pytest.mark.parametrize(
        "damage", [{}, {"origin_mm": [0, 0], "step_mm": []}, 3, {"origin_mm": "x", "step_mm": None}]
    )
    def test_a_damaged_geometry_is_no_crash(self, tmp_path, damage):
        file = tmp_path / "film.mrk.json"
        write_annotations(file, [of_picture(pictures.made(tmp_path, "plain.bmp"))])
        content = json.loads(file.read_text())
        content["farnet"]["geometry"] = damage
        file.write_text(json.dumps(content))
        with pytest.raises(AnnotationError, match="geometry of its picture is damaged"):
            read_annotations(file)
