"""TPS: rows from the bottom, files made elsewhere, and damage."""

from __future__ import annotations

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
