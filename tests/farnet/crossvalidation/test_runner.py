"""A cross-validation of two folds, made, interrupted, gone on with and refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from farnet.crossvalidation import CrossValidationRequest, crossvalidate, parts_of
from farnet.datasets.opening import DataRequest
from farnet.errors import InvalidInputError, OutputError
from farnet.evaluation import evaluate
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.scheme import LandmarkDefinition, LandmarkScheme
from farnet.training.finished import finished_run
from farnet.training.progress import EventWriter

SCHEME = LandmarkScheme(
    name="two",
    title="Two points",
    landmarks=tuple(LandmarkDefinition(name=n, abbreviation=n, definition="A point.", side="none") for n in "AB"),
    links=(),
)
COUNT = 6
TINY = (
    *("network.backbone=efficientnet_lite0", "network.width=8", "weights=none", "batch_size=2", "epochs=1"),
    *("input.height=64", "input.width=64", "sigma=3", "sigma_coarse=2", "name=tiny"),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Six radiographs of random dots."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    truth = []
    for i in range(COUNT):
        points = rng.uniform(10, 50, (2, 2))
        rows, columns = np.indices((64, 60))
        image = sum(200 * np.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 20) for r, c in points)
        Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(folder / f"r{i}.png")
        truth.append(Landmarks(points, SCHEME, spacing=(0.5, 0.5), radiograph=f"r{i}"))
    write_annotations(folder / "truth.csv", truth)
    (folder / "scheme.json").write_text(json.dumps(SCHEME.to_dict()))
    return DataRequest(folder=folder, layout="table", scheme=folder / "scheme.json")


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    """A finished cross-validation: the request, and what was told on the way."""
    request = CrossValidationRequest(
        data=data,
        output=tmp_path_factory.mktemp("cv") / "folds",
        preset="paper",
        changes=TINY,
        folds=2,
        device="cpu",
        bootstrap=50,
        hardware={"accelerator": "cpu", "devices": 1},
    )
    return request, list(crossvalidate(request))


def test_every_radiograph_is_predicted_once_by_a_network_that_has_not_seen_it(made, data):
    request, told = made
    assert [len(item.folds) for item in told] == [0, 1, 2]
    result = told[-1]
    names = [item.radiograph for fold in result.folds for item in fold.references]
    assert sorted(names) == [f"r{i}" for i in range(COUNT)]
    for fold in result.folds:
        trained = json.loads((request.output / fold.name / "config.json").read_text())
        assert (trained["folds"], f"fold-{trained['fold']}") == (2, fold.name)
    truth = {item.radiograph: item for item in read_annotations(data.folder / "truth.csv", scheme=SCHEME)}
    found = read_annotations(request.output / "predictions.csv", scheme=SCHEME)
    again = evaluate(found, [truth[item.radiograph] for item in found], bootstrap=0)
    assert result.pooled.pooled.mre == pytest.approx(again.pooled.mre, nan_ok=True)
    assert result.pooled.pooled.n_missed == again.pooled.n_missed
    summary = json.loads((request.output / "summary.json").read_text())
    assert summary["data"]["folder"] == str(request.data.folder) and summary["number_of_folds"] == len(summary["folds"])
    assert summary["settings"]["epochs"] == 1 and "fold" not in summary["settings"] and "seed" in summary["made_by"]
    assert summary["finished"] == ["fold-0", "fold-1"] and summary["missing"] == []
    assert set(summary["mean_and_sd_over_folds"]) == {"mre", "sdr_2", "sdr_2.5", "sdr_3", "sdr_4"}


def test_what_is_there_is_not_made_again(made, monkeypatch):
    request, _ = made
    monkeypatch.setattr("farnet.training.run.run_training", lambda *_: pytest.fail("trained again"))
    before = {path: path.stat().st_mtime_ns for path in request.output.glob("fold-*/*.safetensors")}
    (result,) = crossvalidate(request)
    assert len(result.folds) == 2
    assert before == {path: path.stat().st_mtime_ns for path in request.output.glob("fold-*/*.safetensors")}


def test_a_lost_prediction_is_made_of_the_model_that_is_there(made, monkeypatch):
    request, told = made
    (request.output / "fold-1" / "predictions.csv").unlink()
    monkeypatch.setattr("farnet.training.run.run_training", lambda *_: pytest.fail("trained again"))
    (first,) = crossvalidate(request, train=False)
    assert first.missing == ("fold-1",)
    *_, result = crossvalidate(request)
    np.testing.assert_allclose(
        result.folds[1].predictions[0].points, told[-1].folds[1].predictions[0].points, atol=1e-6
    )


def test_other_settings_or_data_are_refused_by_name(made, data, tmp_path):
    request, _ = made
    with pytest.raises(InvalidInputError, match="learning_rate"):
        next(crossvalidate(replace(request, changes=(*TINY, "learning_rate=0.1"))))
    with pytest.raises(InvalidInputError, match="folds"):
        next(crossvalidate(replace(request, folds=3)))
    with pytest.raises(InvalidInputError, match="exclude"):
        next(crossvalidate(replace(request, data=data.model_copy(update={"exclude": ("r0",)}))))
    with pytest.raises(InvalidInputError, match="There is no fold 2"):
        next(crossvalidate(replace(request, only=(2,))))
    with pytest.raises(InvalidInputError, match="fold cannot be set here"):
        replace(request, changes=(*TINY, "fold=1"))
    (tmp_path / "fold-0").mkdir()
    (tmp_path / "fold-0" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        next(crossvalidate(replace(request, output=tmp_path)))


def test_an_ended_training_keeps_the_finished_folds(made, monkeypatch, tmp_path):
    request, _ = made

    def ended(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("farnet.training.run.run_training", ended)
    steps = crossvalidate(replace(request, output=tmp_path / "new", only=(1,)))
    assert next(steps).missing == ("fold-0", "fold-1")
    with pytest.raises(KeyboardInterrupt):
        next(steps)


@pytest.fixture
def own(made, tmp_path):
    """A copy of the finished cross-validation, to be changed."""
    shutil.copytree(made[0].output, tmp_path / "own")
    return replace(made[0], output=tmp_path / "own")


@pytest.mark.parametrize("with_events", [True, False])
def test_a_model_of_too_few_epochs_is_no_finished_fold(own, with_events, monkeypatch):
    """A run that was stopped left its model; gone on with and killed, it is still there."""
    fold = own.output / "fold-1"
    settings = json.loads((fold / "config.json").read_text()) | {"epochs": 2}
    (fold / "config.json").write_text(json.dumps(settings))
    shutil.rmtree(own.output / "fold-0")
    request = replace(own, changes=(*TINY, "epochs=2"), only=(1,))
    if with_events:
        writer = EventWriter(fold / "events.jsonl", append=True)
        writer.emit("stopped", model=fold / "tiny.safetensors", weights="last, of epoch 1 of 2")
        writer.emit("epoch", epoch=2, epochs=2)
        writer.close()
    else:
        (fold / "events.jsonl").unlink()
    (result,) = crossvalidate(request, train=False)
    assert result.missing == ("fold-0", "fold-1")
    with pytest.raises(InvalidInputError, match="fewer epochs than it asks for"):
        finished_run(fold)
    resumed = []

    def stopped(run, note):
        resumed.append((run.output.name, run.resume))
        raise KeyboardInterrupt

    monkeypatch.setattr("farnet.training.run.run_training", stopped)
    with pytest.raises(KeyboardInterrupt):
        list(crossvalidate(request))
    assert resumed == [("fold-1", True)]


def test_a_run_of_farnet_train_without_events_counts_if_it_came_to_its_end(own):
    (own.output / "fold-0" / "events.jsonl").unlink()
    (own.output / "fold-1" / "events.jsonl").unlink()
    (own.output / "fold-1" / "last.ckpt").unlink()  # nothing to go on with
    (result,) = crossvalidate(own, train=False)
    assert not result.missing
    torch.save({"epoch": "?"}, own.output / "fold-0" / "last.ckpt")
    with pytest.raises(InvalidInputError, match=r"cannot read .*last\.ckpt"):
        next(crossvalidate(own, train=False))


@pytest.mark.parametrize("name", ["predictions.csv", "summary.json", "summary.md", "config.json", "thesis.txt"])
def test_files_of_others_are_never_overwritten(made, tmp_path, name):
    (tmp_path / name).write_text("mine")
    if name != "thesis.txt":
        shutil.copytree(made[0].output / "fold-0", tmp_path / "fold-0")
    with pytest.raises(OutputError, match="give a"):
        next(crossvalidate(replace(made[0], output=tmp_path)))
    assert (tmp_path / name).read_text() == "mine"


def test_the_status_writes_nothing(own):
    for name in ("summary.json", "summary.md", "predictions.csv"):
        (own.output / name).unlink()
    (result,) = crossvalidate(own, train=False)
    assert sorted(path.name for path in own.output.iterdir()) == ["fold-0", "fold-1"]
    next(crossvalidate(own))
    text = (own.output / "summary.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| all |"))
    assert f"{result.pooled.pooled.mre:.2f} [" in row and "MRE (mm)" in text and "| fold-1 | 3 |" in text


def test_folds_are_in_the_unit_of_the_whole(own, data, tmp_path):
    """The spacing of one radiograph is unknown: millimetres of one fold and pixels of another have no mean."""
    shutil.copytree(data.folder, tmp_path / "mixed")

    def forget(path):
        items = read_annotations(path, scheme=SCHEME)
        write_annotations(path, [i.replace(spacing=None) if i.radiograph == "r0" else i for i in items])

    forget(tmp_path / "mixed" / "truth.csv")
    for fold in own.output.glob("fold-*"):
        forget(fold / "predictions.csv")
        (fold / "run.json").write_text(
            json.dumps({"data": json.loads(data.model_copy(update={"folder": tmp_path / "mixed"}).model_dump_json())})
        )
    other = data.model_copy(update={"folder": tmp_path / "mixed"})
    (result,) = crossvalidate(replace(own, data=other), train=False)
    assert [result.pooled.unit, *(fold.evaluation.unit for fold in result.folds)] == ["px"] * 3
    counts = [fold.evaluation.pooled.n for fold in result.folds]
    mean = np.average([fold.evaluation.pooled.mre for fold in result.folds], weights=counts)
    assert mean == pytest.approx(result.pooled.pooled.mre)


def test_settings_that_choose_by_the_test_are_refused(made, tmp_path):
    request = replace(made[0], preset="light", changes=("name=tiny",), output=tmp_path / "new")
    with pytest.raises(InvalidInputError, match="Add --set validation_share=0 --set keep=last"):
        next(crossvalidate(request, train=False))
    changes = ("name=tiny", "validation_share=0", "keep=last")
    assert next(crossvalidate(replace(request, changes=changes), train=False)).missing == ("fold-0", "fold-1")


def test_data_that_holds_radiographs_out_by_itself_is_refused(data, tmp_path):
    shutil.copytree(data.folder, tmp_path / "data")
    table = tmp_path / "data" / "truth.csv"
    header, *lines = table.read_text().splitlines()
    lines = [f"{line},{'validation' if ',r0,' in line else ''}" for line in lines]
    table.write_text("\n".join([f"{header},split", *lines, ""]))
    with pytest.raises(InvalidInputError, match=r"holds 1 radiographs out \(r0\)"):
        parts_of(data.model_copy(update={"folder": tmp_path / "data"}), 2, 0)


def test_more_folds_than_persons_are_refused_before_the_first_training(made, monkeypatch):
    request, _ = made
    monkeypatch.setattr("farnet.training.run.run_training", lambda *_: pytest.fail("trained"))
    with pytest.raises(InvalidInputError, match="6 persons do not fill 7 folds"):
        list(crossvalidate(replace(request, folds=7, output=request.output.parent / "seven")))
    with pytest.raises(InvalidInputError, match="2 or more"):
        parts_of(request.data, 1, 0)


def test_official_folds_are_those_of_the_data_set(data, tmp_path):
    with pytest.raises(InvalidInputError, match="published without folds"):
        parts_of(data, "official", 0)
    root = tmp_path / "hand"
    (root / "images").mkdir(parents=True)
    (root / "setup").mkdir()
    rng = np.random.default_rng(0)
    lines = []
    for i in range(5):
        Image.fromarray(np.zeros((50, 50), np.uint8)).save(root / "images" / f"{i}.png")
        lines.append(",".join([str(i), *(str(v) for v in rng.integers(1, 49, 74))]))
    (root / "setup" / "all.csv").write_text("\n".join(lines))
    for n in (1, 2, 3):
        folder = root / "setup" / "cv" / f"set{n}"
        folder.mkdir(parents=True)
        (folder / "train.txt").write_text("0\n1\n")
        (folder / "test.txt").write_text("1\n4\n" if n == 3 else f"{n + 1}\n")
    hands = DataRequest(folder=root, layout="hand_atlas")
    with pytest.raises(InvalidInputError, match=r"1 persons are in set3-train and in set3-test \(1\)"):
        parts_of(hands, "official", 0)
    (root / "setup" / "cv" / "set3" / "test.txt").write_text("3\n4\n")
    with pytest.raises(InvalidInputError, match="3 is tested in fold-1 and in fold-2"):
        parts_of(hands, "official", 0)
    (root / "setup" / "cv" / "set3" / "test.txt").write_text("4\n")
    parts = parts_of(hands, "official", 0)
    assert [(part.data.split, part.test.split) for part in parts] == [
        (f"set{n}-train", f"set{n}-test") for n in (1, 2, 3)
    ]
    without = parts_of(hands.model_copy(update={"exclude": ("0",)}), "official", 0)  # it is in no test
    assert {(part.data.exclude, part.test.exclude) for part in without} == {(("0",), ())}
    with pytest.raises(InvalidInputError, match="in no official fold: 9"):
        parts_of(hands.model_copy(update={"exclude": ("0", "9")}), "official", 0)
    with pytest.raises(InvalidInputError, match="exclude each other"):
        parts_of(hands.model_copy(update={"split": "all"}), "official", 0)
