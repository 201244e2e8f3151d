"""Which radiographs a request means, what they are called, and which files their landmarks go to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farnet.atomic import check_folder
from farnet.batch_journal import Journal
from farnet.errors import InvalidInputError
from farnet.paths import safe_file_names
from farnet.radiograph import survey
from farnet.readers import as_text, stem_of

if TYPE_CHECKING:
    from farnet.batch_request import BatchRequest
    from farnet.formats import AnnotationFormat
    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme

__all__ = ["BatchPlan"]


@dataclass(frozen=True)
class BatchPlan:
    """What a request comes to.

    Attributes:
        request: What was asked for.
        files: The radiographs.
        left_out: Files in the folders that are no radiographs that can be read; see `farnet.radiograph.survey`.
        names: What they are called in results: without folder and ending, unless two would have the same name.
        format: Of the tables.
        output: The table, or the folder of tables where the format holds one radiograph a file.
        tables: One for all radiographs, or one for each.
        pictures: An overlay for each radiograph; empty where none are asked for.
    """

    request: BatchRequest
    files: tuple[Path, ...]
    left_out: tuple[Path, ...]
    names: tuple[str, ...]
    format: AnnotationFormat
    output: Path
    tables: tuple[Path, ...]
    pictures: tuple[Path, ...]

    @classmethod
    def of(cls, request: BatchRequest) -> BatchPlan:
        """List the radiographs. What is not there is listed as it is, so that reading it gives the reason.

        Raises:
            UnknownNameError: If there is no such format.
            InvalidInputError: If the format holds one radiograph a file, there are several, and one file is asked for.
        """
        chosen = request.annotation_format()
        place = _place(request.output, chosen)
        drawn = _pictures(place)  # may lie in the folder of the radiographs, and are none
        listed = survey(request.radiographs, recursive=request.recursive)
        files = [file for file in listed.radiographs if file in request.radiographs or not _is_in(file, drawn)]
        names = _names(files)
        output, tables = _tables(request.output, chosen, names)
        return cls(
            request=request,
            files=tuple(files),
            left_out=tuple(file for file in listed.left_out if not _is_in(file, drawn)),
            names=tuple(names),
            format=chosen,
            output=output,
            tables=tuple(tables),
            pictures=tuple(drawn / f"{name}.png" for name in safe_file_names(names)) if request.overlay else (),
        )

    @property
    def pictures_folder(self) -> Path:
        """Folder of the overlays, beside the table."""
        return _pictures(self.output)

    def check(self) -> None:
        """Stop before any work where the results would overwrite something, or cannot be written.

        Raises:
            InvalidInputError: If something is there that the request neither goes on with nor replaces.
            OutputError: If the folder of the results is not writable.
        """
        if not (self.request.resume or self.request.force):
            there = [path for path in (*self.tables, *self.pictures) if path.exists()]
            if there:
                more = f" and {len(there) - 1} more" if len(there) > 1 else ""
                raise InvalidInputError(
                    f"{there[0]}{more} would be overwritten; choose another --output, or add --resume to go on with "
                    "it, or --force to replace it."
                )
            if Journal(self.output).exists():
                raise InvalidInputError(
                    f"A run into {self.output} was cut off, and what it found is kept. Add --resume to go on with it, "
                    "or --force to begin anew."
                )
        for folder in {path.parent: path for path in self.tables}.values():
            check_folder(folder)

    def known(self, scheme: LandmarkScheme | None = None) -> dict[str, Landmarks]:
        """The landmarks that are in the tables and the journal already, by the name of the radiograph.

        Where a run with `force` was cut off, only those of its journal: the tables are what it was to replace.

        Args:
            scheme: Theirs; needed only for a scheme that is not bundled.

        Raises:
            AnnotationError: If a table or the journal cannot be read.
            SchemeError: If they are of another scheme.
        """
        from farnet.formats import read_annotations

        journal = Journal(self.output)
        found: list[Landmarks] = []
        for table in () if journal.replaces() else self.tables:
            if table.is_file():
                found += read_annotations(table, format=self.format.name, scheme=scheme)
        found += journal.read(scheme)
        return {item.radiograph: item for item in found}


def _place(output: Path | None, format: AnnotationFormat) -> Path:
    """The table, or the folder of tables."""
    suffix = format.suffixes[0]
    if output is None:
        return Path(f"landmarks{suffix}") if format.holds_many else Path("landmarks")
    if format.holds_many and _is_folder(output):
        return output / f"landmarks{suffix}"
    return output


def _tables(output: Path | None, format: AnnotationFormat, names: list[str]) -> tuple[Path, list[Path]]:
    """What --output means: the table or the folder of tables, and every table."""
    place = _place(output, format)
    if format.holds_many:
        return place, [place]
    if output is not None and not _is_folder(output):
        if len(names) > 1:
            raise InvalidInputError(
                f"The format {format.name} holds one radiograph a file, and there are {len(names)}; "
                f"give a folder instead of --output {output}."
            )
        return place, [place]
    return place, [place / f"{name}{format.suffixes[0]}" for name in safe_file_names(names)]


def _is_folder(output: Path) -> bool:
    return output.is_dir() or not output.suffix


def _pictures(place: Path) -> Path:
    return place.with_name(f"{place.stem}-overlays")


def _is_in(file: Path, folder: Path) -> bool:
    """Whether a file lies in a folder, however either of them is written."""
    return file.resolve().is_relative_to(folder.resolve())


def _names(files: list[Path]) -> list[str]:
    stems = [stem_of(file) for file in files]
    count = Counter(stems)
    return [as_text(file) if count[stem] > 1 else stem for file, stem in zip(files, stems, strict=True)]
