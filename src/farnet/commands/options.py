"""Options that several commands share, and how their values are read."""

import glob
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farnet.atomic import check_folder
from farnet.errors import InvalidInputError
from farnet.spacing import Spacing, as_spacing

if TYPE_CHECKING:
    from farnet.formats import LabelMap

__all__ = [
    "DataOption",
    "DatasetOption",
    "DeviceOption",
    "ForceOption",
    "JsonOption",
    "LabelsOption",
    "ModelOption",
    "OptionalDataOption",
    "check_folder",
    "examples",
    "expand_wildcards",
    "labels_option",
    "numbers",
    "refuse_existing",
    "spacing_option",
    "words",
]

ModelOption = Annotated[
    str,
    typer.Option("--model", "-m", metavar="NAME|FILE", help="A model that 'farnet models' lists, or a model file."),
]
DeviceOption = Annotated[
    str,
    typer.Option("--device", "-d", metavar="auto|cpu|cuda|cuda:N|mps", help="Where the network runs."),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output instead of text and tables.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite results that are already there.")]
DatasetOption = Annotated[
    str,
    typer.Option("--dataset", metavar="NAME", help="What data set it is: isbi2015, hand_atlas, spineweb16 or auto."),
]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        "--labels", metavar="FILE.csv", help="Names in the files that are others: rows label,landmark such as l1,Sella."
    ),
]
_DATA = typer.Option("--data", metavar="FOLDER", help="Folder of the data set; for isbi2015 the one with RawImage.")
DataOption = Annotated[Path, _DATA]
OptionalDataOption = Annotated[Path | None, _DATA]


def examples(text: str, *commands: tuple[str, str]) -> str:
    """Help of a command: what it does, then commands to copy.

    Args:
        text: Paragraphs, wrapped anyhow.
        commands: (what it does, the command).
    """
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    shown = [f"[dim]# {what}[/dim]\n[cyan]{command}[/cyan]" for what, command in commands]
    return "\n\n".join([*paragraphs, "[bold]Examples[/bold]", *shown])


def words(text: str) -> list[str]:
    """Split a list that is separated by commas or spaces."""
    return text.replace(",", " ").split()


def numbers(text: str, option: str) -> list[float]:
    """Numbers separated by commas or spaces.

    Raises:
        InvalidInputError: If there is something else, or nothing.
    """
    from farnet.evaluation.request import as_numbers

    return list(as_numbers(text, option, "2,2.5,3,4"))


def spacing_option(text: str | None) -> Spacing | None:
    """The value of --spacing: one number, or row,column.

    Raises:
        InvalidInputError: If it is something else, or not above zero.
    """
    return None if text is None else as_spacing(numbers(text, "--spacing"), what="value of --spacing")


def expand_wildcards(paths: Sequence[str | Path]) -> list[Path]:
    """What paths with ``*``, ``?`` or ``**`` stand for, where the shell has not expanded them, as that of Windows.

    A file of that very name is meant as it is, and brackets, as in ``scan [1].png``, are letters.

    Raises:
        InvalidInputError: If there is nothing that a path with wildcards stands for.
    """
    found: list[Path] = []
    for path in paths:
        pattern = str(path)
        if not re.search(r"[*?]", pattern) or Path(path).exists():
            found.append(Path(path))  # as often as it is named: a command may have to refuse that
            continue
        matches = sorted(glob.glob(pattern.replace("[", "[[]"), recursive=True))  # noqa: PTH207 (absolute ones too)
        if not matches:
            raise InvalidInputError(f"There is nothing that {pattern} stands for. Check the folder and the ending.")
        found += [match for match in map(Path, matches) if match not in found]
    return found


def labels_option(path: Path | None) -> "LabelMap | None":
    """The label map of --labels; errors as `farnet.formats.read_labels`."""
    if path is None:
        return None
    from farnet.formats import read_labels

    return read_labels(path)


def refuse_existing(paths: list[Path], *, force: bool) -> None:
    """Stop before any work where a result would overwrite something.

    Raises:
        InvalidInputError: If one of the files is there, and `force` is not set.
    """
    there = [path for path in paths if path.exists()]
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise InvalidInputError(
            f"{there[0]}{more} would be overwritten; choose another --output, or add --force to replace it."
        )
