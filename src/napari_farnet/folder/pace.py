"""How far a run is, in words."""

from __future__ import annotations

import time

__all__ = ["Pace"]


class Pace:
    """Counts what is done, and tells how long the others will take.

    Args:
        total: How many radiographs there are.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = self.failed = self.skipped = 0
        self._began = self._last = time.monotonic()

    @property
    def ended(self) -> int:
        """How many are no longer to be waited for."""
        return self.done + self.failed + self.skipped

    def count(self, status: str) -> None:
        """Something became of a radiograph: "done", "failed" or "skipped"."""
        setattr(self, status, getattr(self, status) + 1)
        now = time.monotonic()
        if status == "skipped":  # takes no time, and would promise too much for those that do
            self._began += now - self._last
        self._last = now

    def seconds_left(self) -> float | None:
        """How long the others will take, if they take as long as those that are done; None before the first."""
        worked = self.done + self.failed
        return (self._last - self._began) / worked * (self.total - self.ended) if worked else None

    def text(self) -> str:
        """For the bar."""
        text = f"{self.ended} of {self.total}"
        left = self.seconds_left()
        if left is not None and self.ended < self.total:
            text += f", {_words(left)} left"
        return text

    def summary(self) -> str:
        """What has come of the radiographs."""
        parts = [f"{self.done} done"]
        if self.skipped:
            parts.append(f"{self.skipped} as before")
        if self.failed:
            parts.append(f"{self.failed} failed")
        return f"{', '.join(parts)} of {self.total}"


def _words(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
