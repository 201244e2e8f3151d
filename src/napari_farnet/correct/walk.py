"""Going through a folder of radiographs: the neighbours are read ahead, so that the next one is there at once."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farnet.corrections import Corrections
    from farnet.radiograph import Radiograph

__all__ = ["Walk"]

_KEPT = 5  # radiographs in memory


class Walk:
    """A place in a folder.

    Args:
        corrections: The folder.

    Attributes:
        corrections: The folder.
        number: Which radiograph is looked at.
    """

    def __init__(self, corrections: Corrections) -> None:
        self.corrections = corrections
        self.number = 0
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="farnet-read-ahead")
        self._read: dict[int, Future[Radiograph]] = {}

    def radiograph(self, number: int) -> Radiograph:
        """Give a radiograph, waiting for it if it was not read ahead.

        Raises:
            RadiographError: If the file is none, or is gone.
        """
        future = self._ask(number)
        try:
            return future.result()
        except Exception:
            self._read.pop(number, None)  # it may be mended meanwhile
            raise

    def go_to(self, number: int) -> None:
        """Be at a radiograph: its neighbours are read now, and those far away forgotten."""
        step = 1 if number >= self.number else -1
        self.number = number
        for near in (number + step, number - step):
            if 0 <= near < len(self.corrections):
                self._ask(near)
        for far in sorted(self._read, key=lambda item: abs(item - number))[_KEPT:]:
            self._read.pop(far).cancel()

    def first_unfinished(self) -> int:
        """The first radiograph without corrections; the first of all where there is none."""
        items = self.corrections.items
        return next((number for number, item in enumerate(items) if not item.corrected), 0)

    def close(self) -> None:
        """Read nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._read.clear()

    def _ask(self, number: int) -> Future[Radiograph]:
        if number not in self._read:
            self._read[number] = self._pool.submit(self.corrections.radiograph, number)
        return self._read[number]
