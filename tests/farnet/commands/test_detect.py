"""`farnet detect`: what it writes, what it refuses, and what it does about files that fail."""

import io
import json

import numpy as np
import pytest

from farnet import read_annotations
from farnet.errors import DeviceError, OutputError


def test_one_radiograph_gives_a_table_on_screen_and_in_a_file(farnet, detector, radiograph, here):
    result = farnet("detect", radiograph, "--spacing", "0.1")
    assert result.code == 0
    assert "Sella" in result.out
    assert "0.20" in result.out  # standard deviation in mm
    assert "1 not found" in result.out
    assert "Landmarks: landmarks.csv" in result.out
    (landmarks,) = read_annotations(here / "landmarks.csv")
    assert landmarks.radiograph == "one"
    assert landmarks.spacing == (0.1, 0.1)
    assert landmarks.points[3].tolist() == [8.0, 13.0]
    assert landmarks.present.sum() == 18


def test_json_is_the_whole_of_standard_output(farnet, detector, radiograph):
    result = farnet("detect", radiograph, "--json")
    report = result.json()
    assert (report["model"], report["device"], report["output"]) == ("fake", "cpu", "landmarks.csv")
    (one,) = report["radiographs"]
    assert one["radiograph"] == "one"
    assert one["shape"] == [40, 60]
    assert one["spacing"] is None
    assert one["found"] == 18
    assert one["landmarks"][0] == {
        "name": "Sella",
        "abbreviation": "S",
        "row": 5.0,
        "column": 7.0,
        "confidence": 0.9,
        "sd_px": 2.0,
        "sd_mm": None,
        "expected_error_px": None,
        "expected_error_mm": None,
        "reach95_px": None,
        "reach95_mm": None,
        "edited": None,
    }
    assert one["landmarks"][18]["row"] is None
    assert report["failed"] == []


def test_a_folder_gives_one_table_and_pictures_beside_it(farnet, detector, here, make):
    for seed, name in enumerate(("b.png", "a.png", "deep/c.png")):
        make(here / "scans" / name, seed)
    result = farnet("detect", "scans", "-o", "out/all.csv", "--overlay", "--json")
    assert result.code == 0
    assert [item.radiograph for item in read_annotations(here / "out" / "all.csv")] == ["a", "b"]
    pictures = here / "out" / "all-overlays"
    assert sorted(path.name for path in pictures.iterdir()) == ["a.png", "b.png"]
    assert result.json()["radiographs"][0]["overlay"] == "out/all-overlays/a.png"
    again = farnet("detect", "scans", "-o", "out/deep.csv", "--recursive")
    assert again.code == 0
    assert "18 of 19" in again.out
    assert [item.radiograph for item in read_annotations(here / "out" / "deep.csv")] == ["a", "b", "c"]


def test_a_bad_file_does_not_stop_the_others(farnet, detector, radiograph, here):
    (here / "empty.png").write_bytes(b"")
    (here / "words.png").write_text("no picture")
    result = farnet("detect", "empty.png", radiograph, "words.png", "nowhere.png", "--json")
    assert result.code == 1
    report = result.json()
    assert [item["radiograph"] for item in report["radiographs"]] == ["one"]
    assert [item["path"] for item in report["failed"]] == ["empty.png", "words.png", "nowhere.png"]
    assert "empty" in report["failed"][0]["error"]
    assert "Failed: 3" in result.err
    assert len(read_annotations(here / "landmarks.csv")) == 1


def test_what_a_folder_run_leaves_out_is_counted_and_named(farnet, detector, radiograph, here):
    for name in ("a.heic", "b.gif", "c", ".hidden"):
        (here / name).write_text("no radiograph")
    result = farnet("detect", here, "--json")
    assert result.code == 0
    assert [path.rpartition("/")[2] for path in result.json()["left_out"]] == ["a.heic", "b.gif", "c"]
    assert "Left out: 3 files" in result.err and "(a.heic, b.gif, c)" in result.err
    alone = farnet("detect", radiograph, "--force", "--json")
    assert alone.json()["left_out"] == [] and "Left out" not in alone.err


