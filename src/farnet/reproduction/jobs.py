"""One training of a row and seed, or one for each split: made where it is missing, tested, never overwritten."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from farnet.datasets.named import open_dataset
from farnet.datasets.opening import DataRequest
from farnet.errors import InvalidInputError
from farnet.reproduction.tables import QUICK_RADIOGRAPHS, row_settings
from farnet.training.runfolder import (
    BEST_CHECKPOINT,
    CONFIG_FILE,
    EVENTS_FILE,
    LAST_CHECKPOINT,
    RUN_FILE,
    state_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from farnet.evaluation import Comparison, EvaluationRequest
    from farnet.landmarks import Landmarks
    from farnet.reproduction.runner import ReproductionRequest
    from farnet.reproduction.tables import Row
    from farnet.training.config import TrainingConfig

__all__ = ["Job"]


@dataclass(frozen=True)
class _Part:
    """One training: its folder, its data, and the split that it is tested on, without some radiographs."""

    folder: Path
    data: DataRequest
    test: str
    test_without: tuple[str, ...]

    @property
    def points(self) -> Path:
        return self.folder / f"points-{self.test}.csv"


class Job:
    """What a row needs with one seed.

    Args:
        request: How.
        row: Which.
        data: Folder of its data set.
        seed: Decides all that is random.

    Raises:
        FarnetError: The data set cannot be opened, or a setting is not allowed.
    """

    def __init__(self, request: ReproductionRequest, row: Row, data: Path, seed: int) -> None:
        self._request, self._row = request, row
        training = row.training
        home = request.output / "runs" / training.name / f"seed-{seed}"
        self._parts: list[_Part] = []
        for split, test in zip(training.splits, row.splits, strict=True):
            source = open_dataset(training.dataset, data, split=split)
            tested = open_dataset(training.dataset, data, split=test)
            limit = QUICK_RADIOGRAPHS if request.quick else None
            without, test_without = ((of.ids[limit:] if limit else ()) for of in (source, tested))
            record = DataRequest.model_validate(
                # Absolute, because a run that is gone on with may be called from elsewhere.
                {"folder": data.absolute(), "layout": training.dataset, "split": split, "exclude": without}
            )
            folder = home / split if len(training.splits) > 1 else home
            self._parts.append(_Part(folder, record, test, test_without))
        self._config, self._changes = row_settings(
            training,
            len(source.scheme),
            seed=seed,
            epochs=request.epochs,
            changes=request.changes,
            quick=request.quick,
        )

    @property
    def config(self) -> TrainingConfig:
        """The settings of its trainings."""
        return self._config

    @property
    def commands(self) -> list[list[str]]:
        """Commands that train and test the same on their own, as words."""
        return [words for part in self._parts for words in (self._words(part), self._test_request(part).words())]

    def _words(self, part: _Part) -> list[str]:
        words = ["farnet", "train", "--data", str(part.data.folder), "--dataset", part.data.layout]
        words += ["--split", part.data.split, "--preset", "paper"]
        words += [word for change in self._changes for word in ("--set", change)]
        words += [word for name in part.data.exclude for word in ("--exclude", name)]
        return [*words, "-o", str(part.folder)]

    def _model(self, part: _Part) -> Path:
        return part.folder / f"{self._config.name}.safetensors"

    def _test_request(self, part: _Part) -> EvaluationRequest:
        return _test_request(part, model=str(self._model(part)), device=self._request.device)

    def _trained(self, part: _Part) -> bool:
        # A run that was stopped leaves a model too; only a finished one counts.
        return state_of(part.folder) == "finished" and self._model(part).is_file()

    @property
    def finished(self) -> bool:
        """Whether everything is there."""
        return all(self._trained(part) and part.points.is_file() for part in self._parts)

    def check(self) -> None:
        """See that what is there is of this job.

        Raises:
            InvalidInputError: A run has other settings or other data.
            OutputError: A folder holds something else.
        """
        from farnet.training.fit import check_output

        for part in self._parts:
            begun = (part.folder / CONFIG_FILE).is_file()
            check_output(part.folder, self._config, resume=begun)
            if begun:
                _check_data(part.folder / RUN_FILE, part.data)

    def train(self, note: Callable[[str], None]) -> None:
        """Train what is missing, and go on with what was interrupted.

        Raises:
            FarnetError: As `farnet.training.run.run_training`.
            KeyboardInterrupt: It was ended, or somebody stopped a run.
        """
        from farnet.training.run import RunRequest, run_training

        for part in self._parts:
            if self._trained(part):
                continue
            resume = (part.folder / CONFIG_FILE).is_file()
            note(f"{'Going on with' if resume else 'Training'} {part.folder}")
            result = run_training(
                RunRequest(
                    output=part.folder,
                    data=part.data,
                    preset="paper",
                    changes=self._changes,
                    resume=resume,
                    events=part.folder / EVENTS_FILE,
                    bar=self._request.bar,
                    # Runs one after the other on one device; several devices take several rows.
                    hardware={"accelerator": self._request.accelerator, "devices": 1},
                    command=self._words(part),
                ),
                note,
            )
            if result.model is None or result.stopped:
                raise KeyboardInterrupt  # and with the run, the table
            for name in (LAST_CHECKPOINT, BEST_CHECKPOINT):  # three times as large as the model, and of no more use
                (part.folder / name).unlink(missing_ok=True)

    def test(self, note: Callable[[str], None]) -> tuple[list[Landmarks], list[Landmarks]]:
        """What its models find, and the truth, on the radiographs of all its test splits.

        Raises:
            FarnetError: As `farnet.evaluation.compare`.
        """
        from farnet.formats import write_annotations

        predictions: list[Landmarks] = []
        references: list[Landmarks] = []
        for part in self._parts:
            if not part.points.is_file():
                note(f"Testing {part.folder} on {part.test}")
                found = _compare(self._test_request(part))
                write_annotations(part.points, found.predictions)
            compared = _compare(_test_request(part, predictions=part.points))
            predictions += compared.predictions
            references += compared.references
        return predictions, references


def _test_request(part: _Part, **side: Any) -> EvaluationRequest:
    """A model, or a file, against the truth of the split that is tested."""
    from farnet.evaluation import EvaluationRequest

    data = part.data
    return EvaluationRequest(data=data.folder, dataset=data.layout, split=part.test, exclude=part.test_without, **side)


def _compare(request: EvaluationRequest) -> Comparison:
    """Landmarks beside the truth."""
    from farnet.evaluation import compare

    steps = compare(request)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            comparison: Comparison = end.value
            return comparison


def _check_data(path: Path, data: DataRequest) -> None:
    """See that a run is trained on this data, wherever its folder is now."""
    try:
        before = DataRequest.model_validate(json.loads(path.read_text(encoding="utf-8"))["data"])
    except FileNotFoundError:
        return  # it was ended before it began
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}; give another output folder") from error
    then, now = (record.model_dump(mode="json", exclude={"folder"}) for record in (before, data))
    changed = sorted(key for key in now if then[key] != now[key])
    if changed:
        raise InvalidInputError(
            f"the run in {path.parent} was trained on other data ({', '.join(changed)}); give another output folder"
        )
