"""Point lists of older 3D Slicers: the tables of their versions, and what is none."""

from __future__ import annotations

import numpy as np
import pytest

from farnet.errors import AnnotationError, SchemeError
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme

from .made_up import landmarks

HEAD = "# Markups fiducial file version = {}\n# CoordinateSystem = {}\n"
COLUMNS = "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
ROW = "vtkMRMLMarkupsFiducialNode_0,{},{},{},0,0,0,1,1,1,0,{},,vtkMRMLScalarVolumeNode1\n"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "skull.fcsv"


def read(file, text):
    """The only list of a text, by pixels of 0.5 x 0.25 mm."""
    file.write_text(text)
    (found,) = read_annotations(file, spacing=(0.5, 0.25))
    return found


class TestRead:
    @pytest.mark.parametrize(
        ("version", "system", "sign"),
        [
            ("4.3", "0", -1),
            ("4.10", "0", -1),
            ("4.11", "LPS", 1),
            ("4.13", "RAS", -1),
            ("4.6", "1", 1),
            ("5.6", "LPS", 1),
        ],
    )
    def test_the_tables_of_its_versions(self, file, version, system, sign):
        rows = ROW.format(sign * 4.5, sign * 3.25, 0, "N") + ROW.format(sign * 1, sign * 2, 0.0, "sella")
        found = read(file, HEAD.format(version, system) + COLUMNS + rows)
        np.testing.assert_array_equal(found.points[:2], [[4.0, 4.0], [6.5, 18.0]])
        assert found.present.sum() == 2 and found.radiograph == "skull" and found.spacing == (0.5, 0.25)

    def test_slicer_3(self, file):
        text = "# Fiducial List file C:/a/F.fcsv\n# version = 2\n# numPoints = 2\n# symbolScale = 5\n"
        for columns in ("# columns = label,x,y,z,sel,vis\n", ""):
            found = read(file, f"{text}{columns}Nasion,-4.5,-3.25,0,1,1\nSella,-1,-2,0,1,1\n")
            np.testing.assert_array_equal(found.points[:2], [[4.0, 4.0], [6.5, 18.0]])

    def test_columns_that_stand_elsewhere(self, file):
        columns = "# columns = label,x,y,z,ow,ox,oy,oz,vis,sel,lock,desc,associatedNodeID\n"
        found = read(file, HEAD.format("4.11", "1") + columns + "Sella,1,2,0,0,0,0,1,1,1,0,,\n")
        np.testing.assert_array_equal(found.points[0], [4.0, 4.0])

    def test_positions_that_are_not_defined(self, file):
        rows = "".join(f"{k},1,{k},0,0,0,0,1,1,1,0,{name},,,{k},0\n" for k, name in enumerate(("S", "N", "Or", "Po")))
        found = read(file, HEAD.format("5.4", "LPS") + COLUMNS + rows)
        assert np.flatnonzero(found.present).tolist() == [2]
        np.testing.assert_array_equal(found.points[2], [4.0, 4.0])

    def test_windows_and_blank_lines(self, file):
        text = HEAD.format("4.4", "0") + COLUMNS + "\n" + ROW.format(-1, -2, 0, "Sella") + "\n"
        file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
        np.testing.assert_array_equal(read_annotations(file, spacing=1)[0].points[0], [2.0, 1.0])

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (HEAD.format("4.4", "2") + ROW.format(1, 2, 0, "Sella"), "LPS or RAS in mm"),
            (HEAD.format("4.4", "0") + ROW.format(1, 2, 30, "Sella"), "30 mm off the picture"),
            (HEAD.format("4.4", "0") + ROW.format(1, "nan", 0, "Sella"), "no position"),
            (HEAD.format("4.4", "0") + ROW.format(1, 2, "x", "Sella"), "no position"),
            (HEAD.format("4.4", "0") + ROW.format(1, 2, 0, "Knee"), "'Knee'"),
            (HEAD.format("4.4", "0") + ROW.format(1, 2, 0, "Sella") * 2, "twice"),
            (HEAD.format("4.4", "0") + "a,1,2\n", "point 1 has 3 columns"),
            (HEAD.format("4.4", "0") + COLUMNS, "no points"),
            ("Sella,1,2,0\n", "no point list of 3D Slicer"),
            (HEAD.format("4.4", "0") + "#farnet {\n#end of farnet\n", "damaged"),
            (HEAD.format("4.4", "0") + "#farnet {}\n", "cut short"),
            (HEAD.format("4.4", "0") + "#farnet []\n#end of farnet\n", "an object is expected"),
            (HEAD.format("4.4", "0") + f"{'x' * 200_000},1\n", "no point list|has 2 columns"),
        ],
    )
    def test_what_cannot_be_landmarks_is_named(self, file, text, message):
        with pytest.raises((AnnotationError, SchemeError), match=message):
            read(file, text)


class TestWritten:
    def test_as_every_slicer_reads_it(self, file):
        write_annotations(file, [landmarks()])
        lines = file.read_text().splitlines()
        assert lines[:2] == ["# Markups fiducial file version = 4.4", "# CoordinateSystem = 0"]
        assert lines[2] == COLUMNS.strip()
        assert max(len(line.encode()) for line in lines) < 1024, "Slicer ends a line there"
        rows = [line.split(",") for line in lines if not line.startswith("#")]
        assert len(rows) == landmarks().present.sum() and {len(row) for row in rows} == {14}
        row, column = landmarks().points[0]
        assert [float(value) for value in rows[0][1:4]] == [-column * 0.125, -row * 0.1, 0.0]
        assert rows[0][11:13] == ["Sella", "S"]

    def test_names_with_commas_and_quotes(self, file):
        scheme = LandmarkScheme(
            "pair", "Two", (LandmarkDefinition("End, left", "L"), LandmarkDefinition('The "R"', "R"))
        )
        own = Landmarks(np.array([[1.5, 2.25], [3.0, 4.0]]), scheme, image_shape=(30, 40))
        write_annotations(file, [own])
        rows = [line for line in file.read_text().splitlines() if not line.startswith("#")]
        assert '"End, left"' in rows[0] and '"The ""R"""' in rows[1]
        assert read_annotations(file, scheme=scheme)[0].equals(own)

    def test_without_its_own_lines_it_is_somebodys(self, file):
        """As after Slicer has saved it again."""
        written = landmarks(spacing=None)
        write_annotations(file, [written])
        text = "".join(line for line in file.read_text().splitlines(keepends=True) if not line.startswith("#farnet"))
        file.write_text(text)
        with pytest.raises(AnnotationError, match="how large a pixel is"):
            read_annotations(file)
        np.testing.assert_allclose(read_annotations(file, spacing=1.0)[0].points, written.points, atol=1e-9)
