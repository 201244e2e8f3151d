"""The examples of docs/conventions.md do what they show."""

import doctest
import re
from pathlib import Path

import pytest

CONVENTIONS = Path(__file__).parents[1] / "docs" / "conventions.md"


def sections():
    """(heading, its examples): the fences are not part of what the examples print."""
    heading, found = "", {}
    for line in re.findall(r"^## [^\n]+$|^```python\n.*?^```$", CONVENTIONS.read_text(encoding="utf-8"), re.M | re.S):
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        else:
            found[heading] = line.removeprefix("```python\n").removesuffix("```")
    return found


def test_every_convention_is_shown():
    assert list(sections()) == [
        "Points",
        "Absent landmarks",
        "Edited points",
        "Spacing",
        "Radiographs",
        "Frames",
        "Heatmaps",
        "Metrics",
        "Provenance",
    ]


def test_the_examples_hold():
    """One after the other, as they are read: later sections use names of earlier ones."""
    names, failures = {}, []
    for heading, text in sections().items():
        examples = doctest.DocTestParser().get_doctest(text, names, heading, str(CONVENTIONS), 0)
        runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL | doctest.NORMALIZE_WHITESPACE)
        runner.run(examples, out=failures.append, clear_globs=False)
        names = examples.globs
    if failures:
        pytest.fail("".join(failures))
