"""Layers become a folder that can be trained on: the same pixels, the same points."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from napari.layers import Image, Points

from farnet.datasets.table import RadiographTable
from farnet.errors import InvalidInputError, OutputError, SchemeError
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme
from napari_farnet.points import landmarks_in
from napari_farnet.record import LandmarkRecord
from napari_farnet.sources import RadiographSource
from napari_farnet.threads import Failure
from napari_farnet.train.writing import Pair, check_pairs, count_radiographs, write_pairs


def pair_of(images, points, names, **keywords):
    image = Image(images, **{"name": "skulls", **keywords})
    placed = {name: value for name, value in keywords.items() if name in ("scale", "units")}
    layer = Points(points, features={"name": names}, **placed)
    return Pair(RadiographSource.of(image), landmarks_in(layer, image=image))


def write(pairs, folder, stop=None):
    steps = write_pairs(stop or threading.Event(), pairs, folder)
    reports = []
    while True:
        try:
            reports.append(next(steps))
        except StopIteration as end:
            return end.value, reports


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_stack_with_spacing(stack, tmp_path, dtype):
    images, points, names = stack
    pixels = images.astype(dtype) * (257 if dtype == np.uint16 else 1)
    pair = pair_of(pixels, points, names, scale=(1, 0.1, 0.2), units=("pixel", "mm", "mm"))
    folder, reports = write([pair], tmp_path / "data")
    assert [(r.done, r.total) for r in reports] == [(n, 4) for n in range(4)]
    table = RadiographTable(folder)
    assert len(table) == 4
    for n in range(4):
        radiograph = table.radiograph(n)
        assert radiograph.spacing == (0.1, 0.2)
        if dtype == np.float32:
            assert radiograph.pixels.dtype == np.uint16
            scaled = (pixels[n] - pixels[n].min()) / np.ptp(pixels[n]) * 65535
            np.testing.assert_allclose(radiograph.pixels, scaled, atol=1)
        else:
            np.testing.assert_array_equal(radiograph.pixels, pixels[n])
        np.testing.assert_allclose(table.landmarks(n).points, points[points[:, 0] == n, 1:], atol=1e-6)


def test_radiographs_without_landmarks_are_left_out(stack, tmp_path):
    images, points, names = stack
    some = points[:, 0] != 2
    pair = pair_of(images, points[some], [name for name, here in zip(names, some, strict=True) if here])
    assert count_radiographs([pair]) == 3
    folder, _ = write([pair], tmp_path / "data")
    assert len(RadiographTable(folder)) == 3


def test_absent_landmarks_stay_absent(stack, tmp_path):
    images, points, names = stack
    folder, _ = write([pair_of(images, points[3:], names[3:])], tmp_path / "data")
    assert np.flatnonzero(~RadiographTable(folder).landmarks(0).present).tolist() == [0, 1, 2]


def test_names_that_no_system_takes(stack, tmp_path):
    images, points, names = stack
    odd = 'Müller/"left" <2>: * \\ | ?'
    folder, _ = write([pair_of(images, points, names, name=odd)], tmp_path / "data")
    assert len(RadiographTable(folder)) == 4
    assert all(path.name.isascii() and not set(path.name) & set('<>:"/\\|?* ') for path in folder.iterdir())


def test_what_an_attempt_before_left_is_gone(stack, tmp_path):
    images, points, names = stack
    write([pair_of(images, points, names)], tmp_path / "data")
    folder, _ = write([pair_of(images[:2], points[points[:, 0] < 2], names[:38])], tmp_path / "data")
    assert len(list(folder.glob("*.png"))) == 2


def test_a_scheme_of_ones_own_is_written_too(stack, tmp_path):
    own = LandmarkScheme("knee", "Knee", (LandmarkDefinition("Top", "T"), LandmarkDefinition("Bottom", "B")))
    landmarks = tuple(Landmarks([[9, 9], [50, 50]], own, radiograph=f"r{n}") for n in range(4))
    record = LandmarkRecord(landmarks, tuple((n,) for n in range(4)))
    folder, _ = write([Pair(RadiographSource.of(Image(stack[0])), record)], tmp_path / "data")
    assert RadiographTable(folder).scheme == own


def test_it_can_be_stopped(stack, tmp_path):
    stop = threading.Event()
    stop.set()
    result, _ = write([pair_of(*stack)], tmp_path / "data", stop)
    assert result is None


def test_a_folder_that_cannot_be_written(stack, tmp_path):
    (tmp_path / "file").write_text("")
    result, _ = write([pair_of(*stack)], tmp_path / "file" / "data")
    assert isinstance(result, Failure) and isinstance(result.error, OutputError)


def test_what_cannot_be_trained_on(stack):
    images, points, names = stack
    one = pair_of(images[:1], points[:19], names[:19])
    with pytest.raises(InvalidInputError, match=r"Radiographs with landmarks: 1\. A training needs at least 2"):
        check_pairs([one])
    pair = pair_of(*stack)
    with pytest.raises(InvalidInputError, match="'skulls' is in the list twice"):
        check_pairs([pair, pair])
    other = SimpleNamespace(record=SimpleNamespace(scheme=SimpleNamespace(name="hand37")), source=pair.source)
    with pytest.raises(SchemeError, match="cephalometric19, hand37"):
        check_pairs([pair, other])
    check_pairs([pair])
