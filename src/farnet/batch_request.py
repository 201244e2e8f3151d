"""What is to be detected in many radiographs: one object that is defaults, form, command line and record."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from farnet.errors import InvalidInputError, unknown_name
from farnet.orientation import Orient
from farnet.spacing import Spacing, as_spacing
from farnet.zoo import DEFAULT_MODEL

if TYPE_CHECKING:
    from farnet.formats import AnnotationFormat

__all__ = ["BatchRequest"]


@dataclass(frozen=True, kw_only=True)
class BatchRequest:
    """Radiographs, what finds their landmarks, and where the landmarks go.

    Attributes:
        radiographs: Files, and folders of radiographs; at least one.
        recursive: Look into folders of folders too.
        model: Name or file of the model.
        device: Where it runs.
        precision: How it computes: "auto", "float32" or "bf16".
        output: The table to write, or the folder of tables where the format holds one radiograph a file; None is
            ``landmarks.csv`` (or the folder ``landmarks``) in the current folder.
        format: Name of an annotation format that is written; None finds it by the ending of `output`.
        spacing: (row, column) mm per pixel instead of what the files say, or None.
        detector_spacing: Where a DICOM file knows only the pixel size on the detector, use it.
        orient: "auto" looks at the mirror image and the inverse of a radiograph too, where it is unlike those that the
            model knows; "as-is" does not.
        overlay: Also draw a picture of each radiograph, into a folder beside the table.
        resume: Go on with what is in `output`: radiographs whose file and model are the same are not done again.
        force: Replace what is in `output`.

    Raises:
        InvalidInputError: If there is nothing to look at, a value is out of range, or both `resume` and `force` are
            asked for.
    """

    radiographs: tuple[Path, ...]
    recursive: bool = False
    model: str = DEFAULT_MODEL
    device: str = "auto"
    precision: str = "auto"
    output: Path | None = None
    format: str | None = None
    spacing: Spacing | None = None
    detector_spacing: bool = False
    orient: Orient = "as-is"
    overlay: bool = False
    resume: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "radiographs", tuple(Path(path) for path in self.radiographs))
        object.__setattr__(self, "output", None if self.output is None else Path(self.output))
        object.__setattr__(self, "spacing", as_spacing(self.spacing))
        if not self.radiographs:
            raise InvalidInputError("There is nothing to look at; give radiographs, or folders of them.")
        if self.orient not in get_args(Orient):
            raise unknown_name("orientation", self.orient, get_args(Orient))
        if self.resume and self.force:
            raise InvalidInputError("Give either --resume or --force: what is there is gone on with, or replaced.")

    def annotation_format(self) -> AnnotationFormat:
        """The format that is written.

        Raises:
            UnknownNameError: If there is none of this name that can be written, or none for the ending of `output`.
        """
        from farnet.formats import annotation_formats, formats_by_ending

        writable = {item.name: item for item in annotation_formats() if item.write is not None}
        if self.format is not None:
            if self.format not in writable:
                raise unknown_name("annotation format", self.format, writable)
            return writable[self.format]
        if self.output is None or not self.output.suffix or self.output.is_dir():
            return writable["farnet-csv"]
        for item in formats_by_ending(self.output):
            if item.name in writable:
                return item
        endings = [suffix for item in writable.values() for suffix in item.suffixes]
        raise unknown_name("ending of a file of landmarks:", self.output.suffix, endings)

    def words(self) -> list[str]:
        """The command that does the same: its words, "farnet" first; what is as by default is left out."""
        words = ["farnet", "detect"]
        paths = [str(path) for path in self.radiographs]
        strange = any(path.startswith("-") for path in paths)  # it would be read as an option
        words += [] if strange else paths
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "radiographs" or value == item.default:
                continue
            words.append(f"--{item.name.replace('_', '-')}")
            if isinstance(value, tuple):
                words.append(",".join(map(repr, value)))
            elif value is not True:
                words.append(str(value))
        return [*words, "--", *paths] if strange else words

    def to_dict(self) -> dict[str, Any]:
        """JSON types only, to be kept beside the results."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return values | {
            "radiographs": [str(path) for path in self.radiographs],
            "output": None if self.output is None else str(self.output),
            "spacing": None if self.spacing is None else list(self.spacing),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BatchRequest:
        """The request that `to_dict` described.

        Raises:
            InvalidInputError: If there is something that a request does not have, or a value is of the wrong type.
        """
        known = {item.name for item in fields(cls)}
        strange = [name for name in values if name not in known]
        if strange:
            raise InvalidInputError(f"A detection has no {strange[0]!r}; it has: {', '.join(sorted(known))}.")
        try:
            return cls(**values)
        except TypeError as error:
            raise InvalidInputError(f"This is no record of a detection: {error}.") from error
