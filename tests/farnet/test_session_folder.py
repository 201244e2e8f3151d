"""A session that is replaced takes nobody else's files along, and is whole after any interruption."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from farnet.errors import OutputError
from farnet.formats import read_annotations
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme
from farnet.session_export import changed_files, export_session, is_session

SCHEME = load_scheme("cephalometric19")
OLD, NEW = 1.0, 2.0


def landmarks(name, place):
    return Landmarks(np.full((19, 2), place), SCHEME, radiograph=name, image_shape=(99, 99), image_sha256=name * 64)


def export(folder, place, *names, **options):
    return export_session(folder, [landmarks(name, place) for name in names], **options)


def place_of(folder):
    return {float(item.points[0, 0]) for item in read_annotations(folder / "landmarks.csv")}


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def session(tmp_path):
    """A session in a folder that somebody keeps other things in."""
    export(tmp_path / "session", OLD, "a", "b", "c")
    (tmp_path / "session" / "notes").mkdir()
    for name in ("notes.txt", "extra.csv", "notes/deep.txt", ".hidden"):
        (tmp_path / "session" / name).write_text(f"mine: {name}", encoding="utf-8")
    return tmp_path / "session"


def strangers(folder):
    return {name for name in ("notes.txt", "extra.csv", "notes/deep.txt", ".hidden") if (folder / name).is_file()}


def test_what_the_manifest_does_not_list_stays(session):
    before = strangers(session)
    written = export(session, NEW, "a", "d", force=True)
    assert strangers(session) == before
    assert all((session / name).read_text(encoding="utf-8") == f"mine: {name}" for name in before)
    assert set(content(session)) == set(written.files) | before  # and nothing of the old session
    assert place_of(session) == {NEW}
    assert changed_files(session) == []


def test_a_file_of_somebody_else_is_not_overwritten(session):
    coming = set(export(session.parent / "other", NEW, *"abcd").files) - set(content(session))
    for name in coming:
        (session / name).write_text("mine", encoding="utf-8")
    before = content(session)
    with pytest.raises(OutputError, match=r"is no file of the session.*Move it away"):
        export(session, NEW, *"abcd", force=True)
    assert content(session) == before


class Killed(BaseException):
    """As SIGKILL: nothing is tidied up."""


def killed_at(monkeypatch, moment, act):
    """Run something until files have been put in their places so many times; gives whether it was cut off."""
    count = 0
    plain = Path.replace
    with monkeypatch.context() as patched:

        def replace(self, target):
            nonlocal count
            if count == moment:
                patched.setattr(shutil, "rmtree", lambda *_, **__: None)
                patched.setattr(Path, "unlink", lambda *_, **__: None)
                raise Killed
            count += 1
            return plain(self, target)

        patched.setattr(Path, "replace", replace)
        try:
            act()
        except Killed:
            return True
    return False


def test_a_run_that_is_killed_leaves_the_old_or_the_new_session_or_says_so_and_is_gone_on_with(session, monkeypatch):
    before = content(session)
    old = {name: data for name, data in before.items() if name not in strangers(session)}
    seen, moment = set(), 0
    while killed_at(monkeypatch, moment, lambda: export(session, NEW, "a", "d", force=True)):
        moment += 1
        assert is_session(session)
        assert strangers(session) == before.keys() - old.keys()
        assert place_of(session) in ({OLD}, {NEW})  # every file is whole
        said = changed_files(session)
        visible = {name: data for name, data in content(session).items() if not name.startswith(".new")}
        if said:
            assert "was being replaced" in said[0]
            seen.add("half")
        else:
            assert visible == before
            seen.add("old")
        if moment % 3 == 0:  # begin again from the old one
            shutil.rmtree(session)
            for name, data in before.items():
                (session / name).parent.mkdir(parents=True, exist_ok=True)
                (session / name).write_bytes(data)
    assert seen == {"old", "half"}
    assert moment > 8
    assert changed_files(session) == []
    assert place_of(session) == {NEW}
    assert strangers(session) == before.keys() - old.keys()
    assert not (session / ".new").exists()


def test_a_manifest_of_somebody_else_removes_nothing_outside(session):
    manifest = json.loads((session / "session.json").read_text(encoding="utf-8"))
    outside = session.parent / "outside.txt"
    outside.write_text("mine", encoding="utf-8")
    manifest["replaced_by"] = ["../outside.txt", "..", 7, "notes", str(outside)]
    (session / "session.json").write_text(json.dumps(manifest), encoding="utf-8")
    before = strangers(session)
    export(session, NEW, "a", force=True)
    assert outside.read_text(encoding="utf-8") == "mine"
    assert strangers(session) == before
