"""A request is checked when it is made, and is the same as command and as record."""

import json
from pathlib import Path

import pytest

from farnet.errors import InvalidInputError
from farnet.evaluation import EvaluationRequest
from farnet.evaluation.request import as_numbers

FILES = EvaluationRequest(predictions=Path("a b.csv"), reference=Path("truth"))
REQUESTS = [
    FILES,
    EvaluationRequest(data=Path("isbi")),
    EvaluationRequest(
        model="my.safetensors",
        device="cpu",
        radiographs=Path("scans"),
        reference=Path("truth.csv"),
        exclude=("a", "b"),
        common=True,
        spacing=0.1,
        radii=(4, 2.0),
        bootstrap=0,
        seed=3,
    ),
    EvaluationRequest(data=Path("isbi"), split="all", observer="senior", model="ceph19-compact"),
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_record_gives_the_request_back(request_):
    again = EvaluationRequest.from_dict(json.loads(json.dumps(request_.to_dict())))
    assert again.words() == request_.words()
    assert again.to_dict() == request_.to_dict()


def test_the_command_says_what_is_not_as_by_default():
    assert FILES.words() == ["farnet", "evaluate", "--predictions", "a b.csv", "--reference", "truth"]
    assert REQUESTS[1].words() == ["farnet", "evaluate", "--model", "ceph19-compact", "--data", "isbi"]
    assert " ".join(REQUESTS[2].words()[2:]) == (
        "--model my.safetensors --device cpu --reference truth.csv --radiographs scans --exclude a,b --common "
        "--spacing 0.1,0.1 --radii 2,4 --bootstrap 0 --seed 3"
    )


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_command_line_reads_it_back(request_, monkeypatch):
    import farnet.evaluation
    from farnet.cli import main

    asked = []

    def compare(request):
        asked.append(request)
        raise InvalidInputError("that will do")
        yield

    monkeypatch.setattr(farnet.evaluation, "compare", compare)
    assert main(request_.words()[1:]) == 2
    assert asked[0].to_dict() == request_.to_dict()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "Give the truth once"),
        ({"data": Path("d"), "reference": Path("r")}, "Give the truth once"),
        ({"reference": Path("r")}, "A model needs radiographs"),
        ({"reference": Path("r"), "predictions": Path("p"), "model": "m"}, "either --model or --predictions"),
        ({"data": Path("d"), "radiographs": Path("x")}, "with --data no further"),
        ({"reference": Path("r"), "predictions": Path("p"), "radiographs": Path("x")}, "with --predictions no further"),
        ({"data": Path("d"), "spacing": 0.1}, "knows its own"),
        ({"data": Path("d"), "radii": ()}, "at least one number"),
        ({"data": Path("d"), "radii": (0.0,)}, "above zero"),
        ({"data": Path("d"), "bootstrap": -1}, "bootstrap is -1"),
        ({"data": Path("d"), "seed": -1}, "seed is -1"),
        ({"reference": Path("r"), "predictions": Path("p"), "spacing": -1}, "mm per pixel"),
    ],
)
def test_contradictions_are_refused(values, message):
    with pytest.raises(InvalidInputError, match=message):
        EvaluationRequest(**values)


def test_a_strange_record_is_refused():
    with pytest.raises(InvalidInputError, match="has no 'colour'"):
        EvaluationRequest.from_dict({"colour": "red"})
    with pytest.raises(InvalidInputError, match="no record"):
        EvaluationRequest.from_dict({"data": 3})


def test_numbers_as_people_write_them():
    assert as_numbers("2, 2.5,3  4", "x", "1") == (2.0, 2.5, 3.0, 4.0)
    for wrong in ("", "two", "1;2", "1,,x"):
        with pytest.raises(InvalidInputError, match="such as 1"):
            as_numbers(wrong, "x", "1")
