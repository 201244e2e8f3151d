"""`farnet evaluate`: how far a model, or a table of landmarks, is from the truth and from the observers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farnet.commands.console import note, print_json, progress
from farnet.commands.evaluation_tables import print_evaluation
from farnet.commands.options import (
    DatasetOption,
    DeviceOption,
    ForceOption,
    JsonOption,
    OptionalDataOption,
    check_folder,
    examples,
    numbers,
    refuse_existing,
    words,
)
from farnet.errors import InvalidInputError
from farnet.zoo import DEFAULT_MODEL

if TYPE_CHECKING:
    from farnet.datasets.isbi2015 import ISBI2015
    from farnet.evaluation import Evaluation
    from farnet.landmarks import Landmarks

__all__ = ["evaluate", "register"]

_HELP = examples(
    """Measure how far landmarks are from the truth.

What is measured is a model (--model) or a table of landmarks (--predictions); the truth is a data set (--data) or
another table (--reference). Predictions and truth are matched by the names of the radiographs.

Reports the mean radial error (MRE) with the population standard deviation (SD) of the pooled errors, the median, and
the successful detection rate (SDR): the share of landmarks with an error of at most a radius, where a missed landmark
is a failure. Errors are in mm where the spacing of every radiograph is known, otherwise in pixels. In brackets are 95 %
intervals, by bootstrap over radiographs. A data set with two observers also shows how far these are from each other,
and known duplicates between its splits are reported with and without.""",
    ("the bundled model on the first test set of ISBI 2015", "farnet evaluate --data isbi2015 --split test1"),
    ("against one of the two doctors", "farnet evaluate --data isbi2015 --split test1 --observer senior"),
    ("two tables, such as those of two people", "farnet evaluate --predictions mine.csv --reference yours.csv"),
    ("for a program", "farnet evaluate --model my.safetensors --data isbi2015 --split test1 --json"),
)


@dataclass
class _Comparison:
    """Predictions beside the truth, and what is known of where they come from."""

    predictions: list["Landmarks"]
    references: list["Landmarks"]
    observers: list[list["Landmarks"]] | None = None
    duplicates: tuple[str, ...] = ()
    record: dict[str, Any] = field(default_factory=dict)

    def without(self, names: Sequence[str]) -> "_Comparison":
        """The same without some radiographs, by name."""
        from farnet.evaluation.pairing import radiograph_key

        left_out = {radiograph_key(name) for name in names}
        keep = [i for i, r in enumerate(self.references) if radiograph_key(r.radiograph) not in left_out]
        return _Comparison(
            [self.predictions[i] for i in keep],
            [self.references[i] for i in keep],
            None if self.observers is None else [[o[i] for i in keep] for o in self.observers],
        )


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("evaluate", help=_HELP)(evaluate)


def evaluate(
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="NAME|FILE", help="The model to run.", show_default=DEFAULT_MODEL),
    ] = None,
    data: OptionalDataOption = None,
    dataset: DatasetOption = "isbi2015",
    split: Annotated[str, typer.Option("--split", metavar="NAME", help="train, test1, test2 or all.")] = "test1",
    observer: Annotated[
        str, typer.Option("--observer", metavar="NAME", help="Whose points are the truth: mean, junior or senior.")
    ] = "mean",
    predictions: Annotated[
        Path | None, typer.Option("--predictions", metavar="FILE", help="Landmarks to measure, instead of a model.")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference", metavar="FILE", help="True landmarks, instead of a data set.")
    ] = None,
    exclude: Annotated[
        str, typer.Option("--exclude", metavar="NAMES", help="Radiographs to leave out, such as 173,283.")
    ] = "",
    common: Annotated[
        bool, typer.Option("--common", help="Evaluate the radiographs that both sides have, and leave out the others.")
    ] = False,
    radii: Annotated[str, typer.Option("--radii", metavar="LIST", help="Radii of the detection rates.")] = "2,2.5,3,4",
    bootstrap: Annotated[int, typer.Option("--bootstrap", min=0, help="Draws for the intervals; 0 for none.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the draws.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write the model's landmarks (csv).")
    ] = None,
    device: DeviceOption = "auto",
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how far landmarks are from the truth; see `_HELP`."""
    _check_sides(model, data, predictions, reference, output)
    limits = numbers(radii, "--radii")
    if output is not None:
        refuse_existing([output], force=force)
        check_folder(output)
    left_out = words(exclude)
    source = _open(dataset, data, split, observer) if data is not None else None
    predicted, record = (
        _read_predictions(predictions)
        if predictions is not None
        else _run_model(model or DEFAULT_MODEL, device, source, left_out, output)
    )
    whole = _compare(predicted, reference, source, left_out, common=common)
    if source is None:
        whole.record = {"reference": str(reference), **record}
    else:
        whole.record = {"dataset": dataset, "data": str(data), "split": split, "observer": observer, **record}

    def measure(comparison: _Comparison) -> "Evaluation":
        from farnet.evaluation import evaluate as measure_landmarks

        return measure_landmarks(
            comparison.predictions,
            comparison.references,
            radii=limits,
            bootstrap=bootstrap,
            seed=seed,
            observers=comparison.observers,
        )

    result = measure(whole)
    rest = measure(whole.without(whole.duplicates)) if whole.duplicates else None
    if as_json:
        print_json(
            {
                **whole.record,
                "excluded": left_out,
                "evaluation": result.to_dict(),
                "duplicates": list(whole.duplicates),
                "without_duplicates": None if rest is None else rest.to_dict(),
            }
        )
        return
    what = whole.record.get("model") or whole.record["predictions"]
    truth = f"{dataset} {split}, truth: {observer}" if reference is None else str(reference)
    print_evaluation(f"{what} on {truth}", result, without=(", ".join(whole.duplicates), rest))


