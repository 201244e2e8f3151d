"""Files of measurements: what they may say, and what each mistake is answered with."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_farnet
from farnet.errors import FarnetError, MeasurementError, UnknownNameError
from farnet.measurement import bundled_measurements, load_measurements, measurements_for, parse_measurements
from farnet.measurement.files import bundled_file
from farnet.scheme import bundled_schemes, load_scheme

HEAD = "name: mine\nscheme: cephalometric19\nmeasurements:\n"
GUIDE = Path(napari_farnet.__file__).parent / "guide" / "measure.md"


def parse(body, head=HEAD):
    return parse_measurements(head + textwrap.indent(textwrap.dedent(body), "  "), file="mine.yaml")


def test_every_kind_of_measurement():
    found = parse(
        """\
        - {name: SNA, angle: [S, Nasion, a], norm: {mean: 82, sd: 3.5}, digits: 2}
        - {name: SNB, angle: [S, N, B], signed: yes}
        - {name: ANB, difference: [SNA, SNB], title: Jaws}
        - {name: all, sum: [SNA, SNB, ANB]}
        - {name: plane, angle: [[S, N], [Go, Gn]]}
        - {name: Go-Gn, distance: [Go, Gn], unit: mm}
        - {name: LL-E, offset: {point: LL, line: [Sn, Pog']}, signed: true}
        - {name: Wits, along: {points: [B, A], line: [Go, Gn]}}
        - {name: heights, ratio: [[S, Go], [N, Me]]}
        - {name: again, ratio: [[S, Go], Go-Gn]}
        - name: MW
          distance: [LI, UI]
          signed: true
          show: false
          classes:
            - {name: none, equals: 0, number: 7}
            - {name: some, from: 1}
            - {name: back, below: -1}
            - {name: near, above: -1, below: 1}
        """
    )
    assert [item.name for item in found.shown] == [
        *("SNA", "SNB", "ANB", "all", "plane", "Go-Gn", "LL-E", "Wits", "heights", "again"),
    ]
    assert [found.unit(item.name) for item in found.shown] == ["°"] * 5 + ["mm"] * 3 + [""] * 2
    assert found["SNA"].quantity.points == ("S", "N", "A")
    assert found["SNA"].norm.text(1) == "82.0 ± 3.5"
    assert found["SNA"].line == 4
    assert found["MW"].classify(0.0).number == 7
    assert [found["MW"].classify(value).name for value in (-2, -0.5, 1, 100)] == ["back", "near", "some", "some"]
    assert found["MW"].classify(float("nan")) is None
    assert found["MW"].classify(-1.0) is None
    assert not found["MW"].quantity.formula().startswith("angle")
    assert all(item.quantity.formula() for item in found.measurements)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("- {name: x, angle: [S, N, Ax]}", r"line 4: Unknown landmark .* 'Ax'"),
        ("- {name: x, angle: [S, Nasio, A]}", "line 4: .*Did you mean 'Nasion'"),
        ("- {name: x, angle: [S, S, A]}", "line 4: .*has S as vertex and as end"),
        ("- {name: x, angle: [S]}", "line 4: .*2 or 3 lines .two. or landmarks .three.; it has 1"),
        ("- {name: x, angle: S}", "line 4: .*must be a list .*not 'S'"),
        ("- {name: x, distance: [S, S]}", "line 4: .*is S twice"),
        ("- {name: x, distance: [S, {a: b}]}", "line 4: .*must be a text, not names and values"),
        ("- {name: x, distance: [S, ]}", "line 4: .*it has 1"),
        ("- {name: x, distance: [S, '']}", "line 4: .*is empty"),
        ("- {name: x}", "line 4: 'x' must say once what is measured"),
        ("- {name: x, distance: [S, N], angle: [S, N, A]}", "line 4: .*it has distance and angle"),
        ("- {distance: [S, N]}", "line 4: .*has no name"),
        ("- {name: x, distanse: [S, N]}", "line 4: Unknown key .*Did you mean 'distance'"),
        ("- {name: x, distance: [S, N], distance: [S, A]}", r"line 4: .*has 'distance' twice \(line 4\)"),
        ("- {name: x, distance: [S, N]}\n- {name: x, distance: [S, A]}", r"line 5: .*'x' is there twice \(line 4\)"),
        ("- {name: x, difference: [y, z]}\n- {name: y, distance: [S, N]}", "line 4: Unknown measurement 'z'"),
        ("- {name: x, difference: [SNa, x]}\n- {name: SNA, angle: [S, N, A]}", "Did you mean 'SNA'"),
        ("- {name: x, difference: [x, x]}", "line 4: 'x' is computed from itself: x → x"),
        (
            "- {name: x, sum: [y, y]}\n- {name: y, ratio: [z, z]}\n- {name: z, difference: [x, y]}",
            "is computed from itself: x → y → z → x",
        ),
        ("- {name: x, difference: [y]}\n- {name: y, distance: [S, N]}", "line 4: .*two or more .*it has 1"),
        (
            "- {name: x, sum: [y, z]}\n- {name: y, distance: [S, N]}\n- {name: z, angle: [S, N, A]}",
            "line 4: 'x' mixes .*y is a length, z is an angle",
        ),
        ("- {name: x, offset: {point: S}}", "line 4: .*needs 'point' and 'line'"),
        ("- {name: x, offset: [S, N, A]}", "line 4: .*must be names and values.*not a list"),
        ("- {name: x, along: {points: [S, N], line: [A, A]}}", "line 4: .*is A twice"),
        ("- {name: x, cobb: 1}", "line 4: Cobb angles need a scheme of four corners"),
        ("- {name: x, cobb: 4}", "line 4: .*must be 1 .*not 4"),
        ("- {name: x, cobb: 1.5}", "line 4: .*whole number"),
        ("- {name: x, ratio: [[S, N], y], signed: true}\n- {name: y, distance: [S, N]}", "'signed' is not for 'ratio'"),
        ("- {name: x, distance: [S, N], rules: port}", "'rules' is not for 'distance', only for cobb"),
        ("- {name: x, distance: [S, N], signed: maybe}", "line 4: .*true or false, not 'maybe'"),
        ("- {name: x, distance: [S, N], unit: cm}", "line 4: .*only 'mm'"),
        ("- {name: x, distance: [S, N], digits: 40}", "line 4: .*0 to 6, not 40"),
        ("- {name: x, distance: [S, N], norm: 3}", "line 4: .*must be names and values"),
        ("- {name: x, distance: [S, N], norm: {mean: 3}}", "line 4: .*mean and sd, or lower or upper.*it has mean"),
        ("- {name: x, distance: [S, N], norm: {}}", "it has nothing"),
        ("- {name: x, distance: [S, N], norm: {mean: 3, sd: 0}}", "line 4: .*above zero, not 0"),
        ("- {name: x, distance: [S, N], norm: {mean: 3, sd: high}}", "line 4: .*must be a number, not 'high'"),
        ("- {name: x, distance: [S, N], norm: {upper: .inf}}", "line 4: .*must be a number"),
        ("- {name: x, distance: [S, N], norm: {upper: 12:30}}", "line 4: .*must be a number, not '12:30'"),
        ("- {name: x, distance: [S, N], norm: {lower: 4, upper: 3}}", "line 4: .*lower must be less than upper"),
        ("- {name: x, distance: [S, N], classes: [{from: 3}]}", "line 4: .*has no name"),
        ("- {name: x, distance: [S, N], classes: [{name: a}]}", "line 4: The class 'a' must say .*it has nothing"),
        ("- {name: x, distance: [S, N], classes: [{name: a, from: 1, below: 3}]}", "it has from, below"),
        ("- {name: x, distance: [S, N], classes: [{name: a, from: 3, to: 1}]}", "from must be less than to"),
        ("- {name: x, distance: [S, N], classes: [{name: a, from: 3, number: 1.5}]}", "whole number"),
        ("- just a text", "line 4: .*must be names and values.*not 'just a text'"),
        ("- {name: [x], distance: [S, N]}", "line 4: .*must be a text, not a list"),
        ("- {[x]: 3}", "line 4: .*must be a text, not a list"),
        ("- {name: &here x, distance: [S, N]}", "line 4: anchors .* not allowed"),
        ("- *here", "line 4: anchors .* not allowed"),
        ("- !!python/object/apply:os.system ['true']", "line 4: the tag .* not allowed"),
        ("- !mine x", "line 4: the tag .* not allowed"),
        ("- {name: x", "line 4: this is not YAML"),
        ("-\t{name: x}", "line 4: this is not YAML"),
        ("- " + "[" * 50 + "]" * 50, "line 4: this is nested more than"),
    ],
)
def test_each_mistake_is_told_with_its_line(body, message):
    with pytest.raises(MeasurementError, match=message) as caught:
        parse(body)
    assert str(caught.value).startswith("mine.yaml, line ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mine.yaml is empty"),
        ("- a list\n", "line 1: the file must be names and values"),
        ("name: x\nscheme: spine68\n", "line 1: 'measurements' is missing"),
        ("name: x\nscheme: spine\nmeasurements: []\n", "line 2: Unknown landmark scheme 'spine'.*A scheme is one of"),
        ("name: x\nscheme: gone.json\nmeasurements: []\n", "line 2: The scheme file gone.json cannot be read"),
        ("name: x\nscheme: spine68\nmeasurements: []\n", "line 3: there are no measurements"),
        ("name: x\nscheme: spine68\nmeasurements: {a: b}\n", "line 3: .*must be a list"),
        ("name: x\nscheme: spine68\nmesurements: []\n", "line 3: Unknown key .*Did you mean 'measurements'"),
        ("format: json\nname: x\nscheme: spine68\nmeasurements: []\n", "line 1: this is a file of the format 'json'"),
        ("version: 2\nname: x\nscheme: spine68\nmeasurements: []\n", "line 1: version 2 is not known"),
        ("name: x\nscheme: spine68\nforward: [T1-TL]\nmeasurements: []\n", None),
        ("a: 1\n---\nb: 2\n", "line 2: a second document"),
        ("x: \x00\n", "this is not YAML"),
        (f"{HEAD}{'# long' * 100_000}", "a file of measurements has at most"),
        (
            f"{HEAD}{'  - {name: x, distance: [S, N]}' * 1}\n" + "  - {name: x, distance: [S, N]}\n" * 1000,
            "at most 1000",
        ),
    ],
)
def test_a_file_as_a_whole(text, message):
    with pytest.raises(MeasurementError, match=message):
        parse_measurements(text, file="mine.yaml")


def test_a_billion_laughs_cost_nothing():
    bomb = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    with pytest.raises(MeasurementError, match="line 1: anchors"):
        parse_measurements(bomb)


def test_a_long_chain_of_references_is_no_problem():
    lines = "".join(f"- {{name: m{i}, sum: [m{i + 1}, m{i + 1}]}}\n" for i in range(900))
    found = parse(lines + "- {name: m900, distance: [S, N]}\n")
    assert found.dimensions["m0"] == "length"


@given(st.text(max_size=300))
def test_any_text_is_either_read_or_told_to_be_wrong(text):
    with pytest.raises(FarnetError):
        parse_measurements(text)


@given(st.text(max_size=40), st.sampled_from(["name", "distance", "norm", "classes", "title", "cobb", "ratio", "show"]))
def test_any_value_is_either_read_or_told_to_be_wrong(value, key):
    item = {"name": "x", "distance": ["S", "N"], key: value}
    try:
        found = parse_measurements(f"{HEAD}  - {json.dumps(item)}\n")
    except MeasurementError as error:
        assert "line" in str(error)
    else:
        assert key in ("name", "title", "show")
        assert len(found.measurements) == 1


def test_files_on_disk(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + "  - {name: d, distance: [S, N]}\n").encode())
    found = load_measurements(path)
    assert (found.name, found.title, found.file) == ("mine", "mine", str(path))
    path.write_bytes(b"name: \xff")
    with pytest.raises(MeasurementError, match="no text in UTF-8"):
        load_measurements(path)
    path.write_bytes(b"#" * 600_000)
    with pytest.raises(MeasurementError, match="600000 bytes"):
        load_measurements(path)
    with pytest.raises(MeasurementError, match="There is no file"):
        load_measurements(tmp_path / "gone.yaml")
    with pytest.raises(MeasurementError, match="cannot be read"):
        load_measurements(_folder(tmp_path / "folder.yaml"))
    with pytest.raises(UnknownNameError, match="Did you mean 'cephalometry'"):
        load_measurements("cephalometri")


def _folder(path):
    path.mkdir()
    return path


def test_a_scheme_of_ones_own(tmp_path):
    data = load_scheme("cephalometric19").to_dict() | {"name": "mine"}
    data["landmarks"] = data["landmarks"][:3]
    data["links"] = []
    (tmp_path / "mine.json").write_text(json.dumps(data), encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text("name: m\nscheme: mine.json\nmeasurements:\n  - {name: d, distance: [S, Or]}\n", encoding="utf-8")
    assert load_measurements(path).scheme.name == "mine"
    assert measurements_for(load_measurements(path).scheme) is None


@pytest.mark.parametrize("name", bundled_measurements())
def test_bundled_sets(name):
    found = load_measurements(name)
    assert found.name == name
    assert found.source
    assert found.file == ""
    assert all(item.title for item in found.shown)
    assert found is measurements_for(found.scheme)
    assert load_measurements(bundled_file(name)).measurements == found.measurements
    assert {landmark for item in found.measurements for landmark in item.quantity.landmarks} <= set(
        found.scheme.abbreviations
    )


def test_every_bundled_scheme_has_its_set():
    assert {measurements_for(load_scheme(name)).name for name in bundled_schemes()} == set(bundled_measurements())


def test_the_example_of_the_guide_is_a_file_of_measurements():
    text = GUIDE.read_text(encoding="utf-8")
    examples = [part.split("```", 1)[0] for part in text.split("```yaml\n")[1:]]
    assert examples
    for example in examples:
        assert parse_measurements(example, file="guide").shown
