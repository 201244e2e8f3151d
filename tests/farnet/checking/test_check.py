"""A check finds what was put wrong, and nothing where nothing is."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from farnet.checking import CheckRequest, check_data
from farnet.checking.pictures import look_at, same_pictures
from farnet.checking.report import write_check_report
from farnet.checking.shapes import other_scales, shape_scores
from farnet.errors import InvalidInputError
from farnet.formats import write_annotations
from farnet.landmarks import Landmarks
from farnet.samples import average_cephalogram
from farnet.scheme import LandmarkDefinition, LandmarkScheme

COUNT = 14
SHAPE = (96, 80)


def run(**request):
    steps = check_data(CheckRequest(**request))
    looked = []
    while True:
        try:
            looked.append(next(steps))
        except StopIteration as end:
            assert [look.done for look in looked] == list(range(1, len(looked) + 1))
            return end.value


def kinds(report):
    return {kind: [f for f in report.findings if f.kind == kind] for kind in report.counts()}


def picture(seed):
    """A smooth random picture."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 20), dtype=np.uint8))
    return np.asarray(coarse.resize(SHAPE[::-1], Image.Resampling.BICUBIC))


@pytest.fixture
def folder(tmp_path):
    """Radiographs with the landmarks of a patient, each a little different, and nothing wrong."""
    truth = average_cephalogram()[1]
    shape = truth.points - truth.points.min(0)
    shape = 10 + shape * 55 / shape.max()
    found = []
    for i in range(COUNT):
        Image.fromarray(picture(i)).save(tmp_path / f"r{i:02}.png")
        points = shape + np.random.default_rng(100 + i).normal(0, 0.3, shape.shape)
        found.append(Landmarks(points, truth.scheme, spacing=(2.0, 2.0), radiograph=f"r{i:02}", image_shape=SHAPE))
    write_annotations(tmp_path / "landmarks.csv", found)
    return tmp_path, found


def rewrite(folder, found):
    write_annotations(folder / "landmarks.csv", found)


def test_nothing_is_found_where_nothing_is_wrong(folder):
    report = run(data=folder[0])
    assert report.findings == () and report.ok
    assert (report.facts["radiographs"], report.facts["with landmarks"]) == ("14", "14")


def test_everything_that_is_wrong_is_found(folder, tmp_path):
    place, found = folder
    (place / "r00.png").unlink()  # landmarks without a radiograph
    Image.fromarray(picture(50)).save(place / "new.png")  # a radiograph without landmarks
    (place / "r01.png").write_bytes((place / "r01.png").read_bytes()[:200])  # damaged
    Image.fromarray((picture(2) * 0.6 + 40).astype(np.uint8)).save(place / "r03.png")  # 02 in other greys
    points = found[4].points.copy()
    points[3] = 200.0, 20.0  # outside
    points[5] = points[6]
    points[7] = np.nan
    found[4] = found[4].replace(points=points)
    found[5] = found[5].replace(image_shape=(48, 40))
    points = found[6].points.copy()
    points[[8, 9]] = points[[0, 15]] + 1.5  # far from where they belong
    found[6] = found[6].replace(points=points)
    points = found[7].points.copy()
    points[:, 1] = SHAPE[1] - 1 - points[:, 1]
    found[7] = found[7].replace(points=points)
    found[8] = found[8].replace(points=np.full((19, 2), np.nan))
    found[9] = found[9].replace(spacing=(0.5, 0.5))
    found[10] = found[10].replace(spacing=None)
    rewrite(place, found)
    told = kinds(run(data=place))
    assert {kind: [f.radiographs for f in each] for kind, each in told.items() if kind != "unusual shape"} == {
        "unreadable radiograph": [("r01",)],
        "point outside": [("r04",)],
        "other size": [("r05",)],
        "impossible scale": [("r09",)],
        "landmarks without a radiograph": [("r00",)],
        "radiograph without landmarks": [("new",)],
        "no landmarks": [("r08",)],
        "absent landmarks": [("r04",)],
        "landmarks in one place": [("r04",)],
        "same picture": [("r02", "r03")],
        "mirrored shape": [("r07",)],
        "mixed spacing": [()],
        "unknown spacing": [("r10",)],
    }
    unusual = {f.radiographs[0]: f.landmarks for f in told["unusual shape"]}
    assert set(unusual) == {"r04", "r06"}
    assert found[0].scheme.names[3] in unusual["r04"] and found[0].scheme.names[8] in unusual["r06"]
    assert told["point outside"][0].value == pytest.approx(200 - 95.5)


