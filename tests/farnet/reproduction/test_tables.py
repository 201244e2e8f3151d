"""The rows are the paper's: figures, settings, names."""

import pytest
import torch

from farnet.errors import InvalidInputError, UnknownNameError
from farnet.networks import build_network
from farnet.reproduction.tables import FIGURES, TABLES, paper_table, row_settings

LANDMARKS = {"isbi2015": 19, "hand_atlas": 37, "spineweb16": 68}
ROWS = [(table, row) for table in TABLES.values() for row in table.rows]
NAMES = [f"{table.name}-{row.name}" for table, row in ROWS]
TRAININGS = {row.training.name: row.training for _, row in ROWS}


def settings(training, **options):
    return row_settings(training, LANDMARKS[training.dataset], **options)


def test_the_tables():
    assert list(TABLES) == ["table1", "table2", "table3", "table4", "table5", "table6", "fig7"]


@pytest.mark.parametrize(
    ("table", "row", "mre", "sdr_2"),
    [
        ("table1", "farnet", 1.12, 88.03),
        ("table2", "farnet", 1.42, 77.00),
        ("table3", "hand", 0.62, 97.24),
        ("table4", "vgg16", 1.44, 84.03),
        ("table4", "vgg19", 1.37, 82.31),
        ("table4", "resnet101", 1.19, 86.49),
        ("table4", "resnet152", 1.29, 86.76),
        ("table4", "densenet169", 1.15, 87.64),
        ("table4", "densenet121", 1.12, 88.03),
        ("table5", "unet", 1.38, 84.45),
        ("table5", "fpn", 1.19, 85.47),
        ("table5", "msfa-plus", 1.18, 85.73),
        ("table5", "msfa", 1.17, 86.17),
        ("table5", "msfa-fr-star", 1.16, 86.91),
        ("table5", "msfa-fr", 1.15, 87.43),
        ("table5", "msfa-fr-ewc", 1.12, 88.03),
        ("table6", "l1", 1.16, 86.93),
        ("table6", "smooth-l1", 1.14, 87.46),
        ("table6", "adaptive-wing", 1.15, 87.08),
        ("table6", "mse", 1.15, 87.43),
        ("table6", "ewc", 1.12, 88.03),
        ("fig7", "alpha-40", 1.12, 88.03),
    ],
)
def test_published_figures(table, row, mre, sdr_2):
    published = TABLES[table].row(row).published
    assert (published["mre"], published["sdr_2"]) == (mre, sdr_2)


def test_figures_that_are_not_known_are_not_there():
    for alpha in (20, 60, 80):
        assert TABLES["fig7"].row(f"alpha-{alpha}").published == {}
    assert "sdr_2.5" not in TABLES["table5"].row("unet").published
    assert TABLES["table3"].row("spine").published == {"nmse": 0.0017, "rho": 0.98}


@pytest.mark.parametrize(("table", "row"), ROWS, ids=NAMES)
def test_rows_are_consistent(table, row):
    assert set(row.published) <= set(table.figures) <= set(FIGURES)
    assert len(row.splits) == len(row.training.splits)
    assert TRAININGS[row.training.name] == row.training  # a folder's name means one training
    assert table.row(row.name) is row


@pytest.mark.parametrize(
    ("table", "row", "expected"),
    [
        ("table4", "vgg19", {"network.backbone": "vgg19", "epochs": 900, "milestones": (600,), "loss": "ewc"}),
        ("table4", "densenet121", {"network.backbone": "densenet121", "epochs": 300, "milestones": (200,)}),
        ("table5", "unet", {"network.aggregation": "unet", "network.refinement": "none", "loss": "mse"}),
        ("table5", "fpn", {"network.aggregation": "fpn", "network.refinement": "none", "loss": "mse"}),
        ("table5", "msfa-plus", {"network.aggregation": "msfa_plus", "network.refinement": "none", "loss": "mse"}),
        ("table5", "msfa", {"network.aggregation": "msfa", "network.refinement": "none", "loss": "mse"}),
        ("table5", "msfa-fr-star", {"network.aggregation": "msfa", "network.refinement": "star", "loss": "mse"}),
        ("table5", "msfa-fr", {"network.aggregation": "msfa", "network.refinement": "full", "loss": "mse"}),
        ("table5", "msfa-fr-ewc", {"network.refinement": "full", "loss": "ewc", "alpha": 40}),
        ("table6", "l1", {"loss": "l1"}),
        ("table6", "smooth-l1", {"loss": "smooth_l1"}),
        ("table6", "adaptive-wing", {"loss": "adaptive_wing"}),
        ("fig7", "alpha-1", {"loss": "mse"}),
        ("fig7", "alpha-20", {"loss": "ewc", "alpha": 20}),
        ("fig7", "alpha-80", {"loss": "ewc", "alpha": 80}),
        ("table3", "hand", {"input.height": 512, "input.width": 512, "network.landmarks": 37}),
        ("table3", "spine", {"input.height": 1024, "input.width": 512, "network.landmarks": 68}),
    ],
)
def test_what_a_row_trains(table, row, expected):
    config, _ = settings(TABLES[table].row(row).training, seed=3)
    assert config.seed == 3 and config.optimizer == "adam" and config.weights == "imagenet" and config.batch_size == 1
    for key, value in expected.items():
        found = config
        for part in key.split("."):
            found = getattr(found, part)
        assert found == value, key


@pytest.mark.parametrize("name", TRAININGS)
def test_every_network_can_be_built(name):
    config, _ = settings(TRAININGS[name])
    with torch.device("meta"):
        network = build_network(config.network).eval()
        fine, coarse = network(torch.empty(1, 3, *config.input.shape))
    count = LANDMARKS[TRAININGS[name].dataset]
    assert fine.shape == (1, count, *config.input.shape)
    assert coarse.shape == (1, count, config.input.height // 2, config.input.width // 2)


def test_fewer_epochs_move_the_step_of_the_learning_rate():
    training = TABLES["table4"].row("vgg16").training
    config, _ = settings(training, epochs=30)
    assert (config.epochs, config.milestones) == (30, (20,))
    assert settings(training, epochs=1)[0].milestones == (1,)


def test_a_rehearsal_is_small_and_can_be_changed():
    config, _ = settings(TRAININGS["unet"], quick=True, changes=("sigma=2", "epochs=2"))
    assert (config.epochs, config.input.shape, config.network.width, config.sigma) == (2, (64, 64), 8, 2)
    assert config.network.aggregation == "unet"


def test_the_changes_make_the_settings():
    from farnet.training.config import load_preset

    for training in TRAININGS.values():
        config, changes = settings(training, seed=2, epochs=7, quick=True)
        assert load_preset("paper", changes, landmarks=LANDMARKS[training.dataset]) == config
        keys = [change.partition("=")[0] for change in changes]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("change", ["network.backbone=resnet18", "seed=3", "name=other", "network.landmarks=3"])
def test_what_a_training_is_about_cannot_be_set(change):
    with pytest.raises(InvalidInputError, match="what makes vgg16 what it is"):
        settings(TRAININGS["vgg16"], changes=(change,))


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="Did you mean 'table4'"):
        paper_table("tabel4")
    with pytest.raises(UnknownNameError, match="row of table4"):
        paper_table("table4").row("vgg11")
