"""What is asked for: defaults, the command that asks for the same, and the record of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from farnet.batch_request import BatchRequest
from farnet.commands import detect
from farnet.errors import InvalidInputError, UnknownNameError

SIZE = st.floats(1e-6, 1e3)
NO_SURROGATES = st.characters(blacklist_categories=("Cs",), blacklist_characters="\0")
PATH = st.text(NO_SURROGATES, min_size=1, max_size=12).map(Path)


@st.composite
def requests(draw):
    resume, force = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    return BatchRequest(
        radiographs=tuple(draw(st.lists(PATH, min_size=1, max_size=3))),
        recursive=draw(st.booleans()),
        model=draw(st.sampled_from(["ceph19-compact", "my model.safetensors", "-strange"])),
        device=draw(st.sampled_from(["auto", "cpu", "cuda:1"])),
        output=draw(st.none() | PATH),
        format=draw(st.none() | st.sampled_from(["coco", "farnet-csv"])),
        spacing=draw(st.none() | SIZE | st.tuples(SIZE, SIZE)),
        detector_spacing=draw(st.booleans()),
        overlay=draw(st.booleans()),
        resume=resume,
        force=force,
    )


@pytest.fixture(scope="module")
def understood():
    """What the real command line makes of words: the request that it would run."""
    app, asked = typer.Typer(), []

    def plan(request):
        asked.append(request)
        raise typer.Exit

    app.callback()(lambda: None)  # as in the program, "detect" is a command of several
    detect.register(app)

    def parse(words):
        asked.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("farnet.batch_plan.BatchPlan.of", plan)
            result = CliRunner().invoke(app, words[1:])
        assert result.exit_code == 0, result.output
        return asked[0]

    return parse


@given(request_=requests())
def test_the_command_line_understands_its_words(understood, request_):
    words = request_.words()
    assert words[:2] == ["farnet", "detect"]
    assert understood(words) == request_


@given(request_=requests())
def test_the_record_comes_back_through_json(request_):
    assert BatchRequest.from_dict(json.loads(json.dumps(request_.to_dict()))) == request_


def test_what_is_as_by_default_is_not_said():
    assert BatchRequest(radiographs=("scans",)).words() == ["farnet", "detect", "scans"]
    asked = BatchRequest(radiographs=("scans",), spacing=0.1, resume=True, detector_spacing=True)
    assert asked.words() == ["farnet", "detect", "scans", "--spacing", "0.1,0.1", "--detector-spacing", "--resume"]


def test_a_path_that_begins_with_a_dash_is_no_option():
    assert BatchRequest(radiographs=("-r",), overlay=True).words() == ["farnet", "detect", "--overlay", "--", "-r"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"radiographs": ()}, "nothing to look at"),
        ({"radiographs": ("a",), "resume": True, "force": True}, "either --resume or --force"),
        ({"radiographs": ("a",), "spacing": 0}, "above zero"),
    ],
)
def test_what_cannot_be_asked_for(values, message):
    with pytest.raises(InvalidInputError, match=message):
        BatchRequest(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"radiographs": ["a"], "colour": True}, "'colour'.*overlay"),
        ({}, "no record of a detection"),
        ({"radiographs": 3}, "no record of a detection"),
        ({"radiographs": ["a"], "output": 3}, "no record of a detection"),
    ],
)
def test_what_is_no_record(values, message):
    with pytest.raises(InvalidInputError, match=message):
        BatchRequest.from_dict(values)


@pytest.mark.parametrize(
    ("output", "format", "name"),
    [
        (None, None, "farnet-csv"),
        ("folder", None, "farnet-csv"),
        ("a.csv", None, "farnet-csv"),
        ("a.coco.json", None, "coco"),
        ("a.json", None, "labelme"),
        ("a.tps", None, "tps"),
        ("a.csv", "tps", "tps"),
    ],
)
def test_the_format_is_found_by_the_ending_unless_it_is_named(output, format, name):
    assert BatchRequest(radiographs=("a",), output=output, format=format).annotation_format().name == name


@pytest.mark.parametrize(("output", "format"), [("a.xml", None), ("a.csv", "xml")])
def test_a_format_that_there_is_not(output, format):
    with pytest.raises(UnknownNameError, match="xml"):
        BatchRequest(radiographs=("a",), output=output, format=format).annotation_format()
