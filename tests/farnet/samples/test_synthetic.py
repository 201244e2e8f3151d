from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import farnet.samples
from farnet.errors import InvalidInputError
from farnet.radiograph import Radiograph
from farnet.samples import average_cephalogram, synthetic, synthetic_cephalograms
from farnet.samples.synthetic import LIMIT, least_stretch
from farnet.shape import IMPLAUSIBLE, load_shape_model


@pytest.fixture(scope="module")
def eight():
    return synthetic_cephalograms()


def test_there_are_eight_of_the_size_that_is_promised(eight):
    assert [radiograph.name for radiograph, _ in eight] == [f"synthetic-{number:02d}" for number in range(1, 9)]
    for radiograph, landmarks in eight:
        assert radiograph.pixels.dtype == np.uint8
        assert radiograph.shape == landmarks.image_shape == (946, 902)
        assert radiograph.spacing == landmarks.spacing == (0.2, 0.2)
        assert landmarks.radiograph == radiograph.name
        assert landmarks.source == "truth"
        assert landmarks.scheme.name == "cephalometric19"
        assert landmarks.present.all()
        margin = 5 / 0.2
        assert (landmarks.points > margin).all()
        assert (landmarks.points < np.array(radiograph.shape) - margin).all()


def test_the_same_seed_gives_the_same_and_another_gives_others(eight):
    synthetic._made.cache_clear()
    fewer, others = synthetic_cephalograms(2), synthetic_cephalograms(1, seed=1)
    for (radiograph, landmarks), (same, same_landmarks) in zip(eight, fewer, strict=False):
        np.testing.assert_array_equal(radiograph.pixels, same.pixels)
        assert landmarks.equals(same_landmarks)
    assert not np.array_equal(others[0][0].pixels, eight[0][0].pixels)
    assert np.abs(others[0][1].points - eight[0][1].points).max() > 5


def test_a_caller_cannot_spoil_them_for_the_next(eight):
    synthetic_cephalograms().clear()
    assert len(synthetic_cephalograms()) == 8


def test_no_two_look_alike(eight):
    """Shape, exposure and noise differ."""
    model = load_shape_model("cephalometric19")
    for i, (a, _) in enumerate(eight):
        for b, _ in eight[:i]:
            assert np.abs(a.pixels.astype(float) - b.pixels).mean() > 5
    means = [radiograph.pixels.mean() for radiograph, _ in eight]
    assert np.ptp(means) > 10
    apart = [
        np.linalg.norm((a[1].points - a[1].points.mean(axis=0)) - (b[1].points - b[1].points.mean(axis=0)), axis=1)
        for i, a in enumerate(eight)
        for b in eight[:i]
    ]
    assert np.mean(apart) * 0.2 > 2, "mm"
    assert len(model) == 19


def test_shapes_are_plausible(eight):
    model = load_shape_model("cephalometric19")
    for _, landmarks in eight:
        assert np.abs(landmarks.provenance["scores"]).max() <= LIMIT
        assert model.implausibility(landmarks.points).max() < IMPLAUSIBLE
        assert not model.looks_mirrored(landmarks.points)


@pytest.mark.parametrize("first", [0, 1])
def test_landmarks_are_where_the_pixels_went(monkeypatch, first):
    """A dot on a landmark of the average comes to lie on the landmark of the warped picture, to 0.1 px.

    Every second landmark has one, so that the tips of the incisors, which are near each other, do not both.
    """
    radiograph, landmarks = average_cephalogram()
    rows, columns = np.indices(radiograph.shape)
    dots = np.zeros(radiograph.shape)
    for row, column in landmarks.points[first::2]:
        dots = np.maximum(dots, np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 1.5**2)))
    average = Radiograph(dots.astype(np.float32)), landmarks
    monkeypatch.setattr(farnet.samples, "average_cephalogram", lambda: average)
    monkeypatch.setattr(synthetic, "_exposed", lambda rng, picture: picture)
    for picture, truth in synthetic._made.__wrapped__(4, 2015):
        found = np.array([_peak(picture.pixels, point) for point in truth.points[first::2]])
        assert np.linalg.norm(found - truth.points[first::2], axis=1).max() < 0.1


def _peak(picture, near):
    """The top of a dot near a place, by a paraboloid through the logarithms of 3 x 3 pixels."""
    r, c = np.rint(near).astype(int)
    window = np.log(np.maximum(picture[r - 1 : r + 2, c - 1 : c + 2].astype(float), 1e-9)).ravel()
    y, x = (grid.ravel() for grid in np.indices((3, 3)) - 1)
    (_, gy, gx, yy, xy, xx), *_ = np.linalg.lstsq(np.c_[np.ones(9), y, x, y * y, x * y, x * x], window, rcond=None)
    return np.array([r, c]) - np.linalg.solve([[2 * yy, xy], [xy, 2 * xx]], [gy, gx])


def test_nothing_folds(monkeypatch):
    radiograph, landmarks = average_cephalogram()
    for number in range(1, 9):
        _, field, _ = synthetic._warp(np.random.default_rng([2015, number]), landmarks, radiograph.shape)
        assert least_stretch(np.moveaxis(field.astype(float), 0, -1)) > 0.4


def test_least_stretch_knows_a_fold_and_a_squeeze():
    grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(9.0), indexing="ij"), axis=-1)
    assert least_stretch(grid) == pytest.approx(1)
    assert least_stretch(grid * [2, 0.25]) == pytest.approx(0.25)
    assert least_stretch(grid * [-1, 1]) == pytest.approx(-1)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert least_stretch(grid @ turn * 3, step=2) == pytest.approx(1.5)
    folded = grid.copy()
    folded[4] = grid[2]
    assert least_stretch(folded) < 0


def test_pictures_have_noise_and_no_streaks(eight):
    """Neighbouring pixels differ as in a film, and no border is a smear of one row."""
    for radiograph, _ in eight:
        pixels = radiograph.pixels.astype(float)
        fine = pixels - ndimage.gaussian_filter(pixels, 2)
        assert 0.3 < fine.std() < 6
        for band in (pixels[:20], pixels[-20:], pixels[:, :20].T, pixels[:, -20:].T):
            assert np.abs(np.diff(band, axis=0)).mean() > 0.1
        assert np.mean((radiograph.pixels == 0) | (radiograph.pixels == 255)) < 0.05


@pytest.mark.parametrize(("count", "seed"), [(0, 1), (1001, 1), (-3, 1), (1, -1)])
def test_what_cannot_be_made_is_refused(count, seed):
    with pytest.raises(InvalidInputError):
        synthetic_cephalograms(count, seed)


def test_a_seed_that_gives_no_warp_says_so(monkeypatch):
    from farnet.errors import FarnetError

    monkeypatch.setattr(synthetic, "_LEAST_STRETCH", 2.0)
    monkeypatch.setattr(synthetic, "_TRIES", 2)
    with pytest.raises(FarnetError, match="another seed"):
        synthetic._made.__wrapped__(1, 0)


def test_the_bundled_model_finds_their_landmarks(eight):
    """Below 1 mm on average; figures of all eight are in docs/sample.md."""
    from farnet.detection import Detector

    detector = Detector(device="cpu")
    for radiograph, truth in eight[:2]:
        found = detector.detect(radiograph).landmarks
        assert np.linalg.norm(found.points - truth.points, axis=1).mean() * 0.2 < 1.0
