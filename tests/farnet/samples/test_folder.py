from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from farnet.errors import InvalidInputError
from farnet.formats import read_annotations
from farnet.radiograph import find_radiographs, read_radiograph
from farnet.samples import noisy_observers, synthetic_cephalograms, write_samples


def test_everything_reads_back_as_it_was(tmp_path):
    files = write_samples(tmp_path, count=2, seed=3)
    made = synthetic_cephalograms(2, 3)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == sorted(
        path.relative_to(tmp_path).as_posix() for path in files
    )
    truth = read_annotations(tmp_path / "radiographs" / "truth.csv")
    radiographs = [read_radiograph(path) for path in find_radiographs([tmp_path / "radiographs"])]
    for radiograph, item, (picture, landmarks) in zip(radiographs, truth, made, strict=True):
        np.testing.assert_array_equal(radiograph.pixels, picture.pixels)
        assert radiograph.name == item.radiograph == picture.name
        assert radiograph.sha256 == item.image_sha256
        assert item.replace(image_sha256=None).equals(landmarks)
    for number, placed in enumerate(noisy_observers(truth, 3), start=1):
        read = read_annotations(tmp_path / "observers" / f"observer-{number}.csv")
        assert all(a.equals(b) for a, b in zip(read, placed, strict=True))
    with Image.open(files[0]) as image:
        assert image.text["Pixel spacing"] == "0.2 mm"
        assert "no person" in image.text["Title"]


def test_nothing_is_overwritten_unasked(tmp_path):
    truth = tmp_path / "radiographs" / "truth.csv"
    truth.parent.mkdir()
    truth.write_text("mine")
    with pytest.raises(InvalidInputError, match=r"truth\.csv is there already"):
        write_samples(tmp_path, count=1)
    assert truth.read_text() == "mine"
    assert list(tmp_path.rglob("*.*")) == [truth]
    write_samples(tmp_path, count=1, observers=0, force=True)
    assert len(read_annotations(truth)) == 1
    assert not (tmp_path / "observers").exists()


def test_fewer_than_no_observers_are_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="-1 observers"):
        write_samples(tmp_path, count=1, observers=-1)
    assert not list(tmp_path.iterdir())
