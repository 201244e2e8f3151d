"""Writing the report of what the dock shows, off the GUI thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog

from napari_farnet.threads import Failure, Progress, start

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator

    from qtpy.QtWidgets import QWidget

    from napari_farnet.evaluate.results import Result

__all__ = ["Reporter", "writing"]

_KINDS = "Page for a browser (*.html);;PDF (*.pdf)"


class Reporter:
    """Asks for a file and writes reports into it, one at a time.

    Args:
        say: Called with what there is to be said.
        fail: Called with an error, and what was being done.
        busy: Called with whether a report is being written.
    """

    def __init__(
        self, say: Callable[[str], None], fail: Callable[[Exception, str], None], busy: Callable[[bool], None]
    ) -> None:
        self._say, self._fail, self._busy = say, fail, busy
        self._worker: Any = None
        self._wanted = False
        self.written: Path | None = None
        """The last report of what is shown; None where there is none."""

    @property
    def busy(self) -> bool:
        """Whether a report is being written."""
        return self._worker is not None

    def ask(self, parent: QWidget, result: Result) -> None:
        """Let the user choose a file, and write the report of a result into it."""
        chosen, kind = QFileDialog.getSaveFileName(parent, "Save the report", "evaluation.html", _KINDS)
        if chosen:
            path = Path(chosen)
            ending = ".pdf" if "pdf" in kind else ".html"
            self.write(path if path.suffix else path.with_suffix(ending), result)

    def write(self, path: Path, result: Result) -> None:
        """Begin to write the report of a result; does nothing while another is being written."""
        if self._worker is not None:
            return
        self._wanted = True
        self._busy(True)
        self._worker = start(
            writing,
            path,
            result,
            yielded=lambda progress: self._say(f"{progress.text} \N{HORIZONTAL ELLIPSIS}"),
            returned=self._on_returned,
            finished=self._on_finished,
        )

    def forget(self) -> None:
        """What is shown is new, and has no report; one that is being written is of what was."""
        self._wanted = False
        self.written = None

    def leave(self) -> None:
        """The dock is gone: hear no more."""
        if self._worker is not None:
            self._worker.quit()
        self._say, self._busy, self._fail = _unheard, _unheard, _unheard

    def _on_returned(self, outcome: Path | Failure | None) -> None:
        if isinstance(outcome, Failure):
            self._fail(outcome.error, "Writing the report")
        elif outcome is not None:
            self.written = outcome if self._wanted else None
            self._say(f"Saved {outcome}.")

    def _on_finished(self) -> None:
        self._worker = None
        self._busy(False)


def _unheard(*_: object) -> None:
    """There is no dock any more."""


def writing(stop: threading.Event, path: Path, result: Result) -> Generator[Progress, None, Path | Failure | None]:
    """Write the report of a result; a generator for `napari_farnet.threads.start`."""
    from farnet.evaluation.report import write_report

    try:
        yield Progress(0, 0, "Writing the report")
        if stop.is_set():
            return None
        assert result.comparison is not None, "the button is off for a result without"
        return write_report(path, result.comparison, result.evaluation, result.request, force=True)
    except Exception as error:  # every end must be reported: see `start`
        return Failure(error)
