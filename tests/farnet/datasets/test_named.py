"""Data sets by name, and recognised by what is in their folder."""

import numpy as np
import pytest
from PIL import Image

from farnet.datasets.named import DATASETS, dataset_kind, excluded_names, open_dataset, recognise
from farnet.errors import InvalidInputError, UnknownNameError


@pytest.fixture
def ceph_folder(tmp_path):
    """ISBI 2015 with two radiographs of Test1, one of which is in the training split too."""
    root = tmp_path / "isbi"
    (root / "RawImage" / "Test1Data").mkdir(parents=True)
    for name in ("151", "173"):
        Image.fromarray(np.zeros((50, 40), np.uint8)).save(root / "RawImage" / "Test1Data" / f"{name}.bmp")
        for observer in ("junior", "senior"):
            folder = root / "AnnotationsByMD" / f"400_{observer}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.txt").write_text("\n".join(f"{k},{2 * k}" for k in range(1, 20)))
    return root


def test_each_is_recognised_and_opened_at_its_test_split(ceph_folder, spine_folder):
    assert [kind and kind.name for kind in map(recognise, (ceph_folder, spine_folder))] == ["isbi2015", "spineweb16"]
    data = open_dataset("auto", ceph_folder)
    assert (data.name, data.split, data.observer, data.ids) == ("isbi2015", "test1", "mean", ("151", "173"))
    assert (data.duplicates, data.subjects) == ({"173": "144"}, ("151", "144"))
    assert open_dataset("isbi2015", ceph_folder, observer="senior").observer == "senior"
    assert open_dataset("auto", spine_folder, split="train").name == "spineweb16"


def test_every_kind_has_the_parts_that_it_names():
    for name in DATASETS:
        kind = dataset_kind(name)
        assert {kind.training_split, kind.test_split} <= set(kind.splits)
        assert kind.observers


def test_other_folders_are_no_data_set(tmp_path):
    assert recognise(tmp_path) is None
    with pytest.raises(InvalidInputError, match=r"no data set that is known here .*spineweb16: data and labels"):
        open_dataset("auto", tmp_path)
    with pytest.raises(InvalidInputError, match="no folder"):
        recognise(tmp_path / "nowhere")


def test_what_is_not_there_is_refused(ceph_folder):
    with pytest.raises(UnknownNameError, match="Did you mean 'isbi2015'"):
        open_dataset("isbi2014", ceph_folder)
    with pytest.raises(UnknownNameError, match="observer of ISBI 2015"):
        open_dataset("isbi2015", ceph_folder, observer="nobody")
    with pytest.raises(InvalidInputError):
        open_dataset("isbi2015", ceph_folder / "nowhere")


def test_suspects_can_be_left_out_by_one_word(spine_folder):
    data = open_dataset("auto", spine_folder, split="train")
    data._suspects[data.ids[1]] = "made up"
    assert excluded_names(["suspects", data.ids[0]], data) == (data.ids[1], data.ids[0])