def test_wildcards_are_expanded_where_the_shell_left_them(farnet, detector, three, here):
    assert len(farnet("detect", "?.png", "--json").json()["radiographs"]) == 3
    result = farnet("detect", "*.tif", "--force", "--json")
    assert result.code == 2
    assert "*.tif" in result.json()["error"]["message"]
    assert "*.tif" in result.err


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252", "cp936"])
@pytest.mark.parametrize("json_", [True, False])
def test_names_in_any_script_in_any_code_page(detector, here, make, monkeypatch, encoding, json_):
    from farnet.cli import main

    for seed, name in enumerate(("снимок", "射片", "😀", "Größe")):
        make(here / "scans" / f"{name}.png", seed)
    (here / "scans" / "битый.png").write_text("no picture")
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr("sys.stdout", streams[0])
    monkeypatch.setattr("sys.stderr", streams[1])
    assert main(["detect", "scans", "--overlay", *(["--json"] if json_ else [])]) == 1
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams)
    assert "Failed: 1" in err and "Traceback" not in err
    if json_:
        report = json.loads(out)
        assert {item["radiograph"] for item in report["radiographs"]} == {"снимок", "射片", "😀", "Größe"}
        assert report["failed"][0]["path"] == "scans/битый.png"
    else:
        assert out.count("18 of 19") == 4
    assert len(read_annotations(here / "landmarks.csv")) == 4


def test_radiographs_are_not_changed(farnet, detector, radiograph):
    before, status = radiograph.read_bytes(), radiograph.stat()
    assert farnet("detect", radiograph, "--overlay", "--json").code == 0
    assert (radiograph.read_bytes(), radiograph.stat().st_mtime_ns) == (before, status.st_mtime_ns)


def test_nothing_is_written_where_everything_fails(farnet, detector, here):
    result = farnet("detect", "nowhere.png")
    assert result.code == 1
    assert "There is no file nowhere.png" in result.err
    assert result.out == ""
    assert list(here.iterdir()) == []


def test_results_are_not_overwritten_unless_asked(farnet, detector, radiograph, here):
    (here / "landmarks.csv").write_text("precious")
    result = farnet("detect", radiograph)
    assert result.code == 2
    assert "landmarks.csv would be overwritten" in result.err
    assert "--force" in result.err
    assert (here / "landmarks.csv").read_text() == "precious"
    assert farnet("detect", radiograph, "--force").code == 0
    assert len(read_annotations(here / "landmarks.csv")) == 1
    (here / "new-overlays").mkdir()
    (here / "new-overlays" / "one.png").write_text("precious")
    assert farnet("detect", radiograph, "-o", "new.csv", "--overlay").code == 2
    assert not (here / "new.csv").exists()


def test_radiographs_of_one_name_keep_their_folders(farnet, detector, here, make):
    for folder in ("a", "b"):
        make(here / folder / "1.png")
    assert farnet("detect", "a", "b", "--overlay").code == 0
    assert [item.radiograph for item in read_annotations(here / "landmarks.csv")] == ["a/1.png", "b/1.png"]
    assert sorted(path.name for path in (here / "landmarks-overlays").iterdir()) == ["a_1.png.png", "b_1.png.png"]


def test_a_format_of_one_radiograph_gives_a_file_for_each(farnet, detector, radiograph, here, make, monkeypatch):
    result = farnet("detect", radiograph, "--format", "isbi-txt", "-o", "points")
    assert result.code == 1  # this format cannot hold the landmark that is absent
    assert "absent" in result.err
    monkeypatch.setattr(detector, "detect", all_present(detector.detect))
    make(here / "two.png")
    assert farnet("detect", radiograph, "two.png", "--format", "isbi-txt", "-o", "points").code == 0
    assert sorted(path.name for path in (here / "points").iterdir()) == ["one.txt", "two.txt"]
    assert (here / "points" / "one.txt").read_text().startswith("7,5\n9,6\n")
    assert farnet("detect", radiograph, "-o", "one.txt").code == 0
    refused = farnet("detect", radiograph, "two.png", "-o", "both.txt")
    assert refused.code == 2
    assert "one radiograph a file" in refused.err


