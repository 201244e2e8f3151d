"""Tables of observers: who is how far from whom, each landmark, bias and random error, and the model's verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farnet.commands.console import number, print_table, print_text

if TYPE_CHECKING:
    from farnet.evaluation.observer_study import Difference, ObserverStudy
    from farnet.evaluation.summary import Metrics

__all__ = ["VERDICTS", "print_study"]

VERDICTS = {
    "within": "within the observers' distance",
    "beyond": "farther than the observers are from each other",
    "undecided": "not told apart",
}
"""What a verdict reads as."""


def print_study(study: ObserverStudy) -> None:
    """Print a study of observers."""
    unit = study.unit
    groups = [] if study.inter is None else [(f"all {len(study.observers)} observers", study.inter)]
    groups += [(pair.title, pair.evaluation.pooled) for pair in study.pairs if len(study.pairs) > 1]
    groups += [(f"{item.observer}, read again", item.pooled) for item in study.intra]
    if study.model_pooled is not None:
        groups.append((f"{study.model_pooled.name} \N{EN DASH} observers", study.model_pooled))
    groups += [(pair.title, pair.evaluation.pooled) for pair in study.model if len(study.model) > 1]
    headers = ["", f"mean ({unit})", f"SD ({unit})", f"median ({unit})", *(f"<= {r:g} {unit} (%)" for r in study.radii)]
    rows = [[name, *_cells(metrics, study.radii)] for name, metrics in groups]
    who = ", ".join(study.observers)
    print_table(headers, rows, title=f"{who} on {len(study.radiographs)} radiographs", caption=_caption(study))
    _print_landmarks(study)
    _print_offsets(study)
    if study.differences:
        pooled = study.differences[0]
        print_text(f"The model is {VERDICTS[pooled.verdict]} ({_difference(pooled)} {unit}, all landmarks).")


def _cells(metrics: Metrics, radii: tuple[float, ...]) -> list[str]:
    figures = [(metrics.mre, "mre", 2), (metrics.sd, "sd", 2), (metrics.median, "median", 2)]
    figures += [(metrics.sdr[radius], f"sdr_{radius:g}", 1) for radius in radii]
    return [_with_ends(value, metrics.ci.get(key), digits) for value, key, digits in figures]


def _with_ends(value: float, ends: tuple[float, float] | None, digits: int) -> str:
    shown = number(value, digits)
    return shown if ends is None else f"{shown} [{number(ends[0], digits)}, {number(ends[1], digits)}]"


def _difference(found: Difference) -> str:
    value = number(found.value) if not found.value > 0 else f"+{number(found.value)}"
    return f"{value} [{number(found.low)}, {number(found.high)}]"


def _print_landmarks(study: ObserverStudy) -> None:
    columns: list[tuple[str, list[str]]] = []
    if study.inter is not None:
        columns.append((f"observers ({study.unit})", [number(item.mre) for item in study.inter_per_landmark]))
    for item in study.intra:
        columns.append((f"{item.observer} again", [number(metrics.mre) for metrics in item.per_landmark]))
        columns.append((f"{item.observer} Dahlberg", [number(float(value)) for value in item.dahlberg_per_landmark]))
    if study.model_per_landmark:
        columns.append(("model", [number(item.mre) for item in study.model_per_landmark]))
    if study.differences:
        each = study.differences[1:]
        columns += [("model less observers", [_difference(item) for item in each])]
        columns += [("the model is", [VERDICTS[item.verdict] for item in each])]
    rows = [(name, *(cells[k] for _, cells in columns)) for k, name in enumerate(study.landmarks)]
    print_table(("landmark", *(name for name, _ in columns)), rows, title="By landmark: mean distance")


def _print_offsets(study: ObserverStudy) -> None:
    if not study.offsets:
        return
    people = list(dict.fromkeys(item.observer for item in study.offsets))
    by = {(item.observer, item.landmark): item for item in study.offsets}
    rows = []
    for landmark in study.landmarks:
        cells = []
        for who in people:
            item = by[who, landmark]
            cells += [" ".join(number(v) for v in item.bias), " ".join(number(v) for v in item.random)]
        rows.append((landmark, *cells))
    headers = [title for who in people for title in (f"{who} bias", f"{who} random")]
    print_table(
        ("landmark", *headers),
        rows,
        title=f"Offset from the observers' mean ({study.unit}): down, right",
        caption="bias: mean offset. random: its population standard deviation. Negative is up, or left.",
    )


def _caption(study: ObserverStudy) -> str:
    parts = ["Distances between two readings of the same landmark. SD: population."]
    if study.bootstrap:
        parts.append(f"[ ]: 95 % interval, {study.bootstrap} bootstrap draws of radiographs.")
    if study.unit == "px":
        parts.append("In pixels: the spacing is not known of every radiograph (--spacing MM gives it).")
    return " ".join(parts)