def test_files_that_cannot_be_read_are_findings(folder):
    place, found = folder
    (place / "more.csv").write_text("format,scheme,landmark,row_px,column_px\nfarnet-csv 1,cephalometric19,Sella,x,1\n")
    write_annotations(place / "again.csv", found[:1])
    scheme = LandmarkScheme(
        name="other",
        title="Another",
        landmarks=(LandmarkDefinition(name="A", abbreviation="A", definition="A point.", side="none"),),
        links=(),
    )
    write_annotations(place / "r11.mrk.json", [Landmarks([[1.0, 2.0]], scheme, radiograph="r11")])
    told = kinds(run(data=place))
    assert "more.csv" in told["unreadable data"][0].message
    assert told["same name"][0].radiographs == ("r00",)
    assert not run(data=place).ok


def test_observers_of_different_pictures_are_told_and_the_rest_is_checked(folder):
    place, found = folder
    other = [item.replace(source="second") for item in found]
    other[3] = other[3].replace(spacing=(0.5, 0.5))
    other[4] = other[4].replace(radiograph="r04.png")
    rewrite(place, [*(item.replace(source="first") for item in found), *other])
    told = kinds(run(data=place))
    assert [one.radiographs for one in told["observers do not match"]] == [("r03",)]
    assert set(told) == {"observers do not match"}


def test_one_picture_in_training_and_test_is_an_error(folder):
    place, _ = folder
    (place / "r05.png").write_bytes((place / "r02.png").read_bytes())
    assert kinds(run(data=place))["same picture"][0].severity == "warning"
    lines = (place / "landmarks.csv").read_text().splitlines()
    column = lines[0].split(",").index("radiograph")
    marked = [lines[0] + ",split"]
    marked += [line + (",test" if line.split(",")[column] == "r05" else ",train") for line in lines[1:]]
    (place / "landmarks.csv").write_text("\n".join(marked) + "\n")
    report = run(data=place)
    assert [one.radiographs for one in kinds(report)["same picture in both parts"]] == [
        ("r02", "r05")
    ] and not report.ok
    (place / "landmarks.csv").write_text("\n".join(marked).replace(",test", ",banana") + "\n")
    assert "banana" in kinds(run(data=place))["unreadable data"][0].message


def test_one_person_in_training_and_test_is_an_error(folder):
    place, _ = folder
    lines = (place / "landmarks.csv").read_text().splitlines()
    column = lines[0].split(",").index("radiograph")
    said = {"r02": "train,Ann", "r05": "test,Ann", "r06": "train,Bob", "r07": "train,Bob"}
    marked = [lines[0] + ",split,subject", *(f"{line},{said.get(line.split(',')[column], ',')}" for line in lines[1:])]
    (place / "landmarks.csv").write_text("\n".join(marked) + "\n")
    (told,) = kinds(run(data=place))["person in both parts"]
    assert told.severity == "error" and set(told.radiographs) == {"r02", "r05"} and "Ann" in told.message


@pytest.mark.parametrize("count", [3, 5])
def test_own_schemes_of_few_landmarks(tmp_path, count):
    """Shapes that are all the same, with a landmark that nobody has, are usual."""
    scheme = LandmarkScheme(
        name="own",
        title="Own",
        landmarks=tuple(
            LandmarkDefinition(name=n, abbreviation=n, definition="A.", side="none") for n in "ABCDE"[:count]
        ),
        links=(),
    )
    points = np.random.default_rng(0).uniform(10, 50, (count, 2))
    points[-1] = np.nan if count > 3 else points[-1]
    found = []
    for i in range(25):
        Image.fromarray(picture(i)).save(tmp_path / f"r{i:02}.png")
        found.append(Landmarks(points, scheme, spacing=(2.0, 2.0), radiograph=f"r{i:02}"))
    write_annotations(tmp_path / "landmarks.csv", found)
    (tmp_path / "scheme.json").write_text(json.dumps(scheme.to_dict()))
    assert set(run(data=tmp_path).counts()) <= {"absent landmarks"}
    (tmp_path / "scheme.json").write_text("{")
    assert "unreadable data" in run(data=tmp_path).counts()


