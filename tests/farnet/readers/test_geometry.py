"""Where the pixels of a picture lie: as ITK itself says, for every kind of file."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farnet.errors import MissingExtraError, RadiographError
from farnet.geometry import Geometry
from farnet.readers.geometry import geometry_of

from ..formats import pictures  # noqa: TID252  the tests are no package with a name of its own

POINTS = np.array([[0.0, 0.0], [3.25, 17.5], [23.0, 31.0], [-2.0, 40.0]])


@pytest.fixture(scope="module", autouse=True)
def simple_itk():
    return pytest.importorskip("SimpleITK", reason="the extra itk is not installed")


@pytest.mark.parametrize("case", pictures.CASES)
def test_it_is_that_of_itk(tmp_path, case):
    path = pictures.made(tmp_path, case)
    itk, geometry = pictures.Itk(path), geometry_of(path)
    wanted = POINTS
    if "turned" in case:
        wanted = itk.turned(POINTS, pictures.grey())
    np.testing.assert_allclose(itk.points(geometry.positions(POINTS)), wanted, atol=1e-9)
    np.testing.assert_allclose(geometry.points(itk.positions(wanted)), POINTS, atol=1e-9)
    assert geometry.shape == pictures.SHAPE


@pytest.mark.parametrize(
    ("case", "stated"),
    [
        ("8 bit.png", False), ("dots per metre.png", False), ("scale.png", True), ("aspect.jpg", False),
        ("dots per inch.jpg", True), ("plain.tif", False), ("inch.tif", True), ("inch.bmp", False),
        ("class 1.1, nothing.dcm", False), ("class 1.1, PixelSpacing.dcm", False), ("unset.mha", False),
        ("class 1.1, ImagerPixelSpacing.dcm", True), ("class 7, PixelSpacing.dcm", True), ("flat.mha", True),
    ],
)  # fmt: skip
def test_whether_the_file_states_the_size_of_a_pixel(tmp_path, case, stated):
    geometry = geometry_of(pictures.made(tmp_path, case))
    assert geometry.stated == stated
    assert stated or geometry.spacing == (1.0, 1.0)


_cosine = st.floats(-1.0, 1.0).map(lambda value: round(value, 6))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    axis=st.tuples(_cosine, _cosine, _cosine).filter(lambda v: np.linalg.norm(v) > 0.1),
    angle=st.floats(0.0, 3.0),
    error=st.sampled_from([0.0, 1e-5, 3e-4, 0.02]),
    length=st.sampled_from([1.0, 1.0004, 0.5]),
    position=st.tuples(*[st.floats(-900, 900).map(lambda value: round(value, 4))] * 3),
)
def test_any_place_in_a_dicom_file(tmp_path, axis, angle, error, length, position):
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_rotvec(np.array(axis) / np.linalg.norm(axis) * angle).as_matrix()
    cosines = np.concatenate([turn[:, 0], turn[:, 1] + error * turn[:, 0]]) * length
    path = tmp_path / "film.dcm"
    texts = [f"{value:.9f}" for value in cosines]
    pictures.dicom(
        path, ImageOrientationPatient=texts, ImagePositionPatient=list(position), ImagerPixelSpacing=[0.2, 0.3]
    )
    found = pictures.Itk(path).points(geometry_of(path).positions(POINTS))
    np.testing.assert_allclose(found, POINTS, atol=1e-8)


def test_off_the_plane():
    geometry = Geometry.plain((0.5, 0.25))
    positions = geometry.positions([[2.0, 4.0]]) + np.array([0.0, 0.0, 3.0])
    np.testing.assert_allclose(positions, [[1.0, 1.0, 3.0]])
    np.testing.assert_allclose(geometry.off_plane(positions), [3.0])
    np.testing.assert_allclose(geometry.points(positions), [[2.0, 4.0]])


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.bmp", "a.dcm", "a.mha", "a.nii", "a.nii.gz", "a"])
@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"BM", b"x" * 400])
def test_what_is_no_picture_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RadiographError, match="a"):
        geometry_of(tmp_path / name)


def test_nonsense_is_refused(tmp_path):
    pictures.dicom(tmp_path / "a.dcm", ImagerPixelSpacing=[-0.1, 0.1])
    with pytest.raises(RadiographError, match="above zero"):
        geometry_of(tmp_path / "a.dcm")


def test_what_only_itk_can_tell_needs_it(tmp_path, monkeypatch):
    path, unusual = pictures.made(tmp_path, "flat.mha"), tmp_path / "b.dcm"
    pictures.dicom(unusual, sop_class="77.1.4")
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    for file in (path, unusual):
        with pytest.raises(MissingExtraError, match="napari-farnet\\[itk\\]"):
            geometry_of(file)
