"""The user guide in a window of its own: it is installed with the plugin and needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices, QImage, QTextDocument
from qtpy.QtWidgets import QTextBrowser

if TYPE_CHECKING:
    from qtpy.QtGui import QCloseEvent

__all__ = ["GUIDE", "GuideWindow", "show_page"]

GUIDE = Path(__file__).parents[1] / "guide"
"""Folder of the guide, a page (.md) for each dock."""

_INDEX = "index"
_WEB = ("http", "https", "mailto")
_MARGIN = 48  # px beside a picture: the margins of the page and the scroll bar
_open: list[GuideWindow] = []  # the window has no parent, and nobody else who keeps it


class GuideWindow(QTextBrowser):
    """Shows pages of the guide; links between them work, and a link to the web asks the system's browser."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("FARNet guide")
        self.setOpenLinks(False)
        self.resize(820, 720)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)  # napari ends when its own window is closed
        self.anchorClicked.connect(self.follow)

    def open_page(self, page: str) -> None:
        """Show a page by its name, "detect", "correct", ...; the list of pages where there is none of this name."""
        file = GUIDE / f"{page}.md"
        if not file.is_file():
            file = GUIDE / f"{_INDEX}.md"
        self.setSource(QUrl.fromLocalFile(str(file)), QTextDocument.ResourceType.MarkdownResource)

    def follow(self, link: QUrl) -> None:
        """Go where a link leads: a page of the guide here, the web in the system's browser."""
        if link.scheme() in _WEB:
            QDesktopServices.openUrl(link)
        elif link.path().endswith(".md"):
            self.open_page(Path(link.path()).stem)
        else:
            self.scrollToAnchor(link.fragment())

    def loadResource(self, kind: int, name: QUrl) -> Any:  # noqa: N802
        """Give a page or picture from the folder of the guide, and nothing from elsewhere."""
        file = Path(self.source().resolved(name).toLocalFile() or name.toLocalFile())
        is_picture = kind == QTextDocument.ResourceType.ImageResource.value
        if not file.is_file() or GUIDE not in file.parents:
            return _nothing() if is_picture else None
        if not is_picture:
            return super().loadResource(kind, QUrl.fromLocalFile(str(file)))
        picture = QImage(str(file))
        widest = max(self.width() - _MARGIN, 1)
        smooth = Qt.TransformationMode.SmoothTransformation
        return picture.scaledToWidth(widest, smooth) if picture.width() > widest else picture

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Be forgotten."""
        if self in _open:
            _open.remove(self)
        super().closeEvent(event)


def _nothing() -> QImage:
    """A picture of nothing: where there is none, Qt would look for the file by itself."""
    nothing = QImage(1, 1, QImage.Format.Format_ARGB32)
    nothing.fill(Qt.GlobalColor.transparent)
    return nothing


def show_page(page: str) -> GuideWindow:
    """Show a page of the guide, in the window that shows the guide already if there is one."""
    if not _open:
        _open.append(GuideWindow())
    window = _open[0]
    window.open_page(page)
    window.show()
    window.raise_()
    return window
