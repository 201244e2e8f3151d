"""Rows of the paper's tables: what each trains, on what it is tested, and the figures that were published.

The published figures are of one training each, without intervals. A figure that is not known for certain is left out;
tables show a dash there. The methods of others, which the paper quotes, are no rows: nothing here trains them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from farnet.errors import InvalidInputError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farnet.training.config import TrainingConfig

__all__ = ["FIGURES", "QUICK_RADIOGRAPHS", "TABLES", "PaperTable", "Row", "Training", "paper_table", "row_settings"]

FIGURES = {
    "mre": ("MRE", 2),
    "sd": ("SD", 2),
    "sdr_2": ("SDR 2 mm (%)", 2),
    "sdr_2.5": ("SDR 2.5 mm (%)", 2),
    "sdr_3": ("SDR 3 mm (%)", 2),
    "sdr_4": ("SDR 4 mm (%)", 2),
    "sdr_10": ("SDR 10 mm (%)", 2),
    "nmse": ("NMSE", 5),
    "rho": ("Pearson rho", 3),
}
"""Titles and decimals of the figures. MRE and SD are in mm; NMSE is of points, in shares of the picture's sides."""

QUICK_RADIOGRAPHS = 4
"""How many radiographs of each split a rehearsal looks at."""

_QUICK = (
    "epochs=1",
    "input.height=64",
    "input.width=64",
    "network.width=8",
    "weights=none",
    "sigma=3",
    "sigma_coarse=2",
)


@dataclass(frozen=True)
class Training:
    """One training, which may stand behind rows of several tables.

    Attributes:
        name: Of its folder.
        dataset: Kind of data set, as `farnet.datasets.named` knows it.
        splits: What it is trained on; a training per split where there are several (cross-validation).
        base: Changes of the preset "paper" that the data set asks for; whoever runs it may change them further.
        subject: Changes that make this training what it is.
    """

    name: str
    dataset: str
    splits: tuple[str, ...]
    base: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        name: To ask for it.
        title: As the paper calls it.
        training: What is trained.
        splits: What each of its trainings is tested on; their radiographs are pooled.
        published: The paper's figures, by the names in `FIGURES`.
        note: What a reader should know of this row.
    """

    name: str
    title: str
    training: Training
    splits: tuple[str, ...]
    published: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class PaperTable:
    """A table or figure of the paper.

    Attributes:
        name: To ask for it.
        title: What it shows.
        figures: Its columns, by the names in `FIGURES`.
        rows: Its rows.
    """

    name: str
    title: str
    figures: tuple[str, ...]
    rows: tuple[Row, ...]

    def row(self, name: str) -> Row:
        """A row by its name.

        Raises:
            UnknownNameError: There is none.
        """
        found = next((row for row in self.rows if row.name == name), None)
        if found is None:
            raise unknown_name(f"row of {self.name}", name, [row.name for row in self.rows])
        return found


def paper_table(name: str) -> PaperTable:
    """A table by its name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in TABLES:
        raise unknown_name("table", name, TABLES)
    return TABLES[name]


def row_settings(
    training: Training,
    landmarks: int,
    *,
    seed: int = 0,
    epochs: int | None = None,
    changes: tuple[str, ...] = (),
    quick: bool = False,
) -> tuple[TrainingConfig, list[str]]:
    """Settings of a training.

    Args:
        training: Which.
        landmarks: How many landmarks its data has.
        seed: Decides all that is random.
        epochs: Instead of its own number; the step of the learning rate moves along.
        changes: Further ``key=value`` changes.
        quick: Make it a rehearsal: one epoch of a tiny network on tiny pictures.

    Returns:
        The settings, and the changes of the preset "paper" that make them.

    Raises:
        InvalidInputError: A change is not allowed, or would change what the training is about.
    """
    from farnet.training.config import load_preset

    own = {_key(change) for change in training.subject} | {"name", "seed", "network.landmarks"}
    for change in changes:
        if _key(change) in own:
            raise InvalidInputError(
                f"{_key(change)} is what makes {training.name} what it is and cannot be set to something else; for "
                "seeds there is --seeds, and for a training of your own 'farnet train'."
            )
    words = [f"name={training.name}", *training.base, *(_QUICK if quick else ())]
    if epochs is not None:
        before = load_preset("paper", words)
        steps = [max(1, round(step * epochs / before.epochs)) for step in before.milestones]
        words += [f"epochs={epochs}", f"milestones={steps}"]
    words += [*training.subject, *changes, f"seed={seed}"]
    # A key that is given twice has its last value; only that is shown.
    words = list({_key(word): word for word in words}.values())
    return load_preset("paper", words, landmarks=landmarks), words


def _key(change: str) -> str:
    return change.partition("=")[0]


def _ceph(name: str, *subject: str, base: tuple[str, ...] = ()) -> Training:
    return Training(name, "isbi2015", ("train",), base, subject)


def _figures(mre: float, sdr_2: float, **more: Any) -> dict[str, float]:
    return {"mre": mre, "sdr_2": sdr_2, **more}


_TEST1, _TEST2 = ("test1",), ("test2",)
_FARNET = _ceph("farnet")
_MSE = _ceph("farnet-mse", "loss=mse")
_VGG_BASE = ("epochs=900", "milestones=[600]")
_BEST = {"sdr_2.5": 92.73, "sdr_3": 95.96, "sdr_4": 98.48}

# Ranges of Payer's released code for hands, as shares of its 256 pixels and of grey from 0 to 1.
_HAND = Training(
    "farnet-hand",
    "hand_atlas",
    ("set1-train", "set2-train", "set3-train"),
    base=(
        "input.height=512",
        "input.width=512",
        "input.fit=letterbox",
        "augmentation=payer-hand",
    ),
)
_SPINE = Training("farnet-spine", "spineweb16", ("train431",), base=("input.height=1024", "input.width=512"))


