import pytest

from farnet.errors import ModelFileError, UnknownNameError
from farnet.zoo import DEFAULT_MODEL, bundled_folder, find_model, list_models, unreadable_models, user_folder

from .models import write_tiny_model


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FARNET_MODELS", str(tmp_path))
    return tmp_path


def test_the_user_folder_is_scanned(folder):
    assert user_folder() == folder
    write_tiny_model(folder / "any-file-name.safetensors", name="mine")
    entry = next(e for e in list_models() if e.name == "mine")
    assert not entry.bundled
    assert find_model("mine") == entry.path == folder / "any-file-name.safetensors"


def test_a_broken_file_hides_no_other(folder):
    (folder / "broken.safetensors").write_bytes(b"nothing")
    write_tiny_model(folder / "good.safetensors", name="good")
    assert "good" in [e.name for e in list_models()]
    assert list(unreadable_models()) == [folder / "broken.safetensors"]


def test_a_users_model_hides_the_bundled_namesake(folder):
    write_tiny_model(folder / "x.safetensors", name=DEFAULT_MODEL)
    assert find_model(DEFAULT_MODEL) == folder / "x.safetensors"
    assert [e.name for e in list_models()].count(DEFAULT_MODEL) == 1


def test_the_bundled_model_is_there_and_small(folder):
    entry = next(e for e in list_models() if e.name == DEFAULT_MODEL)
    assert entry.bundled
    assert entry.path.parent == bundled_folder()
    assert entry.path.stat().st_size <= 12_000_000
    assert "not for diagnosis" in entry.metadata.intended_use


def test_unknown_names_suggest(folder):
    write_tiny_model(folder / "x.safetensors", name="mandible")
    with pytest.raises(UnknownNameError, match="mandible"):
        find_model("mandibel")


def test_a_path_is_taken_as_it_is(folder):
    write_tiny_model(folder / "x.safetensors")
    assert find_model(folder / "x.safetensors") == folder / "x.safetensors"
    with pytest.raises(ModelFileError, match="no model file"):
        find_model(folder / "y.safetensors")


def test_without_the_variable_the_users_data_folder_is_used(monkeypatch):
    monkeypatch.delenv("FARNET_MODELS", raising=False)
    assert user_folder().name == "models"
