"""Settings: presets, changes, and what is refused."""

import json

import pytest

from farnet.errors import InvalidInputError, UnknownNameError
from farnet.training.config import TrainingConfig, load_preset, override, preset_names


def test_paper_preset_is_the_papers():
    config = load_preset("paper")
    assert config == TrainingConfig()
    assert (config.optimizer, config.learning_rate, config.weight_decay) == ("adam", 1e-4, 0.0)
    assert (config.schedule, config.milestones, config.epochs, config.batch_size) == ("steps", (200,), 300, 1)
    assert (config.sigma, config.sigma_coarse, config.alpha) == (10.0, 10.0, 40.0)
    assert config.input.shape == (800, 640) and config.input.fit == "stretch"
    assert config.network.backbone == "densenet121" and config.network.image_kernel == 3
    assert not config.augmentation.geometric and config.average == 0.0 and config.weights == "imagenet"


@pytest.mark.parametrize("name", preset_names())
def test_presets_survive_being_written(name):
    config = load_preset(name)
    assert TrainingConfig.model_validate_json(config.model_dump_json()) == config


def test_changes():
    config = load_preset(
        "compact",
        [
            "epochs=5",
            "network.width=64",
            "input.fit=stretch",
            "name=knee-1",
            "milestones=[3, 4]",
            "augmentation.noise=0",
        ],
    )
    assert config.epochs == 5 and config.network.width == 64 and config.input.fit == "stretch"
    assert config.name == "knee-1" and config.milestones == (3, 4) and config.augmentation.noise == 0
    assert load_preset("compact").epochs != 5  # the preset itself is as before


def test_later_changes_win():
    assert load_preset("paper", ["epochs=5", "epochs=7"]).epochs == 7


def test_file(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"epochs": 4, "network": {"width": 32}}))
    config = load_preset(str(path), ["epochs=6"])
    assert config.epochs == 6 and config.network.width == 32
    path.write_text(load_preset("compact").model_dump_json())
    assert load_preset(str(path)) == load_preset("compact")


@pytest.mark.parametrize(("content", "word"), [(None, "mine"), ("{", "mine"), ("[1]", "object"), ("3", "object")])
def test_unusable_file_is_refused(tmp_path, content, word):
    path = tmp_path / "mine.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidInputError, match=word):
        load_preset(str(path), ["epochs=2"])


def test_settings_from_before_there_was_a_choice_mean_the_papers(tmp_path):
    values = json.loads(load_preset("paper").model_dump_json())
    del values["loss"], values["network"]["aggregation"], values["network"]["refinement"]
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values))
    assert load_preset(str(path)) == load_preset("paper")
    assert load_preset("paper").loss == "ewc"


def test_unknown_preset():
    with pytest.raises(UnknownNameError, match="compact"):
        load_preset("compct")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("epochs", "key=value"),
        ("=3", "key=value"),
        ("epochs=0", "epochs=0"),
        ("epochs=many", "epochs='many'"),
        ("epoch=3", "epoch"),
        ("network.depth=3", "network.depth"),
        ("epochs.first=3", "epochs"),
        ("alpha=0", "alpha=0"),
        ("alpha=-2", "alpha"),
        ("alpha=NaN", "alpha"),
        ("sigma=Infinity", "sigma"),
        ("learning_rate=-1", "learning_rate"),
        ("input.height=810", "input.height"),
        ("optimizer=sgd", "optimizer"),
        ("folds=1", "at least 2"),
        ("name=a/b", "name"),
        ("network=5", "network"),
    ],
)
def test_impossible_changes_are_refused_by_name(change, word):
    with pytest.raises(InvalidInputError, match=word):
        load_preset("paper", [change])


def test_fold_must_exist():
    assert load_preset("paper", ["folds=4", "fold=3"]).fold == 3
    with pytest.raises(InvalidInputError, match="0 to 3"):
        load_preset("paper", ["folds=4", "fold=4"])


def test_every_problem_is_named_at_once():
    with pytest.raises(InvalidInputError, match=r"epochs.*network\.width|network\.width.*epochs"):
        override({"epochs": 0}, ["network.width=3"])


def test_settings_do_not_change_afterwards():
    with pytest.raises(ValueError, match="frozen"):
        load_preset("paper").epochs = 3


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_made_for_the_landmarks_of_the_data(name):
    config = load_preset(name, landmarks=68)
    assert config.network.landmarks == 68
    assert name == "paper" or config.network.finest >= 68
    assert load_preset(name, ["network.landmarks=5"], landmarks=68).network.landmarks == 5
    assert load_preset(name).network.landmarks == 19


def test_one_way_to_hold_out():
    with pytest.raises(InvalidInputError, match="folds and validation_share"):
        load_preset("paper", ["folds=4", "validation_share=0.2"])


def test_fine_tuning_keeps_what_the_model_is():
    from farnet.modelfile import read_metadata
    from farnet.training.finetune import fine_tuning
    from farnet.zoo import find_model

    config, model = fine_tuning("ceph19-compact", ["epochs=3"]), read_metadata(find_model("ceph19-compact"))
    assert (config.network, config.input, config.sigma) == (model.network, model.input, model.decoder.sigma)
    assert config.shifts == model.decoder.shifts and config.start_from == "ceph19-compact"
    assert config.epochs == 3 and config.learning_rate < load_preset("compact").learning_rate
    with pytest.raises(UnknownNameError, match="ceph19-compact"):
        fine_tuning("ceph19")
