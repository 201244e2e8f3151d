"""`farnet evaluate`: the figures, the sides that can be compared, and the duplicates."""

import csv
import html

import numpy as np
import pytest

from farnet import ISBI2015, Landmarks, load_scheme, read_annotations, write_annotations


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_model_on_a_data_set(farnet, detector, isbi):
    result = farnet("evaluate", "--data", isbi, "--split", "test1", "--json", "--bootstrap", 50)
    assert result.code == 0
    report = result.json()
    assert report["model"] == "fake"
    assert (report["dataset"], report["split"], report["observer"]) == ("isbi2015", "test1", "mean")
    assert report["seconds_per_radiograph"] == 0.25
    evaluation = report["evaluation"]
    assert (evaluation["unit"], evaluation["n_radiographs"]) == ("mm", 3)
    assert evaluation["pooled"]["mre"] == 0.0
    assert (evaluation["pooled"]["n"], evaluation["pooled"]["n_missed"]) == (3 * 18, 3)
    assert evaluation["pooled"]["sdr"]["2"] == pytest.approx(100 * 18 / 19)
    assert evaluation["observer_distance"]["mre"] == pytest.approx(1.0)
    assert len(evaluation["per_landmark"]) == 19
    assert report["duplicates"] == ["173"]
    assert report["without_duplicates"]["n_radiographs"] == 2


def test_the_tables_name_what_was_measured(farnet, detector, isbi):
    result = farnet("evaluate", "--data", isbi, "--observer", "junior", "--bootstrap", 50)
    assert result.code == 0
    assert "fake on isbi2015 test1, truth: junior" in result.out
    assert "without 173" in result.out
    assert "observers" in result.out
    assert "0.50 [0.50, 0.50]" in result.out  # half a millimetre from either doctor
    assert "Soft-tissue pogonion" in result.out
    assert "population" in result.out


def test_excluded_radiographs_are_not_even_looked_at(farnet, detector, isbi):
    (isbi / "RawImage" / "Test1Data" / "152.png").write_bytes(b"broken")
    assert farnet("evaluate", "--data", isbi).code == 2
    assert farnet("evaluate", "--data", isbi, "--exclude", "152").code == 0


def test_excluding_by_name(farnet, detector, isbi):
    report = farnet("evaluate", "--data", isbi, "--exclude", "173", "--json", "--bootstrap", 0).json()
    assert report["excluded"] == ["173"]
    assert report["evaluation"]["n_radiographs"] == 2
    assert report["without_duplicates"] is None
    result = farnet("evaluate", "--data", isbi, "--exclude", "999")
    assert result.code == 2
    assert "--exclude names radiographs that the truth does not have: 999" in result.err


def test_the_landmarks_can_be_kept_and_measured_again(farnet, detector, isbi, here):
    first = farnet("evaluate", "--data", isbi, "-o", "found.csv", "--json").json()
    assert [item.radiograph for item in read_annotations(here / "found.csv")] == ["151", "152", "173"]
    second = farnet("evaluate", "--predictions", "found.csv", "--data", isbi, "--json").json()
    assert second["evaluation"] == first["evaluation"]
    assert farnet("evaluate", "--data", isbi, "-o", "found.csv").code == 2  # not overwritten


def test_a_report_is_written_once(farnet, detector, isbi, here):
    arguments = ["evaluate", "--data", isbi, "--bootstrap", 50, "--report", "out.html"]
    assert farnet(*arguments, "--json").json()["report"] == ["out.html"]
    page = (here / "out.html").read_text("utf-8")
    assert "Evaluation of fake" in page and "without duplicates (2)" in page
    assert farnet(*arguments).code == 2  # not overwritten
    assert (here / "out.html").read_text("utf-8") == page
    assert "Report:  out.html" in farnet(*arguments, "--force").out
    assert farnet("evaluate", "--data", isbi, "--report", "out.docx").code == 2


def test_landmarks_that_were_put_elsewhere_are_also_left_out(farnet, detector, isbi):
    report = farnet("evaluate", "--data", isbi, "--split", "test1", "--json").json()
    assert report["shifted_landmarks"] == ["Soft-tissue pogonion"]
    rest = report["without_shifted_landmarks"]
    assert (rest["pooled"]["n_absent"], rest["pooled"]["n"]) == (3, report["evaluation"]["pooled"]["n"] - 3)
    assert rest["per_landmark"][15]["mre"] is None
    assert "without Soft-tissue pogonion" in " ".join(farnet("evaluate", "--data", isbi).out.split())


