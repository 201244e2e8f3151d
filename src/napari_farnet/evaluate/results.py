"""What an evaluation gives the dock, and the generators that make it off the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from farnet.evaluation.metrics import evaluate
from napari_farnet.threads import Failure, Progress

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from farnet.evaluation import Comparison, Evaluation, EvaluationRequest, ObserverStudy
    from farnet.evaluation.figures import Extra
    from farnet.evaluation.observer_request import ObserversRequest
    from farnet.landmarks import Landmarks
    from napari_farnet.detect.workers import DetectorKeeper
    from napari_farnet.record import Index

__all__ = [
    "Outcome",
    "Result",
    "described",
    "evaluate_files",
    "evaluate_layers",
    "study_files",
    "study_layers",
    "summary",
    "worst",
]


@dataclass(frozen=True, eq=False)
class Result:
    """One evaluation that can be looked at.

    Attributes:
        title: What was compared.
        evaluation: Its figures.
        predictions: One `Landmarks` for each row of its errors.
        references: The same radiographs.
        sides: What predictions and references are called, for each row.
        extras: Further figures of this kind of landmarks.
        comparison: What a report is written of; None where one cannot be.
        request: How it was asked for; None where no command finds it.
    """

    title: str
    evaluation: Evaluation
    predictions: Sequence[Landmarks]
    references: Sequence[Landmarks]
    sides: Sequence[tuple[str, str]] = ()
    extras: Sequence[Extra] = ()
    comparison: Comparison | None = None
    request: EvaluationRequest | None = None

    def sides_of(self, row: int) -> tuple[str, str]:
        """What the prediction and the reference in a row are called."""
        return self.sides[row] if self.sides else ("prediction", "reference")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What was found.

    Attributes:
        results: What can be looked at; the first is shown.
        study: Of observers, whose table stands for the first result; otherwise None.
        notes: What was left out, to be told.
        files: Files of radiographs by name, where they are known.
        indices: Where radiographs are in the stack, by name, where they are in layers.
    """

    results: list[Result]
    study: ObserverStudy | None = None
    notes: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    indices: Mapping[str, Index] = field(default_factory=dict)


def worst(evaluation: Evaluation, landmark: int | None) -> tuple[int, int] | None:
    """(row, landmark) of the greatest error of a landmark, or of all; without errors a missed one; None without any."""
    columns = np.arange(evaluation.errors.shape[1]) if landmark is None else np.array([landmark])
    errors, missed = evaluation.errors[:, columns], evaluation.missed[:, columns]
    if not np.isnan(errors).all():
        row, column = np.unravel_index(int(np.nanargmax(errors)), errors.shape)
    elif missed.any():
        row, column = np.unravel_index(int(np.argmax(missed)), missed.shape)
    else:
        return None
    return int(row), int(columns[column])


def summary(outcome: Outcome) -> str:
    """Say in a few lines what was found, and what was left out."""
    evaluation = outcome.results[0].evaluation
    pooled, unit = evaluation.pooled, evaluation.unit
    count = len(set(evaluation.radiographs))
    lines = [f"{count} radiograph{'s' if count > 1 else ''}: mean distance {pooled.mre:.2f} {unit} (n = {pooled.n})."]
    if pooled.n_missed:
        lines.append(f"{pooled.n_missed} landmarks were missed; they count as failures.")
    if unit == "px":
        lines.append("In pixels, because the size of a pixel is not known of every radiograph; so are the radii.")
    return "\n".join([*lines, *outcome.notes])


def described(result: Result, row: int, k: int) -> str:
    """Say what is at one place: landmark, radiograph, error."""
    evaluation = result.evaluation
    error = evaluation.errors[row, k]
    what = f"{evaluation.landmarks[k]} on {evaluation.radiographs[row]}"
    return f"{what}: missed." if np.isnan(error) else f"{what}: {error:.2f} {evaluation.unit}."


def evaluate_files(
    stop: threading.Event, request: EvaluationRequest, keeper: DetectorKeeper, folder: Path | None
) -> Generator[Progress, None, Outcome | Failure | None]:
    """Evaluate files or a model; a generator for `napari_farnet.threads.start`.

    Args:
        stop: Set when nobody wants the result any more.
        request: What to evaluate.
        keeper: Where the detector comes from, and stays.
        folder: Where the radiographs of files may be, to look at them; None where nobody knows.
    """
    from farnet.evaluation.comparison import compare, radiograph_files

    with keeper.in_use():
        try:
            yield Progress(0, 0, "Reading")
            steps = compare(request, keeper.get)
            while not stop.is_set():
                try:
                    step = next(steps)
                except StopIteration as end:
                    comparison = end.value
                    break
                yield Progress(step.done, step.total, step.text)
            else:
                steps.close()
                return None
            yield Progress(0, 0, "Calculating the figures")
            if stop.is_set():
                return None
            evaluation = comparison.measure(request)
            files = dict(comparison.files)
            if folder is not None:
                files |= radiograph_files(evaluation.radiographs, folder)
            comparison = replace(comparison, files=files)
            return Outcome(_results(comparison, request, evaluation), None, comparison.left_out, files)
        except Exception as error:  # every end must be reported: see `start`
            return Failure(error)


