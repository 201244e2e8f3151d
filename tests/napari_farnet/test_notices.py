"""What is told is shown once, as plain text."""

from __future__ import annotations

import threading

import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt

from farnet.notices import tell
from napari_farnet import notices
from napari_farnet.notices import begin_reading, plain, show_notices

HOSTILE = ["<b>x</b>.png", "<img src='file:///etc/passwd'>", "&lt;b>", "a < b", "<!DOCTYPE html>", "<?xml ?>", "</a>"]


@pytest.fixture
def shown(monkeypatch):
    """Texts of the notifications that came."""
    records = []
    monkeypatch.setattr(notification_manager, "dispatch", lambda item: records.append(item.message))
    begin_reading()
    return records


def test_a_notice_is_shown_once_in_a_reading(shown):
    show_notices()
    show_notices()
    for _ in range(3):
        tell("3 curves were left out.")
    tell("Something else.")
    assert shown == ["3 curves were left out.", "Something else."]
    begin_reading()
    tell("3 curves were left out.")
    assert shown[2:] == ["3 curves were left out."]


def test_later_it_is_of_something_else(shown, monkeypatch):
    tell("again")
    now = notices.time.monotonic() + 60
    monkeypatch.setattr(notices.time, "monotonic", lambda: now)
    tell("again")
    assert shown == ["again", "again"]


def test_a_notice_may_come_from_any_thread(shown):
    thread = threading.Thread(target=tell, args=("from afar",))
    thread.start()
    thread.join()
    assert shown == ["from afar"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_label_takes_a_name_for_html(shown, text, qapp):
    assert not Qt.mightBeRichText(plain(text))
    assert plain(text).replace("\N{WORD JOINER}", "") == text
    tell(text)
    assert shown == [plain(text)]


def test_other_texts_stay_as_they_are():
    assert plain("p < 0.05 & more") == "p <\N{WORD JOINER} 0.05 & more"
    assert plain("lateral.png") == "lateral.png"
