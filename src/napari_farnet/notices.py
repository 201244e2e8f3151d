"""What a person should know, as napari's notifications: as plain text, and each thing once."""

from __future__ import annotations

import logging
import time

from farnet.notices import LOGGER

__all__ = ["begin_reading", "plain", "show_notices", "tell_error", "tell_info", "tell_warning"]

_JOINER = "\N{WORD JOINER}"  # has no width
_SAME_SECONDS = 5.0  # in which the same words are of the same thing


def plain(text: str) -> str:
    """Write a text so that a label that may take it for HTML shows it as it is, names of files included."""
    return text.replace("<", f"<{_JOINER}").replace("&lt;", f"&{_JOINER}lt;")


def tell_info(text: str) -> None:
    """Show an information."""
    from napari.utils.notifications import show_info

    show_info(plain(text))


def tell_warning(text: str) -> None:
    """Show a warning."""
    from napari.utils.notifications import show_warning

    show_warning(plain(text))


def tell_error(text: str) -> None:
    """Show an error."""
    from napari.utils.notifications import show_error

    show_error(plain(text))


class _Notices(logging.Handler):
    """Shows what `farnet.notices` tells, from whatever thread; the same words once in a reading."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Show a notice."""
        text, now = record.getMessage(), time.monotonic()
        before = self.told.get(text)
        self.told = {known: when for known, when in self.told.items() if now - when < _SAME_SECONDS} | {text: now}
        if before is None or now - before >= _SAME_SECONDS:
            tell_warning(text)


_notices = _Notices()


def show_notices() -> None:
    """Show notices from now on; doing it again is harmless."""
    LOGGER.addHandler(_notices)


def begin_reading() -> None:
    """A file is read, perhaps for the second time: what there is to say about it is said again."""
    show_notices()
    _notices.told.clear()
