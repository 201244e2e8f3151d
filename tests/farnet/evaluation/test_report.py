from __future__ import annotations

import io
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farnet.errors import InvalidInputError, OutputError
from farnet.evaluation import Comparison, EvaluationRequest
from farnet.evaluation.report import Section, Table, write_report
from farnet.evaluation.report.card import card_section
from farnet.evaluation.report.cases import case_sections, ranked
from farnet.evaluation.report.crops import draw_case, window_around, window_of
from farnet.landmarks import Landmarks
from farnet.modelfile import model_sha256
from farnet.radiograph import Radiograph
from farnet.scheme import load_scheme
from farnet.zoo import DEFAULT_MODEL, find_model

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
            self.rows[-1][-1] += data.strip().replace("\N{NO-BREAK SPACE}", " ")


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


def test_landmarks_put_elsewhere_are_left_out_beside(tmp_path):
    comparison, request = replace(_comparison(), shifted=("Soft-tissue pogonion",)), _request()
    evaluation = comparison.measure(request)
    page = _page(write_report(tmp_path / "a.html", comparison, evaluation, request))
    fixed = comparison.without_landmarks(comparison.shifted).measure(request).pooled
    head = next(row for row in page.rows if "without Soft-tissue pogonion" in row)
    for what, values in (("MRE (mm)", (evaluation.pooled.mre, fixed.mre)), ("area under", (None, fixed.area))):
        row = next(row for row in page.rows if row[0].startswith(what) and len(row) == len(head))
        digits = 2 if values[0] else 1
        assert row[2].split()[0] == f"{values[1]:.{digits}f}"
    assert evaluation.pooled.mre != fixed.mre
    assert any("put elsewhere in this part" in word for word in page.words)


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


def _with_files(folder, count=4, **values):
    """A comparison whose radiographs are files: the first is broken, the second is another size than its landmarks."""
    comparison = _comparison(count, **values)
    truth = [item.replace(image_shape=(960, 940)) for item in comparison.references]
    files = {}
    for i, item in enumerate(truth):
        files[item.radiograph] = folder / f"{i}.png"
        shape = (960, 940) if i != 1 else (64, 48)
        Image.fromarray(np.random.default_rng(i).integers(0, 255, shape, np.uint8)).save(files[item.radiograph])
    files[truth[0].radiograph].write_bytes(b"no picture")
    return replace(comparison, references=truth, files=files)


def test_worst_and_best_radiographs_are_shown(tmp_path):
    comparison, request = _with_files(tmp_path), _request()
    evaluation = comparison.measure(request)
    sections = {section.title: section for section in case_sections(comparison, evaluation)}
    shown = [picture for section in sections.values() for picture in section.pictures]
    assert list(sections) == ["Worst radiographs", "Best radiographs", "Worst single landmarks"]
    # Two of the four radiographs cannot be shown; both are named, and the report is there all the same.
    said = " ".join(text for section in sections.values() for text in section.text)
    assert "r0 cannot be shown" in said and "r1 cannot be shown: 1.png has 64 x 48 pixels" in said
    whole = [p.caption for s in ("Worst radiographs", "Best radiographs") for p in sections[s].pictures]
    means = {f"r{i}": f"r{i}: mean {np.nanmean(evaluation.errors[i]):.2f} mm; worst " for i in (2, 3)}
    assert sorted(caption[:2] for caption in whole) == ["r2", "r3"]
    assert all(caption.startswith(means[caption[:2]]) for caption in whole)
    single = sections["Worst single landmarks"].pictures[0]
    row = int(single.caption.split(" on r")[1][0])
    assert single.caption.endswith(f"{np.nanmax(evaluation.errors[row]):.2f} mm")
    for picture in shown:
        with Image.open(io.BytesIO(picture.data)) as opened:
            assert opened.format == "JPEG" and opened.width <= 300 and opened.height <= 380
    page = _page(write_report(tmp_path / "a.html", comparison, evaluation, request))
    pictures = [given for tag, given in page.tags if tag == "img"]
    assert len(pictures) == 3 + len(shown) and all(given["alt"] for given in pictures)


