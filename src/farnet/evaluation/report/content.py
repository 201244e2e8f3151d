"""The sections of a report, from a comparison and its figures: every number is one that `Evaluation` holds."""

from __future__ import annotations

import math
import platform
import shlex
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

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
    return f"Evaluation of {comparison.record.get('model') or comparison.record.get('predictions') or 'landmarks'}"


def sections_of(
    comparison: Comparison, evaluation: Evaluation, request: EvaluationRequest, extra: Sequence[Section] = ()
) -> list[Section]:
    """All sections in order; `extra` come before the definitions."""
    rest = comparison.without(comparison.duplicates) if comparison.duplicates else None
    without = rest.measure(request) if rest is not None and rest.references else None
    return [
        _settings(comparison, request),
        _data(comparison, evaluation),
        _pooled(comparison, evaluation, without),
        _landmarks(comparison, evaluation),
        Section("Plots", pictures=plots_of(comparison, evaluation)),
        _largest(evaluation),
        *extra,
        _definitions(evaluation),
        _provenance(evaluation),
    ]


def _settings(comparison: Comparison, request: EvaluationRequest) -> Section:
    record = comparison.record
    names = {
        "model": "model",
        "model_sha256": "SHA-256 of the model",
        "device": "device",
        "seconds_per_radiograph": "seconds per radiograph",
        "predictions": "landmarks measured",
    }
    measured = [(title, _word(record[key])) for key, title in names.items() if record.get(key) is not None]
    settings = [(name, _word(value)) for name, value in request.to_dict().items() if _is_set(value)]
    return Section(
        "What was measured, and how",
        ("This command repeats the evaluation:",),
        (Table(("measured", ""), tuple(measured), 2), Table(("setting", ""), tuple(settings), 2)),
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
        ("landmarks on each", str(len(evaluation.landmarks))),
        ("spacing (row x column, mm per pixel)", ", ".join(said)),
        ("unit of the errors", evaluation.unit),
        *(("left out", text) for text in comparison.left_out),
        ("names", ", ".join(evaluation.radiographs)),
    ]
    px = "Errors and radii are in pixels, because the spacing is not known of every radiograph."
    return Section("Data", (px,) if evaluation.unit == "px" else (), (Table(("", ""), tuple(rows), 2),))


def _pooled(comparison: Comparison, evaluation: Evaluation, without: Evaluation | None) -> Section:
    unit = evaluation.unit
    columns = [(f"all {evaluation.n_radiographs} radiographs", evaluation.pooled)]
    if without is not None:
        columns.append((f"without duplicates ({without.n_radiographs})", without.pooled))
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
        ("radial errors", *(str(m.n) for m in figures)),
        ("missed", *(str(m.n_missed) for m in figures)),
        ("absent", *(str(m.n_absent) for m in figures)),
    ]
    text = ["All landmarks of all radiographs together."]
    if evaluation.bootstrap:
        text.append("In brackets: 95 % intervals.")
    if comparison.duplicates:
        names = ", ".join(comparison.duplicates)
        text.append(f"Radiographs that are also in the data for training, under another name: {names}.")
    return Section("Figures", (" ".join(text),), (Table(("", *(name for name, _ in columns)), tuple(rows)),))


def _landmarks(comparison: Comparison, evaluation: Evaluation) -> Section:
    unit, between = evaluation.unit, evaluation.observer_distance_per_landmark
    headers = ["no.", "landmark", f"MRE ({unit})", "SD", "median", "mean dx", "mean dy", "n", "missed", "absent"]
    headers += [] if between is None else ["observers' MRE"]
    rows, rates = [], []  # two tables: one would be too wide for a page
    offsets = mean_offsets(comparison, evaluation)
    for k, (m, (dy, dx)) in enumerate(zip(evaluation.per_landmark, offsets, strict=True)):
        cells = [str(k + 1), m.name, _both(m, m.mre, "mre"), _both(m, m.sd, "sd"), _both(m, m.median, "median")]
        cells += [_number(float(dx)), _number(float(dy)), str(m.n), str(m.n_missed), str(m.n_absent)]
        if between is not None:
            cells.append(_both(between[k], between[k].mre, "mre"))
        rows.append(tuple(cells))
        rates.append((str(k + 1), m.name, *(_both(m, m.sdr[r], f"sdr_{r:g}", 1) for r in evaluation.radii)))
    success = ("no.", "landmark", *(f"SDR at {r:g} {unit} (%)" for r in evaluation.radii))
    return Section("Each landmark", tables=(Table(tuple(headers), tuple(rows), 2), Table(success, tuple(rates), 2)))


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
