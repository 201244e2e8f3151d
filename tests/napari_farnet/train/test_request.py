"""From what the dock asks for to `farnet train`: only what differs is said, and nothing is ever downloaded."""

from pathlib import Path

import pytest

from farnet.errors import FarnetError, InvalidInputError
from napari_farnet.train.fields import limits, setting_field
from napari_farnet.train.request import SETTINGS, DataChoice, StartChoice, TrainChoice, base_settings, device_words


def choice(start=StartChoice(), preset="light", name="mine", data=None, device="auto", **settings):  # noqa: B008
    base = base_settings(start, preset)
    values = {key: getattr(base, key) for key in SETTINGS} | settings
    return TrainChoice(data or DataChoice("folder", Path("knees")), start, preset, name, device, values)


def sets(words):
    return [words[i + 1] for i, word in enumerate(words) if word == "--set"]


@pytest.mark.parametrize("preset", ["light", "compact", "spine", "paper"])
def test_a_new_network_begins_with_nothing(preset):
    words = choice(preset=preset).words()
    assert words[: words.index("--set")] == ["--data", "knees", "--dataset", "table", "--preset", preset]
    expected = {"name=mine"} | ({"weights=none"} if preset == "paper" else set())  # the paper's would be downloaded
    assert set(sets(words)) == expected
    assert words[-1] == "--install"


def test_changes_are_said():
    assert set(sets(choice(epochs=7, batch_size=1).words())) == {"epochs=7", "batch_size=1", "name=mine"}


def test_without_radiographs_held_out_the_last_epoch_is_kept():
    assert {"validation_share=0.0", "keep=last"} <= set(sets(choice(validation_share=0.0).words()))


def test_a_model_trained_further():
    words = choice(StartChoice("model", "ceph19-compact")).words()
    assert words[words.index("--start-from") + 1] == "ceph19-compact" and "--preset" not in words
    assert sets(words) == ["name=mine"]


def test_the_backbone_of_a_model():
    assert "weights=ceph19-compact" in sets(choice(StartChoice("backbone", "ceph19-compact")).words())


def test_data():
    isbi = DataChoice("isbi2015", Path("isbi"), split="all", observer="junior")
    assert choice(data=isbi).words()[:8] == [
        *("--data", "isbi", "--dataset", "isbi2015", "--split", "all", "--observer", "junior")
    ]
    own = DataChoice("folder", Path("knees"), annotations=Path("a.csv"))
    assert choice(data=own).words()[4:6] == ["--annotations", "a.csv"]


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("auto", ["--accelerator", "auto", "--devices", "1"]),
        ("cpu", ["--accelerator", "cpu", "--devices", "1"]),
        ("cuda", ["--accelerator", "gpu", "--devices", "1"]),
        ("cuda:1", ["--accelerator", "gpu", "--devices", "1,"]),
        ("mps", ["--accelerator", "mps", "--devices", "1"]),
    ],
)
def test_devices(device, words):
    assert device_words(device) == words


def test_what_is_not_allowed_is_told():
    with pytest.raises(InvalidInputError, match="name"):
        choice(name="a/b").words()
    with pytest.raises(FarnetError, match="nothing"):
        base_settings(StartChoice("model", "nothing"), "light")


@pytest.mark.parametrize("name", SETTINGS)
def test_controls_are_made_from_the_settings(qtbot, name):
    from farnet.training.config import TrainingConfig

    box = setting_field(name)
    qtbot.addWidget(box)
    info = TrainingConfig.model_fields[name]
    assert box.value() == pytest.approx(info.default)
    assert (box.minimum(), box.maximum()) == pytest.approx(limits(name))
    assert info.description.lower() in box.toolTip().lower()
    for value in (box.minimum(), box.maximum()):
        TrainingConfig(**{name: value})  # the ends are allowed, and beyond them nothing is
    outside = box.maximum() + (1 if info.annotation is int else 0.02)
    with pytest.raises(ValueError, match=name):
        TrainingConfig(**{name: outside})
