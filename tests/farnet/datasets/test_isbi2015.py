from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from farnet.datasets.isbi2015 import ISBI2015
from farnet.errors import AnnotationError, InvalidInputError, RadiographError, UnknownNameError

FOLDERS = {"TrainingData": (1, 2), "Test1Data": (151,), "Test2Data": (301, 302)}
SHAPE = (60, 40)


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, SHAPE, dtype=np.uint8)


@pytest.fixture
def published(tmp_path, pixels):
    """A folder laid out like the published one, with five small radiographs; files made in no particular order."""
    root = tmp_path / "isbi"
    for observer, shift in (("junior", 0), ("senior", 3)):
        folder = root / "AnnotationsByMD" / f"400_{observer}"
        folder.mkdir(parents=True)
        for number in (302, 1, 151, 2, 301):
            points = "".join(f"{k + 1},{2 * k + shift}\n" for k in range(19))
            (folder / f"{number:03d}.txt").write_text(points + "1\n" * 8)
    for name, numbers in FOLDERS.items():
        folder = root / "RawImage" / name
        folder.mkdir(parents=True)
        for number in reversed(numbers):
            Image.fromarray(pixels).convert("RGB").save(folder / f"{number:03d}.bmp")
    return root


@pytest.mark.parametrize(
    ("split", "ids"),
    [
        ("train", ("001", "002")),
        ("test1", ("151",)),
        ("test2", ("301", "302")),
        ("all", ("001", "002", "151", "301", "302")),
    ],
)
def test_splits(published, split, ids):
    data = ISBI2015(published, split)
    assert data.ids == ids
    assert len(data) == len(ids)
    assert repr(split) in repr(data)


def test_radiograph_has_the_published_spacing(published, pixels):
    radiograph = ISBI2015(published).radiograph(0)
    np.testing.assert_array_equal(radiograph.pixels, pixels)
    assert radiograph.spacing == (0.1, 0.1)
    assert radiograph.name == "001"
    assert radiograph.sha256 is None
    assert len(ISBI2015(published).radiograph(0, checksum=True).sha256) == 64


def test_points_are_row_and_column_of_the_observer(published):
    k = np.arange(19)
    rows = {"junior": 2 * k, "senior": 2 * k + 3, "mean": 2 * k + 1.5}
    for observer, expected in rows.items():
        landmarks = ISBI2015(published, "test1", observer).landmarks(0)
        np.testing.assert_array_equal(landmarks.points, np.stack([expected, k + 1], axis=1))
        assert landmarks.source == ("mean of junior, senior" if observer == "mean" else observer)
        assert (landmarks.radiograph, landmarks.image_shape, landmarks.spacing) == ("151", SHAPE, (0.1, 0.1))


def test_each_observer_can_be_asked(published):
    data = ISBI2015(published)
    assert data.observers == ("junior", "senior")
    assert [data.observer_landmarks(0, name).source for name in data.observers] == ["junior", "senior"]
    with pytest.raises(UnknownNameError, match="Known: junior, senior"):
        data.observer_landmarks(0, "mean")


@pytest.mark.parametrize("suffix", ["jpg", "JPG", "png", "PNG", "tif", "BMP"])
def test_any_picture_format_in_any_case(published, pixels, suffix):
    folder = published / "RawImage" / "Test1Data"
    (folder / "151.bmp").unlink()
    Image.fromarray(pixels).save(folder / f"151.{suffix}")
    data = ISBI2015(published, "test1")
    assert data.path(0).name == f"151.{suffix}"
    assert data.landmarks(0).image_shape == data.radiograph(0).shape == SHAPE


def test_of_two_copies_the_lossless_one_is_taken(published, pixels):
    Image.fromarray(pixels).save(published / "RawImage" / "Test1Data" / "151.jpg")
    assert ISBI2015(published, "test1").path(0).suffix == ".bmp"


def test_names_need_no_zeros_and_other_files_are_passed_over(published):
    folder = published / "RawImage" / "TrainingData"
    (folder / "001.bmp").rename(folder / "1.bmp")
    (folder / "Thumbs.db").touch()
    (folder / "copy of 1.bmp").touch()
    assert ISBI2015(published).ids == ("001", "002")


def test_nineteen_lines_do_as_well(published):
    path = published / "AnnotationsByMD" / "400_junior" / "001.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:19]))
    assert ISBI2015(published).landmarks(0).present.all()


@pytest.mark.parametrize("place", [".", "RawImage", ".."])
def test_root_may_be_named_from_near_by(published, place):
    assert ISBI2015((published / place).resolve()).root == published