@pytest.mark.parametrize(
    ("name", "sign"),
    [("a.mrk.json", '"markups"'), ("a.coco.json", '"categories"'), ("a.json", '"shapes"'), ("a.tps", "LM=19")],
)
def test_formats_of_other_programs_by_their_ending(farnet, detector, radiograph, here, name, sign):
    assert farnet("detect", radiograph, "-o", name).code == 0
    assert sign in (here / name).read_text()
    (landmarks,) = read_annotations(here / name)
    assert landmarks.points[3].tolist() == [8.0, 13.0] and landmarks.present.sum() == 18


def all_present(detect):
    def found(self, radiograph, **options):
        result = detect(self, radiograph, **options)
        result.landmarks = result.landmarks.replace(points=np.nan_to_num(result.landmarks.points, nan=20.0))
        return result

    return found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "missing"], "Unknown model 'missing'"),
        (["--device", "tpu"], "device 'tpu' cannot be used"),
        (["--spacing", "0"], "--spacing"),
        (["--spacing", "wide"], "--spacing is 'wide'"),
        (["--spacing", "1,2,3"], "--spacing"),
        (["--format", "xml"], "Unknown annotation format 'xml'"),
        (["--output", "x.xml"], "ending of a file of landmarks: '.xml'"),
        (["--colour"], "--colour"),
    ],
)
def test_wrong_use_is_told_in_one_line_and_leaves_nothing(farnet, detector, radiograph, here, options, message):
    result = farnet("detect", radiograph, *options)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err
    assert result.out == ""
    assert [path.name for path in here.iterdir()] == ["one.png"]


def test_spacing_may_differ_along_rows_and_columns(farnet, detector, radiograph):
    assert farnet("detect", radiograph, "--spacing", "0.1,0.2", "--json").json()["radiographs"][0]["spacing"] == [
        0.1,
        0.2,
    ]


def failing_at(detect, number, error):
    calls = []

    def found(self, radiograph, **options):
        calls.append(radiograph)
        if len(calls) == number:
            raise error
        return detect(self, radiograph, **options)

    return found


@pytest.fixture
def three(here, make):
    return [make(here / f"{i}.png", i) for i in range(3)]


def test_an_interruption_keeps_what_was_found(farnet, detector, three, here, monkeypatch):
    monkeypatch.setattr(detector, "detect", failing_at(detector.detect, 3, KeyboardInterrupt()))
    result = farnet("detect", *three)
    assert result.code == 130
    assert "before the end of 3 radiographs; landmarks of 2 are kept" in result.err
    assert len(read_annotations(here / "landmarks.csv")) == 2


def test_a_lost_device_ends_the_run_and_keeps_what_was_found(farnet, detector, three, here, monkeypatch):
    monkeypatch.setattr(detector, "detect", failing_at(detector.detect, 2, DeviceError("cuda has too little memory")))
    result = farnet("detect", *three, "--json")
    assert result.code == 1
    assert [failure["path"] for failure in result.json()["failed"]] == [str(three[1]), str(three[2])]
    assert len(read_annotations(here / "landmarks.csv")) == 1


@pytest.mark.parametrize("error", [ZeroDivisionError(), MemoryError(), ValueError("two\nlines")], ids=repr)
def test_a_defect_costs_its_radiograph_alone(farnet, detector, three, here, monkeypatch, error):
    monkeypatch.setattr(detector, "detect", failing_at(detector.detect, 2, error))
    result = farnet("detect", *three, "--json")
    assert result.code == 1
    (failure,) = result.json()["failed"]
    assert failure["path"] == str(three[1])
    assert "Failed: 1" in result.err and "Traceback" not in result.err
    assert result.err.count("\n") == 2
    assert [item.radiograph for item in read_annotations(here / "landmarks.csv")] == ["0", "2"]


