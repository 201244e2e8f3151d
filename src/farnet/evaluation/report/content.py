"""The sections of a report, from a comparison and its figures: every number is one that `Evaluation` holds."""

from __future__ import annotations

import math
import platform
import shlex
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import PurePath
from typing import TYPE_CHECKING

from farnet.evaluation.metrics import evaluate
from farnet.evaluation.report.card import card_section
from farnet.evaluation.report.cases import case_sections
from farnet.evaluation.report.further import extra_sections
from farnet.evaluation.report.plots import mean_offsets, plots_of
from farnet.evaluation.report.section import Section, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.evaluation import Comparison, Evaluation, EvaluationRequest, Metrics

__all__ = ["sections_of", "title_of"]

_LARGEST = 20
_NOTHING = "\N{EN DASH}"


def title_of(comparison: Comparison) -> str:
    """What was measured."""
    record = comparison.record
    what = record.get("model") or PurePath(str(record.get("predictions") or "landmarks")).name
    if record.get("dataset"):
        return f"Evaluation of {what} on {record['dataset']}, {record.get('split')}"
    return f"Evaluation of {what}" + (
        f" against {PurePath(record['reference']).name}" if record.get("reference") else ""
    )


def sections_of(
    comparison: Comparison,
    evaluation: Evaluation,
    request: EvaluationRequest | None,
    extra: Sequence[Section] = (),
) -> list[Section]:
    """All sections in order; `extra` come after the figures of all. Without a request no command repeats it."""
    rest = comparison.without(comparison.duplicates) if comparison.duplicates else None
    without = _again(rest, evaluation) if rest is not None and rest.references else None
    fixed = _again(comparison.without_landmarks(comparison.shifted), evaluation) if comparison.shifted else None
    single = comparison.by_itself
    alone = None if single is None else _again(single, evaluation)
    card = card_section(comparison, request)
    return [
        _summary(comparison, evaluation),
        _settings(comparison, request),
        *([] if card is None else [card]),
        _data(comparison, evaluation),
        _pooled(comparison, evaluation, without, fixed, alone),
        *extra,
        *extra_sections(comparison, evaluation, request),
        _landmarks(comparison, evaluation, alone),
        Section("Plots", pictures=plots_of(comparison, evaluation)),
        *case_sections(comparison, evaluation),
        _largest(evaluation),
        _definitions(evaluation),
        _provenance(evaluation),
        Section("The radiographs by name", (", ".join(evaluation.radiographs),)),
    ]


def _again(comparison: Comparison, evaluation: Evaluation) -> Evaluation:
    """Another comparison measured as the first was."""
    return evaluate(
        comparison.predictions,
        comparison.references,
        radii=evaluation.radii,
        bootstrap=evaluation.bootstrap,
        seed=evaluation.seed,
        observers=comparison.observers,
    )


def _summary(comparison: Comparison, evaluation: Evaluation) -> Section:
    """What somebody reads who reads nothing else."""
    pooled, unit = evaluation.pooled, evaluation.unit
    count = evaluation.n_radiographs
    of = "1 radiograph" if count == 1 else f"{count} radiographs"
    if not pooled.n:
        return Section("In short", (f"On {of}, no landmark was both placed and true: there is no error to report.",))
    radius = evaluation.radii[0]
    lines = [
        f"On {of} with {len(evaluation.landmarks)} landmarks each, the mean radial error is "
        f"{_both(pooled, pooled.mre, 'mre')} {unit} and half of the errors are at most {pooled.median:.2f} {unit}. "
        f"{_number(pooled.sdr[radius], 1)} % of the landmarks are within {radius:g} {unit} of the truth, "
        f"{_number(pooled.sdr[evaluation.radii[-1]], 1)} % within {evaluation.radii[-1]:g} {unit}."
    ]
    each = [m for m in evaluation.per_landmark if m.n]
    best, worst = min(each, key=lambda m: m.mre), max(each, key=lambda m: m.mre)
    name, landmark, error = evaluation.largest_errors(1)[0]
    lines.append(
        f"The landmark with the smallest mean error is {best.name} ({best.mre:.2f} {unit}), that with the largest is "
        f"{worst.name} ({worst.mre:.2f} {unit}). "
        f"The largest single error is {error:.2f} {unit}: {landmark} on radiograph {name}."
    )
    if evaluation.observer_distance is not None:
        between = evaluation.observer_distance
        lines.append(f"The observers of the data set are {_both(between, between.mre, 'mre')} {unit} apart on average.")
    if pooled.n_missed:
        lines.append(f"{pooled.n_missed} of {pooled.n + pooled.n_missed} landmarks were missed.")
    if evaluation.bootstrap:
        lines.append("In brackets, here and below: 95 % intervals. The figures are explained at the end.")
    return Section("In short", tuple(lines))


