"""A blind study hides what is what, can be made again from its seed, and never overwrites another."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.errors import AnnotationError, InvalidInputError, OutputError
from farnet.evaluation.blind import blind_study, has_codes, read_key, reveal, write_blind_study
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme

SCHEME = LandmarkScheme("one", "One landmark", (LandmarkDefinition("Point", "P"),))


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@given(st.integers(1, 30), st.integers(0, 30), st.integers(0, 5))
def test_everything_is_read_and_the_repeats_twice(count, repeats, seed):
    repeats = min(repeats, count)
    names = [f"scan{i}.png" for i in range(count)]
    study = blind_study(names, repeats=repeats, seed=seed)
    assert len(study) == count + repeats
    assert set(study.radiographs) == set(names)
    assert sum(study.radiographs.count(name) == 2 for name in names) == repeats
    assert list(study.codes) == [f"R{i:03d}" for i in range(1, len(study) + 1)]
    assert blind_study(names[::-1], repeats=repeats, seed=seed) == study


def test_the_order_is_shuffled_by_the_seed():
    names = [f"scan{i}.png" for i in range(20)]
    one, two = blind_study(names, seed=1), blind_study(names, seed=2)
    assert one.radiographs != two.radiographs
    assert sorted(one.radiographs) == sorted(names) != list(one.radiographs)


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        ([], {}, "no radiographs"),
        (["a", "a"], {}, "'a' is there twice"),
        (["a"], {"repeats": 2}, "0 to 1"),
        (["a"], {"seed": -1}, "0 or more"),
    ],
)
def test_what_cannot_be_read_is_refused(names, options, message):
    with pytest.raises(InvalidInputError, match=message):
        blind_study(names, **options)


@pytest.fixture
def scans(tmp_path):
    for i in range(4):
        (tmp_path / "scans" / f"patient{i}.nii.gz").parent.mkdir(exist_ok=True)
        (tmp_path / "scans" / f"patient{i}.nii.gz").write_bytes(bytes([i]))
    return sorted(map(str, (tmp_path / "scans").iterdir()))


def test_the_reader_sees_codes_and_the_key_is_elsewhere(scans, tmp_path):
    study = blind_study(scans, seed=3)
    order, key = write_blind_study(study, tmp_path / "study")
    assert (order, key) == (tmp_path / "study" / "order.csv", tmp_path / "study-key.csv")
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["order.csv"]
    assert "patient" not in order.read_text()
    assert [row["radiograph"] for row in rows(key)] == list(study.radiographs)
    assert list(read_key(key)) == [code.casefold() for code in study.codes]


def test_radiographs_are_copied_under_their_codes(scans, tmp_path):
    study = blind_study(scans, seed=3)
    write_blind_study(study, tmp_path / "study", copy=True)
    for code, source in zip(study.codes, study.radiographs, strict=True):
        assert (tmp_path / "study" / f"{code}.nii.gz").read_bytes() == bytes([scans.index(source)])


@pytest.mark.parametrize("there", ["study/order.csv", "study-key.csv"])
def test_nothing_is_overwritten(scans, tmp_path, there):
    (tmp_path / "study").mkdir()
    (tmp_path / there).write_text("mine")
    with pytest.raises(OutputError, match="never overwritten"):
        write_blind_study(blind_study(scans), tmp_path / "study")
    assert (tmp_path / there).read_text() == "mine"
    assert len(list(tmp_path.rglob("*.csv"))) == 1


def test_a_failure_leaves_nothing_half_done(scans, tmp_path):
    study = blind_study([*scans, str(tmp_path / "gone.png")])
    with pytest.raises(OutputError):
        write_blind_study(study, tmp_path / "study", copy=True)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and "patient" not in path.name] == []


def test_the_key_puts_the_names_back(scans, tmp_path):
    study = blind_study(scans, repeats=1, seed=1)
    _, key = write_blind_study(study, tmp_path / "study")
    twice = next(name for name in study.radiographs if study.radiographs.count(name) == 2)
    readings = [Landmarks(np.array([[float(i), 0.0]]), SCHEME, radiograph=code) for i, code in enumerate(study.codes)]
    found = reveal(readings[::-1], read_key(key))
    mine = [item for item in found if item.radiograph == twice.rpartition("/")[2].removesuffix(".nii.gz")]
    places = [i for i, name in enumerate(study.radiographs) if name == twice]
    assert [item.points[0, 0] for item in mine] == places  # the first reading comes first
    assert has_codes(readings, read_key(key)) and not has_codes(found, read_key(key))
    with pytest.raises(AnnotationError, match="no code elsewhere"):
        reveal([readings[0].replace(radiograph="elsewhere")], read_key(key))


def test_another_file_is_no_key(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(AnnotationError, match="no key"):
        read_key(tmp_path / "x.csv")