def _ablation(name: str, title: str, training: Training, *published: float, note: str = "") -> Row:
    figures = _figures(*published) if published else {}
    return Row(name, title, training, _TEST1, figures, note)


def _alpha(alpha: int) -> Row:
    return _ablation(f"alpha-{alpha}", f"alpha = {alpha}", _ceph(f"farnet-alpha-{alpha}", f"alpha={alpha}"))


_ABLATION_FIGURES = ("mre", "sd", "sdr_2", "sdr_2.5", "sdr_3", "sdr_4")
_FULL = Row("farnet", "DenseNet-121, MSFA + FR, EWC (FARNet)", _FARNET, _TEST1, _figures(1.12, 88.03, **_BEST))

TABLES = {
    table.name: table
    for table in (
        PaperTable("table1", "Cephalograms, ISBI 2015 Test 1", _ABLATION_FIGURES, (_FULL,)),
        PaperTable(
            "table2",
            "Cephalograms, ISBI 2015 Test 2",
            _ABLATION_FIGURES,
            (
                Row(
                    "farnet",
                    _FULL.title,
                    _FARNET,
                    _TEST2,
                    _figures(1.42, 77.00, **{"sdr_2.5": 84.42, "sdr_3": 89.47, "sdr_4": 95.21}),
                ),
            ),
        ),
        PaperTable(
            "table3",
            "Hands and spines",
            ("mre", "sd", "sdr_2", "sdr_4", "sdr_10", "nmse", "rho"),
            (
                Row(
                    "hand",
                    "Hand atlas, three folds",
                    _HAND,
                    ("set1-test", "set2-test", "set3-test"),
                    {"mre": 0.62, "sd": 0.55, "sdr_2": 97.24, "sdr_4": 99.8, "sdr_10": 100.0},
                    "The paper does not say which two landmarks are the ends of the wrist of 50 mm.",
                ),
                Row(
                    "spine",
                    "SpineWeb 16, 431 / 50",
                    _SPINE,
                    ("test50",),
                    {"nmse": 0.0017, "rho": 0.98},
                    "The paper's 50 radiographs are not published; its MSE is taken to be per point.",
                ),
            ),
        ),
        PaperTable(
            "table4",
            "Backbones, ISBI 2015 Test 1",
            _ABLATION_FIGURES,
            (
                _ablation("vgg16", "VGG-16", _ceph("vgg16", "network.backbone=vgg16", base=_VGG_BASE), 1.44, 84.03),
                _ablation("vgg19", "VGG-19", _ceph("vgg19", "network.backbone=vgg19", base=_VGG_BASE), 1.37, 82.31),
                _ablation("resnet101", "ResNet-101", _ceph("resnet101", "network.backbone=resnet101"), 1.19, 86.49),
                _ablation("resnet152", "ResNet-152", _ceph("resnet152", "network.backbone=resnet152"), 1.29, 86.76),
                _ablation(
                    "densenet169", "DenseNet-169", _ceph("densenet169", "network.backbone=densenet169"), 1.15, 87.64
                ),
                Row("densenet121", "DenseNet-121", _FARNET, _TEST1, _FULL.published),
            ),
        ),
        PaperTable(
            "table5",
            "Modules, ISBI 2015 Test 1",
            _ABLATION_FIGURES,
            (
                *(
                    _ablation(
                        name,
                        title,
                        _ceph(name, "loss=mse", f"network.aggregation={kind}", f"network.refinement={refinement}"),
                        *published,
                    )
                    for name, title, kind, refinement, published in (
                        ("unet", "U-Net", "unet", "none", (1.38, 84.45)),
                        ("fpn", "FPN", "fpn", "none", (1.19, 85.47)),
                        ("msfa-plus", "MSFA(+)", "msfa_plus", "none", (1.18, 85.73)),
                        ("msfa", "MSFA", "msfa", "none", (1.17, 86.17)),
                        ("msfa-fr-star", "MSFA + FR*", "msfa", "star", (1.16, 86.91)),
                    )
                ),
                _ablation("msfa-fr", "MSFA + FR", _MSE, 1.15, 87.43),
                Row("msfa-fr-ewc", "MSFA + FR + EWC", _FARNET, _TEST1, _FULL.published),
            ),
        ),
        PaperTable(
            "table6",
            "Losses, ISBI 2015 Test 1",
            _ABLATION_FIGURES,
            (
                _ablation("l1", "L1", _ceph("farnet-l1", "loss=l1"), 1.16, 86.93),
                _ablation("smooth-l1", "Smooth L1", _ceph("farnet-smooth-l1", "loss=smooth_l1"), 1.14, 87.46),
                _ablation(
                    "adaptive-wing", "Adaptive wing", _ceph("farnet-adaptive-wing", "loss=adaptive_wing"), 1.15, 87.08
                ),
                _ablation("mse", "MSE", _MSE, 1.15, 87.43),
                Row("ewc", "EWC", _FARNET, _TEST1, _FULL.published),
            ),
        ),
        PaperTable(
            "fig7",
            "Alpha of the EWC loss, ISBI 2015 Test 1",
            _ABLATION_FIGURES,
            (
                _ablation(
                    "alpha-1",
                    "alpha = 1",
                    _MSE,
                    1.15,
                    87.43,
                    note="The mean squared error: the figures are those of MSE in table6. The paper's axis says 0, "
                    "where the loss as it is written would ignore all landmarks.",
                ),
                _alpha(20),
                Row("alpha-40", "alpha = 40", _FARNET, _TEST1, _FULL.published),
                _alpha(60),
                _alpha(80),
            ),
        ),
    )
}
"""The tables by name, in the paper's order."""
