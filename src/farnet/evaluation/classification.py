"""Classes of the ISBI 2015 challenge's eight measurements: do predicted points lead to the same diagnosis?

Each measurement of a radiograph is put into one of three or four classes (`farnet.measurement`), once from the true
points and once from the predicted ones. A radiograph whose true measurement has no class takes no part; a predicted one
without a class counts as wrong, in a column of its own.

- Accuracy: the share of radiographs with the same class on both sides.
- SCR, the success classification rate: the mean of the diagonal of the confusion matrix with its rows (true classes)
  made into rates; a class that no radiograph has takes no part. Classes are of very different sizes, so both are given.
- Difference: mean absolute difference of the values.

Points are taken as they are; the challenge's program rounds them down to whole pixels first.
Reference: Wang et al. 2016, "A benchmark for comparison of dental radiography analysis algorithms".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.errors import AnnotationError, InvalidInputError
from farnet.evaluation.figures import Figure, TextTable, draws_of, figure, weighted_mean
from farnet.evaluation.pairing import check_pair
from farnet.evaluation.tables import cell
from farnet.measurement import load_measurements, measure, with_mw_gap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from farnet.evaluation.tables import Cells
    from farnet.landmarks import Landmarks
    from farnet.measurement import MeasurementSet, MwGap

__all__ = ["Classification", "ClassifiedMeasurement", "classify", "evaluate_classes"]

_MOST_CLASSES = 4


@dataclass(frozen=True, eq=False)
class ClassifiedMeasurement:
    """One measurement of all radiographs.

    Attributes:
        name: "ANB", "SNB", ...
        unit: Of `difference`: "°", "mm", "px", or empty for a ratio.
        numbers: C numbers of its classes.
        classes: Their names.
        confusion: (C, C + 1) radiographs by true class (row) and predicted class (column); the last column is without
            a class.
        n_absent: Radiographs whose true measurement has no class.
        accuracy: Per cent.
        scr: Per cent.
        difference: Mean absolute difference, of the radiographs with a value on both sides.
        n_values: How many these are.
    """

    name: str
    unit: str
    numbers: tuple[int, ...]
    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    n_absent: int
    accuracy: Figure
    scr: Figure
    difference: Figure
    n_values: int

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""
        return {
            "name": self.name,
            "unit": self.unit,
            "classes": dict(zip(map(str, self.numbers), self.classes, strict=True)),
            "confusion": self.confusion.tolist(),
            "n_absent": self.n_absent,
            "accuracy_percent": self.accuracy.to_dict(),
            "scr_percent": self.scr.to_dict(),
            "difference": self.difference.to_dict(),
            "n_values": self.n_values,
        }


@dataclass(frozen=True, eq=False)
class Classification:
    """Classes from predicted beside classes from true points.

    Attributes:
        measurements: One for each of the eight measurements.
        accuracy: Mean of the measurements' accuracies, in per cent.
        scr: Mean of their SCR, in per cent.
        mw_gap: What an incisal distance between 0 and 2 mm is, see `farnet.measurement.cephalometry`.
        n_radiographs: N.
    """

    measurements: tuple[ClassifiedMeasurement, ...]
    accuracy: Figure
    scr: Figure
    mw_gap: MwGap
    n_radiographs: int

    @property
    def key(self) -> str:
        """Name in JSON."""
        return "classification"

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""
        return {
            "mw_gap": self.mw_gap,
            "n_radiographs": self.n_radiographs,
            "confusion": "rows: true class, columns: predicted class, last column: without a class",
            "accuracy_percent": self.accuracy.to_dict(),
            "scr_percent": self.scr.to_dict(),
            "measurements": [item.to_dict() for item in self.measurements],
        }

    def rows(self) -> Iterator[Cells]:
        """Rows of `farnet.evaluation.tables.FIGURE_COLUMNS`; the measurement stands in the column of landmarks."""
        for name, value in (("accuracy", self.accuracy), ("scr", self.scr)):
            yield _cells("classification", "", name, "%", value, self.n_radiographs, 0)
        for item in self.measurements:
            classed = int(item.confusion.sum())
            yield _cells("classification", item.name, "accuracy", "%", item.accuracy, classed, item.n_absent)
            yield _cells("classification", item.name, "scr", "%", item.scr, classed, item.n_absent)
            unit = "deg" if item.unit == "°" else item.unit
            yield _cells("classification", item.name, "mae", unit, item.difference, item.n_values, 0)

    def tables(self) -> Sequence[TextTable]:
        """What the command line prints: the figures, then the confusion matrices."""
        rows = [
            (
                item.name,
                item.accuracy.text(1),
                item.scr.text(1),
                f"{item.difference.text(3 if not item.unit else 2)} {item.unit}".rstrip(),
                str(int(item.confusion.sum())),
            )
            for item in self.measurements
        ]
        rows.append(("mean", self.accuracy.text(1), self.scr.text(1), "", ""))
        counts = []
        for item in self.measurements:
            for number, name, line in zip(item.numbers, item.classes, item.confusion, strict=True):
                cells = [str(int(count)) for count in line]
                gap = [""] * (_MOST_CLASSES - len(item.numbers))
                counts.append((item.name, f"{number} {name}", *cells[:-1], *gap, cells[-1]))
        return [
            TextTable(
                "Classes of the measurements",
                ("", "accuracy (%)", "SCR (%)", "mean difference", "radiographs"),
                tuple(rows),
                "SCR: mean over the true classes of the share that is put into the same class. "
                f"MW between 0 and 2 mm: {'class 3' if self.mw_gap == 'script' else 'no class'}.",
            ),
            TextTable("Confusion", ("", "true class", "1", "2", "3", "4", "none"), tuple(counts), left=2),
        ]


def classify(
    definitions: MeasurementSet, landmarks: Sequence[Landmarks]
) -> tuple[NDArray[np.float64], list[list[int]]]:
    """Measure radiographs and number the classes.

    Args:
        definitions: M measurements are shown by it.
        landmarks: N radiographs.

    Returns:
        (N, M) values, NaN where there is none, and N times M numbers of classes, 0 for none.

    Raises:
        MeasurementError: If the scheme of the landmarks does not have a landmark that is needed.
    """
    results = [measure(definitions, item) for item in landmarks]
    numbers = [
        [0 if (found := r.classification) is None or found.number is None else found.number for r in row]
        for row in results
    ]
    return np.array([[r.value for r in row] for row in results], np.float64), numbers


def evaluate_classes(
    predictions: Sequence[Landmarks],
    references: Sequence[Landmarks],
    *,
    mw_gap: MwGap = "script",
    bootstrap: int = 2000,
    seed: int = 0,
) -> Classification:
    """Compare the classes from predicted with those from true points.

    Args:
        predictions: N sets of the 19 cephalometric landmarks.
        references: N sets of true ones of the same radiographs, in the same order.
        mw_gap: What an incisal distance between 0 and 2 mm is.
        bootstrap: Draws of radiographs for the intervals; 0 for none.
        seed: Seed of the draws.

    Raises:
        AnnotationError: If the lists are empty or of different lengths, or two sets are of different radiographs.
        SchemeError: If not all have the same scheme.
        MeasurementError: If that scheme does not have the landmarks of the measurements.
        InvalidInputError: If the number of draws is negative.
        UnknownNameError: If there is no such choice for the gap.
    """
    if not references or len(predictions) != len(references):
        raise AnnotationError(
            f"There are {len(predictions)} predictions and {len(references)} references; give one of each for every "
            "radiograph."
        )
    if bootstrap < 0:
        raise InvalidInputError(f"bootstrap is {bootstrap}; it must be 0 (no intervals) or more, usually 2000.")
    for item, reference in zip(predictions, references, strict=True):
        check_pair(item, reference, references[0])
    definitions = with_mw_gap(load_measurements("cephalometry"), mw_gap)
    # One side may know the spacing that the other lacks; both are measured alike.
    spacings = [r.spacing or p.spacing for p, r in zip(predictions, references, strict=True)]
    sides = [
        classify(definitions, [i.replace(spacing=s) for i, s in zip(side, spacings, strict=True)])
        for side in (predictions, references)
    ]
    (found, found_class), (true, true_class) = ((values, np.array(numbers)) for values, numbers in sides)
    weights = draws_of(len(references), bootstrap, seed)
    measurements, accuracies, rates = [], [], []
    for m, definition in enumerate(definitions.shown):
        listed = sorted((c.number, c.name) for c in definition.classes if c.number is not None)
        numbers = np.array([number for number, _ in listed])
        is_true = true_class[:, m, None] == numbers  # (N, C)
        right = is_true & (found_class[:, m] == true_class[:, m])[:, None]
        classed = is_true.any(axis=1)
        accuracy = 100.0 * weighted_mean(weights, np.where(classed, right.any(axis=1), np.nan))
        with np.errstate(invalid="ignore", divide="ignore"):
            diagonal = (weights @ right) / (weights @ is_true)
        there = ~np.isnan(diagonal)
        with np.errstate(invalid="ignore", divide="ignore"):
            scr = 100.0 * np.where(there, diagonal, 0.0).sum(axis=1) / there.sum(axis=1)
        columns = np.column_stack([found_class[:, m, None] == numbers, ~np.isin(found_class[:, m], numbers)])
        difference = np.abs(found[:, m] - true[:, m])
        accuracies.append(accuracy)
        rates.append(scr)
        measurements.append(
            ClassifiedMeasurement(
                name=definition.name,
                unit=definitions.unit(definition.name, "mm"),
                numbers=tuple(int(number) for number in numbers),
                classes=tuple(name for _, name in listed),
                confusion=is_true.astype(np.int64).T @ columns.astype(np.int64),
                n_absent=int((~classed).sum()),
                accuracy=figure(accuracy),
                scr=figure(scr),
                difference=figure(weighted_mean(weights, difference)),
                n_values=int((~np.isnan(difference)).sum()),
            )
        )
    return Classification(
        measurements=tuple(measurements),
        accuracy=figure(np.mean(accuracies, axis=0)),
        scr=figure(np.mean(rates, axis=0)),
        mw_gap=mw_gap,
        n_radiographs=len(references),
    )


def _cells(group: str, measurement: str, name: str, unit: str, item: Figure, n: int, n_absent: int) -> Cells:
    ends = cell(item.low), cell(item.high)
    return group, measurement, name, "", unit, cell(item.value), *ends, str(n), "", str(n_absent)