def test_folder_names_in_any_case(published):
    (published / "RawImage").rename(published / "rawimage")
    (published / "AnnotationsByMD").rename(published / "annotationsbymd")
    assert len(ISBI2015(published)) == 2


def test_all_is_what_is_there(published):
    shutil.rmtree(published / "RawImage" / "Test2Data")
    assert ISBI2015(published, "all").ids == ("001", "002", "151")


def test_survives_pickle(published):
    data = pickle.loads(pickle.dumps(ISBI2015(published)))
    assert data.landmarks(1).radiograph == "002"


def test_unknown_split_and_observer(published):
    with pytest.raises(UnknownNameError, match=r"Did you mean 'test1'\?"):
        ISBI2015(published, "test_1")
    with pytest.raises(UnknownNameError, match="Known: mean, junior, senior"):
        ISBI2015(published, observer="doctor")


def test_missing_folders_are_named(published, tmp_path):
    with pytest.raises(InvalidInputError, match="There is no folder"):
        ISBI2015(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InvalidInputError, match=r"no ISBI 2015 folder: .*It holds: nothing"):
        ISBI2015(empty)
    shutil.rmtree(published / "RawImage" / "Test2Data")
    with pytest.raises(InvalidInputError, match=r"Test2Data, which is not there.*Test1Data, TrainingData"):
        ISBI2015(published, "test2")
    shutil.rmtree(published / "AnnotationsByMD" / "400_senior")
    with pytest.raises(InvalidInputError, match=r"needs the folder .*400_senior"):
        ISBI2015(published)


def test_folder_without_radiographs(published):
    for path in (published / "RawImage" / "Test1Data").iterdir():
        path.unlink()
    with pytest.raises(InvalidInputError, match=r"Test1Data holds no radiographs; expected are files like 001\.bmp"):
        ISBI2015(published, "test1")


def test_radiograph_without_annotation_is_named_at_once(published):
    (published / "AnnotationsByMD" / "400_senior" / "002.txt").unlink()
    with pytest.raises(AnnotationError, match=r"1 of 2 radiographs .*400_senior: 002\."):
        ISBI2015(published)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("1,2\n" * 18, r"001\.txt has 18 lines"),
        ("1,2\n" * 10 + "x,y\n" + "1,2\n" * 8, r"001\.txt, line 11: 'x,y' is no point"),
        ("1,2\n" * 18 + "1,5000\n", r"001\.txt, line 19: the point x=1, y=5000 is far outside .*40 x 60 px"),
        ("-50,2\n" + "1,2\n" * 18, r"line 1: the point x=-50"),
    ],
)
def test_malformed_annotation_is_named_with_its_line(published, content, words):
    (published / "AnnotationsByMD" / "400_junior" / "001.txt").write_text(content)
    data = ISBI2015(published)
    with pytest.raises(AnnotationError, match=words):
        data.landmarks(0)


def test_point_just_outside_is_allowed(published):
    (published / "AnnotationsByMD" / "400_junior" / "001.txt").write_text("-2,62\n" + "1,2\n" * 18)
    assert ISBI2015(published, observer="junior").landmarks(0).points[0].tolist() == [62, -2]


def test_damaged_radiograph_is_named(published):
    path = published / "RawImage" / "TrainingData" / "001.bmp"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(RadiographError, match=r"001\.bmp is damaged or truncated"):
        ISBI2015(published).radiograph(0)


def test_published_repetitions_are_known(published):
    folder, notes = published / "RawImage" / "Test1Data", published / "AnnotationsByMD"
    shutil.copy(folder / "151.bmp", folder / "173.bmp")
    for observer in ("400_junior", "400_senior"):
        shutil.copy(notes / observer / "151.txt", notes / observer / "173.txt")
    assert ISBI2015(published, "test1").duplicates == {"173": "144"}
    assert ISBI2015(published, "train").duplicates == {}


def test_repetitions_are_the_same_pictures(isbi2015):
    test, train = ISBI2015(isbi2015, "test1"), ISBI2015(isbi2015, "train")
    assert len(test.duplicates) == 20
    for identity, twin in test.duplicates.items():
        pair = test.landmarks(test.ids.index(identity)), train.landmarks(train.ids.index(twin))
        apart = np.linalg.norm(np.subtract(*(landmarks.points for landmarks in pair)), axis=1).mean() * 0.1
        assert apart < 1.5, "one film, whose landmarks were put twice"
    for identity in ("173", "275", "283", "297"):  # the same scan too
        pair = test.radiograph(test.ids.index(identity)), train.radiograph(train.ids.index(test.duplicates[identity]))
        difference = np.subtract(*(radiograph.pixels.astype(np.float32) for radiograph in pair))
        assert np.abs(difference).mean() < 1, "equal but for the losses of compression"


