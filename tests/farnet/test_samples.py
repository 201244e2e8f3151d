from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

import farnet.samples
from farnet.datasets.isbi2015 import ISBI2015
from farnet.samples import average_cephalogram


@pytest.fixture(scope="module")
def sample():
    return average_cephalogram()


def aligned(shape, target):
    """`shape` after the similarity transform that brings it nearest `target` (complex least squares)."""
    a, b = ((p - p.mean(axis=0)) @ [1, 1j] for p in (shape, target))
    moved = np.vdot(a, b) / np.vdot(a, a) * a
    return np.stack([moved.real, moved.imag], axis=1) + target.mean(axis=0)


def pixel_of(landmarks, name):
    row, column = landmarks.points[landmarks.scheme.index(name)]
    return round(row), round(column)


def test_picture_and_landmarks_belong_together(sample):
    radiograph, landmarks = sample
    assert radiograph.pixels.dtype == np.uint8
    assert radiograph.shape == landmarks.image_shape
    assert radiograph.shape[0] >= 800
    assert radiograph.spacing == landmarks.spacing == (0.2, 0.2)
    assert radiograph.name == landmarks.radiograph == "average_cephalogram"
    assert radiograph.sha256 == landmarks.image_sha256
    assert radiograph.path.is_file()


def test_all_landmarks_are_inside_with_room_around_them(sample):
    radiograph, landmarks = sample
    assert landmarks.scheme.name == "cephalometric19"
    assert landmarks.present.all()
    margin_mm = 10
    margin = margin_mm / landmarks.spacing[0]
    assert (landmarks.points > margin).all()
    assert (landmarks.points < np.array(radiograph.shape) - 1 - margin).all()


def test_file_is_small_and_says_its_spacing():
    file = files(farnet.samples) / "average_cephalogram.png"
    assert len(file.read_bytes()) < 500_000
    with file.open("rb") as opened, Image.open(opened) as image:
        assert image.mode == "L"
        assert image.text["Pixel spacing"] == "0.2 mm"


def test_face_looks_to_the_right_in_front_of_dark_air(sample):
    radiograph, landmarks = sample
    nasion, sella = pixel_of(landmarks, "Nasion"), pixel_of(landmarks, "Sella")
    assert nasion[1] > sella[1]
    for name in ("Nasion", "Upper lip", "Lower lip", "Soft-tissue pogonion"):
        row, column = pixel_of(landmarks, name)
        behind = radiograph.pixels[row - 5 : row + 6, column - 30 : column - 10].mean()
        in_front = radiograph.pixels[row - 5 : row + 6, column + 3 : column + 14].mean()
        assert behind > in_front + 8, name


def test_nothing_is_burned_in(sample):
    """Tabs and text are saturated with sharp edges; the average has neither at its border."""
    pixels = sample[0].pixels.astype(np.float64)
    for band in (pixels[:40], pixels[-40:], pixels[:, :40].T, pixels[:, -40:].T):
        assert band.max() < 250
        assert np.abs(np.diff(band, axis=0)).max() < 25
        assert np.abs(np.diff(band, axis=1)).max() < 25


def test_many_radiographs_went_in(sample):
    averaged = sample[1].provenance["averaged"]
    assert len(set(averaged)) == len(averaged) >= 16
    assert all(1 <= int(identity) <= 150 for identity in averaged)


def test_landmarks_are_the_mean_shape_of_the_training_radiographs(sample, isbi2015):
    _, landmarks = sample
    dataset = ISBI2015(isbi2015, split="train")
    shapes = [dataset.landmarks(i).points for i in range(len(dataset))]
    truth_mm = landmarks.points * landmarks.spacing
    mean = np.mean([aligned(shape * 0.1, truth_mm) for shape in shapes], axis=0)
    # The mean of shapes that were aligned to it is the Procrustes mean, but for its size.
    np.testing.assert_allclose(aligned(mean, truth_mm), truth_mm, atol=0.02)
    size_mm = np.mean([np.linalg.norm(shape - shape.mean(axis=0)) for shape in shapes]) * 0.1
    assert np.linalg.norm(truth_mm - truth_mm.mean(axis=0)) == pytest.approx(size_mm, rel=1e-6)


def test_import_is_cheap():
    code = "import sys, farnet.samples; print([m for m in ('torch', 'scipy', 'pandas', 'PIL') if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
