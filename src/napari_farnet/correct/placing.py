"""Placing missing landmarks by clicks, one after another; the layer is in napari's mode for adding meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_farnet.correct.subject import Subject

__all__ = ["Placing"]


class Placing:
    """Whether landmarks are being placed, and which is next.

    Attributes:
        active: Whether clicks place landmarks now.
    """

    def __init__(self) -> None:
        self.active = False

    def begin(self, subject: Subject, k: int) -> int | None:
        """Begin with landmark k if it is missing, else with the first that is; None where none is.

        Returns:
            The landmark that the next click places.
        """
        missing = subject.review.missing
        if not missing:
            return None
        subject.viewer.layers.selection.active = subject.layer
        self.active = True
        subject.layer.mode = "add"
        return self.aim(subject, k if k in missing else missing[0])

    def aim(self, subject: Subject, k: int) -> int:
        """Have the next click place landmark k."""
        subject.session.target = subject.scheme.names[k]
        return k

    def advance(self, subject: Subject) -> int | None:
        """Aim at the next missing landmark, or end where none is; gives it."""
        missing = subject.review.missing
        if not missing:
            self.end(subject)
            return None
        aimed = subject.session.target
        still = aimed is not None and subject.scheme.index(aimed) in missing
        return self.aim(subject, subject.scheme.index(str(aimed)) if still else missing[0])

    def end(self, subject: Subject) -> None:
        """Let clicks select points again."""
        self.active = False
        subject.session.target = None
        if str(subject.layer.mode) == "add":
            subject.layer.mode = "select"