def evaluate_layers(
    _stop: threading.Event,
    predictions: list[Landmarks],
    references: list[Landmarks],
    title: str,
    settings: Mapping[str, object],
    indices: Mapping[str, Index],
    notes: tuple[str, ...],
    comparison: Comparison,
) -> Generator[Progress, None, Outcome | Failure]:
    """Evaluate landmarks that were read from layers; `settings` are keywords of `evaluate`."""
    from farnet.evaluation.extras import extras_of

    try:
        yield Progress(0, 0, "Calculating the figures")
        evaluation = evaluate(predictions, references, **settings)  # type: ignore[arg-type]
        extras = extras_of(predictions, references, bootstrap=evaluation.bootstrap, seed=evaluation.seed)
        result = Result(title, evaluation, predictions, references, extras=extras, comparison=comparison)
        return Outcome([result], None, notes, {}, indices)
    except Exception as error:
        return Failure(error)


def study_files(
    stop: threading.Event, request: ObserversRequest, folder: Path | None
) -> Generator[Progress, None, Outcome | Failure | None]:
    """Compare observers in files; as `evaluate_files`."""
    from farnet.evaluation.comparison import radiograph_files

    try:
        yield Progress(0, 0, "Reading and comparing the observers")
        study = request.study()
        if stop.is_set():
            return None
        return _of_study(study, {} if folder is None else radiograph_files(study.radiographs, folder), {}, ())
    except Exception as error:
        return Failure(error)


def study_layers(
    _stop: threading.Event,
    study: Callable[[], ObserverStudy],
    indices: Mapping[str, Index],
    notes: tuple[str, ...],
) -> Generator[Progress, None, Outcome | Failure]:
    """Compare observers whose landmarks were read from layers; `study` does it."""
    try:
        yield Progress(0, 0, "Comparing the observers")
        return _of_study(study(), {}, indices, notes)
    except Exception as error:
        return Failure(error)


def _of_study(
    study: ObserverStudy, files: Mapping[str, Path], indices: Mapping[str, Index], notes: tuple[str, ...]
) -> Outcome:
    from farnet.evaluation import Comparison

    together = study.together()
    sides = [(pair.first, pair.second) for pair in study.main_pairs for _ in pair.first_landmarks]
    results = [Result("All observers", together.evaluation, together.first_landmarks, together.second_landmarks, sides)]
    results += [
        Result(
            pair.title,
            pair.evaluation,
            pair.first_landmarks,
            pair.second_landmarks,
            [(pair.first, pair.second)] * len(pair.first_landmarks),
            comparison=Comparison(
                list(pair.first_landmarks),
                list(pair.second_landmarks),
                files=files,
                record={"predictions": pair.first, "reference": pair.second},
            ),
        )
        for pair in study.comparisons
    ]
    return Outcome(results, study, (*notes, *study.left_out), files, indices)


def _results(comparison: Comparison, request: EvaluationRequest, evaluation: Evaluation) -> list[Result]:
    """All radiographs, then without known duplicates, then with each landmark found by itself, where there are such."""
    what = str(comparison.record.get("model") or comparison.record["predictions"])
    whole = _result(what, comparison, request, evaluation)
    results = [whole]
    if comparison.duplicates:
        rest = comparison.without(comparison.duplicates)
        fewer = replace(request, exclude=(*request.exclude, *comparison.duplicates))
        title = f"{what}, without {', '.join(comparison.duplicates)}"
        results.append(_result(title, rest, fewer, rest.measure(request)))
    if (single := comparison.by_itself) is not None:
        found = _result(f"{what}, each landmark by itself", single, request, single.measure(request))
        results.append(replace(found, comparison=None))  # the report of the first has these figures beside its own
    return results


def _result(title: str, comparison: Comparison, request: EvaluationRequest, evaluation: Evaluation) -> Result:
    return Result(
        title,
        evaluation,
        comparison.predictions,
        comparison.references,
        extras=comparison.extras(request),
        comparison=comparison,
        request=request,
    )
