"""Which radiograph is this? The one identity of a radiograph, and the one rule for "the same".

    same = RadiographId.of(radiograph).compare(landmarks.identity)

The rule, in this order:

1. Equal files, or equal pixels, are the same radiograph, whatever the names: a file may be copied, or saved in another
   format.
2. Known files or pixels of which none are equal are another radiograph.
3. Known shapes that differ are another one.
4. Otherwise nothing but the name speaks for it: ``"unproved"`` where the names agree or one of them is missing, and
   another one where they differ.

A name alone never proves anything: every patient has a ``lateral.png``. Whoever gets ``"unproved"`` asks or says so,
and whoever gets ``"other"`` says so and does not go on by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from farnet.errors import AnnotationError
from farnet.readers import stem_of

if TYPE_CHECKING:
    from farnet.radiograph import Radiograph

__all__ = ["OtherRadiographError", "RadiographId", "Sameness", "radiograph_key"]

Sameness = Literal["same", "unproved", "other"]
"""Proved to be the same radiograph; perhaps, by its name alone; or proved to be another one."""


class OtherRadiographError(AnnotationError):
    """Landmarks are of another radiograph than the one that they are wanted for; a person may know better."""


def radiograph_key(name: str) -> str:
    """What all names of one radiograph have in common: no folder, no ending of an image file, no capital letters."""
    return stem_of(name.replace("\\", "/").rstrip("/").rpartition("/")[2]).casefold()


@dataclass(frozen=True)
class RadiographId:
    """What is known of which radiograph something is of.

    Attributes:
        name: As it stands in tables; it proves nothing. Empty where there is none.
        file_sha256: SHA-256 of the file in hexadecimal; None where there was no file, or it is not known.
        pixels_sha256: As `Radiograph.pixels_sha256` gives it; None where it is not known.
        shape: (rows, columns); None where it is not known.
    """

    name: str = ""
    file_sha256: str | None = None
    pixels_sha256: str | None = None
    shape: tuple[int, int] | None = None

    @classmethod
    def of(cls, radiograph: Radiograph) -> RadiographId:
        """Of a radiograph at hand; its pixels are hashed, which takes some milliseconds."""
        return cls(radiograph.name, radiograph.sha256, radiograph.pixels_sha256(), radiograph.shape)

    @property
    def proved(self) -> bool:
        """Whether a file or pixels are known, so that the radiograph can be told from any other."""
        return bool(self.file_sha256 or self.pixels_sha256)

    def compare(self, other: RadiographId) -> Sameness:
        """Tell whether two are the same radiograph; the module has the rule."""
        hashes = (self.file_sha256, other.file_sha256), (self.pixels_sha256, other.pixels_sha256)
        known = [mine == theirs for mine, theirs in hashes if mine and theirs]
        if known:
            return "same" if any(known) else "other"
        if self.shape and other.shape and self.shape != other.shape:
            return "other"
        if self.name and other.name and radiograph_key(self.name) != radiograph_key(other.name):
            return "other"
        return "unproved"
