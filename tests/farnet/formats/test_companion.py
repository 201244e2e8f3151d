"""The formats of other programs: what is written comes back, in the other program's own coordinates, or is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farnet.errors import AnnotationError, SchemeError
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme

from .made_up import SCHEME, edit, landmarks

ENDINGS = (".mrk.json", ".fcsv", ".json", ".coco.json", ".tps", ".sr.dcm")
MANY = (".coco.json", ".tps")
PAIR = LandmarkScheme("pair", "Two", (LandmarkDefinition("Left end", "L"), LandmarkDefinition("Right end", "R")))


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
        for given_scheme in (PAIR, None):  # which the file holds
            (again,) = read_annotations(tmp_path / f"a{ending}", scheme=given_scheme)
            assert again.equals(own) and again.scheme == PAIR
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


@pytest.mark.parametrize("ending", (".csv", ".mrk.json", ".json", ".coco.json"))
def test_a_file_that_says_of_edited_points_what_the_model_said_is_read_without(tmp_path, ending):
    """As earlier versions wrote it; what is read then stays the same on its way through the file."""
    file = tmp_path / f"a{ending}"
    before = landmarks(edited=np.zeros(19, bool), region95=np.full(19, 2.0), provenance={})
    write_annotations(file, [before])
    text = file.read_text(encoding="utf-8")
    assert text.count("false") == 19
    file.write_text(text.replace("false", "true"), encoding="utf-8")
    (found,) = read_annotations(file)
    assert found.edited.all()
    for name in ("confidence", "covariance", "region95"):
        assert np.isnan(getattr(found, name)).all()
    np.testing.assert_array_equal(found.points, before.points)
    again = tmp_path / f"b{ending}"
    write_annotations(again, [found])
    assert read_annotations(again)[0].equals(found)
