"""`farnet train`: options reach the training, and a small run ends with a model that detects."""

from types import SimpleNamespace

import pytest

SMALL = [
    "network.backbone=efficientnet_lite0",
    "network.width=8",
    "input.height=64",
    "input.width=64",
    "weights=none",
    "sigma=3",
    "sigma_coarse=3",
    "epochs=1",
    "name=small",
]


def changes(*more):
    return [word for change in (*SMALL, *more) for word in ("--set", change)]


@pytest.fixture
def fit(monkeypatch):
    """What the command asks the training for; no training takes place."""
    import farnet.training.fit

    calls = []

    def pretend(source, config, output, **options):
        calls.append(SimpleNamespace(source=source, config=config, output=output, **options))
        print("a progress bar")

    monkeypatch.setattr(farnet.training.fit, "train", pretend)
    monkeypatch.setattr("farnet.allocator.keep_freed_memory", lambda: calls.append("memory"))
    return calls


def test_options_reach_the_training(farnet, fit, isbi, here):
    result = farnet(
        *("train", "--data", isbi, "--split", "test1", "--observer", "junior", "-o", "run", "--preset", "paper"),
        *("--set", "epochs=7", "--set", "network.width=128", "--precision", "bf16-mixed", "--accelerator", "gpu"),
        *("--devices", "2", "--nodes", "3", "--strategy", "ddp", "--tensorboard", "--compile"),
    )
    assert result.code == 0
    assert fit[0] == "memory"
    call = fit[1]
    assert (call.source.split, call.source.observer, len(call.source)) == ("test1", "junior", 3)
    assert (call.config.epochs, call.config.network.width, call.config.precision) == (7, 128, "bf16-mixed")
    assert call.config.network.backbone == "densenet121"
    assert str(call.output) == "run"
    assert (call.accelerator, call.devices, call.nodes, call.strategy) == ("gpu", 2, 3, "ddp")
    assert (call.resume, call.tensorboard, call.compiled) == (False, True, True)
    # Standard output is for the result; and this process was not the one that writes it.
    assert result.out == ""
    assert "a progress bar" in result.err


def test_devices_may_be_a_list(farnet, fit, isbi):
    farnet("train", "--data", isbi, "--split", "test1", "-o", "run", "--devices", "0,2")
    assert fit[1].devices == "0,2"
    assert fit[1].config.network.backbone == "efficientnet_lite0"  # the preset by default is the compact one


def test_a_run_is_resumed_with_its_own_settings(farnet, fit, isbi, here):
    from farnet.training.config import load_preset

    (here / "run").mkdir()
    (here / "run" / "config.json").write_text(load_preset("paper", ["epochs=3"]).model_dump_json())
    farnet("train", "--data", isbi, "--split", "test1", "-o", "run", "--resume")
    assert fit[1].resume
    assert fit[1].config == load_preset("paper", ["epochs=3"])


def test_an_interruption_tells_how_to_go_on(farnet, fit, isbi, here, monkeypatch):
    def interrupted(*_, **__):
        (here / "run" / "config.json").write_text("{}")
        raise KeyboardInterrupt

    monkeypatch.setattr("farnet.training.fit.train", interrupted)
    result = farnet("train", "--data", isbi, "--split", "test1", "-o", "run")
    assert result.code == 130
    assert "--output run --resume" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "run"], "--data"),
        (["--data", "isbi2015"], "--output"),
        (["--data", "nowhere", "-o", "run"], "There is no folder nowhere"),
        (["--data", "isbi2015", "-o", "run", "--preset", "compakt"], "Did you mean 'compact'?"),
        (["--data", "isbi2015", "-o", "run", "--set", "epochs"], "epochs"),
        (["--data", "isbi2015", "-o", "run", "--set", "epoch=3"], "epoch"),
        (["--data", "isbi2015", "-o", "run", "--precision", "64"], "precision"),
        (["--data", "isbi2015", "-o", "run", "--split", "train"], "TrainingData"),
    ],
)
def test_wrong_use_is_told_before_anything_is_made(farnet, isbi, here, arguments, message):
    result = farnet("train", *arguments)
    assert result.code == 2
    assert message in result.err
    assert not (here / "run").exists()


