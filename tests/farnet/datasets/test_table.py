"""Any folder of radiographs with landmarks: what is paired, what is left out, and what is refused with which words."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from farnet.datasets.opening import DataRequest, find_layout, open_data
from farnet.datasets.table import RadiographTable, annotation_files, read_names
from farnet.errors import AnnotationError, InvalidInputError, SchemeError, UnknownNameError
from farnet.formats import write_annotations
from farnet.identity import radiograph_key
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme, load_scheme
from farnet.training.config import load_preset
from farnet.training.data import LandmarkData

CEPHALOMETRIC = load_scheme("cephalometric19")
SHAPE = (50, 40)


def picture(path, seed=0, shape=SHAPE):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)).save(path)


def landmarks(name, *, scheme=CEPHALOMETRIC, absent=(), source="me", shift=0.0, **changes):
    points = np.stack([np.linspace(5, 45, len(scheme)), np.linspace(5, 35, len(scheme))], axis=1) + shift
    points[list(absent)] = np.nan
    return Landmarks(points, scheme, radiograph=name, source=source, **changes)


@pytest.fixture
def folder(tmp_path):
    """a.png, b.jpg in a folder of its own, c.tif; landmarks.csv of all three."""
    root = tmp_path / "data"
    for seed, name in enumerate(("a.png", "more/b.jpg", "c.tif")):
        picture(root / name, seed)
    write_annotations(root / "landmarks.csv", [landmarks("a"), landmarks("scans/B.JPG"), landmarks("c.tif")])
    return root


def test_a_folder_with_a_csv(folder):
    table = RadiographTable(folder)
    assert table.ids == ("a", "b", "c") and len(table) == 3
    assert table.scheme == CEPHALOMETRIC
    assert (table.validation, table.without_landmarks, table.without_radiograph) == ((), (), ())
    assert table.radiograph(1).shape == SHAPE and table.path(1).name == "b.jpg"
    np.testing.assert_array_equal(table.landmarks(1).points, landmarks("b").points)
    assert table.landmarks(1).radiograph == "b"
    assert "3 radiographs" in repr(table)


@pytest.mark.parametrize("ending", [".coco.json", ".tps"])
def test_other_formats_of_many(folder, ending):
    (folder / "landmarks.csv").unlink()
    items = [landmarks(name, image_shape=SHAPE) for name in ("a", "b", "c")]
    if ending == ".tps":
        for item in items:
            write_annotations(folder / f"{item.radiograph}.tps", [item])
    else:
        write_annotations(folder / f"all{ending}", items)
    table = RadiographTable(folder)
    assert table.ids == ("a", "b", "c")
    np.testing.assert_allclose(table.landmarks(2).points, landmarks("c").points)


@pytest.mark.parametrize("ending", [".json", ".mrk.json"])
def test_a_file_for_each_radiograph(folder, ending):
    (folder / "landmarks.csv").unlink()
    for name in ("a", "more/b", "c"):
        path = folder / f"{name}{ending}"
        stem = path.name.removesuffix(ending)
        write_annotations(path, [landmarks(stem, spacing=(0.1, 0.1), image_shape=SHAPE)])
    (folder / "notes.json").write_text('{"shapes": "of the heart"}')
    table = RadiographTable(folder)
    assert table.ids == ("a", "b", "c")
    assert table.radiograph(0).spacing == (0.1, 0.1)  # the PNG has none, its landmarks do


def test_other_files_are_no_landmarks(folder):
    (folder / "README.txt").write_text("These are radiographs.")
    (folder / "patients.csv").write_text("name,age\na,3\n")
    (folder / ".hidden.csv").write_text("scheme,landmark,row_px,column_px\n")
    keys = [radiograph_key(name) for name in "abc"]
    assert [path.name for path in annotation_files(folder, keys)] == ["landmarks.csv"]
    assert len(RadiographTable(folder)) == 3


def test_landmarks_elsewhere(folder, tmp_path):
    elsewhere = (folder / "landmarks.csv").rename(tmp_path / "elsewhere.csv")
    with pytest.raises(AnnotationError, match="no file of landmarks"):
        RadiographTable(folder)
    assert len(RadiographTable(folder, [elsewhere])) == 3


def test_what_has_no_partner_is_listed_and_left_out(folder):
    picture(folder / "d.png")
    write_annotations(folder / "landmarks.csv", [landmarks(name) for name in ("a", "c", "x")])
    table = RadiographTable(folder)
    assert table.ids == ("a", "c")
    assert table.without_landmarks == ("b", "d")
    assert table.without_radiograph == ("x",)
    opened = open_data(DataRequest(folder=folder, layout="table"))
    assert any("b, d" in note for note in opened.notes) and any("x" in note for note in opened.notes)


def test_fewer_than_two_are_too_few(folder):
    write_annotations(folder / "landmarks.csv", [landmarks("a"), landmarks("x")])
    with pytest.raises(InvalidInputError, match=r"1 belong together.*at least 2.*landmarks without a radiograph: x"):
        RadiographTable(folder)


def test_no_radiographs(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="no radiographs"):
        RadiographTable(tmp_path / "empty")
    with pytest.raises(InvalidInputError, match="There is no folder"):
        RadiographTable(tmp_path / "nowhere")


def test_one_name_for_two_radiographs(folder):
    picture(folder / "more" / "A.bmp")
    with pytest.raises(InvalidInputError, match=r"Two radiographs.*rename one"):
        RadiographTable(folder)


def test_absent_landmarks_are_kept_absent(folder):
    write_annotations(folder / "landmarks.csv", [landmarks("a", absent=(0, 5)), landmarks("c")])
    assert np.flatnonzero(~RadiographTable(folder).landmarks(0).present).tolist() == [0, 5]


@pytest.mark.parametrize("shift", [60.0, -60.0])
def test_points_far_outside_are_refused(folder, shift):
    write_annotations(folder / "landmarks.csv", [landmarks("a"), landmarks("c", shift=shift)])
    with pytest.raises(AnnotationError, match=r"far outside.*c\.tif.*40 x 50 px"):
        RadiographTable(folder)


def test_points_just_outside_are_taken(folder):
    write_annotations(folder / "landmarks.csv", [landmarks("a"), landmarks("c", shift=4.0)])
    assert len(RadiographTable(folder)) == 2


def test_landmarks_of_a_resized_picture_are_refused(folder):
    write_annotations(folder / "landmarks.csv", [landmarks("a"), landmarks("c", image_shape=(100, 80))])
    with pytest.raises(AnnotationError, match=r"80 x 100 px.*c\.tif has 40 x 50 px"):
        RadiographTable(folder)


def test_mixed_schemes_are_refused(folder):
    hand = load_scheme("hand37")
    write_annotations(folder / "landmarks.csv", [landmarks("a"), landmarks("c", scheme=hand)])
    with pytest.raises(SchemeError, match=r"several schemes.*'cephalometric19'.*'hand37'"):
        RadiographTable(folder)


def test_a_scheme_of_ones_own(folder):
    own = LandmarkScheme("knee", "Knee", (LandmarkDefinition("Top", "T"), LandmarkDefinition("Bottom", "B")))
    rows = [f"knee,{name},{mark},{row},7" for name in "abc" for mark, row in (("Top", 5), ("Bottom", 40))]
    (folder / "landmarks.csv").write_text("\n".join(["scheme,radiograph,landmark,row_px,column_px", *rows]))
    with pytest.raises(SchemeError, match="'knee': it is not bundled"):
        RadiographTable(folder)
    assert RadiographTable(folder, scheme=own).scheme == own
    (folder / "scheme.json").write_text(json.dumps(own.to_dict()))
    assert RadiographTable(folder).scheme == own
    (folder / "scheme.json").unlink()
    write_annotations(folder / "landmarks.csv", [landmarks(name, scheme=own) for name in "abc"])
    assert RadiographTable(folder).scheme == own  # which the file holds


def test_labels_of_somebody_else(folder):
    rows = [f"{name},l{k + 1},{5 + 2 * k},{4 + k}" for name in "abc" for k in range(19)]
    (folder / "landmarks.csv").write_text("\n".join(["radiograph,landmark,row_px,column_px", *rows]))
    with pytest.raises(SchemeError, match=r"'l1' is no landmark.*--labels"):
        RadiographTable(folder)
    labels = {f"l{k + 1}": name for k, name in enumerate(CEPHALOMETRIC.names)}
    np.testing.assert_array_equal(RadiographTable(folder, labels=labels).landmarks(0).points[18], [41, 22])
    (folder / "map.csv").write_text("\n".join(f"{label},{name}" for label, name in labels.items()))
    request = DataRequest(
        folder=folder, layout="table", labels=folder / "map.csv", annotations=(folder / "landmarks.csv",)
    )
    assert open_data(request).source.scheme == CEPHALOMETRIC


def test_a_column_as_r_and_spreadsheets_save_it(folder):
    text = (folder / "landmarks.csv").read_text().splitlines()
    with_names = ["," + text[0].upper() + ",Subject", *(f'"{n}",{line},p{n // 19}' for n, line in enumerate(text[1:]))]
    (folder / "landmarks.csv").write_text("\ufeff" + "\n".join([*with_names, ",,,"]))
    assert RadiographTable(folder).subjects == ("p0", "p1", "p2")


def test_observers(folder):
    both = [landmarks("a", source="one"), landmarks("a", source="two", shift=2.0), landmarks("c", source="one")]
    write_annotations(folder / "landmarks.csv", both)
    np.testing.assert_allclose(RadiographTable(folder).landmarks(0).points, landmarks("a", shift=1.0).points)
    one = RadiographTable(folder, observer="one")
    np.testing.assert_allclose(one.landmarks(0).points, landmarks("a").points)
    with pytest.raises(UnknownNameError, match="one, two"):
        RadiographTable(folder, observer="three")
    with pytest.raises(AnnotationError, match="twice from 'one'"):
        write_annotations(folder / "landmarks.csv", [landmarks("a", source="one"), landmarks("A.png", source="one")])
        RadiographTable(folder)


class TestSplit:
    @staticmethod
    def add_column(path, splits, name="split"):
        lines = path.read_text().splitlines()
        place = lines[0].split(",").index("radiograph")
        rows = [f"{line},{splits.get(line.split(',')[place], '')}" for line in lines[1:]]
        path.write_text("\n".join([f"{lines[0]},{name}", *rows]) + "\n")

    def test_a_column_holds_out_and_leaves_out(self, folder):
        picture(folder / "d.png")
        write_annotations(folder / "landmarks.csv", [landmarks(name) for name in "abcd"])
        self.add_column(folder / "landmarks.csv", {"b": "test", "c": "Validation"})
        table = RadiographTable(folder)
        assert table.ids == ("a", "c", "d") and table.validation == ("c",)

    def test_radiographs_of_one_person_stay_together(self, folder):
        picture(folder / "d.png")
        path = folder / "landmarks.csv"
        write_annotations(path, [landmarks(name) for name in "abcd"])
        assert RadiographTable(folder).subjects == ("a", "b", "c", "d")
        self.add_column(path, {"a": "Ann", "c": "Ann", "d": "Dan"}, "subject")
        assert RadiographTable(folder).subjects == ("Ann", "b", "Ann", "Dan")
        opened = open_data(DataRequest(folder=folder, layout="table")).source
        for seed in range(8):
            config = load_preset("compact", ["network.landmarks=19", "folds=2", f"seed={seed}"])
            data = LandmarkData(opened, config)
            held = {opened.subjects[i] for i in data.validation_indices}
            assert held and held.isdisjoint(opened.subjects[i] for i in data.training_indices)
        self.add_column(path, {"a": "test"})
        with pytest.raises(AnnotationError, match=r"'Ann' has radiographs for test \(a\) and for train \(c\)"):
            RadiographTable(folder)
        path.write_text(path.read_text().replace("Ann", "Bob", 1))
        with pytest.raises(AnnotationError, match="rows of radiograph 'a' disagree about its subject"):
            RadiographTable(folder)

    def test_another_word_is_refused(self, folder):
        write_annotations(folder / "landmarks.csv", [landmarks(name) for name in "abc"])
        self.add_column(folder / "landmarks.csv", {"b": "holdout"})
        with pytest.raises(UnknownNameError, match=r"'holdout'.*train, validation, test"):
            RadiographTable(folder)

    def test_a_list(self, folder):
        path = folder.parent / "held out.txt"
        path.write_text("# for later\nmore/B.jpg\n\n c  # the best\n")
        request = DataRequest(folder=folder, layout="table", validation=path)
        assert open_data(request).validation == ("b", "c")
        path.write_text("z\n")
        with pytest.raises(AnnotationError, match="lists z; there are radiographs a, b, c"):
            open_data(request)
        path.write_text("# nothing\n")
        with pytest.raises(AnnotationError, match="lists nothing"):
            open_data(request)

    @given(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1))
    def test_names_come_in_the_order_of_the_data(self, names):
        import tempfile
        from pathlib import Path

        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "list.txt"
            path.write_text("\n".join(f"{name}.png" for name in names))
            assert read_names(path, ["d", "a", "c", "b"]) == tuple(n for n in ["d", "a", "c", "b"] if n in names)


class TestLayout:
    def test_isbi(self, isbi2015):
        assert find_layout(isbi2015) == find_layout(isbi2015 / "RawImage") == "isbi2015"
        assert find_layout(isbi2015.parent / "isbi2015") == "isbi2015"

    def test_anything_else(self, folder, tmp_path):
        assert find_layout(folder) == "table"
        with pytest.raises(InvalidInputError, match="There is no folder"):
            find_layout(tmp_path / "nowhere")

    def test_a_request_survives_being_written(self, folder):
        request = DataRequest(folder=folder, layout="table", annotations=(folder / "landmarks.csv",))
        assert DataRequest.model_validate_json(request.model_dump_json()) == request