def test_two_tables(farnet, isbi, here):
    data = ISBI2015(isbi, "test1")
    for who in data.observers:
        write_annotations(here / f"{who}.csv", [data.observer_landmarks(i, who) for i in range(3)])
    result = farnet("evaluate", "--predictions", "junior.csv", "--reference", "senior.csv", "--json")
    report = result.json()
    assert report["evaluation"]["pooled"]["mre"] == pytest.approx(1.0)
    assert report["evaluation"]["observer_distance"] is None
    assert report["without_duplicates"] is None
    assert (
        "junior.csv on senior.csv" in farnet("evaluate", "--predictions", "junior.csv", "--reference", "senior.csv").out
    )


def test_many_duplicates_are_named_below(capsys, isbi):
    from farnet.commands.evaluation_tables import print_evaluation
    from farnet.evaluation import evaluate

    data = ISBI2015(isbi, "test1")
    result = evaluate(*[[data.landmarks(i) for i in range(3)]] * 2, bootstrap=0)
    print_evaluation("t", result, without=(["a", "b", "c", "d"], result))
    out = capsys.readouterr().out
    assert "without 4 *" in out and "* In the data for training too: a, b, c, d." in out
    print_evaluation("t", result, without=(["a", "b"], result))
    assert "without a, b" in capsys.readouterr().out


def test_which_of_two_tables_is_better(farnet, isbi, here):
    data = ISBI2015(isbi, "test1")
    truth = [data.landmarks(i) for i in range(3)]
    for who, shift in (("near", 2.0), ("far", 9.0)):
        moved = [item.replace(points=item.points + np.array([0.0, shift])) for item in truth]
        write_annotations(here / f"{who}.csv", moved)
    arguments = ["evaluate", "--predictions", "near.csv", "--data", isbi, "--against", "far.csv"]
    found = farnet(*arguments, "--json").json()["extras"]["against"]
    assert found["pooled"]["mre"]["value"] == pytest.approx(0.7)
    assert (found["first"], found["second"], found["n_radiographs"]) == ("near.csv", "far.csv", 3)
    assert "far.csv less near.csv" in farnet(*arguments, "--report", "ab.html", "--csv", "ab.csv").out
    page = (here / "ab.html").read_text(encoding="utf-8")
    assert "near.csv beside far.csv" in page and found["verdict"] in html.unescape(page)
    assert {row["value"] for row in rows(here / "ab.csv") if row["figure"] == "rank biserial"} >= {"1.0"}
    write_annotations(here / "far.csv", truth[:2])
    refused = farnet(*arguments)
    assert refused.code == 2 and "--common" in refused.err
    assert farnet(*arguments, "--common", "--json").json()["extras"]["against"]["n_radiographs"] == 2
    write_annotations(here / "far.csv", [truth[2].replace(radiograph="elsewhere")])
    write_annotations(here / "near.csv", truth)
    nothing = farnet(
        "evaluate", "--predictions", "near.csv", "--reference", "near.csv", "--against", "far.csv", "--common"
    )
    assert nothing.code == 2
    without = ["evaluate", "--predictions", "near.csv", "--reference", "far.csv", "--against", "fake"]
    assert "needs radiographs" in " ".join(farnet(*without).err.split())


def test_without_a_spacing_the_unit_is_the_pixel(farnet, isbi, here):
    data = ISBI2015(isbi, "test1")
    for who in data.observers:
        found = [data.observer_landmarks(i, who).replace(spacing=None) for i in range(3)]
        write_annotations(here / f"{who}.csv", found)
    result = farnet("evaluate", "--predictions", "junior.csv", "--reference", "senior.csv", "--radii", "10,20")
    assert "MRE (px)" in result.out
    assert "10.00" in result.out
    assert "SDR 10 px (%)" in result.out
    assert "In pixels" in result.out