def _check_sides(
    model: str | None, data: Path | None, predictions: Path | None, reference: Path | None, output: Path | None
) -> None:
    """Refuse options that contradict each other."""
    if (data is None) == (reference is None):
        raise InvalidInputError("Give the truth once: a data set with --data FOLDER, or a table with --reference FILE.")
    if predictions is not None and model is not None:
        raise InvalidInputError("Give either --model or --predictions: one of them is measured.")
    if predictions is None and data is None:
        raise InvalidInputError(
            "A model needs radiographs: give --data FOLDER, or measure a table with --predictions FILE. "
            "'farnet detect' makes one of any radiographs."
        )
    if predictions is not None and output is not None:
        raise InvalidInputError("--output writes the landmarks of a model; with --predictions they are there already.")


def _open(dataset: str, folder: Path, split: str, observer: str) -> "ISBI2015":
    from farnet.commands.data import open_dataset

    return open_dataset(dataset, folder, split=split, observer=observer)


def _read_predictions(path: Path) -> tuple[list["Landmarks"], dict[str, Any]]:
    from farnet.formats import read_annotations

    return read_annotations(path), {"predictions": str(path)}


def _run_model(
    model: str, device: str, data: "ISBI2015 | None", left_out: list[str], output: Path | None
) -> tuple[list["Landmarks"], dict[str, Any]]:
    """Detect on every radiograph of the data set but those left out."""
    from farnet.detection import Detector

    assert data is not None, "without --predictions there is --data"
    detector = Detector(model, device)
    wanted = [i for i, name in enumerate(data.ids) if name not in left_out]
    found, seconds = [], 0.0
    with progress(f"Running {detector.name}", len(wanted)) as step:
        for i in wanted:
            step(data.ids[i])
            detection = detector.detect(data.radiograph(i))
            found.append(detection.landmarks.replace(radiograph=data.ids[i]))
            seconds += detection.seconds
    if output is not None and found:
        from farnet.formats import write_annotations

        write_annotations(output, found)
    record = {
        "model": detector.name,
        "model_sha256": detector.sha256,
        "device": detector.device,
        "seconds_per_radiograph": seconds / max(len(found), 1),
        "predictions": None if output is None else str(output),
    }
    return found, record


def _compare(
    predicted: list["Landmarks"],
    reference: Path | None,
    data: "ISBI2015 | None",
    left_out: list[str],
    *,
    common: bool,
) -> _Comparison:
    """Bring predictions, truth and observers into one order."""
    from farnet.evaluation.pairing import listed, pair_landmarks, radiograph_key

    keys = {radiograph_key(name) for name in left_out}
    if data is None:
        from farnet.formats import read_annotations

        assert reference is not None, "without --data there is --reference"
        truth = read_annotations(reference)
        names = [item.radiograph for item in truth]
    else:
        names = list(data.ids)
        truth = [data.landmarks(i) for i, name in enumerate(names) if radiograph_key(name) not in keys]
    unknown = [name for name in left_out if radiograph_key(name) not in map(radiograph_key, names)]
    if unknown:
        raise InvalidInputError(f"--exclude names radiographs that the truth does not have: {listed(unknown)}.")
    pairing = pair_landmarks(
        [item for item in predicted if radiograph_key(item.radiograph) not in keys],
        [item for item in truth if radiograph_key(item.radiograph) not in keys],
    )
    if common:
        for alone, what in ((pairing.only_referenced, "prediction"), (pairing.only_predicted, "reference")):
            if alone:
                note(f"Left out, for want of a {what}: {listed(alone)}")
    else:
        pairing.require_complete()
    comparison = _Comparison(pairing.predictions, pairing.references)
    if data is not None:
        place = {name: i for i, name in enumerate(data.ids)}
        order = [place[item.radiograph] for item in pairing.references]
        comparison.observers = [[data.observer_landmarks(i, who) for i in order] for who in data.observers]
        comparison.duplicates = tuple(data.ids[i] for i in order if data.ids[i] in data.duplicates)
    return comparison
