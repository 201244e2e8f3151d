"""TPS: rows from the bottom, files made elsewhere, and damage."""

from __future__ import annotations

import re

import numpy as np
import pytest

from farnet.errors import AnnotationError, SchemeError
from farnet.formats import read_annotations, write_annotations

from .made_up import landmarks


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
        lines = [f"LM={points}", *(f"{k} {10 * k}" for k in range(1, points + 1)), "IMAGE=skull.png", "ID=0", extra]
        (folder / "a.tps").write_text("\n".join(lines))
        return folder / "a.tps"

    def test_made_elsewhere_beside_its_picture(self, tmp_path):
        from PIL import Image

        Image.new("L", (300, 200)).save(tmp_path / "skull.png")
        (found,) = read_annotations(self.foreign(tmp_path, "SCALE=0.25"))
        np.testing.assert_array_equal(found.points[0], [190.0, 1.0])
        assert (found.radiograph, found.image_shape, found.spacing) == ("skull", (200, 300), (0.25, 0.25))

    def test_two_negative_numbers_are_an_absent_landmark(self, tmp_path):
        from PIL import Image

        Image.new("L", (300, 200)).save(tmp_path / "skull.png")
        file = self.foreign(tmp_path)
        file.write_text(file.read_text().replace("\n3 30\n", "\n-1 -1\n"))
        (found,) = read_annotations(file)
        assert np.flatnonzero(~found.present).tolist() == [2]

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


@pytest.fixture
def head(tmp_path):
    """A folder with a picture of 200 rows, head.png; gives a function that writes lines of a TPS file and reads it."""
    from PIL import Image

    Image.new("L", (300, 200)).save(tmp_path / "head.png")

    def read(*lines, encoding="utf-8", end="\n", **options):
        (tmp_path / "a.tps").write_bytes(end.join(lines).encode(encoding))
        return read_annotations(tmp_path / "a.tps", **options)

    return read


POINTS = [f"{10.5 + k} {20.25 + k}" for k in range(19)]
EXPECTED = np.array([[200 - 20.25 - k, 10.5 + k] for k in range(19)])
REST = ["IMAGE=head.png", "ID=0"]


