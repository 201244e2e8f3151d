"""The user guide in a window of its own: it is installed with the plugin and needs no network."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QTextDocument
from qtpy.QtWidgets import QApplication, QTextBrowser

__all__ = ["GUIDE", "GuideWindow", "show_page"]

GUIDE = Path(__file__).parents[1] / "guide"
"""Folder of the guide, a page (.md) for each dock."""


class GuideWindow(QTextBrowser):
    """Shows pages of the guide; links between them work, and a link to the web asks the system's browser."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("FARNet guide")
        self.setOpenExternalLinks(True)
        self.resize(820, 720)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def open_page(self, page: str) -> None:
        """Show a page by its name, "detect", "correct", ..."""
        file = GUIDE / f"{page}.md"
        if not file.is_file():
            file = GUIDE / "index.md"
        self.setSource(QUrl.fromLocalFile(str(file)), QTextDocument.ResourceType.MarkdownResource)


def show_page(page: str) -> GuideWindow:
    """Show a page of the guide, in the window that shows the guide already if there is one."""
    windows = [item for item in QApplication.topLevelWidgets() if isinstance(item, GuideWindow)]
    window = windows[0] if windows else GuideWindow()
    window.open_page(page)
    window.show()
    window.raise_()
    return window
