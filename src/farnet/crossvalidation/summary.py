"""The files that a cross-validation leaves beside its folds, and whether those that are there are its own."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

from farnet.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from farnet.crossvalidation.runner import CrossValidation
    from farnet.evaluation import Metrics

__all__ = ["PREDICTIONS", "check_folder_of_folds", "markdown", "write_summary"]

PREDICTIONS = "predictions.csv"
_SUMMARY, _MARKDOWN = "summary.json", "summary.md"
_OF_A_SUMMARY = {"finished", "missing", "mean_and_sd_over_folds"}
_DASH = "\N{EN DASH}"


def check_folder_of_folds(folder: Path) -> None:
    """See that a folder is free, or has folds in it, and that nobody else's files would be overwritten.

    Raises:
        OutputError: It is no folder, is a training itself, holds something else, or cannot be read.
    """
    from farnet.training.runfolder import CONFIG_FILE

    if not folder.exists():
        return
    try:
        names = {item.name for item in folder.iterdir() if not item.name.startswith(".")}
    except OSError as error:
        raise OutputError(f"cannot use the output folder {folder}: {error.strerror or error}") from error
    if CONFIG_FILE in names:
        raise OutputError(f"{folder} is the folder of a training, not of folds; give another output folder.")
    own = _is_summary(folder / _SUMMARY)
    for name in (_SUMMARY, _MARKDOWN, PREDICTIONS):
        if name in names and not own:
            raise OutputError(
                f"{folder / name} is of no cross-validation and would be overwritten; give another folder."
            )
    if names and not own and not any(re.fullmatch(r"fold-\d+", name) for name in names):
        raise OutputError(
            f"the output folder {folder} holds something else ({min(names)}); give a new one, or that of the folds."
        )


def write_summary(result: CrossValidation, folder: Path) -> None:
    """Write the landmarks of all folds and the figures; nothing before the first fold is finished.

    Raises:
        OutputError: A file cannot be written.
    """
    from farnet.atomic import write_text_atomic
    from farnet.formats import write_annotations

    if not result.folds:
        return
    # First, because it is what the other two are known by.
    write_text_atomic(folder / _SUMMARY, json.dumps(result.to_dict(), indent=1, allow_nan=False) + "\n")
    write_text_atomic(folder / _MARKDOWN, markdown(result))
    write_annotations(folder / PREDICTIONS, [item for fold in result.folds for item in fold.predictions])


def markdown(result: CrossValidation) -> str:
    """The figures of all radiographs, and of each fold, as Markdown tables."""
    pooled = result.pooled
    if pooled is None:
        return f"# Cross-validation\n\nNot there yet: {', '.join(result.missing)}.\n"
    unit, radii = pooled.unit, pooled.radii
    lines = [
        "# Cross-validation",
        "",
        f"{pooled.n_radiographs} radiographs, each predicted by a network that has not seen its person.",
        "In brackets: 95 % interval, by bootstrap over radiographs." if pooled.bootstrap else "",
        f"Not there yet: {', '.join(result.missing)}." if result.missing else "",
        "",
        f"| | radiographs | MRE ({unit}) | SD | {' | '.join(f'SDR {r:g} {unit} (%)' for r in radii)} | missed |",
        f"|---|{'---:|' * (len(radii) + 4)}",
        _line("all", pooled.n_radiographs, pooled.pooled),
        *(_line(fold.name, len(fold.references), fold.evaluation.pooled) for fold in result.folds),
    ]
    over = result.over_folds()
    for i, name in enumerate(("mean over folds", "SD over folds (sample)")):
        rates = " | ".join(_number(over[f"sdr_{radius:g}"][i], 1) for radius in radii)
        lines.append(f"| {name} | | {_number(over['mre'][i])} | | {rates} | |")
    return "\n".join(line for i, line in enumerate(lines) if line or lines[i - 1]) + "\n"


def _line(name: str, radiographs: int, metrics: Metrics) -> str:
    rates = [_number(rate, 1) + _ends(metrics, f"sdr_{radius:g}", 1) for radius, rate in metrics.sdr.items()]
    cells = [name, str(radiographs), _number(metrics.mre) + _ends(metrics, "mre"), _number(metrics.sd), *rates]
    return f"| {' | '.join([*cells, str(metrics.n_missed)])} |"


def _ends(metrics: Metrics, key: str, digits: int = 2) -> str:
    interval = metrics.ci.get(key)
    return "" if interval is None else f" [{_number(interval[0], digits)}, {_number(interval[1], digits)}]"


def _number(value: float, digits: int = 2) -> str:
    return _DASH if math.isnan(value) else f"{value:.{digits}f}"


def _is_summary(path: Path) -> bool:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(values, dict) and values.keys() >= _OF_A_SUMMARY
