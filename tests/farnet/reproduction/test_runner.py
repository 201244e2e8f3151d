"""Every row is trained and tested, in small; what is there is used, and never overwritten."""

import csv
import json
import math
import shutil

import pytest

from farnet.datasets.named import open_dataset
from farnet.errors import InvalidInputError, UnknownNameError
from farnet.reproduction import data as data_module
from farnet.reproduction.report import CSV_COLUMNS, csv_text, markdown, write_report
from farnet.reproduction.runner import ReproductionRequest, reproduce
from farnet.reproduction.tables import TABLES, PaperTable, Row, Training
from farnet.training.progress import EventWriter

CHEAP = [
    (table.name, row.name)
    for table in TABLES.values()
    for row in table.rows
    if table.name not in ("table3", "table4")  # other data, and other backbones: below
]


def last(request, notes=None):
    *_, result = reproduce(request, [].append if notes is None else notes.append)
    return result


def found(result, name):
    return next(row for row in result.rows if row.row.name == name)


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """One folder for all tables, which share their runs."""
    return tmp_path_factory.mktemp("paper")


@pytest.mark.parametrize(("table", "name"), CHEAP, ids=["-".join(pair) for pair in CHEAP])
def test_every_row_is_trained_and_tested(table, name, isbi, output, rehearsal):
    row = found(last(rehearsal(table, isbi, output, name)), name)
    assert set(row.figures) == set(TABLES[table].figures)
    assert row.figures["mre"].value > 0 and row.figures["mre"].low <= row.figures["mre"].high
    assert (row.seeds, row.radiographs, row.missing) == (1, 4, "")
    folder = output / "runs" / row.row.training.name / "seed-0"
    settings = json.loads((folder / "config.json").read_text())
    assert settings["epochs"] == 1 and settings["name"] == row.row.training.name
    assert (folder / f"{settings['name']}.safetensors").is_file()
    assert (folder / f"points-{row.row.splits[0]}.csv").is_file()
    assert not list(folder.glob("*.ckpt"))
    assert f"--row {name}" in row.command and row.steps[0].startswith("farnet train --data")
    assert row.steps[1].startswith("farnet evaluate --model")


@pytest.mark.parametrize("name", [row.name for row in TABLES["table4"].rows])
def test_every_backbone_is_trained_and_tested(name, isbi, tmp_path, rehearsal):
    row = found(last(rehearsal("table4", isbi, tmp_path, name, changes=("weights=none", "network.width=8"))), name)
    assert row.figures["mre"].value > 0 and (row.radiographs, row.missing) == (4, "")


def test_the_hands(hands, tmp_path, rehearsal):
    row = found(last(rehearsal("table3", hands, tmp_path / "out", "hand")), "hand")
    assert row.figures["mre"].value > 0 and row.missing == ""
    assert row.radiographs == 6  # two of each fold's test
    assert sorted(path.name for path in (tmp_path / "out" / "runs").rglob("points-*.csv")) == [
        f"points-set{n}-test.csv" for n in (1, 2, 3)
    ]


def test_the_spine(spines, tmp_path, rehearsal):
    notes = []
    result = last(rehearsal("table3", spines, tmp_path / "out", seeds=2, bootstrap=20), notes)
    row = found(result, "spine")
    assert set(row.figures) == {"nmse", "rho"} and row.figures["nmse"].value > 0
    assert -1 <= row.figures["rho"].value <= 1 and len(row.figures["rho"].seeds) == 2
    assert row.radiographs == 4 and len(row.steps) == 4
    hand = found(result, "hand")
    assert not hand.figures and hand.missing and any("Left out" in note for note in notes)
    assert "0.62" in markdown(result)  # the paper's figure is there all the same


@pytest.fixture(scope="module")
def made(isbi, tmp_path_factory, rehearsal):
    """A folder with one row of table6, and the table."""
    folder = tmp_path_factory.mktemp("again")
    return folder, last(rehearsal("table6", isbi, folder, "mse"))


