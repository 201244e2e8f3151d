"""Tables of an evaluation: the pooled figures with their intervals, each landmark, the largest errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farnet.commands.console import number, print_table, print_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farnet.evaluation import Evaluation

__all__ = ["print_evaluation"]

_NAMED = 3
"""So many names stand in the head of a column; more below the table."""


def print_evaluation(
    title: str,
    result: Evaluation,
    *,
    without: tuple[Sequence[str], Evaluation | None] = ((), None),
    shifted: tuple[Sequence[str], Evaluation | None] = ((), None),
    alone: Evaluation | None = None,
) -> None:
    """Print an evaluation.

    Args:
        title: What was measured, and with what as truth.
        result: The evaluation.
        without: Names of radiographs that stand apart, and the evaluation without them, to be shown beside the other.
        shifted: The same for landmarks that stand apart.
        alone: The evaluation with every landmark found by itself, for a model that finds them together.
    """
    names, rest = without
    several = len(names) > _NAMED
    columns = [(f"all {result.n_radiographs}", result.pooled)]
    if rest is not None:
        columns.append((f"without {len(names)} *" if several else f"without {', '.join(names)}", rest.pooled))
    if shifted[1] is not None:
        columns.append((f"without {', '.join(shifted[0])}", shifted[1].pooled))
    if alone is not None:
        columns.append(("each by itself", alone.pooled))
    if result.observer_distance is not None:
        columns.append(("observers", result.observer_distance))
    unit, headers = result.unit, [name for name, _ in columns]
    figures = [metrics for _, metrics in columns]
    rows = [
        _row(f"MRE ({unit})", [(m.mre, m.ci.get("mre")) for m in figures]),
        _row(f"SD ({unit})", [(m.sd, m.ci.get("sd")) for m in figures]),
        _row(f"median ({unit})", [(m.median, m.ci.get("median")) for m in figures]),
        *(
            _row(f"SDR {r:g} {unit} (%)", [(m.sdr[r], m.ci.get(f"sdr_{r:g}")) for m in figures], digits=1)
            for r in result.radii
        ),
        _row(f"area to {result.radii[-1]:g} {unit} (%)", [(m.area, m.ci.get("area")) for m in figures], digits=1),
        ("landmarks", *(str(m.n + m.n_missed) for m in figures)),
        ("missed", *(str(m.n_missed) for m in figures)),
        ("absent", *(str(m.n_absent) for m in figures)),
    ]
    print_table(("", *headers), rows, title=title, caption=_caption(result))
    if rest is not None and several:
        print_text(f"* In the data for training too: {', '.join(names)}.\n")
    _print_landmarks(result)
    worst = [(name, landmark, number(error)) for name, landmark, error in result.largest_errors()]
    print_table(("radiograph", "landmark", f"error ({unit})"), worst, title="Largest errors", left=2)


def _row(name: str, figures: list[tuple[float, tuple[float, float] | None]], digits: int = 2) -> tuple[str, ...]:
    """A figure of every column, with its interval where there is one."""
    cells = []
    for value, interval in figures:
        ends = "" if interval is None else f" [{number(interval[0], digits)}, {number(interval[1], digits)}]"
        cells.append(number(value, digits) + ends)
    return name, *cells


def _caption(result: Evaluation) -> str:
    parts = [
        "SD: population, of the pooled errors. SDR: error at most the radius, a missed landmark is a failure. "
        "Area: under the curve of the SDR over the radius."
    ]
    if result.bootstrap:
        parts.append(f"[ ]: 95 % interval, {result.bootstrap} bootstrap draws of radiographs.")
    if result.unit == "px":
        parts.append("In pixels: the spacing is not known of every radiograph.")
    return " ".join(parts)


def _print_landmarks(result: Evaluation) -> None:
    headers = ["landmark", f"MRE ({result.unit})", "SD", "median", *(f"SDR {r:g}" for r in result.radii), "missed"]
    rows = []
    for m in result.per_landmark:
        rates = [number(rate, 1) for rate in m.sdr.values()]
        rows.append([m.name, number(m.mre), number(m.sd), number(m.median), *rates, str(m.n_missed)])
    if result.observer_distance_per_landmark is not None:
        headers.append("observers")
        for cells, between in zip(rows, result.observer_distance_per_landmark, strict=True):
            cells.append(number(between.mre))
    print_table(headers, rows, title="By landmark")
