"""The frame maps points exactly as it maps pixels, and back."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from farnet.errors import InvalidInputError
from farnet.frame import Frame

sizes = st.integers(1, 5000)
shapes = st.tuples(sizes, sizes)
coordinates = st.floats(-1e4, 1e4, allow_nan=False)


@st.composite
def frames(draw):
    image, network = draw(shapes), draw(shapes)
    crop = draw(st.none() | st.tuples(st.integers(-3000, 3000), st.integers(-3000, 3000), st.integers(1, 6000), sizes))
    return Frame.fit(image, network, draw(st.sampled_from(["stretch", "letterbox"])), crop=crop)


def blob(shape, centre, sigma):
    rows, columns = (np.arange(n) for n in shape)
    return np.exp(-0.5 * ((rows - centre[0]) / sigma) ** 2)[:, None] * np.exp(
        -0.5 * ((columns - centre[1]) / sigma) ** 2
    )


def centroid(image):
    weight = np.nan_to_num(image).astype(np.float64)
    rows, columns = np.indices(weight.shape)
    return np.array([(weight * rows).sum(), (weight * columns).sum()]) / weight.sum()


@given(frames(), coordinates, coordinates)
def test_there_and_back(frame, row, column):
    point = np.array([row, column])
    back = frame.to_radiograph(frame.to_network(point))
    # One part in 1e12 of the largest number on the way, seen through the scale.
    reach = 1e4 + max(map(abs, frame.crop)) + max(frame.network_shape) / min(frame.scale)
    assert np.abs(back - point).max() <= 1e-12 * reach


@given(frames(), coordinates, coordinates)
def test_matrix_is_to_radiograph(frame, row, column):
    expected = frame.to_radiograph(np.array([row, column]))
    found = frame.matrix() @ (row, column, 1.0)
    np.testing.assert_allclose(found[:2], expected, rtol=1e-9, atol=1e-9 * np.abs(frame.matrix()).max())
    assert found[2] == 1.0


@given(frames())
def test_corners_of_the_crop_are_corners_of_the_content(frame):
    row, column, height, width = frame.crop
    top, left, rows, columns = frame.content
    corners = np.array([[row - 0.5, column - 0.5], [row + height - 0.5, column + width - 0.5]])
    expected = [[top - 0.5, left - 0.5], [top + rows - 0.5, left + columns - 0.5]]
    np.testing.assert_allclose(frame.to_network(corners), expected, atol=1e-8)


@given(frames())
def test_content_lies_inside_the_input(frame):
    top, left, rows, columns = frame.content
    assert top >= 0 and left >= 0 and rows >= 1 and columns >= 1
    assert top + rows <= frame.network_shape[0] and left + columns <= frame.network_shape[1]


@given(shapes, shapes)
def test_letterbox_keeps_the_shape_of_things(image, network):
    frame = Frame.fit(image, network, "letterbox")
    _, _, rows, columns = frame.content
    assume(min(rows, columns) >= 8)
    # Sides are whole pixels, so that the two scales differ by what rounding one side costs.
    assert frame.scale[0] / frame.scale[1] == pytest.approx(1.0, abs=0.51 / min(rows, columns) * 1.1)
    assert rows == network[0] or columns == network[1]
    top, left = frame.content[:2]
    assert abs(2 * top + rows - network[0]) <= 1 and abs(2 * left + columns - network[1]) <= 1


def test_papers_frame():
    frame = Frame.fit((2400, 1935), (800, 640))
    assert frame.scale == (1 / 3, 640 / 1935)
    assert frame.offset == (0.0, 0.0)
    np.testing.assert_allclose(frame.to_network(np.array([1.0, 1.0])), [0.0, 1.5 * 640 / 1935 - 0.5])


def test_absent_points_stay_absent():
    frame = Frame.fit((100, 50), (64, 64), "letterbox")
    points = np.array([[np.nan, np.nan], [3.0, 4.0]])
    for mapped in (frame.to_network(points), frame.to_radiograph(points)):
        assert np.isnan(mapped[0]).all() and np.isfinite(mapped[1]).all()


@given(frames())
def test_covariance_follows_the_matrix(frame):
    covariance = np.array([[4.0, 1.0], [1.0, 2.0]])
    jacobian = frame.matrix()[:2, :2]
    np.testing.assert_allclose(frame.covariance_to_radiograph(covariance), jacobian @ covariance @ jacobian.T)


@pytest.mark.parametrize(
    ("shape", "network", "mode", "crop", "centre"),
    [
        ((600, 484), (200, 160), "stretch", None, (311.3, 207.8)),
        ((600, 484), (192, 160), "letterbox", None, (200.1, 300.6)),
        ((300, 484), (192, 160), "letterbox", None, (150.7, 120.2)),
        ((150, 120), (320, 256), "stretch", None, (70.4, 60.9)),  # enlarged
        ((600, 484), (160, 160), "letterbox", (100, 50, 333, 217), (250.6, 149.3)),
        ((600, 484), (200, 160), "stretch", (-90, -60, 500, 400), (171.2, 133.7)),  # over the top left
        ((600, 484), (200, 160), "letterbox", (301, 202, 520, 411), (430.4, 350.1)),  # over the bottom right
        ((600, 484), (200, 160), "stretch", (-50, -70, 700, 634), (420.9, 101.4)),  # over every side
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_blob_lands_where_its_point_does(shape, network, mode, crop, centre, dtype):
    frame = Frame.fit(shape, network, mode, crop=crop)
    image = blob(shape, centre, 9.0)
    image = image.astype(dtype) if dtype == np.float32 else np.rint(image * np.iinfo(dtype).max).astype(dtype)
    shown = frame.resample(image)
    assert shown.shape == network and shown.dtype == np.float32
    np.testing.assert_allclose(centroid(shown), frame.to_network(np.array(centre)), atol=0.02)


def test_outside_of_the_radiograph_is_nan_and_its_border_is_sharp():
    frame = Frame.fit((90, 120), (60, 40), crop=(-30, 60, 120, 80))  # 30 rows above, 20 columns to the right
    shown = frame.resample(np.full((90, 120), 77, np.uint8))
    inside = np.isfinite(shown)
    expected = np.zeros((60, 40), bool)
    expected[15:, :30] = True
    np.testing.assert_array_equal(inside, expected)
    assert (shown[inside] == 77).all()


def test_padding_of_the_letterbox_is_nan():
    shown = Frame.fit((100, 50), (64, 64), "letterbox").resample(np.ones((100, 50), np.float32))
    assert np.isnan(shown[:, :16]).all() and np.isnan(shown[:, 48:]).all()
    np.testing.assert_allclose(shown[:, 16:48], 1.0, rtol=1e-6)


def test_crop_beside_the_radiograph_shows_nothing():
    frame = Frame.fit((50, 50), (32, 32), crop=(60, 0, 20, 20))
    assert np.isnan(frame.resample(np.ones((50, 50), np.uint8))).all()


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.int32, np.float64, ">u2"])
def test_same_size_is_the_same_picture(rng, dtype):
    image = rng.integers(0, 2, (20, 30)).astype(dtype)
    np.testing.assert_array_equal(Frame.fit((20, 30), (20, 30)).resample(image), image.astype(np.float32))


def test_number_types_agree(rng):
    frame = Frame.fit((240, 190), (80, 64))
    image = rng.integers(0, 256, (240, 190)).astype(np.uint8)
    exact = frame.resample(image.astype(np.float64))
    np.testing.assert_allclose(frame.resample(image.astype(np.uint16)), exact, atol=1e-3)
    np.testing.assert_allclose(frame.resample(image.astype(">u2")), exact, atol=1e-3)
    np.testing.assert_allclose(frame.resample(image), exact, atol=1.01)  # rounded per axis
    backwards = image[::-1, ::-1]
    np.testing.assert_array_equal(frame.resample(backwards), frame.resample(np.ascontiguousarray(backwards)))


def test_read_only_pixels(rng):
    image = rng.integers(0, 256, (40, 40)).astype(np.uint8)
    image.setflags(write=False)
    before = image.copy()
    Frame.fit((40, 40), (32, 32)).resample(image)
    np.testing.assert_array_equal(image, before)


def test_shrinking_removes_what_it_cannot_show():
    # A grating of two pixels' period is far above what a third of the pixels can carry.
    rows, columns = np.indices((300, 300))
    grating = (255 * ((rows + columns) % 2)).astype(np.uint8)
    shown = Frame.fit((300, 300), (100, 100)).resample(grating)
    assert shown.std() < 0.06 * grating.std()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (((0, 10), (5, 5)), "at least 1"),
        (((10, 10), (5, 0)), "at least 1"),
        (((10, 10), (5, 5), "cover"), "letterbox"),
    ],
)
def test_impossible_frames_are_refused(arguments, word):
    with pytest.raises(InvalidInputError, match=word):
        Frame.fit(*arguments)


def test_empty_crop_is_refused():
    with pytest.raises(InvalidInputError, match="at least 1"):
        Frame.fit((10, 10), (5, 5), crop=(0, 0, 0, 4))


def test_pixels_of_another_shape_are_refused():
    with pytest.raises(InvalidInputError, match=r"\(10, 11\)"):
        Frame.fit((10, 10), (5, 5)).resample(np.zeros((10, 11)))


class TestRefit:
    """Heatmaps of one frame laid into another lie on the same places of the radiograph."""

    def test_blobs_stay_on_their_places(self):
        here = Frame.fit((400, 300), (128, 96), "letterbox")
        there = Frame.fit((400, 300), (128, 96), "letterbox", crop=(40, 20, 300, 225))
        points = np.array([[150.0, 100.0], [220.0, 180.0]])
        rows, columns = np.mgrid[:128, :96]
        maps = np.stack(
            [np.exp(-0.5 * ((rows - r) ** 2 + (columns - c) ** 2) / 9.0) for r, c in there.to_network(points)]
        ).astype(np.float32)
        moved = here.refit(maps, there)
        total = moved.sum((1, 2))
        centres = np.stack([(moved * rows).sum((1, 2)) / total, (moved * columns).sum((1, 2)) / total], axis=1)
        np.testing.assert_allclose(here.to_radiograph(centres), points, atol=0.05)
        assert here.refit(maps, here) is maps
