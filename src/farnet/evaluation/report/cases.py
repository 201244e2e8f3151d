"""The best and worst radiographs and the worst single landmarks as pictures, each radiograph read once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from farnet.errors import FarnetError, RadiographError
from farnet.evaluation.report.crops import LEGEND, draw_case, window_around, window_of
from farnet.evaluation.report.section import Picture, Section
from farnet.radiograph import read_radiograph

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from farnet.evaluation import Comparison, Evaluation
    from farnet.radiograph import Radiograph

__all__ = ["case_sections", "ranked"]

_RADIOGRAPHS = 6  # worst, and best
_LANDMARKS = 9


@dataclass(frozen=True)
class _Case:
    """One picture: a row of the errors, and the landmark to look at; None is the whole radiograph."""

    row: int
    landmark: int | None = None


def ranked(evaluation: Evaluation) -> list[int]:
    """Rows of the errors by the mean error of the radiograph, the worst first.

    One whose landmarks were all missed is worse than any; one without any true landmark is left out.
    """
    counts = (~np.isnan(evaluation.errors)).sum(axis=1)
    mean = np.nansum(evaluation.errors, axis=1) / np.maximum(counts, 1)
    mean[counts == 0] = np.inf
    rows = np.flatnonzero((counts > 0) | evaluation.missed.any(axis=1))
    return [int(row) for row in rows[np.argsort(-mean[rows], kind="stable")]]


def case_sections(comparison: Comparison, evaluation: Evaluation) -> list[Section]:
    """Sections of the worst radiographs, the best ones and the worst single landmarks.

    Radiographs are read one at a time. One that cannot be read is named with the reason, and the others are shown;
    where no file is known, one section says so.
    """
    order = ranked(evaluation)
    if not order:
        return []
    if not comparison.files:
        return [
            Section(
                "Worst and best cases",
                (
                    "There are no pictures: the files of the radiographs are not known, because landmarks were "
                    "compared with landmarks. They are known where the truth is a data set (--data), where a model "
                    "is run (--radiographs), and in the dock where the folder of the radiographs is given.",
                ),
            )
        ]
    worst = [_Case(row) for row in order[: min(_RADIOGRAPHS, -(-len(order) // 2))]]
    best = [_Case(row) for row in reversed(order[len(worst) :][-_RADIOGRAPHS:])]
    single = [_Case(row, k) for row, k in _largest(evaluation)]
    pictures, failed = _pictures([*worst, *best, *single], comparison, evaluation)
    sections = [
        ("Worst radiographs", "The radiographs with the largest mean error, the worst first.", worst),
        ("Best radiographs", "The radiographs with the smallest mean error, the best first.", best),
        (
            "Worst single landmarks",
            "The largest errors of single landmarks, the worst first. The neighbours that are in view are shown too.",
            single,
        ),
    ]
    found = []
    for title, text, cases in sections:
        if cases:
            shown = tuple(pictures[case] for case in cases if case in pictures)
            found.append(Section(title, (f"{text} {LEGEND}", *_unseen(cases, failed)), pictures=shown))
    return found


def _largest(evaluation: Evaluation) -> list[tuple[int, int]]:
    """(row, landmark) of the largest errors, no radiograph more than twice, or one failure would fill it all."""
    flat = np.where(np.isnan(evaluation.errors), -1.0, evaluation.errors)
    found: list[tuple[int, int]] = []
    seen: dict[int, int] = defaultdict(int)
    for place in np.argsort(-flat, axis=None, kind="stable"):
        row, k = (int(i) for i in np.unravel_index(place, flat.shape))
        if flat[row, k] < 0 or len(found) == _LANDMARKS:
            break
        if seen[row] < 2:
            seen[row] += 1
            found.append((row, k))
    return found


def _pictures(
    cases: Sequence[_Case], comparison: Comparison, evaluation: Evaluation
) -> tuple[dict[_Case, Picture], dict[int, str]]:
    """The pictures of all cases, and for each row without any the reason."""
    by_row: dict[int, list[_Case]] = defaultdict(list)
    for case in cases:
        by_row[case.row].append(case)
    pictures: dict[_Case, Picture] = {}
    failed: dict[int, str] = {}
    for row, wanted in by_row.items():
        name = comparison.references[row].radiograph
        try:
            radiograph = _read(comparison.files.get(name), comparison, row)
            for case in wanted:
                pictures[case] = _picture(case, radiograph, comparison, evaluation)
        except (FarnetError, OSError, MemoryError) as error:
            failed[row] = f"{evaluation.radiographs[row]} cannot be shown: {error}"
    return pictures, failed


def _read(path: Path | None, comparison: Comparison, row: int) -> Radiograph:
    if path is None:
        raise RadiographError("its file is not known.")
    radiograph = read_radiograph(path, checksum=False)
    for side in (comparison.references[row], comparison.predictions[row]):
        if side.image_shape is not None and side.image_shape != radiograph.shape:
            raise RadiographError(
                f"{path.name} has {radiograph.shape[0]} x {radiograph.shape[1]} pixels, and the landmarks are of a "
                f"radiograph of {side.image_shape[0]} x {side.image_shape[1]}."
            )
    return radiograph


def _picture(case: _Case, radiograph: Radiograph, comparison: Comparison, evaluation: Evaluation) -> Picture:
    prediction, reference = comparison.predictions[case.row], comparison.references[case.row]
    name, unit = evaluation.radiographs[case.row], evaluation.unit
    errors, missed = evaluation.errors[case.row], int(evaluation.missed[case.row].sum())
    window = window_of(radiograph.shape, prediction, reference)
    if case.landmark is not None:
        k = case.landmark
        near = window_around(radiograph.shape, window, (prediction.points[k], reference.points[k]))
        data = draw_case(radiograph, prediction, reference, near, named=[k], in_mm=unit == "mm")
        caption = f"{evaluation.landmarks[k]} on {name}: {errors[k]:.2f} {unit}"
        return Picture(
            data, caption, f"Part of radiograph {name} round {evaluation.landmarks[k]}: {caption}.", small=True
        )
    if np.isnan(errors).all():
        caption = f"{name}: all {missed} landmarks missed"
        data = draw_case(radiograph, prediction, reference, window, in_mm=unit == "mm")
    else:
        worst = int(np.nanargmax(errors))
        place = f"{evaluation.landmarks[worst]}, {errors[worst]:.2f} {unit}"
        caption = f"{name}: mean {np.nanmean(errors):.2f} {unit}; worst {place}"
        caption += f"; {missed} missed" if missed else ""
        data = draw_case(radiograph, prediction, reference, window, named=[worst], in_mm=unit == "mm")
    return Picture(data, caption, f"Radiograph with true and predicted landmarks. {caption}.", small=True)


def _unseen(cases: Sequence[_Case], failed: dict[int, str]) -> list[str]:
    return list(dict.fromkeys(failed[case.row] for case in cases if case.row in failed))
