"""The sets of measurements that can be chosen: those that come with FARNet, and files that were opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farnet.measurement import MeasurementSet
    from farnet.scheme import LandmarkScheme

__all__ = ["Sets"]


class Sets:
    """What can be measured; a file that was opened stays until the dock is closed."""

    def __init__(self) -> None:
        self._opened: dict[str, MeasurementSet] = {}

    def choices(self, scheme: LandmarkScheme | None) -> list[tuple[str, str]]:
        """(title, key) of the sets for landmarks of a scheme."""
        from farnet.measurement import measurements_for

        bundled = None if scheme is None else measurements_for(scheme)
        found = [] if bundled is None else [(bundled.title, bundled.name)]
        return found + [(f"{item.title} ({Path(file).name})", file) for file, item in self._opened.items()]

    def open(self, path: Path, scheme: LandmarkScheme | None) -> str:
        """Read a file, or read it again; gives its key.

        Args:
            path: The file.
            scheme: The scheme of the landmarks, which a file for a scheme that is not bundled needs.

        Raises:
            MeasurementError: If it is malformed; what was read before stays.
        """
        from farnet.measurement import load_measurements
        from farnet.scheme import bundled_schemes

        own = scheme if scheme is not None and scheme.name not in bundled_schemes() else None
        self._opened[str(path)] = load_measurements(path, scheme=own)
        return str(path)

    def is_file(self, key: str) -> bool:
        """Whether a set was opened from a file."""
        return key in self._opened

    def get(self, key: str) -> MeasurementSet:
        """A set by its key."""
        from farnet.measurement import load_measurements

        return self._opened[key] if key in self._opened else load_measurements(key)
