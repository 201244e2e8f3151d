from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from farnet.errors import InvalidInputError, OutputError
from farnet.evaluation import Comparison, EvaluationRequest
from farnet.evaluation.report import Section, Table, write_report
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme

HOSTILE = '<script>alert("x")</script>'


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        self.words.append(data)
        if self.lasttag in ("td", "th"):
            self.rows[-1][-1] += data.strip()


def _page(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text("utf-8"))
    return page


def _comparison(count=6, *, scheme="cephalometric19", spacing=(0.1, 0.1), observers=True, duplicates=(), name="r{}"):
    landmarks, rng = load_scheme(scheme), np.random.default_rng(3)
    truth = [
        Landmarks(rng.uniform(50, 900, (len(landmarks), 2)), landmarks, spacing=spacing, radiograph=name.format(i))
        for i in range(count)
    ]

    def near():
        return [item.replace(points=item.points + rng.normal(2, 8, item.points.shape)) for item in truth]

    predicted = near()
    gap = predicted[0].points.copy()
    gap[2] = np.nan
    predicted[0] = predicted[0].replace(points=gap)
    return Comparison(
        predicted,
        truth,
        observers=[near(), near()] if observers else None,
        duplicates=tuple(duplicates),
        record={"model": "made-up", "model_sha256": "ab" * 32, "reference": "truth.csv"},
    )


def _request(**values) -> EvaluationRequest:
    return EvaluationRequest(predictions=Path("mine.csv"), reference=Path("truth.csv"), bootstrap=50, **values)


def test_figures_in_the_page_are_those_of_the_evaluation(tmp_path):
    comparison, request = _comparison(duplicates=["r1"]), _request()
    evaluation = comparison.measure(request)
    page = _page(write_report(tmp_path / "a.html", comparison, evaluation, request))
    mre = next(row for row in page.rows if row[0] == "MRE (mm)" and len(row) == 4)
    rest = comparison.without(["r1"]).measure(request)
    for cell, metrics in zip(mre[1:], (evaluation.pooled, rest.pooled, evaluation.observer_distance), strict=True):
        low, high = metrics.ci["mre"]
        assert cell == f"{metrics.mre:.2f} [{low:.2f}, {high:.2f}]"
    assert next(row for row in page.rows if row[0] == "missed")[1] == "1"
    for k, metrics in enumerate(evaluation.per_landmark, 1):
        row = next(row for row in page.rows if row[:2] == [str(k), metrics.name])
        assert row[2].startswith(f"{metrics.mre:.2f} [")
        steps = [
            p.points[k - 1] - r.points[k - 1]
            for p, r in zip(comparison.predictions, comparison.references, strict=True)
        ]
        rates = [row for row in page.rows if row[:2] == [str(k), metrics.name]][1]
        assert [cell.split()[0] for cell in rates[2:]] == [f"{rate:.1f}" for rate in metrics.sdr.values()]
        down, right = np.nanmean(steps, axis=0) * 0.1
        assert row[5:7] == [f"{right:.2f}", f"{down:.2f}"]
    name, landmark, error = evaluation.largest_errors(1)[0]
    assert [name, landmark, f"{error:.2f}"] in page.rows
    assert ["seed", "0"] in page.rows and ["bootstrap", "50"] in page.rows
    assert sum(tag == "img" for tag, _ in page.tags) == 3
    assert "farnet evaluate --predictions mine.csv --reference truth.csv --bootstrap 50" in page.words


def test_a_page_holds_nothing_from_outside_and_no_script(tmp_path):
    comparison, request = _comparison(name=HOSTILE + "$x^{{ {}"), _request()
    extra = Section(HOSTILE, (HOSTILE,), (Table((HOSTILE,), ((HOSTILE,),)),))
    path = write_report(tmp_path / "a.html", comparison, comparison.measure(request), request, extra=[extra])
    page = _page(path)
    assert "script" not in {tag for tag, _ in page.tags}
    assert any(HOSTILE in word for word in page.words)
    addresses = [value for _, given in page.tags for key, value in given.items() if key in ("src", "href")]
    assert addresses and all(address.startswith("data:image/png;base64,") for address in addresses)
    assert "http://" not in path.read_text("utf-8") and "https://" not in path.read_text("utf-8")
    policy = next(given["content"] for tag, given in page.tags if "http-equiv" in given)
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("scheme", ["hand37", "spine68"])
def test_one_radiograph_in_pixels(tmp_path, scheme):
    comparison, request = _comparison(1, scheme=scheme, spacing=None, observers=False), _request()
    page = _page(write_report(tmp_path / "a.html", comparison, comparison.measure(request), request))
    assert any("in pixels" in word for word in page.words)
    assert any(row[0] == "MRE (px)" for row in page.rows)


def test_nothing_is_overwritten(tmp_path):
    comparison, request = _comparison(2), _request()
    evaluation, path = comparison.measure(request), tmp_path / "a.html"
    path.write_text("mine")
    with pytest.raises(OutputError, match="there already"):
        write_report(path, comparison, evaluation, request)
    assert path.read_text() == "mine"
    write_report(path, comparison, evaluation, request, force=True)
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(InvalidInputError, match="html"):
        write_report(tmp_path / "a.docx", comparison, evaluation, request)


def test_four_hundred_radiographs_stay_small(tmp_path):
    comparison, request = _comparison(400), _request()
    path = write_report(tmp_path / "a.html", comparison, comparison.measure(request), request)
    assert path.stat().st_size < 3_000_000