def test_radiographs_on_one_side_only_are_refused_or_left_out_aloud(farnet, isbi, here):
    data = ISBI2015(isbi, "test1")
    truth = [data.landmarks(i) for i in range(3)]
    write_annotations(here / "two.csv", truth[:2])
    write_annotations(here / "three.csv", [*truth[1:], truth[0].replace(radiograph="other")])
    arguments = ["evaluate", "--predictions", "two.csv", "--reference", "three.csv"]
    refused = farnet(*arguments)
    assert refused.code == 2
    assert "173, other" in refused.err
    assert "(151)" in refused.err
    common = farnet(*arguments, "--common", "--json")
    assert common.code == 0
    assert common.json()["evaluation"]["n_radiographs"] == 1
    assert "Left out, for want of a prediction: 173, other" in common.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give the truth once"),
        (["--data", "isbi2015", "--reference", "x.csv"], "Give the truth once"),
        (["--reference", "x.csv"], "A model needs radiographs"),
        (["--model", "fake", "--predictions", "x.csv", "--reference", "y.csv"], "either --model or --predictions"),
        (["--predictions", "x.csv", "--reference", "y.csv", "-o", "z.csv"], "they are there already"),
        (["--predictions", "x.csv", "--reference", "y.csv"], "There is no file x.csv"),
        (["--data", "nowhere"], "There is no folder nowhere"),
        (["--data", "isbi2015", "--split", "test9"], "test9"),
        (["--data", "isbi2015", "--observer", "me"], "me"),
        (["--data", "isbi2015", "--dataset", "isbi2016"], "Did you mean 'isbi2015'?"),
        (["--data", "isbi2015", "--radii", "two"], "--radii is 'two'"),
        (["--data", "isbi2015", "--radii", "-2"], "above zero"),
    ],
)
def test_wrong_use_is_told(farnet, detector, isbi, arguments, message):
    result = farnet("evaluate", *arguments)
    assert result.code == 2
    assert message in result.err
    assert result.out == ""


def test_absent_truth_is_counted(farnet, here):
    from farnet.landmarks import Landmarks
    from farnet.scheme import load_scheme

    points = np.full((19, 2), 10.0)
    one = Landmarks(points, load_scheme("cephalometric19"), radiograph="a")
    points[2] = np.nan
    write_annotations(here / "found.csv", [one])
    write_annotations(here / "truth.csv", [one.replace(points=points)])
    report = farnet("evaluate", "--predictions", "found.csv", "--reference", "truth.csv", "--json").json()
    assert report["evaluation"]["pooled"]["n_absent"] == 1
    assert report["evaluation"]["per_landmark"][2]["mre"] is None


@pytest.fixture
def scans(isbi, here):
    """A folder of radiographs and a file of annotations, as they come without a data set."""
    data = ISBI2015(isbi, "test1")
    write_annotations(here / "truth.csv", [data.landmarks(i) for i in range(3)])
    return isbi / "RawImage" / "Test1Data"


def test_a_model_on_a_folder_of_radiographs(farnet, detector, scans):
    report = farnet("evaluate", "--radiographs", scans, "--reference", "truth.csv", "--json", "--bootstrap", 0).json()
    assert (report["model"], report["reference"], report["radiographs"]) == ("fake", "truth.csv", str(scans))
    assert report["evaluation"]["n_radiographs"] == 3
    assert (report["evaluation"]["unit"], report["evaluation"]["pooled"]["mre"]) == ("mm", 0.0)
    assert report["request"]["radii"] == [2.0, 2.5, 3.0, 4.0]


def test_radiographs_without_a_reference_are_refused_or_left_out(farnet, detector, scans, make):
    make(scans / "extra.png", 9)
    arguments = ["evaluate", "--radiographs", scans, "--reference", "truth.csv", "--bootstrap", 0]
    refused = farnet(*arguments)
    assert refused.code == 2
    assert "1 radiographs have no reference (extra.png)" in refused.err
    assert farnet(*arguments, "--common", "--json").json()["evaluation"]["n_radiographs"] == 3
    (scans / "extra.png").unlink()
    (scans / "151.png").unlink()
    assert "1 have a reference but no prediction (151)" in farnet(*arguments, "--exclude", "152").err
    make(scans / "152.PNG", 9)
    assert "same radiograph by name" in farnet(*arguments).err


def test_folders_without_a_match_are_refused(farnet, detector, scans, here, make):
    make(here / "others" / "a.png")
    result = farnet("evaluate", "--radiographs", "others", "--reference", "truth.csv", "--common")
    assert "None of the radiographs in others has a reference" in result.err
    (here / "empty").mkdir()
    for folder, why in (("empty", "holds no radiographs"), ("nowhere", "is no folder")):
        result = farnet("evaluate", "--radiographs", folder, "--reference", "truth.csv")
        assert result.code == 2
        assert f"{folder} {why}" in result.err


def test_folders_of_files_of_another_format(farnet, isbi):
    junior, senior = (isbi / "AnnotationsByMD" / f"400_{who}" for who in ("junior", "senior"))
    arguments = ["evaluate", "--predictions", junior, "--reference", senior, "--json"]
    assert farnet(*arguments).json()["evaluation"]["unit"] == "px"
    in_mm = farnet(*arguments, "--spacing", 0.1).json()["evaluation"]
    assert (in_mm["unit"], in_mm["pooled"]["mre"]) == ("mm", pytest.approx(1.0))