def test_a_picture_that_cannot_be_written_costs_no_landmarks(farnet, detector, radiograph, here, monkeypatch):
    def full(*_, **__):
        raise OutputError("the disk is full")

    monkeypatch.setattr("farnet.overlay.write_overlay", full)
    result = farnet("detect", radiograph, "--overlay")
    assert result.code == 1
    assert "the disk is full" in result.err
    assert len(read_annotations(here / "landmarks.csv")) == 1


def test_an_output_that_cannot_be_written_is_a_failure_at_once(farnet, detector, radiograph, here, monkeypatch):
    monkeypatch.setattr(detector, "detect", lambda *_, **__: pytest.fail("work was done for nothing"))
    (here / "file").write_text("")
    result = farnet("detect", radiograph, "-o", "file/x.csv", "--json")
    assert result.code == 1
    assert result.json()["error"]["type"] == "OutputError"


def test_a_disk_that_fills_up_costs_the_table_but_not_the_landmarks(farnet, detector, radiograph, monkeypatch):
    def full(*_, **__):
        raise OutputError("the disk is full")

    monkeypatch.setattr("farnet.formats.write_annotations", full)
    result = farnet("detect", radiograph, "--json")
    assert result.code == 1
    report = result.json()
    assert report["output"] is None
    (failure,) = report["failed"]
    assert failure["path"] == "landmarks.csv"
    assert failure["error"].startswith("the disk is full What was found is kept in .landmarks.csv.journal")
    assert report["radiographs"][0]["found"] == 18


# Going on with what is there


