"""Train and evaluate what a table still lacks: one folder per training and seed, which the tables share.

Below the output folder, ``runs/TRAINING/seed-N`` (and the split below it, where there is a training per split) holds a
run as `farnet.training.run` leaves it, with its model, and ``points-SPLIT.csv``: the landmarks that the model found on
a test split. What is there is used; what is not is made; a run that was interrupted is gone on with. A run with other
settings or other data is refused, never overwritten.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farnet.datasets.named import open_dataset
from farnet.datasets.opening import DataRequest
from farnet.errors import InvalidInputError
from farnet.reproduction.data import find_data, missing_data
from farnet.reproduction.figures import Figure, radial_figures, shape_figures
from farnet.reproduction.tables import QUICK_RADIOGRAPHS, PaperTable, Row, paper_table, row_settings
from farnet.training.runfolder import BEST_CHECKPOINT, CONFIG_FILE, EVENTS_FILE, LAST_CHECKPOINT, RUN_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from farnet.landmarks import Landmarks

__all__ = ["Reproduction", "ReproductionRequest", "RowResult", "reproduce"]


@dataclass(frozen=True, kw_only=True)
class ReproductionRequest:
    """What to reproduce, on what, and where.

    Attributes:
        table: Name of a table, as in `farnet.reproduction.tables.TABLES`.
        data: Folders of the data sets, or of folders of data sets.
        output: Where runs and tables are kept.
        rows: Names of the rows to make; empty is all of them.
        seeds: How many seeds, 0 and up.
        epochs: Instead of the paper's number.
        changes: ``key=value`` changes of the settings of every training.
        quick: Rehearse: one epoch of a tiny network on a few tiny pictures.
        device: Where the finished models run.
        bootstrap: Draws behind the intervals.
        hardware: ``accelerator`` and ``devices`` for the training.

    Raises:
        UnknownNameError: There is no such table or row.
        InvalidInputError: A number is out of range.
    """

    table: str
    data: tuple[Path, ...]
    output: Path
    rows: tuple[str, ...] = ()
    seeds: int = 1
    epochs: int | None = None
    changes: tuple[str, ...] = ()
    quick: bool = False
    device: str = "auto"
    bootstrap: int = 2000
    hardware: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.rows:
            paper_table(self.table).row(name)
        for what, value, least in (("seeds", self.seeds, 1), ("bootstrap", self.bootstrap, 0)):
            if value < least:
                raise InvalidInputError(f"{what} is {value}; it must be {least} or more.")
        if self.epochs is not None and self.epochs < 1:
            raise InvalidInputError(f"epochs is {self.epochs}; it must be 1 or more.")
        if not self.data:
            raise InvalidInputError("Give the folder of the data set with --data.")

    def words(self, row: str = "") -> list[str]:
        """The command that makes the same, or one row of it: its words, "farnet" first."""
        words = ["farnet", "reproduce", self.table]
        for name in (row,) if row else self.rows:
            words += ["--row", name]
        for folder in self.data:
            words += ["--data", str(folder)]
        words += ["--seeds", str(self.seeds)]
        words += [] if self.epochs is None else ["--epochs", str(self.epochs)]
        for change in self.changes:
            words += ["--set", change]
        words += ["--quick"] if self.quick else []
        return [*words, "-o", str(self.output)]


@dataclass(frozen=True, eq=False)
class RowResult:
    """A row as far as it is done.

    Attributes:
        row: Which.
        figures: Ours, by the names in `farnet.reproduction.tables.FIGURES`; empty where it is not done.
        seeds: How many seeds are behind them.
        radiographs: How many radiographs were tested.
        command: That makes this row.
        trainings: Commands that train the same without this table, one for each seed and split.
        missing: Why the row is not there; empty where it is.
    """

    row: Row
    figures: Mapping[str, Figure]
    seeds: int
    radiographs: int
    command: str
    trainings: tuple[str, ...]
    missing: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "row": self.row.name,
            "title": self.row.title,
            "figures": {key: figure.to_dict() for key, figure in self.figures.items()},
            "published": dict(self.row.published),
            "seeds": self.seeds,
            "radiographs": self.radiographs,
            "command": self.command,
            "missing": self.missing,
        }


@dataclass(frozen=True, eq=False)
class Reproduction:
    """A table as far as it is done.

    Attributes:
        table: Which.
        rows: Its rows that were asked for.
        command: That makes them.
        quick: Whether it is a rehearsal.
    """

    table: PaperTable
    rows: tuple[RowResult, ...]
    command: str
    quick: bool


def reproduce(request: ReproductionRequest, note: Callable[[str], None] = lambda _: None) -> Iterator[Reproduction]:
    """Make a table, row by row.

    Args:
        request: Which.
        note: Called with what is being done, and what cannot be.

    Yields:
        The table, first as it stands (rows that no data is given for say so), then again after each row.

    Raises:
        UnknownNameError: There is no such table.
        InvalidInputError: No row can be made of this data; settings are not allowed; or a run that is there has other
            settings or other data.
        FarnetError: As the training and the detection.
        KeyboardInterrupt: It was ended. The same command goes on from there.
    """
    table = paper_table(request.table)
    rows = [row for row in table.rows if not request.rows or row.name in request.rows]
    folders = find_data(request.data, {row.training.dataset for row in rows})
    why = {row.name: missing_data(row.training.dataset, request.data, folders) for row in rows}
    if all(why.values()):
        raise InvalidInputError(" ".join(dict.fromkeys(why.values())))
    jobs = {
        row.name: [_Job(request, row, folders[row.training.dataset], seed) for seed in range(request.seeds)]
        for row in rows
        if not why[row.name]
    }
    for each in jobs.values():  # everything that is wrong is told before the first hour of training
        for job in each:
            job.check()
    results = {row.name: _empty(request, row, why[row.name]) for row in rows}
    for text in dict.fromkeys(text for text in why.values() if text):
        note(f"Left out: {text}")

    def so_far() -> Reproduction:
        command = shlex.join(request.words())
        return Reproduction(table, tuple(results.values()), command, request.quick)

    yield so_far()
    for row in rows:
        if row.name in jobs:
            results[row.name] = _make(request, row, jobs[row.name], note)
            yield so_far()


def _empty(request: ReproductionRequest, row: Row, why: str) -> RowResult:
    return RowResult(row, {}, 0, 0, shlex.join(request.words(row.name)), (), why)


def _make(request: ReproductionRequest, row: Row, jobs: Sequence[_Job], note: Callable[[str], None]) -> RowResult:
    """Train and test what is missing of a row, and count."""
    predictions, references = [], []
    for job in jobs:
        job.train(note)
        found, truth = job.test(note)
        predictions.append(found)
        references = truth
    radial = [float(key.removeprefix("sdr_")) for key in paper_table(request.table).figures if key.startswith("sdr_")]
    if row.training.dataset == "spineweb16":
        figures = shape_figures(predictions, references, bootstrap=request.bootstrap)
    else:
        figures = radial_figures(predictions, references, radial, bootstrap=request.bootstrap)
    trainings = tuple(shlex.join(part.words) for job in jobs for part in job.parts)
    command = shlex.join(request.words(row.name))
    return RowResult(row, figures, len(jobs), len(references), command, trainings)


@dataclass(frozen=True, eq=False)
class _Part:
    """One training of a row and seed, and what it is tested on."""

    folder: Path
    model: Path
    data: DataRequest
    words: list[str]
    changes: list[str]
    test: str
    test_without: tuple[str, ...]


class _Job:
    """A row with one seed."""

    def __init__(self, request: ReproductionRequest, row: Row, data: Path, seed: int) -> None:
        self.request, self.row = request, row
        self.parts = [
            self._part(data, seed, split, test) for split, test in zip(row.training.splits, row.splits, strict=True)
        ]

    def _part(self, data: Path, seed: int, split: str, test: str) -> _Part:
        request, training = self.request, self.row.training
        source = open_dataset(training.dataset, data, split=split)
        folder = request.output / "runs" / training.name / f"seed-{seed}"
        if len(training.splits) > 1:
            folder /= split
        self.landmarks = len(source.scheme)
        self.config, changes = row_settings(
            training,
            self.landmarks,
            seed=seed,
            epochs=request.epochs,
            changes=request.changes,
            quick=request.quick,
        )
        without: tuple[str, ...] = ()
        test_without: tuple[str, ...] = ()
        if request.quick:
            without = source.ids[QUICK_RADIOGRAPHS:]
            test_without = open_dataset(training.dataset, data, split=test).ids[QUICK_RADIOGRAPHS:]
        words = ["farnet", "train", "--data", str(data), "--dataset", training.dataset, "--split", split]
        words += ["--preset", "paper", *(word for change in changes for word in ("--set", change))]
        words += [word for name in without for word in ("--exclude", name)]
        # As absolute paths: a run that is gone on with may be called from elsewhere.
        record = DataRequest(folder=data.absolute(), layout=training.dataset, split=split, exclude=without)  # type: ignore[arg-type]
        return _Part(
            folder,
            folder / f"{self.config.name}.safetensors",
            record,
            [*words, "-o", str(folder)],
            changes,
            test,
            test_without,
        )

    def check(self) -> None:
        """See that what is there of this job is of this job."""
        from farnet.training.fit import check_output

        for part in self.parts:
            begun = (part.folder / CONFIG_FILE).is_file()
            check_output(part.folder, self.config, resume=begun)
            if begun:
                _check_data(part.folder / RUN_FILE, part.data)

    def train(self, note: Callable[[str], None]) -> None:
        """Train what is missing."""
        from farnet.training.run import RunRequest, run_training

        for part in self.parts:
            if part.model.is_file():
                continue
            resume = (part.folder / CONFIG_FILE).is_file()
            note(f"{'Going on with' if resume else 'Training'} {part.folder}")
            result = run_training(
                RunRequest(
                    output=part.folder,
                    data=part.data,
                    preset="paper",
                    changes=part.changes,
                    resume=resume,
                    events=part.folder / EVENTS_FILE,
                    hardware=self.request.hardware,
                    command=part.words,
                ),
                note,
            )
            if result.model is None or result.stopped:
                raise KeyboardInterrupt  # somebody stopped this run, and with it the table
        for part in self.parts:
            # The model is all that is needed from here; checkpoints are three times as large.
            for name in (LAST_CHECKPOINT, BEST_CHECKPOINT):
                (part.folder / name).unlink(missing_ok=True)

    def test(self, note: Callable[[str], None]) -> tuple[list[Landmarks], list[Landmarks]]:
        """Landmarks that the models find, and the truth, of the radiographs of all parts."""
        predictions: list[Landmarks] = []
        references: list[Landmarks] = []
        for part in self.parts:
            path = part.folder / f"points-{part.test}.csv"
            if not path.is_file():
                note(f"Testing {part.model} on {part.test}")
                self._detect(part, path)
            compared = _compare(part, predictions=path)
            predictions += compared.predictions
            references += compared.references
        return predictions, references

    def _detect(self, part: _Part, path: Path) -> None:
        from farnet.formats import write_annotations

        write_annotations(path, _compare(part, model=str(part.model), device=self.request.device).predictions)


def _compare(part: _Part, **side: Any) -> Any:
    """Landmarks of a model, or in a file, beside the truth of the part that is tested."""
    from farnet.evaluation import EvaluationRequest, compare

    steps = compare(
        EvaluationRequest(
            data=part.data.folder, dataset=part.data.layout, split=part.test, exclude=part.test_without, **side
        )
    )
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def _check_data(path: Path, data: DataRequest) -> None:
    """See that a run is trained on this data, wherever its folder is now."""
    try:
        before = json.loads(path.read_text(encoding="utf-8"))["data"]
    except FileNotFoundError:
        return  # it was ended before it began
    except (OSError, ValueError, KeyError) as error:
        raise InvalidInputError(f"{path} cannot be read: {error}; give another output folder") from error
    now = data.model_dump(mode="json")
    changed = sorted(key for key in now if key != "folder" and before.get(key) != now[key])
    if changed:
        raise InvalidInputError(
            f"the run in {path.parent} was trained on other data ({', '.join(changed)}); give another output folder"
        )