def test_observers_who_disagree_are_told(folder):
    place, found = folder
    other = [item.replace(source="second") for item in found]
    points = other[3].points.copy()
    points[2] += [9.0, 12.0]
    other[3] = other[3].replace(points=points)
    rewrite(place, [*(item.replace(source="first") for item in found), *other])
    (told,) = kinds(run(data=place, observer_limit=24.0))["observers disagree"]
    assert (told.radiographs, told.landmarks) == (("r03",), (found[0].scheme.names[2],))
    assert told.value == pytest.approx(30.0)
    assert "observers disagree" not in kinds(run(data=place, observer_limit=31.0))


def test_an_empty_folder_and_bad_limits_are_told(tmp_path):
    report = run(data=tmp_path)
    assert not report.ok and report.counts() == {"unreadable data": 2}
    with pytest.raises(InvalidInputError, match="no folder"):
        run(data=tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="shape_limit is 0"):
        CheckRequest(data=tmp_path, shape_limit=0)


def test_options_that_mean_nothing_are_refused(folder):
    with pytest.raises(InvalidInputError, match="--split test1 is a part of a published data set"):
        run(data=folder[0], split="test1")
    with pytest.raises(InvalidInputError, match="there is no such file"):
        run(data=folder[0], annotations=(folder[0] / "elsewhere.csv",))


def test_landmarks_of_another_pixel_size_are_told(folder, monkeypatch):
    import farnet.checking.check

    def looked(paths, workers):  # as if the files said 0.5 mm
        return (replace(facts, spacing=(0.5, 0.5)) for facts in look_at(paths, workers))

    monkeypatch.setattr(farnet.checking.check, "look_at", looked)
    root, found = folder
    told = kinds(run(data=root))["other spacing"]
    assert len(told) == COUNT and "says 0.5 x 0.5 mm a pixel, its landmarks say 2 x 2 mm" in told[0].message
    rewrite(root, [item.replace(spacing=(0.502, 0.498)) for item in found])
    assert "other spacing" not in kinds(run(data=root))


def test_radiographs_are_looked_at_where_a_published_table_is_damaged(tmp_path):
    data, labels = tmp_path / "data" / "training", tmp_path / "labels" / "training"
    data.mkdir(parents=True)
    labels.mkdir(parents=True)
    names = [f"sunhl-1th-0{i}-Jan-2017-16{i} A AP.jpg" for i in range(3)]
    for i, name in enumerate(names):
        Image.fromarray(picture(i)).save(data / name)
    (labels / "filenames.csv").write_text("\n".join(names))
    rows = [["0.5"] * 136 for _ in names]
    rows[1][7] = "nan"
    (labels / "landmarks.csv").write_text("\n".join(map(",".join, rows)))
    (labels / "angles.csv").write_text("\n".join(["1,2,3"] * 3))
    report = run(data=tmp_path)
    (told,) = kinds(report)["unreadable data"]
    assert "line 2" in told.message and "not finite" in told.message
    assert (report.facts["radiographs"], report.facts["with landmarks"]) == ("3", "0")


def test_persons_are_looked_for_in_every_fold():
    from farnet.checking.gathering import _customary_parts
    from farnet.datasets.named import dataset_kind

    hands = _customary_parts(dataset_kind("hand_atlas"))
    assert hands == [(f"set{n}-train", f"set{n}-test") for n in (1, 2, 3)]
    assert _customary_parts(dataset_kind("isbi2015")) == [("train", "test1")]


