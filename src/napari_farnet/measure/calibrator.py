"""Calibration from the first click to the spacing: between the ruler on the canvas and the form of the dock."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

from farnet.errors import FarnetError
from napari_farnet.measure.ruler import Ruler
from napari_farnet.sources import RadiographSource, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from farnet.measurement import Calibration
    from napari_farnet.measure.dock import MeasureWidget

__all__ = ["Calibrator"]

_FIRST = "Click one end of a ruler on the radiograph. Zoom with the wheel; Escape ends it."
_SECOND = "Click the other end of the ruler."


class Calibrator(QObject):
    """Leads through a calibration.

    What the ruler tells comes in the middle of napari's own work with a click or a key, so it is answered a turn of the
    event loop later.

    Args:
        dock: The dock, whose form and radiograph are used.
    """

    def __init__(self, dock: MeasureWidget) -> None:
        super().__init__(dock)
        self._dock: MeasureWidget = weakref.proxy(dock)  # a dock that holds what holds it would outlive its window
        self._held = held = _Held()
        self._changed = self._later(self._on_ruler)
        self._cancelled = self._later(self.end)
        dock.destroyed.connect(partial(_take_away, held))

    def begin(self) -> None:
        """Lay a ruler on the radiograph that is chosen; does nothing while one is laid."""
        image = self._dock.form.image.layer()
        if image is None or self._held.ruler is not None:
            return
        self._held.ruler = Ruler(
            self._dock.viewer, image, partial(self._changed.start, 0), partial(self._cancelled.start, 0)
        )
        self._dock.form.set_calibrating(True, _FIRST)

    @property
    def ruler(self) -> Ruler | None:
        """The ruler that is laid."""
        return self._held.ruler

    def apply(self) -> None:
        """Give the radiograph the size that the ruler says, and take the ruler away."""
        ruler = self._held.ruler
        if ruler is None:
            return
        try:
            found = self._calibration(ruler)
        except FarnetError as error:
            self._dock.fail(error, "Calibration")
            return
        image = ruler.image
        self.end()
        self._dock.resized(image, found)
        others = [item.name for item in self._dock.viewer.layers if not refusal(item) and item != image]
        left = f" Left as they are: {', '.join(map(repr, others))}." if others else ""
        edges = " \N{MULTIPLICATION SIGN} ".join(dict.fromkeys(f"{edge:.4g}" for edge in found.spacing))
        self._dock.say(f"{image.name!r} has {edges} mm per pixel now ({found.source}).{left}")

    def end(self) -> None:
        """Take the ruler away; nothing that was there before it is changed."""
        _take_away(self._held)
        self._dock.form.set_calibrating(False)

    def _on_ruler(self) -> None:
        """An end was set or moved."""
        ruler, form = self._held.ruler, self._dock.form
        if ruler is None:
            return
        ruler.settle()
        ends = ruler.ends
        if len(ends) < 2:
            form.set_calibrating(True, _SECOND if len(ends) else _FIRST)
            return
        try:
            found = self._calibration(ruler)
        except FarnetError as error:
            form.set_calibrating(True, str(error))
            return
        was_ready = form.apply.isEnabled()
        form.set_calibrating(
            True,
            f"{found.length_px:.1f} px. Drag the ends to mend them; type the length, then Set size. "
            f"A pixel missed at each end is {100 * found.relative_error:.1f}\N{NO-BREAK SPACE}%.",
            ready=True,
        )
        if not was_ready:
            form.length.setFocus()
            form.length.selectAll()

    def _calibration(self, ruler: Ruler) -> Calibration:
        from farnet.measurement import calibrate

        first, second = ruler.ends
        known = RadiographSource.of(ruler.image).spacing
        return calibrate(first, second, self._dock.form.length.value(), pixel_shape=known)

    def _later(self, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(slot)
        return timer


class _Held:
    """The ruler, which outlives the dock for a moment."""

    def __init__(self) -> None:
        self.ruler: Ruler | None = None


def _take_away(held: _Held, _dock: object = None) -> None:
    ruler, held.ruler = held.ruler, None
    if ruler is not None:
        ruler.close()
