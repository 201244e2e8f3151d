"""Landmark schemes: which landmarks there are, in which order, what they are called and how they are drawn."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from farnet.errors import SchemeError, UnknownNameError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "SCHEME_FILE",
    "LandmarkDefinition",
    "LandmarkScheme",
    "Side",
    "bundled_schemes",
    "folded",
    "load_scheme",
]

SCHEME_FILE = "scheme.json"
"""What a file with the scheme of the landmarks of its folder is called."""

Side = Literal["midline", "left", "right", "none"]
"""Where a landmark lies as the radiograph is displayed; "none" where the view has no sides or both are superposed."""

_BUNDLED = ("cephalometric19", "hand37", "spine68")
_FORMAT = "farnet-scheme"
_VERSION = 1
_APOSTROPHES = dict.fromkeys(map(ord, "\u2019\u2018\u201b\u2032\u2035\u00b4\u0060\u02b9\u02bc\uff07"), "'")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212\u00ad\ufe63\uff0d"), "-")


@dataclass(frozen=True, slots=True)
class LandmarkDefinition:
    """One landmark of a scheme.

    Attributes:
        name: Full name, e.g. "Nasion".
        abbreviation: Short name drawn beside the point, e.g. "N"; unique within its scheme.
        definition: One sentence that tells where to put the point.
        side: "left" or "right" as displayed, "midline", or "none".
        pitfall: A sentence about what it is often taken for, or where it hides; may be empty.
    """

    name: str
    abbreviation: str
    definition: str = ""
    side: Side = "none"
    pitfall: str = field(default="", compare=False)  # advice, which makes no other landmark


@dataclass(frozen=True)
class LandmarkScheme:
    """An ordered set of K landmarks.

    Two schemes are equal when all their fields are; the order of the landmarks is part of what a scheme is.

    Attributes:
        name: Identifier used in files and on the command line, e.g. "cephalometric19".
        title: Name for people, e.g. "Lateral cephalogram, 19 landmarks".
        landmarks: The K landmarks in the order of heatmaps, points and tables.
        links: Pairs of landmark indices (0-based) that are joined by a line when drawn.
        mirror: Pairs of landmark indices that change their names in the mirror image of a radiograph; the others keep
            theirs. Empty where a mirror image is no radiograph of the scheme, as of a head from the side.

    Raises:
        SchemeError: If there is no landmark, a name or abbreviation is empty or not unique (case is ignored),
            a side is unknown, a link or a pair of `mirror` does not join two different landmarks of the scheme, or a
            landmark is in two pairs of `mirror`.
    """

    name: str
    title: str
    landmarks: tuple[LandmarkDefinition, ...]
    links: tuple[tuple[int, int], ...] = ()
    mirror: tuple[tuple[int, int], ...] = field(default=(), compare=False)  # a use of landmarks, not what they are

    def __post_init__(self) -> None:
        object.__setattr__(self, "landmarks", tuple(self.landmarks))
        object.__setattr__(self, "links", tuple((int(a), int(b)) for a, b in self.links))
        object.__setattr__(self, "mirror", tuple((int(a), int(b)) for a, b in self.mirror))
        if not self.name.strip():
            raise SchemeError("A landmark scheme needs a name.")
        if not self.landmarks:
            raise SchemeError(f"Scheme {self.name!r} has no landmarks; it needs at least one.")
        self._check_names()
        for what, pairs in (("link", self.links), ("mirror pair", self.mirror)):
            for a, b in pairs:
                if a == b or not (0 <= a < len(self.landmarks) and 0 <= b < len(self.landmarks)):
                    raise SchemeError(
                        f"Scheme {self.name!r} has the {what} {(a, b)}; it joins two different landmarks, "
                        f"numbered 0 to {len(self.landmarks) - 1}."
                    )
        paired = [index for pair in self.mirror for index in pair]
        if len(paired) != len(set(paired)):
            raise SchemeError(f"A landmark of scheme {self.name!r} is in two mirror pairs; it can change places once.")

    def _check_names(self) -> None:
        owner: dict[str, int] = {}
        for index, landmark in enumerate(self.landmarks):
            if landmark.side not in get_args(Side):
                raise SchemeError(
                    f"Landmark {landmark.name!r} of scheme {self.name!r} has the side {landmark.side!r}; "
                    f"allowed: {', '.join(get_args(Side))}."
                )
            for key in (landmark.name, landmark.abbreviation):
                if not key.strip():
                    raise SchemeError(
                        f"Landmark {index + 1} of scheme {self.name!r} has an empty name or abbreviation."
                    )
                if owner.setdefault(folded(key), index) != index:
                    raise SchemeError(
                        f"Scheme {self.name!r} uses {key!r} for landmarks {owner[folded(key)] + 1} and "
                        f"{index + 1}; names and abbreviations must differ (capital letters do not count)."
                    )

    def __len__(self) -> int:
        return len(self.landmarks)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The K full names, in order."""
        return tuple(landmark.name for landmark in self.landmarks)

    @cached_property
    def abbreviations(self) -> tuple[str, ...]:
        """The K abbreviations, in order."""
        return tuple(landmark.abbreviation for landmark in self.landmarks)

    @property
    def mirrored(self) -> tuple[int, ...] | None:
        """For each landmark of a mirror image the landmark whose place it has; None where there is no such image."""
        if not self.mirror:
            return None
        partner = dict(self.mirror) | {b: a for a, b in self.mirror}
        return tuple(partner.get(index, index) for index in range(len(self.landmarks)))

    @cached_property
    def _index(self) -> dict[str, int]:
        return {
            folded(key): index
            for index, landmark in enumerate(self.landmarks)
            for key in (landmark.name, landmark.abbreviation)
        }

    def index(self, key: str) -> int:
        """Find a landmark by its name or abbreviation.

        Case does not count, nor which apostrophe, prime, dash or space is written (spreadsheets and word processors
        change them): Pog’ and Pog′ are Pog', which is another landmark than Pog.

        Returns:
            The landmark's index, 0-based.

        Raises:
            UnknownNameError: If the scheme has no such landmark.
        """
        try:
            return self._index[folded(key)]
        except KeyError:
            raise self._unknown(key) from None

    def _unknown(self, key: str) -> UnknownNameError:
        """The error for a key; it suggests no landmark from which a mark alone, such as a prime, tells the key."""
        known = tuple(dict.fromkeys((*self.abbreviations, *self.names)))
        marked = [name for name in known if _letters(name) == _letters(key)]
        kind = f"landmark of scheme {self.name!r}:"
        if marked:
            return UnknownNameError(
                f"Unknown {kind} {key!r}; it differs in its marks from {' and '.join(map(repr, marked))}. "
                f"Known: {', '.join(known)}."
            )
        return unknown_name(kind, key, known)

    def knows(self, key: str) -> bool:
        """Whether `index` finds a landmark."""
        return folded(key) in self._index

    def to_dict(self) -> dict[str, Any]:
        """Describe the scheme with JSON types only; `from_dict` gives back an equal scheme."""
        return {
            "format": _FORMAT,
            "version": _VERSION,
            "name": self.name,
            "title": self.title,
            "landmarks": [
                {
                    "name": landmark.name,
                    "abbreviation": landmark.abbreviation,
                    "definition": landmark.definition,
                    "side": landmark.side,
                    **({"pitfall": landmark.pitfall} if landmark.pitfall else {}),
                }
                for landmark in self.landmarks
            ],
            "links": [[self.abbreviations[a], self.abbreviations[b]] for a, b in self.links],
            **(
                {"mirror": [[self.abbreviations[a], self.abbreviations[b]] for a, b in self.mirror]}
                if self.mirror
                else {}
            ),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LandmarkScheme:
        """Build a scheme from what `to_dict` gives, or from a scheme file.

        Args:
            data: `name`, `title`, `landmarks` (each with `name`, `abbreviation`, and optionally `definition`,
                `side` and `pitfall`), `links`, and optionally `mirror`; the ends of a pair are abbreviations, names or
                0-based indices.

        Raises:
            SchemeError: If something is missing, of the wrong type, or contradicts itself.
        """
        if not isinstance(data, dict) or data.get("format", _FORMAT) != _FORMAT:
            raise SchemeError(f'This is no landmark scheme: a scheme is a JSON object with "format": "{_FORMAT}".')
        version = data.get("version", _VERSION)
        if version != _VERSION:
            raise SchemeError(
                f"Version {version!r} of the scheme format is not known here (only {_VERSION} is); "
                "a newer napari-farnet may read it."
            )
        label = data.get("name", "?")
        landmarks = tuple(_definition(entry, label) for entry in _items(data, "landmarks", label))
        unlinked = cls(_text(data, "name", label), _text(data, "title", label, default=str(label)), landmarks)
        links, mirror = (
            tuple(_link(pair, unlinked) for pair in _items(data, key, label, default=())) for key in ("links", "mirror")
        )
        return cls(unlinked.name, unlinked.title, landmarks, links, mirror)


def bundled_schemes() -> tuple[str, ...]:
    """Names of the schemes that come with the package."""
    return _BUNDLED


def load_scheme(name: str | Path) -> LandmarkScheme:
    """Load a bundled scheme by its name, or any scheme from a JSON file.

    Args:
        name: One of `bundled_schemes()`, or the path of a `.json` file written from `LandmarkScheme.to_dict`.

    Raises:
        UnknownNameError: If there is no bundled scheme of this name.
        SchemeError: If the file cannot be read or is not a scheme.
    """
    if str(name) in _BUNDLED:
        return _load_bundled(str(name))
    if str(name).lower().endswith(".json"):
        return _parse(Path(name))
    raise unknown_name("landmark scheme", str(name), _BUNDLED)


@lru_cache
def _load_bundled(name: str) -> LandmarkScheme:
    return _parse(Path(__file__).with_name("schemes") / f"{name}.json")


def _parse(path: Path) -> LandmarkScheme:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SchemeError(f"The scheme file {path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise SchemeError(f"The scheme file {path} is not JSON: {error}.") from error
    try:
        return LandmarkScheme.from_dict(data)
    except SchemeError as error:
        raise SchemeError(f"{path}: {error}") from error


def folded(key: str) -> str:
    """What names are compared by; see `LandmarkScheme.index`."""
    text = unicodedata.normalize("NFKC", key.translate(_APOSTROPHES)).translate(_APOSTROPHES | _DASHES)
    text = re.sub(r"\s+'", "'", text)
    return re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", text.strip().replace("_", " ").casefold())


def _letters(key: str) -> str:
    return re.sub(r"\W", "", folded(key))


def _text(data: Mapping[str, Any], key: str, label: object, default: str | None = None) -> str:
    value = data.get(key, default)
    if not isinstance(value, str):
        raise SchemeError(f"Scheme {label!r}: {key!r} must be a text, not {value!r}.")
    return value


def _items(data: Mapping[str, Any], key: str, label: object, default: Sequence[Any] | None = None) -> Sequence[Any]:
    value = data.get(key, default)
    if not isinstance(value, list | tuple):
        raise SchemeError(f"Scheme {label!r}: {key!r} must be a list, not {value!r}.")
    return value


def _definition(entry: Any, label: object) -> LandmarkDefinition:
    if not isinstance(entry, dict):
        raise SchemeError(
            f"Scheme {label!r}: a landmark must be an object with a name and an abbreviation, not {entry!r}."
        )
    return LandmarkDefinition(
        name=_text(entry, "name", label),
        abbreviation=_text(entry, "abbreviation", label),
        definition=_text(entry, "definition", label, default=""),
        side=cast("Side", _text(entry, "side", label, default="none")),
        pitfall=_text(entry, "pitfall", label, default=""),
    )


def _link(pair: Any, scheme: LandmarkScheme) -> tuple[int, int]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise SchemeError(f"Scheme {scheme.name!r}: a link joins two landmarks; got {pair!r}.")
    ends = []
    for end in pair:
        if isinstance(end, str):
            try:
                ends.append(scheme.index(end))
            except ValueError as error:
                raise SchemeError(f"Scheme {scheme.name!r}, link {pair!r}: {error}") from error
        elif isinstance(end, int) and not isinstance(end, bool):
            ends.append(end)
        else:
            raise SchemeError(f"Scheme {scheme.name!r}: the end {end!r} of a link is neither a name nor an index.")
    return ends[0], ends[1]