def test_figures_and_errors_can_be_written(farnet, detector, isbi, here):
    result = farnet("evaluate", "--data", isbi, "--csv", "out.csv", "--bootstrap", 20)
    assert result.code == 0
    assert "out-errors.csv" in result.out
    figures = rows(here / "out.csv")
    assert (figures[0]["group"], figures[0]["figure"], figures[0]["value"]) == ("pooled", "mre", "0.0")
    rates = [row for row in figures if row["figure"] == "sdr" and row["group"] == "pooled"]
    assert [row["radius"] for row in rates] == ["2", "2.5", "3", "4"]
    assert rates[0]["unit"] == "%"
    assert float(rates[0]["value"]) == pytest.approx(100 * 18 / 19)
    errors = rows(here / "out-errors.csv")
    assert len(errors) == 3 * 19
    assert {row["status"] for row in errors} == {"measured", "missed"}
    assert farnet("evaluate", "--data", isbi, "--csv", "out.csv").code == 2
    assert "ends in .csv" in farnet("evaluate", "--data", isbi, "--csv", "out.txt").err


def test_cephalograms_have_their_classes_beside_the_errors(farnet, detector, isbi, here):
    result = farnet("evaluate", "--data", isbi, "--bootstrap", 20, "--json", "--csv", "x.csv", "--mw-gap", "strict")
    assert result.code == 0
    found = result.json()["extras"]["classification"]
    assert (found["mw_gap"], found["n_radiographs"]) == ("strict", 3)
    assert {row["landmark"] for row in rows(here / "x.csv") if row["group"] == "classification"} >= {"ANB", "MW"}
    assert "Classes of the measurements" in farnet("evaluate", "--data", isbi, "--bootstrap", 20).out


def test_spines_in_two_files_have_their_angles(farnet, here):
    rng = np.random.default_rng(0)
    corners = [[60 + 48 * v + dr, 200 + dc] for v in range(17) for dr in (-15, 15) for dc in (-25, 25)]
    for name in ("mine.csv", "yours.csv"):
        spines = [
            Landmarks(np.array(corners) + rng.normal(0, 4, (68, 2)), load_scheme("spine68"), radiograph=str(i))
            for i in range(3)
        ]
        write_annotations(here / name, [item.replace(image_shape=(900, 400)) for item in spines])
    arguments = ["evaluate", "--predictions", "mine.csv", "--reference", "yours.csv", "--bootstrap", 20]
    found = farnet(*arguments, "--json", "--csv", "x.csv", "--cobb", "port").json()["extras"]["spine"]
    assert (found["cobb"]["variant"], found["cobb"]["n"]) == ("port", 3)
    assert 0 < found["points"]["nmse_point"]["value"] < 0.01
    assert "cobb port" in {row["group"] for row in rows(here / "x.csv")}
    assert "SMAPE" in farnet(*arguments).out
    wrong = farnet(*arguments, "--cobb", "excel")
    assert wrong.code == 2
    assert "excel" in wrong.err


@pytest.mark.parametrize("error", [None, ZeroDivisionError(), MemoryError()], ids=repr)
def test_a_bad_radiograph_costs_its_own_figures_alone(farnet, detector, here, make, monkeypatch, error):
    """Unreadable, or a defect comes to light in it."""
    for seed, name in enumerate("abc"):
        make(here / "scans" / f"{name}.png", seed)
    assert farnet("detect", "scans", "-o", "truth.csv").code == 0
    if error is None:
        (here / "scans" / "b.png").write_bytes(b"broken")
    else:
        steps = detector.steps

        def spoilt(self, radiograph, **options):
            if radiograph.name == "b":
                raise error
            return (yield from steps(self, radiograph, **options))

        monkeypatch.setattr(detector, "steps", spoilt)
    arguments = ("evaluate", "--radiographs", "scans", "--reference", "truth.csv", "--bootstrap", 0)
    result = farnet(*arguments, "--json")
    assert result.code == 1
    report = result.json()
    assert report["evaluation"]["n_radiographs"] == 2
    assert [item["path"] for item in report["failed"]] == ["scans/b.png"]
    assert "Failed, and no part of the figures: 1" in result.err and "Traceback" not in result.err
    assert farnet(*arguments).code == 1
