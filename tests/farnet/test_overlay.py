"""The picture shows every landmark where it is, and labels keep clear of points and of each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from farnet.errors import AnnotationError, OutputError
from farnet.landmarks import Landmarks
from farnet.overlay import draw_overlay, place_labels, write_overlay
from farnet.radiograph import Radiograph
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")


def radiograph(shape=(240, 200), dtype=np.uint8):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    ramp = (rows + columns) / (sum(shape) - 2)
    return Radiograph.from_array((ramp * 60000).astype(dtype) if dtype == np.uint16 else (ramp * 200).astype(dtype))


def landmarks(shape=(240, 200), **changes):
    rng = np.random.default_rng(3)
    points = rng.uniform((20, 20), (shape[0] - 20, shape[1] - 20), size=(19, 2))
    return Landmarks(points, SCHEME, image_shape=shape, **changes)


def test_each_point_is_drawn_where_it_is():
    marks = landmarks()
    marks = marks.replace(points=np.round(marks.points))
    picture = np.asarray(draw_overlay(radiograph(), marks, labels="none", links=False)).astype(int)
    scale = 4  # small radiographs are enlarged four times
    for row, column in marks.points.astype(int):
        centre = picture[scale * row + 1 : scale * row + 3, scale * column + 1 : scale * column + 3].reshape(-1, 3)
        assert (centre == (79, 195, 247)).all(axis=1).any(), (row, column)


def test_absent_landmarks_are_not_drawn_and_the_caption_counts():
    nothing = landmarks().replace(points=np.full((19, 2), np.nan))
    plain = np.asarray(draw_overlay(radiograph(), nothing))
    assert plain.shape[0] > 4 * 240  # the caption is below the picture
    picture = plain[: 4 * 240]
    assert (picture[..., 0] == picture[..., 1]).all()  # nothing but grey
    assert (plain[4 * 240 :] != np.array([10, 14, 20])).any()


def test_colour_follows_confidence():
    points = np.full((19, 2), np.nan)
    points[0], points[1] = (60, 60), (180, 140)
    confidence = np.full(19, np.nan)
    confidence[:2] = 0.0, 1.0
    marks = Landmarks(points, SCHEME, confidence=confidence)
    picture = np.asarray(draw_overlay(radiograph(), marks, labels="none", links=False))
    assert picture[242, 242].tolist() == [68, 1, 84]  # the ends of viridis
    assert picture[722, 562].tolist() == [253, 231, 36]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_kind_of_pixels_fills_the_range_of_grey(dtype):
    picture = np.asarray(draw_overlay(radiograph(dtype=dtype), landmarks(), labels="none", links=False))[:960]
    assert picture.min() < 10
    assert picture.max() > 245


def test_the_long_side_is_kept_and_small_pictures_are_not_blown_up():
    big = draw_overlay(radiograph((1000, 3000)), landmarks((1000, 3000)), long_side=900)
    assert big.width == 900
    assert draw_overlay(radiograph((16, 20)), landmarks((1000, 3000)).replace(image_shape=None)).width == 80


def test_everything_at_once_draws():
    covariance = np.tile([[400.0, 100.0], [100.0, 200.0]], (19, 1, 1))
    marks = landmarks(covariance=covariance, confidence=np.linspace(0, 1, 19), spacing=(0.5, 0.5), source="model x")
    truth = marks.replace(points=np.where(np.arange(19)[:, None] == 4, np.nan, marks.points + 3))
    picture = draw_overlay(radiograph(), marks, reference=truth, labels="abbreviation")
    assert picture.mode == "RGB"
    spine = load_scheme("spine68")
    many = Landmarks(np.random.default_rng(0).uniform(10, 190, (68, 2)), spine)
    assert draw_overlay(radiograph(), many).size[0] == 800


def test_landmarks_of_another_radiograph_are_refused():
    with pytest.raises(AnnotationError, match=r"\(240, 200\) pixels, and '' has \(100, 100\)"):
        draw_overlay(radiograph((100, 100)), landmarks())
    other = Landmarks(np.zeros((37, 2)), load_scheme("hand37"))
    with pytest.raises(AnnotationError, match="hand37"):
        draw_overlay(radiograph(), landmarks(), reference=other)


def test_writing_is_all_or_nothing(tmp_path):
    path = tmp_path / "new" / "picture.png"
    write_overlay(path, radiograph(), landmarks())
    with Image.open(path) as picture:
        assert picture.format == "PNG"
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_overlay(tmp_path / "file" / "picture.png", radiograph(), landmarks())
    assert [p.name for p in path.parent.iterdir()] == ["picture.png"]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_labels_stay_inside_and_apart(count, seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(100, 900, size=(count, 2))
    sizes = np.stack([rng.uniform(40, 140, count), np.full(count, 20.0)], axis=1)
    boxes = place_labels(points, sizes, (1000.0, 1000.0), 8.0)
    assert boxes.min() >= 0
    assert boxes.max() <= 1000
    assert boxes[:, 2:] - boxes[:, :2] == pytest.approx(sizes)
    covered = 0.0
    for i in range(count):
        for j in range(i):
            sides = np.minimum(boxes[i, 2:], boxes[j, 2:]) - np.maximum(boxes[i, :2], boxes[j, :2])
            covered += np.clip(sides, 0, None).prod()
    # Twelve labels always find room in this picture, save for a sliver where points coincide.
    assert covered <= 0.02 * sizes.prod(axis=1).sum()
