"""YAML from people who may be careless or hostile: plain lists, mappings and scalars, each with its line.

Nothing of a document is ever made into a Python object by YAML itself. Anchors and aliases, with which a short text can
stand for gigabytes, and tags, with which it can ask for code to be run, are refused; so are documents that are too long
or too deep. What is read is then asked for what it should hold, and an error says in which line it does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from farnet.errors import MeasurementError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    import yaml

__all__ = ["Item", "parse_yaml", "read_yaml"]

_LONGEST = 512 * 1024  # bytes: several thousand measurements
_DEEPEST = 12
_TRUE, _FALSE = ("true", "yes"), ("false", "no")


@dataclass(frozen=True)
class Item:
    """A part of a document.

    Attributes:
        node: What YAML found.
        file: The file, for messages.
        what: What the part is called in messages.
    """

    node: yaml.Node
    file: str
    what: str

    @property
    def line(self) -> int:
        """Its line, 1-based."""
        return int(self.node.start_mark.line) + 1

    def fail(self, message: str) -> NoReturn:
        """Raise an error that names file and line.

        Raises:
            MeasurementError: Always.
        """
        raise MeasurementError(f"{self.file}, line {self.line}: {message}")

    def mapping(self, known: Collection[str]) -> dict[str, Item]:
        """The values of a mapping by their keys, which must be among those known and not be there twice."""
        from yaml import MappingNode

        if not isinstance(self.node, MappingNode):
            self.fail(f"{self.what} must be names and values, one 'name: value' a line, not {self._shown()}.")
        found: dict[str, Item] = {}
        for key_node, value_node in self.node.value:
            key = Item(key_node, self.file, f"A key of {self.what}")
            name = key.text()
            if name not in known:
                key.fail(str(unknown_name(f"key of {self.what}:", name, known)))
            if name in found:
                key.fail(f"{self.what} has {name!r} twice (line {found[name].line}). Remove one.")
            found[name] = Item(value_node, self.file, f"{name!r} of {self.what}")
        return found

    def sequence(self, lengths: Iterable[int] = (), of: str = "items") -> list[Item]:
        """The items of a list, which must be as long as one of `lengths` says, or of any length without."""
        from yaml import SequenceNode

        allowed = tuple(lengths)
        wanted = f"a list of {' or '.join(map(str, allowed))} {of}" if allowed else f"a list of {of}"
        if not isinstance(self.node, SequenceNode):
            self.fail(f"{self.what} must be {wanted}, not {self._shown()}.")
        if allowed and len(self.node.value) not in allowed:
            self.fail(f"{self.what} must be {wanted}; it has {len(self.node.value)}.")
        return [Item(node, self.file, f"item {i} of {self.what}") for i, node in enumerate(self.node.value, start=1)]

    def text(self) -> str:
        """A text that is not empty; a name such as NO or 1 is taken as it is written."""
        value = self._scalar("a text")
        if not value.strip():
            self.fail(f"{self.what} is empty; it must be a text.")
        return value.strip()

    def number(self) -> float:
        """A finite number."""
        value = self._scalar("a number")
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            self.fail(f"{self.what} must be a number, not {value!r}.")
        return found

    def integer(self) -> int:
        """A whole number."""
        value = self.number()
        if value != int(value):
            self.fail(f"{self.what} must be a whole number, not {value:g}.")
        return int(value)

    def flag(self) -> bool:
        """True or false."""
        value = self._scalar("true or false").casefold()
        if value not in (*_TRUE, *_FALSE):
            self.fail(f"{self.what} must be true or false, not {value!r}.")
        return value in _TRUE

    def is_list(self) -> bool:
        """Whether it is a list."""
        from yaml import SequenceNode

        return isinstance(self.node, SequenceNode)

    def _scalar(self, wanted: str) -> str:
        from yaml import ScalarNode

        if not isinstance(self.node, ScalarNode):
            self.fail(f"{self.what} must be {wanted}, not {self._shown()}.")
        return str(self.node.value)

    def _shown(self) -> str:
        from yaml import MappingNode, ScalarNode

        if isinstance(self.node, ScalarNode):
            return repr(self.node.value) if self.node.value else "nothing"
        return "names and values" if isinstance(self.node, MappingNode) else "a list"


def read_yaml(path: Path) -> Item:
    """Read a YAML file.

    Raises:
        MeasurementError: If it is missing, too long, or no YAML of the kind that is allowed here.
    """
    try:
        size = path.stat().st_size
        if size > _LONGEST:
            raise MeasurementError(f"{path} has {size} bytes; a file of measurements has at most {_LONGEST}.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MeasurementError(f"There is no file {path}. Check the name and the folder.") from error
    except OSError as error:
        raise MeasurementError(f"The file {path} cannot be read: {error.strerror or error}.") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MeasurementError(f"{path} is no text in UTF-8 ({error.reason} at byte {error.start}).") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, file: str) -> Item:
    """Parse YAML text; `file` is what messages call it.

    Raises:
        MeasurementError: If it is no YAML of the kind that is allowed here.
    """
    import yaml

    if len(text) > _LONGEST:
        raise MeasurementError(f"{file} has {len(text)} characters; a file of measurements has at most {_LONGEST}.")
    try:
        _check_events(text, file)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark is not None else ""
        told = " ".join(str(part) for part in (error.context, error.problem) if part)
        raise MeasurementError(f"{file}{line}: this is not YAML: {told}.") from error
    except yaml.YAMLError as error:
        raise MeasurementError(f"{file}: this is not YAML: {' '.join(str(error).split())}.") from error
    if node is None:
        raise MeasurementError(f"{file} is empty.")
    return Item(node, file, "the file")


def _check_events(text: str, file: str) -> None:
    """Refuse what is not allowed before anything is built of it."""
    import yaml

    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise MeasurementError(
                    f"{file}, line {line}: a second document begins; a file holds one. Remove '---'."
                )
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise MeasurementError(f"{file}, line {line}: anchors (&) and aliases (*) are not allowed; write it out.")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise MeasurementError(f"{file}, line {line}: the tag {tag!r} is not allowed; remove what begins with '!'.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise MeasurementError(f"{file}, line {line}: this is nested more than {_DEEPEST} levels deep.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
