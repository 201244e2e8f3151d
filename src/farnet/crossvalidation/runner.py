"""Train and test the folds that are not there yet, and pool what they found.

The output folder gets ``fold-K`` for each fold, a run as `farnet train` leaves it, with ``predictions.csv``: what its
network finds on the radiographs that it has not seen. ``predictions.csv`` beside them holds those of all folds,
``summary.json`` and ``summary.md`` the figures. What is finished is never made again or lost; what was interrupted is
gone on with; a run with other settings or data is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from farnet.crossvalidation.parts import Part, parts_of
from farnet.crossvalidation.summary import PREDICTIONS, check_folder_of_folds, write_summary
from farnet.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from farnet.datasets.opening import DataRequest
    from farnet.evaluation import Evaluation
    from farnet.evaluation.figures import Extra
    from farnet.landmarks import Landmarks
    from farnet.training.config import TrainingConfig

__all__ = ["CrossValidation", "CrossValidationRequest", "FoldResult", "crossvalidate"]


@dataclass(frozen=True, kw_only=True)
class CrossValidationRequest:
    """What to cross-validate, with which settings, and where.

    Attributes:
        data: The data.
        output: Where the folds are kept.
        preset: Name or file of the settings.
        changes: ``key=value`` changes of them; ``folds``, ``fold`` and ``seed`` come from here.
        folds: How many folds, or "official".
        seed: Of the folds and of the trainings.
        only: Numbers of the folds to make now; empty is all.
        device: Where the finished models run.
        bootstrap: Draws behind the intervals.
        hardware: ``accelerator``, ``devices``, ``nodes``, ``strategy``, ``compiled`` of `farnet.training.fit.train`.
        bar: Show a bar while training.

    Raises:
        InvalidInputError: If a setting of the folds is among the changes.
    """

    data: DataRequest
    output: Path
    preset: str = "compact"
    changes: tuple[str, ...] = ()
    folds: int | Literal["official"] = 5
    seed: int = 0
    only: tuple[int, ...] = ()
    device: str = "auto"
    bootstrap: int = 2000
    hardware: dict[str, Any] = field(default_factory=dict)
    bar: bool = False

    def __post_init__(self) -> None:
        taken = sorted({change.partition("=")[0] for change in self.changes} & {"folds", "fold", "seed"})
        if taken:
            raise InvalidInputError(
                f"{', '.join(taken)} cannot be set here: every fold has its own. Use --folds, --seed and --only."
            )


@dataclass(frozen=True, eq=False)
class FoldResult:
    """A finished fold.

    Attributes:
        name: "fold-0", ...
        model: The file of its model.
        predictions: What it found on the radiographs that it had not seen.
        references: The truth of the same.
        evaluation: The figures.
    """

    name: str
    model: Path
    predictions: list[Landmarks]
    references: list[Landmarks]
    evaluation: Evaluation


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """The folds that are finished so far.

    Attributes:
        folds: They, in order.
        missing: Names of the others.
        pooled: Figures over the radiographs of all of them; None before the first.
        extras: Further figures of the same.
        made_of: The data, the folds, their seed and all settings, in JSON types.
    """

    folds: tuple[FoldResult, ...]
    missing: tuple[str, ...]
    pooled: Evaluation | None
    extras: tuple[Extra, ...] = ()
    made_of: dict[str, Any] = field(default_factory=dict)

    def over_folds(self) -> dict[str, tuple[float, float]]:
        """Mean and sample standard deviation over the folds of the MRE and of each SDR; NaN for one fold."""
        if not self.folds:
            return {}
        table = {"mre": [fold.evaluation.pooled.mre for fold in self.folds]}
        for radius in self.folds[0].evaluation.radii:
            table[f"sdr_{radius:g}"] = [fold.evaluation.pooled.sdr[radius] for fold in self.folds]
        return {
            key: (float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else float("nan"))
            for key, values in table.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """JSON types only; None stands for NaN."""
        over = {key: [mean, None if np.isnan(sd) else sd] for key, (mean, sd) in self.over_folds().items()}
        return {
            "finished": [fold.name for fold in self.folds],
            "missing": list(self.missing),
            **self.made_of,
            "pooled": None if self.pooled is None else self.pooled.to_dict(),
            "extras": {extra.key: extra.to_dict() for extra in self.extras},
            "mean_and_sd_over_folds": over,
            "folds": {
                fold.name: {
                    "model": fold.model.name,
                    "radiographs": len(fold.references),
                    "pooled": fold.evaluation.pooled.to_dict(),
                }
                for fold in self.folds
            },
        }


def crossvalidate(
    request: CrossValidationRequest, note: Callable[[str], None] = lambda _: None, *, train: bool = True
) -> Iterator[CrossValidation]:
    """Make the folds one after the other.

    Args:
        request: What to do.
        note: Called with what the user should know.
        train: False only gathers what is there, and writes nothing.

    Yields:
        What is there before the first fold that is made, and after each.

    Raises:
        InvalidInputError: If a fold is asked for that there is not, the settings would choose the epoch by what a fold
            is tested on, or a run has other settings or data.
        OutputError: If the output folder holds something else.
        FarnetError: As `farnet.training.run.run_training` and `farnet.evaluation.compare`.
        KeyboardInterrupt: It was ended; what is finished is kept, and the same request goes on.
    """
    parts = parts_of(request.data, request.folds, request.seed)
    unknown = [k for k in request.only if not 0 <= k < len(parts)]
    if unknown:
        raise InvalidInputError(f"There is no fold {unknown[0]}; the folds are 0 to {len(parts) - 1}.")
    check_folder_of_folds(request.output)
    for part in parts:
        _check(request, part)
    done = {part.name: _fold(request, part) for part in parts if _is_finished(request, part)}
    so_far = _gathered(request, parts, done)
    if train:
        write_summary(so_far, request.output)
    yield so_far
    for k, part in enumerate(parts):
        if not train or part.name in done or (request.only and k not in request.only):
            continue
        _train(request, part, note)
        _predict(request, part, note)
        done[part.name] = _fold(request, part)
        so_far = _gathered(request, parts, done)
        write_summary(so_far, request.output)
        yield so_far


def _settings(request: CrossValidationRequest, part: Part) -> tuple[str, ...]:
    return (*request.changes, *part.changes)


def _config(request: CrossValidationRequest, part: Part, landmarks: int | None = None) -> TrainingConfig:
    """Settings of a fold.

    Raises:
        InvalidInputError: They hold out more than the fold, or choose the epoch by what the fold is tested on.
    """
    from farnet.training.config import load_preset

    if part.test is None:
        plain = load_preset(request.preset, request.changes)
        hints = []
        if plain.validation_share:
            hints.append(("validation_share=0", f"validation_share is {plain.validation_share:g}, beside the fold"))
        if plain.keep == "best":
            hints.append(("keep=last", "keep is 'best': the epoch would be chosen by the test, which flatters it"))
        if hints:
            why, mend = "; ".join(text for _, text in hints), " ".join(f"--set {change}" for change, _ in hints)
            raise InvalidInputError(f"These settings hold a part of the training out ({why}). Add {mend}.")
    return load_preset(request.preset, _settings(request, part), landmarks=landmarks)


def _model(request: CrossValidationRequest, part: Part) -> Path:
    return request.output / part.name / f"{_config(request, part).name}.safetensors"


def _is_finished(request: CrossValidationRequest, part: Part) -> bool:
    return _is_trained(request, part) and (request.output / part.name / PREDICTIONS).is_file()


def _is_trained(request: CrossValidationRequest, part: Part) -> bool:
    from farnet.training.finished import is_finished

    return is_finished(request.output / part.name, _model(request, part), _config(request, part).epochs)


def _check(request: CrossValidationRequest, part: Part) -> None:
    """See that what is there is of this fold."""
    from farnet.datasets.opening import open_data
    from farnet.training.fit import check_output
    from farnet.training.runfolder import CONFIG_FILE, RUN_FILE

    folder = request.output / part.name
    if not (folder / CONFIG_FILE).is_file():
        check_output(folder, _config(request, part), resume=False)
        return
    landmarks = len(open_data(part.data).source.scheme)
    check_output(folder, _config(request, part, landmarks), resume=True)
    if (folder / RUN_FILE).is_file():
        from farnet.training.run import read_run_record

        before, now = (
            item.model_dump(mode="json", exclude={"folder"}) for item in (read_run_record(folder).data, part.data)
        )
        changed = sorted(key for key in now if before[key] != now[key])
        if changed:
            raise InvalidInputError(
                f"The run in {folder} was trained on other data ({', '.join(changed)}); give another output folder."
            )


def _train(request: CrossValidationRequest, part: Part, note: Callable[[str], None]) -> None:
    """Train a fold, or go on with it."""
    from farnet.training.run import RunRequest, run_training
    from farnet.training.runfolder import CONFIG_FILE, EVENTS_FILE

    if _is_trained(request, part):
        return
    folder = request.output / part.name
    resume = (folder / CONFIG_FILE).is_file()
    note(f"{'Going on with' if resume else 'Training'} {part.name}")
    result = run_training(
        RunRequest(
            output=folder,
            data=part.data,
            preset=request.preset,
            changes=_settings(request, part),
            resume=resume,
            events=folder / EVENTS_FILE,
            bar=request.bar,
            hardware=request.hardware,
            command=_words(request, part),
        ),
        note,
    )
    if result.model is None or result.stopped:
        raise KeyboardInterrupt  # and with the run, the cross-validation


def _words(request: CrossValidationRequest, part: Part) -> list[str]:
    """The command that trains this fold by itself."""
    words = ["farnet", "train", "--data", str(part.data.folder), "--dataset", part.data.layout]
    words += ["--split", part.data.split] if part.data.split else []
    words += [word for name in part.data.exclude for word in ("--exclude", name)]
    words += ["--preset", request.preset]
    words += [word for change in _settings(request, part) for word in ("--set", change)]
    return [*words, "--output", str(request.output / part.name)]


def _predict(request: CrossValidationRequest, part: Part, note: Callable[[str], None]) -> None:
    """Look at what the fold has not seen, and write what it finds."""
    from farnet.detection import Detector
    from farnet.formats import write_annotations

    note(f"Testing {part.name}")
    detector = Detector(_model(request, part), request.device)
    source, indices = _unseen(request, part)
    found = [
        detector.detect(source.radiograph(index)).landmarks.replace(radiograph=source.ids[index]) for index in indices
    ]
    detector.close()
    write_annotations(request.output / part.name / PREDICTIONS, found)


def _unseen(request: CrossValidationRequest, part: Part) -> tuple[Any, Sequence[int]]:
    """The radiographs that a fold is asked about: their source, and which of it."""
    from farnet.datasets.opening import open_data
    from farnet.training.finished import finished_run

    if part.test is not None:
        source = open_data(part.test).source
        return source, range(len(source))
    data, indices = finished_run(request.output / part.name).held_out()
    return data.source, indices


def _fold(request: CrossValidationRequest, part: Part) -> FoldResult:
    """A finished fold, read back."""
    from farnet.evaluation import evaluate
    from farnet.evaluation.pairing import pair_landmarks
    from farnet.formats import read_annotations

    source, indices = _unseen(request, part)
    truth = [source.landmarks(index).replace(radiograph=source.ids[index]) for index in indices]
    path = request.output / part.name / PREDICTIONS
    pairing = pair_landmarks(read_annotations(path, scheme=source.scheme), truth)
    pairing.require_complete()
    evaluation = evaluate(pairing.predictions, pairing.references, bootstrap=0)
    return FoldResult(part.name, _model(request, part), pairing.predictions, pairing.references, evaluation)


def _gathered(request: CrossValidationRequest, parts: Sequence[Part], done: dict[str, FoldResult]) -> CrossValidation:
    """Pool what is finished."""
    from farnet.evaluation import evaluate
    from farnet.evaluation.extras import extras_of

    made_of = _made_of(request, parts)
    folds = tuple(done[part.name] for part in parts if part.name in done)
    missing = tuple(part.name for part in parts if part.name not in done)
    predictions = [item for fold in folds for item in fold.predictions]
    references = [item for fold in folds for item in fold.references]
    if not folds:
        return CrossValidation((), missing, None, made_of=made_of)
    pooled = evaluate(predictions, references, bootstrap=request.bootstrap)
    if pooled.unit == "px":
        folds = tuple(_in_pixels(fold) for fold in folds)
    extras = extras_of(predictions, references, bootstrap=request.bootstrap)
    return CrossValidation(folds, missing, pooled, extras, made_of)


def _made_of(request: CrossValidationRequest, parts: Sequence[Part]) -> dict[str, Any]:
    """What all folds have in common, for who reads the figures without the command."""
    settings = _config(request, parts[0]).model_dump(mode="json", exclude={"folds", "fold", "seed"})
    return {
        "data": request.data.model_dump(mode="json"),
        "preset": request.preset,
        "changes": list(request.changes),
        "number_of_folds": len(parts),
        "made_by": "official lists" if request.folds == "official" else f"seed {request.seed}, by person",
        "settings": settings,
    }


def _in_pixels(fold: FoldResult) -> FoldResult:
    """The same with figures in pixels: where one spacing is unknown, no fold can stand beside in mm."""
    from farnet.evaluation import evaluate

    sides = [[item.replace(spacing=None) for item in side] for side in (fold.predictions, fold.references)]
    return replace(fold, evaluation=evaluate(*sides, bootstrap=0))
