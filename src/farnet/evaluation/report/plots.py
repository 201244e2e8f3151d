"""The plots of a report as PNG: detection rates, boxes and mean offsets, in colours that all can tell apart."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from farnet.evaluation.curves import box_statistics, sdr_curves
from farnet.evaluation.report.section import Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from farnet.evaluation import Comparison, Evaluation

__all__ = ["bias_plot", "box_plot", "mean_offsets", "plots_of", "sdr_plot"]

_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#8c8c8c"  # Okabe and Ito 2008: told apart by the colour-blind
_DPI = 130
_MANY = 40  # boxes: from here on they are drawn closer


def plots_of(comparison: Comparison, evaluation: Evaluation) -> tuple[Picture, ...]:
    """All plots; none where there is not a single error."""
    if np.isnan(evaluation.errors).all():
        return ()
    return sdr_plot(evaluation), box_plot(evaluation), bias_plot(comparison, evaluation)


def mean_offsets(comparison: Comparison, evaluation: Evaluation) -> NDArray[np.float64]:
    """(K, 2) mean of prediction less truth as (down, right), in the unit of the evaluation; NaN without errors."""
    offsets = []
    for prediction, reference in zip(comparison.predictions, comparison.references, strict=True):
        spacing = (reference.spacing or prediction.spacing) if evaluation.unit == "mm" else None
        offsets.append((prediction.points - reference.points) * (spacing or (1.0, 1.0)))
    steps = np.stack(offsets)
    known = ~np.isnan(steps[..., 0])
    with np.errstate(invalid="ignore"):
        mean = np.nansum(steps, axis=0) / known.sum(axis=0)[:, None]
    return np.asarray(mean)


def sdr_plot(evaluation: Evaluation) -> Picture:
    """Successful detection rate over the radius."""
    figure, axes = _axes(6.4, 3.6)
    curves = sdr_curves(evaluation)
    for each in curves.per_landmark:
        axes.plot(curves.radii, each, color=_GREY, linewidth=0.6, alpha=0.6)
    axes.plot(curves.radii, curves.pooled, color=_BLUE, linewidth=2.2)
    for radius in evaluation.radii:
        axes.axvline(radius, color=_ORANGE, linewidth=0.8, linestyle="--")
    axes.set(xlabel=f"radius ({evaluation.unit})", ylabel="detected within the radius (%)", ylim=(0, 101))
    axes.set_xlim(0, float(curves.radii[-1]))
    return _png(
        figure,
        "Successful detection rate over the radius. Thick blue: all landmarks; thin grey: each landmark; dashed: the "
        "radii of the tables.",
    )


def box_plot(evaluation: Evaluation) -> Picture:
    """Radial errors of each landmark."""
    boxes = box_statistics(evaluation.errors, evaluation.landmarks, evaluation.radiographs)
    drawn = [box for box in boxes if box.n]
    figure, axes = _axes(6.4, 0.8 + (0.24 if len(drawn) <= _MANY else 0.16) * len(drawn))
    axes.bxp(
        [
            {
                "med": box.median,
                "q1": box.q1,
                "q3": box.q3,
                "whislo": box.low,
                "whishi": box.high,
                "fliers": [outlier.error for outlier in box.outliers],
                "label": _plain(f"{box.name} (n = {box.n})"),
            }
            for box in drawn
        ],
        orientation="horizontal",
        flierprops={"marker": ".", "markersize": 4, "markeredgecolor": _ORANGE},
        medianprops={"color": _BLUE, "linewidth": 2},
    )
    axes.tick_params(axis="y", labelsize=8 if len(drawn) <= _MANY else 6)
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel(f"radial error ({evaluation.unit})")
    return _png(
        figure,
        "Radial errors of each landmark. Box: the middle half; line: the median; whiskers: up to 1.5 quartile ranges; "
        "dots: errors beyond.",
    )


def bias_plot(comparison: Comparison, evaluation: Evaluation) -> Picture:
    """Mean offset of each landmark, numbered in the order of the tables."""
    figure, axes = _axes(5.2, 4.6)
    offsets = mean_offsets(comparison, evaluation)
    known = np.flatnonzero(~np.isnan(offsets[:, 0]))
    axes.axhline(0, color=_GREY, linewidth=0.8)
    axes.axvline(0, color=_GREY, linewidth=0.8)
    axes.plot(offsets[known, 1], offsets[known, 0], "o", color=_BLUE, markersize=4)
    for k in known:
        axes.annotate(str(k + 1), offsets[k, ::-1], xytext=(3, 3), textcoords="offset points", fontsize=7)
    reach = 1.15 * max(float(np.abs(offsets[known]).max()), 1e-6)
    axes.set(xlim=(-reach, reach), ylim=(reach, -reach), aspect="equal")
    axes.set(xlabel=f"mean dx, to the right ({evaluation.unit})", ylabel=f"mean dy, downwards ({evaluation.unit})")
    return _png(
        figure,
        "Bias: mean of prediction less truth, as seen on the radiograph. The numbers are those of the landmarks in the "
        "table. The centre is no bias.",
    )


def _axes(width: float, height: float) -> tuple[Any, Any]:
    """A figure of its own, outside pyplot: no global state, no window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return figure, axes


def _png(figure: Any, caption: str) -> Picture:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=_DPI, facecolor="white", metadata={"Software": None})
    return Picture(data.getvalue(), caption)


def _plain(text: str) -> str:
    """Dollar signs would begin a formula."""
    return text.replace("$", r"\$")