def _settings(comparison: Comparison, request: EvaluationRequest | None) -> Section:
    record = comparison.record
    names = {
        "model": "model",
        "model_sha256": "SHA-256 of the model",
        "device": "device",
        "seconds_per_radiograph": "seconds per radiograph",
        "predictions": "landmarks measured",
    }
    measured = [(title, _word(record[key])) for key, title in names.items() if record.get(key) is not None]
    tables = [Table(("", ""), tuple(measured), 2)]
    if request is None:
        return Section(
            "What was measured, and how",
            ("Landmarks of layers in the viewer were compared, so no command repeats the evaluation.",),
            tuple(tables),
        )
    settings = [(name.replace("_", " "), _word(value)) for name, value in request.to_dict().items() if _is_set(value)]
    return Section(
        "What was measured, and how",
        ("This command repeats the evaluation:",),
        (*tables, Table(("", ""), tuple(settings), 2, title="Settings")),
        code=shlex.join(request.words()),
    )


def _data(comparison: Comparison, evaluation: Evaluation) -> Section:
    record, references = comparison.record, comparison.references
    spacings = sorted({f"{s[0]:g} x {s[1]:g}" for r in references if (s := r.spacing) is not None})
    unknown = sum(r.spacing is None for r in references)
    said = [*spacings[:5], *([f"{len(spacings) - 5} others"] if len(spacings) > 5 else [])]
    said += [f"not in the reference for {unknown} radiographs"] if unknown else []
    if record.get("dataset"):
        truth = f"{record['dataset']}, part {record.get('split')}, points of: {record.get('observer')}"
    else:
        truth = str(record.get("reference", _NOTHING))
    rows = [
        ("truth", truth),
        ("radiographs", str(evaluation.n_radiographs)),
        ("landmarks", str(len(evaluation.landmarks))),
        ("mm per pixel (row x column)", ", ".join(said)),
        ("unit of the errors", evaluation.unit),
        *(("note", text) for text in comparison.left_out),
    ]
    px = (
        "Errors and radii are in pixels, because the spacing is not known of every radiograph; --radii sets radii that "
        "fit."
    )
    return Section("The data", (px,) if evaluation.unit == "px" else (), (Table(("", ""), tuple(rows), 2),))


def _pooled(
    comparison: Comparison,
    evaluation: Evaluation,
    without: Evaluation | None,
    fixed: Evaluation | None,
    alone: Evaluation | None,
) -> Section:
    unit = evaluation.unit
    columns = [(f"all {evaluation.n_radiographs} radiographs", evaluation.pooled)]
    if without is not None:
        columns.append((f"without duplicates ({without.n_radiographs})", without.pooled))
    if fixed is not None:
        columns.append((f"without {', '.join(comparison.shifted)}", fixed.pooled))
    if alone is not None:
        columns.append(("each landmark by itself", alone.pooled))
    if evaluation.observer_distance is not None:
        columns.append(("between the observers", evaluation.observer_distance))
    figures = [m for _, m in columns]
    rows = [
        (f"MRE ({unit})", *(_both(m, m.mre, "mre") for m in figures)),
        (f"SD ({unit})", *(_both(m, m.sd, "sd") for m in figures)),
        (f"median ({unit})", *(_both(m, m.median, "median") for m in figures)),
        *(
            (f"SDR at {r:g} {unit} (%)", *(_both(m, m.sdr[r], f"sdr_{r:g}", 1) for m in figures))
            for r in evaluation.radii
        ),
        (
            f"area under the curve to {evaluation.radii[-1]:g} {unit} (%)",
            *(_both(m, m.area, "area", 1) for m in figures),
        ),
        ("radial errors", *(str(m.n) for m in figures)),
        ("missed", *(str(m.n_missed) for m in figures)),
        ("absent", *(str(m.n_absent) for m in figures)),
    ]
    text = ["All landmarks of all radiographs together."]
    if evaluation.bootstrap:
        text.append("In brackets: 95 % intervals.")
    if alone is not None:
        text.append(
            "This model finds landmarks together, by how they usually lie to each other; each by itself is where it "
            "would have found them without."
        )
    if comparison.shifted:
        text.append(
            f"{', '.join(comparison.shifted)}: put elsewhere in this part of the data set than in the one for training."
        )
    if comparison.duplicates:
        names = ", ".join(comparison.duplicates)
        text.append(f"Radiographs that are also in the data for training, under another name: {names}.")
    return Section("Figures", (" ".join(text),), (Table(("", *(name for name, _ in columns)), tuple(rows)),))