# Distances between the observers in mm, as the paper's table of observers gives them (mean, pooled population SD).
@pytest.mark.parametrize(("split", "mean", "sd"), [("train", 2.353, 2.596), ("test1", 2.363, 2.163)])
def test_observers_disagree_as_published(isbi2015, split, mean, sd):
    data = ISBI2015(isbi2015, split)
    assert len(data) == 150
    junior, senior = (
        np.array([data.observer_landmarks(index, name).points for index in range(len(data))]) for name in data.observers
    )
    distances = np.linalg.norm(junior - senior, axis=-1) * 0.1
    assert distances.mean() == pytest.approx(mean, abs=5e-4)
    assert distances.std() == pytest.approx(sd, abs=5e-4)


def test_soft_tissue_pogonion_is_where_the_observers_differ_most(isbi2015):
    data = ISBI2015(isbi2015, "train")
    pairs = [[data.observer_landmarks(index, name).points for name in data.observers] for index in range(len(data))]
    per_landmark = np.linalg.norm(np.diff(pairs, axis=1)[:, 0], axis=-1).mean(axis=0) * 0.1
    expected = [
        0.88,
        1.28,
        3.27,
        3.77,
        3.48,
        3.07,
        0.93,
        1.20,
        0.78,
        3.84,
        0.69,
        0.46,
        2.42,
        1.76,
        1.93,
        9.20,
        1.40,
        1.94,
    ]
    np.testing.assert_allclose(per_landmark, [*expected, 2.41], atol=5.1e-3)


def test_mean_of_the_real_observers_lies_between_them(isbi2015):
    data = ISBI2015(isbi2015, "test1")
    junior, senior = (data.observer_landmarks(7, name).points for name in data.observers)
    np.testing.assert_array_equal(data.landmarks(7).points, (junior + senior) / 2)
    assert data.ids[7] == data.landmarks(7).radiograph == data.radiograph(7).name == "158"
    assert data.radiograph(7).shape == data.landmarks(7).image_shape == (2400, 1935)