def test_pictures_are_the_same_in_other_greys_and_sizes_only(tmp_path):
    one = picture(1).astype(float)
    variants = {
        "a": one,
        "brighter": np.clip(one * 0.5 + 90, 0, 255),
        "gamma": 255 * (one / 255) ** 0.6,
        "larger": np.asarray(Image.fromarray(one.astype(np.uint8)).resize((120, 144), Image.Resampling.BICUBIC)),
        "moved": np.roll(one, 12, axis=0),
        "inverted": 255 - one,
        "uniform": np.full(SHAPE, 7.0),
        "uniform too": np.full(SHAPE, 7.0),
    }
    paths = []
    for name, pixels in variants.items():
        paths.append(tmp_path / f"{name}.png")
        Image.fromarray(np.asarray(pixels).astype(np.uint8)).save(paths[-1])
    pairs = {(i, j) for i, j, _ in same_pictures(list(look_at(paths)))}
    assert pairs == {(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}


def test_shapes_are_judged_whatever_their_place_size_and_turn(rng):
    base = rng.uniform(0, 100, (12, 2))
    shapes = []
    for _ in range(30):
        angle, scale = rng.uniform(-0.3, 0.3), rng.uniform(0.7, 1.4)
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        shapes.append((base + rng.normal(0, 0.5, base.shape)) @ turn + rng.uniform(-50, 50, 2))
    points = np.stack(shapes)
    points[4, 7] += 15.0
    points[9, :, 1] *= -1
    points[11, 3] = np.nan
    scores = shape_scores(points)
    assert np.argmax(np.nan_to_num(np.delete(scores.distances, 9, axis=0)).max(axis=1)) == 4
    assert scores.mirrored.tolist() == [i == 9 for i in range(30)]
    assert np.isnan(scores.distances[11, 3])
    assert shape_scores(points[:5]) is None


def test_the_report_is_one_page_with_pictures(folder):
    place, found = folder
    points = found[6].points.copy()
    points[8] = points[0]
    found[6] = found[6].replace(points=points)
    rewrite(place, found)
    report = run(data=place)
    write_check_report(place / "check.html", report)
    page = (place / "check.html").read_text()
    assert "unusual shape" in page and "data:image/jpeg" in page and "<script" not in page
    assert json.loads(json.dumps(report.to_dict()))["counts"] == report.counts()


def test_the_twins_of_isbi_2015_are_found(isbi2015):
    """Films that are in the data set twice, to the bit or digitised anew, among others."""
    from farnet.datasets.isbi2015 import ISBI2015

    data = ISBI2015(isbi2015, "all")
    names = ("001", "002", "056", "077", "103", "126", "144", "173", "201", "203", "243", "275", "280", "299")
    seen = list(look_at([data.path(data.ids.index(name)) for name in names]))
    pairs = {(names[i], names[j]) for i, j, _ in same_pictures(seen)}
    assert pairs == {("001", "275"), ("056", "280"), ("103", "201"), ("126", "299"), ("144", "173")}
    assert all(dict(zip(data.ids, data.subjects, strict=True))[b] == a for a, b in pairs)


def scaled(item, times):
    return item.replace(points=item.points * times, image_shape=None)


@pytest.mark.parametrize("spacing", [(2.0, 2.0), None])
@pytest.mark.parametrize("times", [0.65, 1.5, 1.0])
def test_landmarks_of_a_resized_copy_are_told(folder, spacing, times):
    path, found = folder
    items = [item.replace(spacing=spacing) for item in found]
    items[3] = scaled(items[3], times)
    write_annotations(path / "landmarks.csv", items)
    told = kinds(run(data=path)).get("other scale", [])
    assert [f.radiographs for f in told] == ([] if times == 1.0 else [("r03",)])
    if told:
        assert f"{times:.2f} times as large" in told[0].message
        assert told[0].severity == "warning"


def test_sizes_that_differ_by_nature_are_not_told():
    """Hands of children: each is of another size, and none stands apart."""
    shape = average_cephalogram()[1].points
    rng = np.random.default_rng(1)
    sizes = rng.uniform(0.5, 1.5, 40)
    assert other_scales([shape * size for size in sizes]) == [1.0] * 40
    assert other_scales([shape, shape, shape * 3.0]) == [1.0] * 3  # too few to tell
    assert other_scales([shape, shape, shape, shape * 3.0]) == [1.0, 1.0, 1.0, pytest.approx(3.0)]


def test_a_head_of_a_few_metres_is_an_error(folder):
    path, found = folder
    items = [found[0].replace(spacing=45.0), *found[1:]]
    write_annotations(path / "landmarks.csv", items)
    report = run(data=path)
    (told,) = kinds(report)["impossible scale"]
    assert told.severity == "warning"
    assert told.radiographs == ("r00",)
    assert "2.69 m" in told.message
    assert "other scale" not in kinds(report)


def test_real_heads_are_of_like_size(isbi2015):
    report = run(data=isbi2015, split="test1")
    assert not {"impossible scale", "other scale", "point outside"} & set(report.counts())