def test_a_small_run_leaves_a_model_that_detects(farnet, isbi, here):
    arguments = ["train", "--data", isbi, "--split", "test1", "-o", "run", "--accelerator", "cpu", "--json"]
    result = farnet(*arguments, *changes("folds=3"))
    assert result.code == 0
    report = result.json()
    assert report["model"] == "run/small.safetensors"
    assert report["settings"]["network"]["width"] == 8
    assert report["evaluation"]["held_out"]["n_radiographs"] == 1
    card = farnet("info", "run/small.safetensors", "--json").json()["metadata"]
    assert card["training"]["data"] == {"dataset": "isbi2015", "split": "test1", "observer": "mean", "radiographs": 3}
    assert card["training"]["command"].startswith("farnet train --data DATA --split test1 -o OUTPUT --accelerator cpu")
    assert str(here) not in str(card)
    assert card["training"]["radiographs"] == 2
    assert card["decoder"]["sigma"] == 3
    assert len(card["typical_points"]) == 19
    assert farnet("detect", isbi / "RawImage" / "Test1Data", "-m", "run/small.safetensors").code == 0
    again = farnet(*arguments, *changes("folds=3"))
    assert again.code == 1
    assert "not empty" in again.json()["error"]["message"]


@pytest.fixture
def table(here, make):
    """A folder of three radiographs with a csv of cephalometric landmarks."""
    import numpy as np

    from farnet.formats import write_annotations
    from farnet.landmarks import Landmarks
    from farnet.scheme import load_scheme

    scheme = load_scheme("cephalometric19")
    points = np.stack([np.linspace(5, 35, 19), np.linspace(5, 55, 19)], axis=1)
    for seed, name in enumerate("abc"):
        make(here / "heads" / f"{name}.png", seed)
    found = [Landmarks(points + n, scheme, radiograph=name) for n, name in enumerate("abc")]
    write_annotations(here / "heads" / "landmarks.csv", found)
    return here / "heads"


def test_the_layout_is_found_and_the_network_made_for_it(farnet, fit, table, here):
    (here / "held out.txt").write_text("c\n")
    assert farnet("train", "--data", table, "-o", "run", "--validation", "held out.txt").code == 0
    assert fit[1].source.ids == ("a", "b", "c") and fit[1].validation == ("c",)
    assert fit[1].config.network.landmarks == 19
    farnet("train", "--data", table, "-o", "run", "--validation", "0.4", "--preset", "light")
    assert fit[3].config.validation_share == 0.4 and fit[3].config.input.height == 384
    assert farnet("train", "--data", table, "--dataset", "isbi2015", "-o", "run").code == 2
    assert "Did you mean 'table'" in farnet("train", "--data", table, "--dataset", "tabel", "-o", "run").err


def test_fine_tuning_has_settings_of_its_own(farnet, fit, table):
    assert farnet("train", "--data", table, "--start-from", "ceph19-compact", "-o", "run").code == 0
    config = fit[1].config
    assert (config.start_from, config.epochs, config.keep) == ("ceph19-compact", 20, "best")
    assert config.input.height == 512 and config.name == "ceph19-compact-tuned"


def test_a_folder_to_a_model_with_events(farnet, table, here, monkeypatch):
    import json

    monkeypatch.setenv("FARNET_MODELS", str(here / "models"))
    arguments = ["train", "--data", table, "-o", "run", "--accelerator", "cpu", "--events", "-", "--install"]
    result = farnet(*arguments, "--validation", "0.34", *changes())
    assert result.code == 0
    events = [json.loads(line) for line in result.out.splitlines()]  # and nothing else
    assert [e["event"] for e in events if e["event"] not in ("preparing", "step")] == [
        *("started", "epoch", "sample", "finishing", "finished")
    ]
    assert events[-1]["installed"] == str(here / "models" / "small.safetensors")
    assert farnet("detect", table / "a.png", "-m", "small").code == 0
    assert "both write to standard output" in farnet(*arguments, "--json").err


def test_the_help_has_what_matters(farnet):
    text = farnet("train", "--help").out
    for option in ("--annotations", "--validation", "--start-from", "--events", "--install", "--follow-stdin"):
        assert option in text