def write_table(file, rows):
    """A table in the layout of Payer et al.: number, then x and y in mm."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{name},{','.join(f'{value:.2f}' for value in row)}\n" for name, row in rows))


def in_mm(number_of_first, shift=0.0):
    k = np.arange(19)
    return np.stack([k + 1, 2 * k + number_of_first], axis=1).ravel() / 10 + shift


def test_challenge_points_from_a_folder_or_a_table(published):
    wanted = r"400_challenge with files like 001\.txt, or a table .*setup/all_challenge\.csv.*none of them is there"
    with pytest.raises(InvalidInputError, match=wanted):
        ISBI2015(published, "test2", "challenge")
    write_table(published / "setup" / "all_challenge.csv", [("301", in_mm(8)), ("302", in_mm(8))])
    table = ISBI2015(published, "test2", "challenge").landmarks(0)
    k = np.arange(19)
    np.testing.assert_array_equal(table.points, np.stack([2 * k + 8, k + 1], axis=1))
    assert table.source == "challenge"
    folder = published / "AnnotationsByMD" / "400_challenge"
    folder.mkdir()
    for number in (301, 302):
        (folder / f"{number}.txt").write_text("".join(f"{i},{2 * i + 9}\n" for i in range(19)))
    assert ISBI2015(published, "test2", "challenge").landmarks(1).points[0].tolist() == [9, 0]


def test_landmark_16_of_the_mean_is_that_of_junior_and_challenge(published):
    write_table(published / "all_challenge.csv", [("301", in_mm(8)), ("302", in_mm(8))])
    data = ISBI2015(published, "test2", "mean_challenge_l16")
    mean = ISBI2015(published, "test2").landmarks(0).points
    found = data.landmarks(0)
    assert data.observers == ("junior", "senior")
    np.testing.assert_array_equal(np.delete(found.points, 15, axis=0), np.delete(mean, 15, axis=0))
    assert found.points[15].tolist() == [30 + 4, 16]  # junior 30, challenge 38
    assert "landmark 16 of junior, challenge" in found.source
    with pytest.raises(AnnotationError, match=r"1 of 1 radiographs .*all_challenge\.csv: 151"):
        ISBI2015(published, "test1", "mean_challenge_l16")


def test_tables_stand_in_for_the_folders_of_the_observers(published):
    expected = ISBI2015(published).landmarks(1).points
    shutil.rmtree(published / "AnnotationsByMD" / "400_junior")
    write_table(published / "cep" / "setup" / "all_junior.csv", [("2", in_mm(0)), ("1", in_mm(0))])
    np.testing.assert_array_equal(ISBI2015(published).landmarks(1).points, expected)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("1,2,3\n", r"line 1: 3 values, but there must be"),
        ("1" + ",1" * 37 + ",nan\n", "line 1: a number is not finite"),
        ("1" + ",1" * 37 + ",x\n", "line 1: could not convert"),
        ("one" + ",1" * 38 + "\n", "line 1: 'one' is no number of a radiograph"),
        (("1" + ",1" * 38 + "\n") + ("001" + ",1" * 38 + "\n"), "line 2: radiograph 001 is there twice"),
        ("", "is empty"),
    ],
)
def test_a_malformed_table_is_refused(published, rows, words):
    (published / "all_challenge.csv").write_text(rows)
    with pytest.raises(AnnotationError, match=words):
        ISBI2015(published, observer="challenge")


def test_two_files_of_one_number_are_refused(published):
    folder = published / "AnnotationsByMD" / "400_junior"
    shutil.copy(folder / "001.txt", folder / "1.txt")
    with pytest.raises(AnnotationError, match=r"001\.txt and 1\.txt in .* are both number 001"):
        ISBI2015(published)


def test_folds_by_chance_are_parts_of_what_is_there_and_say_so(published):
    tests = [ISBI2015(published, f"set{n}-test") for n in (1, 2, 3, 4)]
    trains = [ISBI2015(published, f"set{n}-train") for n in (1, 2, 3, 4)]
    everything = {"001", "002", "151", "301", "302"}
    assert sorted(name for data in tests for name in data.ids) == sorted(everything)
    for test, train in zip(tests, trains, strict=True):
        assert set(test.ids) | set(train.ids) == everything
        assert not set(test.ids) & set(train.ids)
        assert "made by chance (seed 0) of the 5 radiographs" in test.notes[0]
        assert test.duplicates == {}


def test_folds_of_lists(published):
    folder = published / "setup" / "cv" / "set1"
    folder.mkdir(parents=True)
    (folder / "train.txt").write_text("2\n151\n399\n")
    (folder / "val.txt").write_text("301\n302\n")
    train = ISBI2015(published, "set1-train")
    assert (train.ids, train.without_image) == (("002", "151"), ("399",))
    assert ISBI2015(published, "set1-test").ids == ("301", "302")
    assert "as listed in" in train.notes[0]
    with pytest.raises(AnnotationError, match=r"none of set2/test\.txt or set2/val\.txt"):
        ISBI2015(published, "set2-test")
    (folder / "val.txt").write_text("301\n002\n")
    with pytest.raises(AnnotationError, match="002 is in the training and the test of fold 1"):
        ISBI2015(published, "set1-test")
    (folder / "val.txt").write_text("301\n301\n")
    with pytest.raises(AnnotationError, match="301 more than once"):
        ISBI2015(published, "set1-test")


def test_the_real_folds_keep_the_repeated_pictures_together(isbi2015):
    for number in (1, 2, 3, 4):
        test = ISBI2015(isbi2015, f"set{number}-test")
        assert len(test) == 75
        assert all((a in test.ids) == (b in test.ids) for a, b in (("173", "144"), ("283", "038")))


def test_offsets_of_landmark_16_show_how_the_observers_differ(isbi2015):
    """Mean offset of soft-tissue from bony pogonion in mm: x to the right, y down."""
    expected = {("junior", "train"): (11.2, -1.0), ("senior", "train"): (7.5, 7.3)}
    expected |= {("junior", "test1"): (11.6, -1.4), ("senior", "test1"): (8.7, 5.8)}
    for (observer, split), offset in expected.items():
        data = ISBI2015(isbi2015, split, observer)
        points = np.array([data.landmarks(index).points for index in range(len(data))])
        found = (points[:, 15] - points[:, 6]).mean(axis=0)[::-1] * 0.1
        assert found == pytest.approx(offset, abs=0.051)


# In whole pixels, where 20 px are 2 mm; from coordinates in mm ties are lost by rounding (55.44 in test1).
@pytest.mark.parametrize(("split", "rate"), [("train", 60.5), ("test1", 55.54)])
def test_how_often_the_observers_are_within_2_mm(isbi2015, split, rate):
    data = ISBI2015(isbi2015, split)
    pairs = [[data.observer_landmarks(index, name).points for name in data.observers] for index in range(len(data))]
    distances = np.linalg.norm(np.diff(pairs, axis=1)[:, 0], axis=-1)
    assert 100 * (distances <= 20).mean() == pytest.approx(rate, abs=0.051)
