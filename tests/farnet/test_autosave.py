"""Copies of unsaved work."""

from __future__ import annotations

import numpy as np
import pytest

from farnet.autosave import Autosave, autosave_folder, key_of
from farnet.errors import AnnotationError
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme


@pytest.fixture
def landmarks():
    scheme = load_scheme("cephalometric19")
    return Landmarks(np.ones((19, 2)), scheme, radiograph="a", image_sha256="f" * 64, image_shape=(9, 9))


def test_a_copy_comes_back(tmp_path, landmarks):
    store, key = Autosave(tmp_path / "copies"), key_of([landmarks])
    assert store.when(key) is None
    store.store(key, [landmarks])
    assert store.when(key) is not None
    (again,) = store.read(key, landmarks)
    assert again.equals(landmarks)
    store.discard(key)
    assert store.when(key) is None
    store.discard(key)


def test_the_key_is_of_the_pixels_and_the_scheme(landmarks):
    assert key_of([landmarks]) == key_of([landmarks.replace(radiograph="renamed", points=np.zeros((19, 2)))])
    assert key_of([landmarks]) != key_of([landmarks.replace(image_sha256="e" * 64)])
    assert key_of([landmarks]) != key_of([landmarks, landmarks])
    unknown = landmarks.replace(image_sha256=None)
    assert key_of([unknown]) != key_of([unknown.replace(radiograph="other")])


def test_a_damaged_copy_is_put_aside(tmp_path, landmarks):
    store, key = Autosave(tmp_path), key_of([landmarks])
    file = store.store(key, [landmarks])
    file.write_text("row,column\n1,", encoding="utf-8")
    with pytest.raises(AnnotationError, match=r"damaged.*put aside"):
        store.read(key, landmarks)
    assert store.when(key) is None
    assert file.with_suffix(".damaged").is_file()


def test_the_folder_is_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert autosave_folder().name == "autosave"
    assert "farnet" in autosave_folder().parts
