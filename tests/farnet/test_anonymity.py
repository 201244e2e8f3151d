"""A model file says nothing of patients, users or their disks, unless it is asked to, and never where a file lies."""

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farnet.anonymity import command_without_paths, file_name, is_file_name, without_names, without_paths
from farnet.modelfile import read_metadata
from farnet.zoo import list_models

PATIENT = "Mueller_Anna-1970"
PATHS = (
    f"/net/ann/{PATIENT}.png",
    rf"D:\ann\{PATIENT}.png",
    rf"\\server\scans\{PATIENT}.png",
    f"~/{PATIENT}.png",
)


@pytest.mark.parametrize("path", PATHS)
def test_of_a_path_the_name_of_the_file_is_left(path):
    assert file_name(path) == f"{PATIENT}.png"
    assert without_paths({"a": [path, {"b": path}], "c": 1.5, "d": None}) == {
        "a": [f"{PATIENT}.png", {"b": f"{PATIENT}.png"}],
        "c": 1.5,
        "d": None,
    }


@pytest.mark.parametrize("name", ["a.csv", "Müller 1.mrk.json", "..a"])
def test_names_of_files(name):
    assert is_file_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", r"a\b", "/etc/passwd", r"C:\a", "C:a", "../a", r"..\a", "a\0b", " ", "a.csv:x", 3, None],
)
def test_what_leads_out_of_a_folder_is_no_name(name):
    assert not is_file_name(name)


def test_a_command_tells_settings_and_nothing_else():
    words = shlex.split(
        f"farnet train --data /scans/{PATIENT} -o '/net/ann/run 1' --exclude {PATIENT} --observer 'Dr Ann' --preset "
        f"compact --set epochs=3 --set weights=/net/ann/w.safetensors --validation=0.2 --annotations={PATHS[0]} --json"
    )
    assert command_without_paths(words) == (
        "farnet train --data DATA -o OUTPUT --exclude EXCLUDE --observer OBSERVER --preset compact --set epochs=3 "
        "--set weights=w.safetensors --validation=0.2 --annotations=ANNOTATIONS --json"
    )
    with_names = command_without_paths(words, names=True)
    assert PATIENT in with_names and "/" not in with_names


@given(st.lists(st.sampled_from([*PATHS, "--data", "-o", "--exclude", "--set", "--annotations", "a=b"])))
def test_no_command_tells_a_path(words):
    for names in (False, True):
        told = command_without_paths(["farnet", "train", *words], names=names)
        assert "ann/" not in told and "ann\\" not in told


def test_names_and_paths_leave_a_model_file():
    metadata = list_models()[0].metadata.model_copy(
        update={
            "training": {
                "data": {"dataset": "table", "observer": "Dr Ann", "radiographs": [PATIENT, "b"]},
                "command": f"farnet train --data {PATHS[0]} --exclude {PATIENT}",
                "settings": {"start_from": PATHS[0].replace(PATIENT, "tuned"), "weights": "../ann/w.ckpt", "epochs": 3},
            },
            "evaluation": {
                "held_out": {
                    "largest_errors": [
                        {"radiograph": PATIENT, "landmark": "Sella", "error": 1.5},
                        {"radiograph": "b", "landmark": "Nasion", "error": 1.0},
                    ]
                }
            },
        }
    )
    told = without_names(metadata, {PATIENT: "0123456789ab"})
    text = json.dumps(told.model_dump(mode="json"))
    assert not any(word in text for word in (PATIENT, "Dr Ann", "/net", "ann/"))
    assert told.training["data"] == {"dataset": "table", "observer": "one of several", "radiographs": 2}
    assert told.training["settings"] == {"start_from": "tuned.png", "weights": "w.ckpt", "epochs": 3}
    assert told.evaluation["held_out"]["largest_errors"] == [
        {"radiograph": "0123456789ab", "landmark": "Sella", "error": 1.5},
        {"landmark": "Nasion", "error": 1.0},
    ]
    assert without_names(told).training == told.training


@pytest.mark.parametrize("entry", [entry for entry in list_models() if entry.bundled], ids=lambda entry: entry.name)
def test_bundled_models_lose_nothing_else(entry):
    metadata = read_metadata(entry.path)
    told = without_names(metadata)
    assert told.training["settings"] == metadata.training["settings"]
    assert told.training["data"]["radiographs"] == len(metadata.training["data"]["radiographs"])
    assert told.model_dump(exclude={"training", "evaluation"}) == metadata.model_dump(
        exclude={"training", "evaluation"}
    )
