"""The window of the guide."""

from __future__ import annotations

import re
import socket

import pytest
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices, QImage, QTextDocument
from qtpy.QtWidgets import QApplication, QPushButton

from napari_farnet.ui import help as guide
from napari_farnet.ui.help import GUIDE, GuideWindow, show_page

PAGES = sorted(file.stem for file in GUIDE.glob("*.md"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """The guide reads nothing but its files."""

    def refuse(*_):
        raise AssertionError("the guide asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def show(qtbot):
    def make(page):
        window = show_page(page)
        qtbot.addWidget(window)
        return window

    yield make
    for window in list(guide._open):
        window.close()


@pytest.fixture
def own_guide(tmp_path, monkeypatch):
    """A guide of two pages with a picture, and a file beside it that is none of its pages."""
    folder = tmp_path / "guide"
    (folder / "images").mkdir(parents=True)
    picture = QImage(1366, 768, QImage.Format.Format_RGB32)
    picture.fill(0x3366FF)
    assert picture.save(str(folder / "images" / "one.png"))
    assert picture.save(str(tmp_path / "secret.png"))
    (folder / "index.md").write_text("# All pages\n\n- [One](one.md)\n", encoding="utf-8")
    (folder / "one.md").write_text(
        "# One\n\n![A picture](images/one.png)\n\n[All](index.md), [web](https://example.org/page)\n\n"
        "![outside](../secret.png)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(guide, "GUIDE", folder)
    return folder


def heading(window):
    return window.document().firstBlock().text()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_rendered(show, page):
    window = show(page)
    title = (GUIDE / f"{page}.md").read_text(encoding="utf-8").splitlines()[0]
    assert title == f"# {heading(window)}"
    assert window.isVisible()
    assert "](" not in window.toPlainText()


@pytest.mark.parametrize("page", PAGES)
def test_every_picture_and_link_leads_somewhere(show, page):
    window = show(page)
    text = (GUIDE / f"{page}.md").read_text(encoding="utf-8")
    for target in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
        if (GUIDE / target).is_file():
            picture = window.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl(target))
            assert not picture.isNull()
            assert picture.width() <= window.width()
    for target in re.findall(r"(?<!!)\[[^]]*\]\(([^)]+)\)", text):
        if not target.startswith("http"):
            assert (GUIDE / target.partition("#")[0]).is_file(), target


def test_the_index_lists_every_page():
    text = (GUIDE / "index.md").read_text(encoding="utf-8")
    assert [page for page in PAGES if page != "index" and f"({page}.md)" not in text] == []


def test_an_unknown_page_is_the_index(show):
    assert heading(show("no such page")) == heading(show("index"))


def test_pictures_are_shown_and_fit(own_guide, show, qtbot):
    window = show("one")
    qtbot.waitExposed(window)
    picture = window.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl("images/one.png"))
    assert 100 < picture.width() <= window.viewport().width()
    blue = [
        (x, y)
        for x in range(0, window.viewport().width(), 40)
        for y in range(0, window.viewport().height(), 40)
        if window.viewport().grab().toImage().pixel(x, y) & 0xFFFFFF == 0x3366FF
    ]
    assert len(blue) > 20
    assert window.horizontalScrollBar().maximum() == 0


def test_nothing_outside_the_guide_is_loaded(own_guide, show):
    window = show("one")
    for target in ("../secret.png", "https://example.org/picture.png", "//example.org/picture.png", "images/none.png"):
        # A picture of nothing, since Qt would look for the file by itself if there were none.
        assert window.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl(target)).width() == 1
        assert window.loadResource(QTextDocument.ResourceType.MarkdownResource.value, QUrl(target)) is None


def test_links_between_pages(own_guide, show):
    window = show("index")
    window.anchorClicked.emit(QUrl("one.md"))
    assert heading(window) == "One"
    window.anchorClicked.emit(QUrl("index.md"))
    assert heading(window) == "All pages"
    window.backward()
    assert heading(window) == "One"


def test_a_link_to_the_web_is_for_the_browser(own_guide, show, monkeypatch):
    asked = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda link: asked.append(link.toString()))
    window = show("one")
    window.anchorClicked.emit(QUrl("https://example.org/page"))
    assert asked == ["https://example.org/page"]
    assert heading(window) == "One"


def test_there_is_one_window(show):
    window = show("index")
    assert show_page("detect") is window
    assert heading(window) == "Detect landmarks"


def test_it_stays_when_nobody_holds_it(qtbot):
    button = QPushButton()
    qtbot.addWidget(button)
    button.clicked.connect(lambda: show_page("detect"))
    button.click()
    qtbot.wait(20)
    (window,) = (item for item in QApplication.topLevelWidgets() if isinstance(item, GuideWindow))
    assert window.isVisible()
    with qtbot.waitSignal(window.destroyed):
        window.close()
    # And opens again.
    again = show_page("detect")
    qtbot.addWidget(again)
    assert again.isVisible()
    again.close()
    assert guide._open == []
