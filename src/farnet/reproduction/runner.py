"""Train and evaluate what a table still lacks: one folder per training and seed, which the tables share.

Below the output folder, ``runs/TRAINING/seed-N`` (and the split below it, where there is a training per split) holds a
run as `farnet.training.run` leaves it, with its model, and ``points-SPLIT.csv``: the landmarks that the model found on
a test split. What is there is used; what is not is made; a run that was interrupted is gone on with. A run with other
settings or other data is refused, never overwritten.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from farnet.errors import FarnetError, InvalidInputError
from farnet.reproduction.data import find_data, missing_data
from farnet.reproduction.figures import Figure, radial_figures, shape_figures
from farnet.reproduction.jobs import Job
from farnet.reproduction.tables import PaperTable, Row, paper_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from farnet.landmarks import Landmarks

__all__ = ["Reproduction", "ReproductionRequest", "RowResult", "reproduce"]

_DRAWS = 2000


@dataclass(frozen=True, kw_only=True)
class ReproductionRequest:
    """What to reproduce, on what, and where.

    Attributes:
        table: Name of a table, as in `farnet.reproduction.tables.TABLES`.
        data: Folders of the data sets, or of folders of data sets.
        output: Where runs and tables are kept.
        rows: Names of the rows to make; empty is all of them. The table has the others too, as far as they are there.
        seeds: How many seeds, 0 and up.
        epochs: Instead of the paper's number.
        changes: ``key=value`` changes of the settings of every training.
        quick: Rehearse: one epoch of a tiny network on a few tiny pictures.
        device: Where the finished models run.
        bootstrap: Draws behind the intervals.
        accelerator: Where is trained: "auto", "cpu", "gpu", "mps".
        bar: Show a bar while training.

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
    bootstrap: int = _DRAWS
    accelerator: str = "auto"
    bar: bool = False

    def __post_init__(self) -> None:
        table = paper_table(self.table)
        for name in self.rows:
            table.row(name)
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
        words += [] if self.bootstrap == _DRAWS else ["--bootstrap", str(self.bootstrap)]
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
        steps: Commands that train and test the same without this table, for each seed and split.
        missing: Why the row is not there; empty where it is.
    """

    row: Row
    figures: Mapping[str, Figure]
    seeds: int
    radiographs: int
    command: str
    steps: tuple[str, ...]
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
        rows: Its rows.
        command: That makes those that were asked for.
        quick: Whether it is a rehearsal.
    """

    table: PaperTable
    rows: tuple[RowResult, ...]
    command: str
    quick: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "table": self.table.name,
            "title": self.table.title,
            "rehearsal": self.quick,
            "command": self.command,
            "rows": [row.to_dict() for row in self.rows],
        }


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
    wanted = [row for row in table.rows if not request.rows or row.name in request.rows]
    kinds = {row.training.dataset for row in table.rows}
    folders = find_data(request.data, kinds)
    why = {kind: missing_data(kind, request.data, folders) for kind in kinds}
    missing = list(dict.fromkeys(text for row in wanted if (text := why[row.training.dataset])))
    if all(why[row.training.dataset] for row in wanted):
        raise InvalidInputError(" ".join(missing))
    for text in missing:
        note(f"Left out: {text}")
    jobs = {
        row.name: [Job(request, row, folders[row.training.dataset], seed) for seed in range(request.seeds)]
        for row in table.rows
        if row.training.dataset in folders
    }
    for row in wanted:  # everything that is wrong is told before the first hour of training
        for job in jobs.get(row.name, ()):
            job.check()
    results = {
        row.name: _standing(request, row, jobs.get(row.name, ()), why[row.training.dataset]) for row in table.rows
    }

    def so_far() -> Reproduction:
        return Reproduction(table, tuple(results.values()), shlex.join(request.words()), request.quick)

    yield so_far()
    for row in wanted:
        if row.name in jobs and not results[row.name].figures:
            results[row.name] = _make(request, row, jobs[row.name], note)
            yield so_far()


def _standing(request: ReproductionRequest, row: Row, jobs: Sequence[Job], why: str) -> RowResult:
    """A row as it is before anything is made."""
    if jobs and all(job.finished for job in jobs):
        try:
            for job in jobs:
                job.check()
        except FarnetError:  # of a row that is not asked for: the others were checked
            why = "What is there was made with other settings or data."
        else:
            return _make(request, row, jobs, lambda _: None)
    return RowResult(row, {}, 0, 0, shlex.join(request.words(row.name)), (), why or "Not made yet.")


def _make(request: ReproductionRequest, row: Row, jobs: Sequence[Job], note: Callable[[str], None]) -> RowResult:
    """Train and test what is missing of a row, and count."""
    predictions: list[list[Landmarks]] = []
    references: list[Landmarks] = []
    for job in jobs:
        job.train(note)
        found, references = job.test(note)
        predictions.append(found)
    if {"nmse", "rho"} & row.published.keys():
        figures = shape_figures(predictions, references, bootstrap=request.bootstrap)
    else:
        keys = paper_table(request.table).figures
        radii = [float(key.removeprefix("sdr_")) for key in keys if key.startswith("sdr_")]
        figures = radial_figures(predictions, references, radii, bootstrap=request.bootstrap)
    steps = tuple(shlex.join(words) for job in jobs for words in job.commands)
    return RowResult(row, figures, len(jobs), len(references), shlex.join(request.words(row.name)), steps, missing="")