def test_a_run_that_was_interrupted_goes_on(farnet, detector, three, here, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(detector, "detect", failing_at(detector.detect, 3, KeyboardInterrupt()))
        result = farnet("detect", *three)
    assert result.code == 130
    assert "--resume goes on" in result.err
    result = farnet("detect", *three, "--resume", "--json")
    assert result.code == 0
    report = result.json()
    assert [item["status"] for item in report["radiographs"]] == ["skipped", "skipped", "done"]
    assert [item["seconds"] for item in report["radiographs"]] == [0.0, 0.0, 0.25]
    assert [item["found"] for item in report["radiographs"]] == [18, 18, 18]
    assert [item.radiograph for item in read_annotations(here / "landmarks.csv")] == ["0", "1", "2"]


def test_resume_says_what_is_as_before(farnet, detector, three):
    assert farnet("detect", *three[:2]).code == 0
    result = farnet("detect", *three, "--resume")
    assert result.code == 0
    assert result.out.count("as before") == 2
    assert "0.25" in result.out


def test_resume_when_all_is_done_does_no_work(farnet, detector, three, here, monkeypatch):
    farnet("detect", *three)
    before = (here / "landmarks.csv").read_bytes()
    monkeypatch.setattr(detector, "detect", lambda *_, **__: pytest.fail("work was done twice"))
    assert farnet("detect", *three, "--resume").code == 0
    assert (here / "landmarks.csv").read_bytes() == before


def test_resume_tries_those_again_that_failed(farnet, detector, three, here, make):
    three[1].write_text("no picture")
    assert farnet("detect", *three).code == 1
    again = farnet("detect", *three, "--resume")
    assert again.code == 1
    assert "Failed: 1" in again.err
    make(three[1], 7)
    assert farnet("detect", *three, "--resume").code == 0
    assert [item.radiograph for item in read_annotations(here / "landmarks.csv")] == ["0", "1", "2"]


def test_a_run_that_was_killed_is_not_overwritten_by_accident(farnet, detector, three, here):
    from farnet.batch import BatchRun
    from farnet.batch_plan import BatchPlan
    from farnet.batch_request import BatchRequest

    next(items := BatchRun(BatchPlan.of(BatchRequest(radiographs=tuple(three)))).items(detector()))
    items.close()
    assert not (here / "landmarks.csv").exists()
    result = farnet("detect", *three)
    assert result.code == 2
    assert "was cut off" in result.err and "--resume" in result.err
    report = farnet("detect", *three, "--resume", "--json").json()
    assert [item["status"] for item in report["radiographs"]] == ["skipped", "done", "done"]


def test_resume_with_another_model_is_wrong_use_and_changes_nothing(farnet, detector, three, here, monkeypatch):
    farnet("detect", *three)
    before = (here / "landmarks.csv").read_bytes()
    monkeypatch.setattr(detector, "name", "another")
    monkeypatch.setattr(detector, "sha256", "1" * 64)
    result = farnet("detect", *three, "--resume")
    assert result.code == 2
    assert "not from the model file of another" in result.err
    assert "Traceback" not in result.err
    assert (here / "landmarks.csv").read_bytes() == before
    assert farnet("detect", *three, "--force").code == 0


def test_resume_and_force_exclude_each_other(farnet, detector, radiograph, here):
    result = farnet("detect", radiograph, "--resume", "--force")
    assert result.code == 2
    assert "either --resume or --force" in result.err
    assert [path.name for path in here.iterdir()] == ["one.png"]


def test_resume_of_something_that_is_no_table(farnet, detector, radiograph, here):
    (here / "landmarks.csv").write_text("precious")
    result = farnet("detect", radiograph, "--resume")
    assert result.code == 2
    assert "landmarks.csv" in result.err and "Traceback" not in result.err
    assert (here / "landmarks.csv").read_text() == "precious"


def test_a_disk_that_filled_up_costs_no_work_once_there_is_room(farnet, detector, three, here, monkeypatch):
    def full(*_, **__):
        raise OutputError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("farnet.formats.write_annotations", full)
        assert farnet("detect", *three).code == 1
    monkeypatch.setattr(detector, "detect", lambda *_, **__: pytest.fail("work was done twice"))
    assert farnet("detect", *three, "--resume").code == 0
    assert len(read_annotations(here / "landmarks.csv")) == 3


def test_a_changed_radiograph_and_a_new_one_are_done_the_others_not(farnet, detector, three, here, make):
    farnet("detect", here)
    make(three[0], 8)
    make(here / "3.png", 9)
    report = farnet("detect", here, "--resume", "--json").json()
    assert [item["status"] for item in report["radiographs"]] == ["done", "skipped", "skipped", "done"]


def test_the_real_model_goes_on_with_its_own_landmarks(farnet, tiny_model, three, here):
    assert farnet("detect", *three[:2], "-m", "tiny", "-d", "cpu").code == 0
    report = farnet("detect", *three, "-m", "tiny", "-d", "cpu", "--resume", "--json").json()
    assert [item["status"] for item in report["radiographs"]] == ["skipped", "skipped", "done"]


def test_an_interruption_while_a_picture_is_drawn_keeps_its_landmarks(farnet, detector, three, here, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("farnet.overlay.write_overlay", interrupted)
    result = farnet("detect", *three, "--overlay")
    assert result.code == 130
    assert "landmarks of 1 are kept" in result.err
    assert [item.radiograph for item in read_annotations(here / "landmarks.csv")] == ["0"]


def test_an_interruption_before_anything_was_found_says_so(farnet, detector, three, here, monkeypatch):
    monkeypatch.setattr(detector, "detect", failing_at(detector.detect, 1, KeyboardInterrupt()))
    result = farnet("detect", *three)
    assert result.code == 130
    assert "no landmarks were found yet" in result.err
    assert not (here / "landmarks.csv").exists()


def test_a_radiograph_unlike_the_training_is_named(farnet, detector, radiograph, monkeypatch):
    asked = []

    class Unsure(detector):
        def __init__(self, model="fake", device="auto", precision="auto", *, orient="as-is"):
            asked.append(orient)

        def detect(self, item, *, heatmaps=False):
            found = super().detect(item, heatmaps=heatmaps)
            why = {"unlike_training": ["they look like nothing"], "orientation": "mirrored"}
            found.landmarks = found.landmarks.replace(provenance=why)
            return found

    monkeypatch.setattr("farnet.detection.Detector", Unsure)
    result = farnet("detect", radiograph, "--orient", "auto")
    assert result.code == 0
    assert asked == ["auto"]
    assert "one is unlike the radiographs that fake knows" in result.err
    assert "they look like nothing" in result.err
    assert "one: looked at mirrored" in result.err
    (report,) = farnet("detect", radiograph, "--json", "--force").json()["radiographs"]
    assert (report["orientation"], report["unlike_training"]) == ("mirrored", ["they look like nothing"])


def test_an_orientation_that_there_is_not(farnet, detector, radiograph):
    result = farnet("detect", radiograph, "--orient", "sideways")
    assert result.code == 2
    assert "sideways" in result.err and "as-is" in result.err


def test_the_network_is_compiled_if_asked(farnet, detector, radiograph, monkeypatch):
    asked = []
    monkeypatch.setattr(detector, "compile", lambda self: asked.append("compiled"), raising=False)
    assert farnet("detect", radiograph).code == 0 and not asked
    assert farnet("detect", radiograph, "--compile", "--force").code == 0 and asked == ["compiled"]


@pytest.fixture
def calibrated(detector, monkeypatch):
    """The fake is sure of the expected errors, too; two of its landmarks were beyond the edge."""

    class Calibrated(detector):
        def detect(self, item, *, heatmaps=False):
            found = super().detect(item, heatmaps=heatmaps)
            beyond = {"outside_picture": {"Menton": [41.0, 5.0], "Chin": [44.0, 7.0]}}
            region = np.where(found.landmarks.present, 2.0, np.nan)
            points = found.landmarks.points * np.where(np.arange(19) == 7, np.nan, 1.0)[:, None]
            found.landmarks = found.landmarks.replace(
                region95=region, provenance={**found.landmarks.provenance, **beyond}, points=points
            )
            return found

    monkeypatch.setattr("farnet.detection.Detector", Calibrated)
    return Calibrated


def test_expected_errors_in_px_and_in_mm_stand_in_columns_of_their_own(farnet, calibrated, here, make, monkeypatch):
    import farnet.batch as batch

    files = [make(here / "scans" / f"{name}.png", seed) for seed, name in enumerate("ab")]
    read = batch.read_radiograph
    monkeypatch.setattr(
        batch, "read_radiograph", lambda path, **kw: read(path, spacing=0.5) if path.stem == "a" else read(path)
    )
    result = farnet("detect", *files)
    assert "mean expected (mm)" in result.out and "mean expected (px)" in result.out
    assert "mean confidence" not in result.out
    rows = {line.split()[0]: line.split() for line in result.out.splitlines() if "of 19" in line}
    assert rows["a"][4:6] == ["1.25", "\N{EN DASH}"] and rows["b"][4:6] == ["\N{EN DASH}", "2.51"]


def test_a_model_without_expected_errors_tells_its_confidence(farnet, detector, here, make):
    files = [make(here / f"{name}.png", seed) for seed, name in enumerate("ab")]
    assert "mean confidence" in farnet("detect", *files).out


def test_what_lies_outside_and_what_no_person_measures_is_told(farnet, calibrated, radiograph):
    right = farnet("detect", radiograph, "--spacing", "4")
    assert right.code == 0
    assert "a pixel" not in right.err
    assert "one: Outside the picture, and so absent: Menton." in right.err
    wrong = farnet("detect", radiograph, "--spacing", "450", "--force")
    assert wrong.code == 0
    assert "At 450 mm a pixel" in wrong.err
    report = farnet("detect", radiograph, "--spacing", "450", "--json", "--force")
    (one,) = report.json()["radiographs"]
    assert "At 450 mm a pixel" in one["implausible_scale"]
    assert one["outside_picture"] == {"Menton": [41.0, 5.0]}  # a name that is none of the scheme tells nothing