def _landmarks(comparison: Comparison, evaluation: Evaluation, alone: Evaluation | None) -> Section:
    unit, between = evaluation.unit, evaluation.observer_distance_per_landmark
    headers = ["no.", "landmark", f"MRE ({unit})", "SD", "median", "mean dx", "mean dy", "n", "missed", "absent"]
    headers += [] if alone is None else ["MRE by itself"]
    headers += [] if between is None else ["observers' MRE"]
    rows, rates = [], []  # two tables: one would be too wide for a page
    offsets = mean_offsets(comparison, evaluation)
    for k, (m, (dy, dx)) in enumerate(zip(evaluation.per_landmark, offsets, strict=True)):
        cells = [str(k + 1), m.name, _both(m, m.mre, "mre"), _both(m, m.sd, "sd"), _both(m, m.median, "median")]
        cells += [_number(float(dx)), _number(float(dy)), str(m.n), str(m.n_missed), str(m.n_absent)]
        if alone is not None:
            cells.append(_number(alone.per_landmark[k].mre))
        if between is not None:
            cells.append(_both(between[k], between[k].mre, "mre"))
        rows.append(tuple(cells))
        rates.append((str(k + 1), m.name, *(_both(m, m.sdr[r], f"sdr_{r:g}", 1) for r in evaluation.radii)))
    success = ("no.", "landmark", *(f"SDR at {r:g} {unit} (%)" for r in evaluation.radii))
    return Section(
        "Each landmark",
        tables=(
            Table(tuple(headers), tuple(rows), 2, title="Errors"),
            Table(success, tuple(rates), 2, title="Detection rates"),
        ),
    )


def _largest(evaluation: Evaluation) -> Section:
    rows = tuple((name, landmark, _number(error)) for name, landmark, error in evaluation.largest_errors(_LARGEST))
    return Section("Largest errors", tables=(Table(("radiograph", "landmark", f"error ({evaluation.unit})"), rows, 2),))


def _definitions(evaluation: Evaluation) -> Section:
    unit = evaluation.unit
    rows = [
        ("radial error", f"Distance in {unit} between where a landmark was put and where it truly is."),
        ("MRE", "Mean radial error: the mean of the radial errors. Less is better."),
        ("SD", "Population standard deviation of the same errors pooled, not a mean of deviations of landmarks."),
        ("median", "Half of the radial errors are at most this."),
        (
            "SDR",
            "Successful detection rate: per cent of the true landmarks with an error of at most the radius. A missed "
            "landmark is a failure at every radius.",
        ),
        ("missed", "The truth has the landmark, the prediction leaves it out. It has no error: see SDR."),
        ("absent", "The truth leaves the landmark out; it takes no part in any figure."),
        ("mean dx, mean dy", f"Bias: mean of prediction less truth, to the right and downwards, in {unit}."),
        (
            "[low, high]",
            f"95 % interval: percentile bootstrap, {evaluation.bootstrap} draws of whole radiographs with replacement. "
            "It tells how far the figure would vary with other radiographs of the same kind."
            if evaluation.bootstrap
            else "There are none here: none were asked for, or there is but one radiograph.",
        ),
    ]
    if evaluation.observer_distance is not None:
        rows.append(("between the observers", "The same figures for the distances between people on these landmarks."))
    return Section("What the figures mean", tables=(Table(("figure", "meaning"), tuple(rows), 2),))


def _provenance(evaluation: Evaluation) -> Section:
    rows = [
        ("written", datetime.now(UTC).isoformat(timespec="seconds")),
        *((name, version(name)) for name in ("napari-farnet", "numpy", "torch")),
        ("Python", platform.python_version()),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("bootstrap draws", str(evaluation.bootstrap)),
        ("seed", str(evaluation.seed)),
    ]
    note = "For research; not for diagnosis."
    return Section("Provenance", (note,), (Table(("", ""), tuple(rows), 2),))


def _is_set(value: object) -> bool:
    """Whether a setting says something; 0 does."""
    return value is not None and value is not False and value not in ("", [])


def _both(metrics: Metrics, value: float, key: str, digits: int = 2) -> str:
    if key not in metrics.ci or math.isnan(value):
        return _number(value, digits)
    low, high = metrics.ci[key]
    return f"{_number(value, digits)} [{_number(low, digits)}, {_number(high, digits)}]"


def _number(value: float, digits: int = 2) -> str:
    return _NOTHING if math.isnan(value) else f"{value:.{digits}f}"


def _word(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_word, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