class TestAsOthersWriteIt:
    @pytest.mark.parametrize(
        "lines",
        [
            ["LM=19", *POINTS, *REST],
            ["lm=19", *POINTS, "image=HEAD.PNG", "id=0"],
            ["LM = 19", *POINTS, "IMAGE = head.png ", "ID = 0"],
            ["LM=19", *POINTS, "IMAGE=C:\\films\\head.png", "ID=0"],
            ["LM=19", *POINTS, "IMAGE=head", "ID=0"],
            ["LM=19", *POINTS, "ID=head"],
            ["LM=19", *(line.replace(".", ",") for line in POINTS), *REST],
            ["LM=19", *(line.replace(" ", ", ") for line in POINTS), *REST],
            ["LM=19", *(line.replace(" ", "\t") for line in POINTS), *REST],
            ["", "LM=19", "", *POINTS, "", *REST, ""],
            ["LM3=19", *(f"{line} 0.00000" for line in POINTS), *REST],
            ["LM=19", *POINTS, *REST, "SCALE="],
            ["LM=19", *POINTS, *REST, "COMMENT=by tpsDig2", "VARIABLES=age=12"],
            ["\ufeffLM=19", *POINTS, *REST],
            ["LM=19", *POINTS, *REST, "\x1a"],
            ["LM=19", *POINTS, *REST, "\x1a\x1a\r\n\x1a"[:2]],
        ],
    )
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_the_same_points(self, head, caplog, lines, end):
        (found,) = head(*lines, end=end)
        np.testing.assert_allclose(found.points, EXPECTED)
        assert (found.radiograph, found.image_shape, found.spacing) == ("head", (200, 300), None)
        assert not caplog.records

    def test_curves_and_outlines_are_left_out_and_counted(self, head, caplog):
        curves = [
            "CURVES=2",
            "POINTS=3",
            "1 2",
            "3 4",
            "5 6",
            "POINTS=1",
            "7 8",
            "OUTLINES=1",
            "POINTS=2",
            "1 1",
            "2 2",
        ]
        found = head("LM=19", *POINTS, *curves, *REST, "SCALE=0,25", "LM=19", *POINTS, *REST)
        np.testing.assert_allclose([item.points for item in found], [EXPECTED, EXPECTED])
        assert found[0].spacing == (0.25, 0.25) and "(3, of 6 points)" in caplog.text

    def test_a_third_coordinate_is_left_out_and_told(self, head, caplog):
        (found,) = head("LM3=19", *(f"{line} 1.5" for line in POINTS), *REST)
        np.testing.assert_allclose(found.points, EXPECTED)
        assert "19 points have a third coordinate" in caplog.text

    def test_a_specimen_without_points_is_a_radiograph_without_landmarks(self, head):
        found = head("LM=19", *POINTS, *REST, "LM=0", "IMAGE=next.png", "ID=1", "LM=0", "CURVES=0", "IMAGE=last.png")
        assert [(item.radiograph, item.present.sum()) for item in found] == [("head", 19), ("next", 0), ("last", 0)]
        with pytest.raises(SchemeError, match="0 landmarks"):
            head("LM=0", "IMAGE=next.png")
        (nothing,) = head("LM=0", "IMAGE=next.png", scheme=found[0].scheme)
        assert nothing.present.sum() == 0

    def test_letters_of_windows(self, head, tmp_path, caplog):
        (tmp_path / "head.png").rename(tmp_path / "Schädel.png")
        (found,) = head("LM=19", *POINTS, "IMAGE=Schädel.png", encoding="cp1252")
        assert found.radiograph == "Schädel" and "cp1252" in caplog.text

    @pytest.mark.parametrize("scale", ["0", "-1", "wide", "nan", "inf"])
    def test_nonsense_of_a_scale_is_passed_over_and_told(self, head, caplog, scale):
        (found,) = head("LM=19", *POINTS, *REST, f"SCALE={scale}")
        assert found.spacing is None and "SCALE is" in caplog.text

    def test_pictures_in_another_folder(self, head, tmp_path):
        (tmp_path / "films").mkdir()
        (tmp_path / "head.png").rename(tmp_path / "films" / "head.png")
        (found,) = head("LM=19", *POINTS, *REST, radiographs=[tmp_path / "films"])
        np.testing.assert_allclose(found.points, EXPECTED)

    def test_a_name_without_its_ending_that_two_pictures_have(self, head, tmp_path):
        from PIL import Image

        Image.new("L", (300, 100)).save(tmp_path / "head.bmp")
        with pytest.raises(AnnotationError, match="different heights"):
            head("LM=19", *POINTS, "IMAGE=head")
        assert head("LM=19", *POINTS, *REST)[0].image_shape == (200, 300)

    @pytest.mark.parametrize("line", ["1 2 3", "1", "1,5,2,5", "a b"])
    def test_no_point(self, head, line):
        with pytest.raises(AnnotationError, match=r"line 2.*no point"):
            head("LM=19", line, *POINTS[1:], *REST)


class TestWrittenForOthers:
    @pytest.mark.parametrize("ending", [".png", ".PNG", ".jpg", ".tif", ".bmp"])
    def test_with_the_picture_s_full_name_and_read_without_the_comment(self, tmp_path, ending):
        from PIL import Image

        Image.new("L", (900, 1000)).save(tmp_path / f"skull{ending}")
        written = landmarks(radiograph="skull")
        write_annotations(tmp_path / "a.tps", [written])
        lines = (tmp_path / "a.tps").read_text().splitlines()
        assert f"IMAGE=skull{ending}" in lines and "ID=skull" in lines
        (tmp_path / "a.tps").write_text("\n".join(line for line in lines if not line.startswith("COMMENT")))
        (found,) = read_annotations(tmp_path / "a.tps")
        np.testing.assert_allclose(found.points, written.points)
        assert found.radiograph == "skull"

    @pytest.mark.parametrize("path", ["/scans/skull.dcm", "C:\\scans\\skull.dcm", "skull.dcm"])
    def test_the_name_is_that_of_the_file_they_were_found_in(self, tmp_path, path):
        written = landmarks(radiograph="skull", provenance={"image": path})
        for file in ("a.tps", "a.coco.json", "a.json"):
            write_annotations(tmp_path / file, [written])
            assert re.search(r'(IMAGE=|"file_name": "|"imagePath": ")skull.dcm\b', (tmp_path / file).read_text())
            assert read_annotations(tmp_path / file)[0].radiograph == "skull"

    def test_the_file_of_another_radiograph_is_not_named(self, tmp_path):
        write_annotations(tmp_path / "a.tps", [landmarks(radiograph="b", provenance={"image": "/scans/a.png"})])
        assert "IMAGE=b\n" in (tmp_path / "a.tps").read_text()