class TestOnceMore:
    def test_what_is_there_is_used(self, made, isbi, rehearsal, monkeypatch):
        folder, before = made
        monkeypatch.setattr("farnet.training.run.run_training", lambda *_: pytest.fail("trained again"))
        monkeypatch.setattr("farnet.detection.Detector", lambda *_: pytest.fail("detected again"))
        notes = []
        steps = list(reproduce(rehearsal("table6", isbi, folder, "mse"), notes.append))
        assert len(steps) == 1 and not notes
        assert found(steps[0], "mse").figures == found(before, "mse").figures

    def test_the_table_has_the_other_rows_as_they_are(self, made):
        result = made[1]
        assert [row.row.name for row in result.rows] == [row.name for row in TABLES["table6"].rows]
        assert found(result, "l1").missing == "Not made yet." and not found(result, "l1").figures

    def test_other_tables_share_the_run(self, made, isbi, rehearsal, monkeypatch):
        monkeypatch.setattr("farnet.training.run.run_training", lambda *_: pytest.fail("trained again"))
        steps = reproduce(rehearsal("table5", isbi, made[0], "msfa-fr"))
        assert found(next(steps), "msfa-fr").figures == found(made[1], "mse").figures

    def test_other_settings_are_refused_before_anything_is_made(self, made, isbi, rehearsal):
        folder = made[0]
        before = sorted(path.name for path in (folder / "runs").iterdir())
        request = rehearsal("table6", isbi, folder, changes=("network.backbone=efficientnet_lite0", "sigma=4"))
        with pytest.raises(InvalidInputError, match="other settings: sigma"):
            last(request)
        assert sorted(path.name for path in (folder / "runs").iterdir()) == before

    def test_a_row_of_other_settings_that_is_not_asked_for_is_left_out(self, made, isbi, rehearsal):
        request = rehearsal("table6", isbi, made[0], "l1", changes=("network.backbone=efficientnet_lite0", "sigma=4"))
        first = next(reproduce(request))
        assert "other settings" in found(first, "mse").missing and not found(first, "mse").figures

    def test_other_data_is_refused(self, made, isbi, rehearsal):
        record = made[0] / "runs" / "farnet-mse" / "seed-0" / "run.json"
        text = record.read_text()
        values = json.loads(text)
        values["data"]["observer"] = "junior"
        record.write_text(json.dumps(values))
        try:
            with pytest.raises(InvalidInputError, match="other data \\(observer\\)"):
                last(rehearsal("table6", isbi, made[0], "mse"))
        finally:
            record.write_text(text)

    def test_markdown_and_csv(self, made, tmp_path):
        result = made[1]
        paths = write_report(result, tmp_path)
        text = paths[0].read_text(encoding="utf-8")
        assert "rehearsal" in text and "farnet reproduce table6 --row mse" in text and "farnet train" in text
        line = next(line for line in text.splitlines() if line.startswith("| L1 "))
        assert [cell.strip() for cell in line.split("|")][4:6] == ["\N{EN DASH}", "1.16"]
        with paths[1].open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        assert tuple(rows[0]) == CSV_COLUMNS
        mse = next(row for row in rows if (row["row"], row["figure"]) == ("mse", "mre"))
        mre = found(result, "mse").figures["mre"]
        assert (float(mse["ours"]), float(mse["paper"])) == (pytest.approx(mre.value), 1.15)
        assert float(mse["ci_low"]) == pytest.approx(mre.low) and mse["seed_half_width"] == ""
        other = next(row for row in rows if (row["row"], row["figure"]) == ("l1", "mre"))
        assert (other["ours"], other["paper"]) == ("", "1.16")
        # What nobody knows is no line, and no figure.
        assert not any((row["row"], row["figure"]) == ("l1", "sdr_4") for row in rows)
        assert csv_text(result).count("\n") == len(rows) + 1


@pytest.fixture
def own(made, tmp_path):
    """A copy of the folder, to be changed."""
    shutil.copytree(made[0], tmp_path / "own")
    return tmp_path / "own"


