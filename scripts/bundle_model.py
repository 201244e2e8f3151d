"""Put a trained model into the package: evaluate it, write the figures and texts into the file, write its page.

    python scripts/bundle_model.py runs/compact/ceph19-compact.safetensors --data isbi2015 --texts texts.json

The figures are those of ``farnet evaluate`` on the split ``test1`` (never used for training or selection), with and
without the radiographs that are also in the training split. ``texts.json`` may hold title, description, licence,
intended_use, selection (how the settings were chosen, for the page) and command (the training's, when the file does
not know it). The file goes to ``src/farnet/models``, the page to ``docs/models``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from farnet.datasets.isbi2015 import ISBI2015
from farnet.detection import Detector
from farnet.evaluation import Evaluation, Metrics, evaluate
from farnet.evaluation.expected_error import ExpectedErrors, evaluate_expected_errors
from farnet.modelfile import ModelMetadata, copy_model, read_metadata

ROOT = Path(__file__).resolve().parents[1]


def measure(model: Path, data: Path) -> tuple[dict[str, Evaluation], ExpectedErrors | None]:
    """Evaluate on Test1: all radiographs, and without those that training has too; and whether expected errors hold."""
    test = ISBI2015(data, "test1", "mean")
    detector = Detector(model, "cpu")
    found, spread = [], []
    for i in range(len(test)):
        detection = detector.detect(test.radiograph(i))
        assert detection.evidence is not None, "a detector gives its evidence"
        found.append(detection.landmarks.replace(radiograph=test.ids[i]))
        spread.append(detection.frame.covariance_to_radiograph(detection.evidence.spread))
    truth = [test.landmarks(i) for i in range(len(test))]
    observers = [[test.observer_landmarks(i, name) for i in range(len(test))] for name in test.observers]
    own = [i for i, name in enumerate(test.ids) if name not in test.duplicates]
    likely = evaluate_expected_errors(found, truth, spread=spread)
    return {
        "test1": evaluate(found, truth, observers=observers),
        "test1_without_duplicates": evaluate(
            [found[i] for i in own], [truth[i] for i in own], observers=[[o[i] for i in own] for o in observers]
        ),
    }, likely


def row(name: str, metrics: Metrics) -> str:
    """One line of a table of figures."""
    low, high = metrics.ci["mre"]
    rates = " | ".join(
        f"{rate:.2f} ({metrics.ci[f'sdr_{radius:g}'][0]:.1f}-{metrics.ci[f'sdr_{radius:g}'][1]:.1f})"
        for radius, rate in metrics.sdr.items()
    )
    return f"| {name} | {metrics.mre:.3f} ({low:.3f}-{high:.3f}) | {metrics.sd:.3f} | {metrics.median:.3f} | {rates} |"


def likely_lines(metadata: ModelMetadata, likely: ExpectedErrors | None) -> list[str]:
    """What the page says of expected errors."""
    if likely is None or metadata.calibration is None:
        return []
    pooled, unit = likely.pooled, likely.unit
    rows = [
        f"| {item.name} | {item.coverage.value:.1f} | {item.expected:.2f} | {item.error:.2f} | {item.rank.value:.2f} |"
        for item in likely.per_landmark
    ]
    return [
        "",
        "## Expected errors",
        "",
        f"Every detection has an expected error and a 95 % region, calibrated on {metadata.calibration['source']} "
        "(`docs/expected-error.md`). On Test1 the truth is in the region "
        f"{pooled.coverage.text(1)} % of the time; the median area of a region is {pooled.area:.1f} {unit}², that of "
        f"the plain spread of the heatmaps scaled to the same coverage {likely.heatmap_area:.1f} {unit}². True over "
        f"expected error: {pooled.ratio.text(2)}. Rank correlation of the two: {pooled.rank.text(2)}; within a "
        "landmark, mean: "
        f"{likely.rank_within:.2f}.",
        "",
        "| landmark | in the 95 % region, % | expected mm | true mm | rank correlation |",
        "|---|---|---|---|---|",
        *rows,
    ]


def page(
    metadata: ModelMetadata, results: dict[str, Evaluation], likely: ExpectedErrors | None, size: int, selection: str
) -> str:
    """The model's page, in Markdown."""
    shifts = ", ".join(str(shift) for shift in metadata.decoder.shifts)
    settings = metadata.training["settings"]
    whole, own = results["test1"], results["test1_without_duplicates"]
    observers = whole.observer_distance
    assert observers is not None and whole.observer_distance_per_landmark is not None
    lines = [
        f"# {metadata.name}",
        "",
        f"{metadata.description} **{metadata.intended_use}**",
        "",
        "| | |",
        "|---|---|",
        f"| Landmarks | {len(metadata.landmark_scheme)}, scheme `{metadata.landmark_scheme.name}` |",
        f"| Network | FARNet on `{metadata.network.backbone}`, aggregation {metadata.network.width} channels wide |",
        f"| Input | {metadata.input.height} x {metadata.input.width}, {metadata.input.fit}, "
        f"grey by {metadata.input.intensity} |",
        f"| File | {size / 1e6:.1f} MB, weights in 16 bit |",
        f"| Licence | {metadata.licence} |",
        "",
        "## Training",
        "",
        f"{metadata.training['radiographs']} radiographs of the ISBI 2015 challenge (001-150), the mean of its two "
        "observers as truth. Neither Test1 nor anything else was used for training or for choosing settings or "
        f"weights; the weights are those of the last epoch. {selection}The backbone started from ImageNet weights of "
        "EfficientNet-Lite0 (Apache-2.0; `scripts/convert_backbone_weights.py`).",
        "",
        "```",
        metadata.training["command"],
        "```",
        "",
        f"{settings['epochs']} epochs, batches of {settings['batch_size']}, EWC loss with alpha {settings['alpha']:g}, "
        f"sigma {settings['sigma']:g} px (fine) and {settings['sigma_coarse']:g} px (coarse). A detection averages the "
        f"heatmaps of {len(metadata.decoder.shifts)} looks, shifted by {shifts} px. All settings are in the file: "
        f"`farnet info {metadata.name} --json`.",
        "",
        "## Accuracy",
        "",
        "ISBI 2015 Test1 (151-300), 0.1 mm per pixel, against the mean of both observers. 95 % confidence intervals by "
        "percentile bootstrap over radiographs; SD is that of the pooled errors; SDR is the share of errors at most so "
        "large.",
        "",
        "| | MRE mm | SD | median | SDR 2 mm % | 2.5 mm | 3 mm | 4 mm |",
        "|---|---|---|---|---|---|---|---|",
        row("Test1, 150 radiographs", whole.pooled),
        row(f"without {len(results['test1'].radiographs) - len(own.radiographs)} that training has too", own.pooled),
        row("for comparison: between the two observers", observers),
        "",
        f"    farnet evaluate --model {metadata.name} --data isbi2015 --split test1",
        "",
        "| landmark | MRE mm | SD | median | SDR 2 mm % | 2.5 mm | 3 mm | 4 mm | between observers, mm |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for metrics, between in zip(whole.per_landmark, whole.observer_distance_per_landmark, strict=True):
        lines.append(f"{row(metrics.name, metrics)} {between.mre:.2f} |")
    lines += [
        *likely_lines(metadata, likely),
        "",
        "## Limits",
        "",
        "Trained on lateral cephalograms of one clinic and one device, with the face to the right. Other devices and "
        "framings, left-facing or inverted radiographs, surgery hardware and severe deformity were hardly seen. "
        "Where the observers disagree (last column; soft-tissue pogonion, gonion, porion and subspinale above all), so "
        "does the model with either. Confidence is the height of the fitted heatmap peak, not a probability.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Evaluate, write the file, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="the ISBI 2015 folder")
    parser.add_argument("--texts", type=Path, help="JSON with title, description, licence, intended_use, command")
    arguments = parser.parse_args()
    metadata = read_metadata(arguments.model)
    texts: dict[str, Any] = json.loads(arguments.texts.read_text(encoding="utf-8")) if arguments.texts else {}
    selection = texts.pop("selection", "").strip()
    selection += " " if selection else ""
    command = texts.pop("command", metadata.training.get("command"))
    results, likely = measure(arguments.model, arguments.data)
    expected = {} if likely is None else {"expected_error_test1": likely.to_dict()}
    metadata = metadata.model_copy(
        update={
            **texts,
            "training": {**metadata.training, "command": command},
            "evaluation": {
                **metadata.evaluation,
                **{name: result.to_dict() for name, result in results.items()},
                **expected,
            },
        }
    )
    target = ROOT / "src/farnet/models" / f"{metadata.name}.safetensors"
    target.parent.mkdir(exist_ok=True)
    copy_model(arguments.model, target, metadata)  # the same weights, to the last bit
    document = ROOT / "docs/models" / f"{metadata.name}.md"
    document.parent.mkdir(parents=True, exist_ok=True)
    document.write_text(page(metadata, results, likely, target.stat().st_size, selection), encoding="utf-8")
    pooled = results["test1"].pooled
    print(f"{target}: {target.stat().st_size:,} bytes; MRE {pooled.mre:.3f} mm, SDR@2mm {pooled.sdr[2.0]:.2f} %")


if __name__ == "__main__":
    main()