def test_without_files_the_section_says_so():
    comparison = _comparison(2)
    (section,) = case_sections(comparison, comparison.measure(_request()))
    assert not section.pictures and "the files of the radiographs are not known" in section.text[0]


def test_a_radiograph_that_was_missed_is_the_worst():
    comparison = _comparison(3)
    lost = comparison.predictions[1].replace(points=np.full((19, 2), np.nan))
    comparison = replace(comparison, predictions=[comparison.predictions[0], lost, comparison.predictions[2]])
    assert ranked(comparison.measure(_request()))[0] == 1


def test_the_truth_and_the_prediction_are_drawn_where_they_are():
    scheme = load_scheme("cephalometric19")
    points = np.full((19, 2), np.nan)
    points[4] = (100.0, 150.0)
    truth = Landmarks(points, scheme, radiograph="r")
    found = truth.replace(points=points + np.array([0.0, 30.0]))
    radiograph = Radiograph.from_array(np.arange(200 * 300, dtype=np.float32).reshape(200, 300))
    window = window_around(radiograph.shape, window_of(radiograph.shape, found, truth), (found.points[4], points[4]))
    assert (window.bottom - window.top, window.right - window.left) == (90, 90)
    data = draw_case(radiograph, found, truth, window)
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    scale = picture.shape[1] / 90

    def at(point):
        row, column = ((np.array(point) + 0.5 - (window.top, window.left)) * scale).astype(int)
        return picture[row, column]

    assert at((100, 150)).min() > 180  # the cross is white
    assert at((100, 180))[2] > at((100, 180))[0] + 80  # the disc is blue
    assert at((100, 165))[0] > at((100, 165))[2] + 80  # the line is yellow


def test_measurements_and_landmarks_found_by_themselves(tmp_path):
    comparison, request = _comparison(5, scheme="spine68", spacing=None, observers=False), _request()
    alone = [item.replace(points=item.points + 40.0) for item in comparison.predictions]
    comparison = replace(comparison, alone=alone)
    page = _page(write_report(tmp_path / "a.html", comparison, comparison.measure(request), request))
    mre = next(row for row in page.rows if row[0] == "MRE (px)")
    assert mre[2].startswith(f"{comparison.by_itself.measure(request).pooled.mre:.2f} [")
    for title, side in (("Measurements", comparison), ("Measurements, each landmark by itself", comparison.by_itself)):
        assert title in page.words
        for extra in side.extras(request):
            for table in extra.tables():
                assert all(list(row) in page.rows for row in table.rows)


def test_the_card_of_the_model_that_was_run(tmp_path):
    request = EvaluationRequest(model=DEFAULT_MODEL, data=tmp_path, bootstrap=0)
    record = {"model": DEFAULT_MODEL, "model_sha256": model_sha256(find_model(DEFAULT_MODEL))}
    comparison = replace(_comparison(2), record=record)
    facts = dict(card_section(comparison, request).tables[0].rows)
    assert facts["trained on"] == "isbi2015, part train, points of: mean, 150 radiographs"
    assert "Wang et al." in facts["licence"] and facts["intended use"] == "Research use, not for diagnosis."
    other = replace(comparison, record=record | {"model_sha256": "0" * 64})
    assert "another file" in card_section(other, request).text[0]
    gone = replace(request, model="gone.safetensors")
    assert "cannot be read" in card_section(comparison, gone).text[0]
    assert card_section(comparison, _request()) is None


def test_layers_have_no_command(tmp_path):
    comparison = _comparison(2)
    page = _page(write_report(tmp_path / "a.html", comparison, comparison.measure(_request()), None))
    assert any("no command repeats" in word for word in page.words)
    assert "Classes of the measurements" in page.words