def test_an_interrupted_table_goes_on(isbi, own, rehearsal, monkeypatch):
    import farnet.training.run

    def interrupted(request, note):
        raise KeyboardInterrupt

    # A table is made from the top: l1 comes before mse, which is there.
    request, notes = rehearsal("table6", isbi, own, "l1", "mse"), []
    with monkeypatch.context() as patch:
        patch.setattr(farnet.training.run, "run_training", interrupted)
        steps = reproduce(request)
        assert found(next(steps), "mse").figures
        with pytest.raises(KeyboardInterrupt):
            next(steps)
    result = last(request, notes)
    assert found(result, "l1").figures and found(result, "mse").figures
    assert [note for note in notes if note.startswith("Training")] == [
        f"Training {own / 'runs' / 'farnet-l1' / 'seed-0'}"
    ]


def test_a_stopped_run_does_not_count(isbi, own, rehearsal):
    """A run that was told to stop leaves a model, which is not that of the table."""
    request = rehearsal("table6", isbi, own, "mse")
    folder = own / "runs" / "farnet-mse" / "seed-0"
    assert found(next(reproduce(request)), "mse").figures
    writer = EventWriter(folder / "events.jsonl", append=True)
    writer.emit("stopped", model=folder / "farnet-mse.safetensors", weights="last")
    writer.close()
    assert found(next(reproduce(request)), "mse").missing == "Not made yet."


def test_parts_are_trained_apart_and_tested_together(isbi, tmp_path, rehearsal, monkeypatch):
    training = Training("folds", "isbi2015", ("train", "test1"))
    row = Row("folds", "Two folds", training, ("test1", "test2"))
    monkeypatch.setitem(TABLES, "folds", PaperTable("folds", "Folds", ("mre", "sdr_2"), (row,)))
    result = found(last(rehearsal("folds", isbi, tmp_path / "out")), "folds")
    assert result.radiographs == 8 and len(result.steps) == 4
    home = tmp_path / "out" / "runs" / "folds" / "seed-0"
    assert (home / "train" / "points-test1.csv").is_file() and (home / "test1" / "points-test2.csv").is_file()
    assert math.isfinite(result.figures["mre"].value)


class TestData:
    def test_a_folder_of_data_sets(self, isbi, spines, tmp_path):
        (tmp_path / "ceph").symlink_to(isbi)
        (tmp_path / "spines").symlink_to(spines)
        (tmp_path / "other").mkdir()
        names = ("isbi2015", "spineweb16", "hand_atlas_of_nobody")
        places = data_module.find_data([tmp_path], names)
        assert set(places) == {"isbi2015", "spineweb16"}
        assert len(open_dataset("spineweb16", places["spineweb16"], split="train")) == 54
        assert len(open_dataset("isbi2015", places["isbi2015"], split="train")) == 4

    def test_a_kind_that_is_not_known_here(self, isbi, tmp_path, rehearsal, monkeypatch):
        monkeypatch.setattr(data_module, "DATASETS", ("isbi2015", "spineweb16"))
        with pytest.raises(InvalidInputError, match="does not know the data set 'hand_atlas'"):
            last(rehearsal("table3", isbi, tmp_path / "out", "hand"))

    def test_the_data_of_another_table(self, spines, tmp_path, rehearsal):
        with pytest.raises(InvalidInputError, match="No ISBI 2015"):
            last(rehearsal("table1", spines, tmp_path / "out"))
        assert not (tmp_path / "out").exists()

    def test_no_folder(self, tmp_path, rehearsal):
        with pytest.raises(InvalidInputError, match="There is no folder"):
            last(rehearsal("table1", tmp_path / "nowhere", tmp_path / "out"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": 0}, "seeds is 0"),
        ({"epochs": 0}, "epochs is 0"),
        ({"bootstrap": -1}, "bootstrap is -1"),
        ({"data": ()}, "--data"),
    ],
)
def test_requests_that_cannot_be_met(change, message, tmp_path):
    with pytest.raises(InvalidInputError, match=message):
        ReproductionRequest(**({"table": "table1", "data": (tmp_path,), "output": tmp_path} | change))


def test_unknown_rows(tmp_path):
    with pytest.raises(UnknownNameError, match="row of table6"):
        ReproductionRequest(table="table6", data=(tmp_path,), output=tmp_path, rows=("l3",))


def test_a_change_of_what_the_row_is_about_is_refused(isbi, tmp_path, rehearsal):
    with pytest.raises(InvalidInputError, match="what makes vgg16 what it is"):
        last(rehearsal("table4", isbi, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
