"""Where a scheme of one's own is looked for, and in which order."""

import json

import pytest
from tests.farnet.models import write_tiny_model

from farnet.errors import SchemeError
from farnet.formats import find_scheme
from farnet.formats.schemes import own_schemes
from farnet.networks import NetworkConfig
from farnet.scheme import LandmarkDefinition, LandmarkScheme, load_scheme


def scheme(name="knee", first="Top"):
    return LandmarkScheme(name, "Knee", (LandmarkDefinition(first, "T"), LandmarkDefinition("Bottom", "B")))


def put(path, item):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(item.to_dict()))


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("FARNET_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.mark.parametrize("name", ["hand37", "Hand37", " HAND37 "])
def test_bundled_ones_come_first(tmp_path, name):
    put(tmp_path / "scheme.json", scheme("hand37"))
    assert find_scheme(name, beside=tmp_path) == load_scheme("hand37")


@pytest.mark.parametrize("place", ["scheme.json", "other.json", "../scheme.json", "../../scheme.json", "../knees.json"])
def test_beside_the_file_and_above(tmp_path, place):
    file = tmp_path / "a" / "b" / "c" / "found.csv"
    file.parent.mkdir(parents=True)
    with pytest.raises(SchemeError, match=r"Unknown landmark scheme 'knee'.*scheme\.json"):
        find_scheme("knee", beside=file)
    put(file.parent / place, scheme())
    assert find_scheme("knee", beside=file) == find_scheme("knee", beside=file.parent) == scheme()
    assert own_schemes(file) == [scheme()]
    with pytest.raises(SchemeError, match="'hip'"):
        find_scheme("hip", beside=file)
    with pytest.raises(SchemeError, match="not bundled"):
        find_scheme("knee")


def test_the_nearest_one_counts(tmp_path, models):
    models.mkdir()
    network = NetworkConfig(backbone="efficientnet_lite0", width=8, landmarks=2)
    write_tiny_model(models / "m.safetensors", network=network, scheme=scheme(first="Installed").to_dict())
    assert find_scheme("knee").names[0] == "Installed"
    put(tmp_path / "study" / "scheme.json", scheme(first="Above"))
    assert find_scheme("knee", beside=tmp_path / "study" / "reader" / "a.csv").names[0] == "Above"
    put(tmp_path / "study" / "reader" / "zzz.json", scheme(first="Beside"))
    put(tmp_path / "study" / "reader" / "aaa.json", scheme("hip"))
    assert find_scheme("knee", beside=tmp_path / "study" / "reader" / "a.csv").names[0] == "Beside"


def test_a_scheme_that_was_changed_is_read_again(tmp_path):
    put(tmp_path / "scheme.json", scheme())
    assert find_scheme("knee", beside=tmp_path) == scheme()
    (tmp_path / "scheme.json").unlink()
    put(tmp_path / "scheme.json", scheme(first="New"))
    assert find_scheme("knee", beside=tmp_path).names[0] == "New"


def test_a_damaged_scheme_is_said(tmp_path):
    (tmp_path / "scheme.json").write_text("{")
    (tmp_path / "other.json").write_text('"farnet-scheme" {')
    with pytest.raises(SchemeError, match=r"scheme\.json is not JSON"):
        find_scheme("knee", beside=tmp_path)
