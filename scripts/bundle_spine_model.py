"""Put a trained spine model into the package: evaluate it, write the figures and texts into the file, write its page.

    python scripts/bundle_spine_model.py runs/spine/spine68-compact.safetensors --data spineweb16 --texts texts.json

The figures are those of ``farnet evaluate`` on the split ``test50`` (by person apart from the training, never used for
it or for choosing anything), with and without the radiographs whose published landmarks are doubtful, and with every
landmark found by itself instead of as a column. ``texts.json`` as for ``bundle_model.py``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farnet.datasets.spineweb16 import SPLIT_SEED, SpineWeb16
from farnet.detection import Detector
from farnet.evaluation import evaluate
from farnet.evaluation.spine import SpineEvaluation, evaluate_spine
from farnet.modelfile import ModelMetadata, load_model, save_model

if TYPE_CHECKING:
    from farnet.evaluation import Evaluation

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Figures:
    """One line of the page."""

    title: str
    radial: Evaluation
    spine: SpineEvaluation


def measure(model: Path, data: Path) -> list[Figures]:
    """Evaluate on the radiographs held out: together, without the doubtful, each landmark by itself."""
    held_out = SpineWeb16(data, "test50")
    detector = Detector(model, "cpu")
    truth = [held_out.landmarks(i) for i in range(len(held_out))]
    found, alone = [], []
    for i in range(len(held_out)):
        detection = detector.detect(held_out.radiograph(i))
        assert detection.alone is not None, "the model finds landmarks together"
        found.append(detection.landmarks.replace(radiograph=held_out.ids[i]))
        alone.append(found[-1].replace(points=detection.alone, confidence=None, covariance=None))
    sure = [i for i, name in enumerate(held_out.ids) if name not in held_out.suspects]
    return [
        Figures(f"{len(truth)} radiographs", evaluate(found, truth), evaluate_spine(found, truth)),
        Figures(
            f"without {len(truth) - len(sure)} with doubtful landmarks",
            evaluate([found[i] for i in sure], [truth[i] for i in sure]),
            evaluate_spine([found[i] for i in sure], [truth[i] for i in sure]),
        ),
        Figures("every landmark by itself", evaluate(alone, truth), evaluate_spine(alone, truth)),
    ]


def row(figures: Figures) -> str:
    """One line of the table."""
    points, cobb = figures.spine.points, figures.spine.cobb
    assert points is not None
    values = points.named()
    cells = [values["nmse_point"].text(3, 1e3), values["rho"].text(4), values["rho_x"].text(4), cobb.smape.text(2)]
    cells += [item.text(1) for item in cobb.error_each]
    return f"| {figures.title} | {' | '.join(cells)} |"


def page(metadata: ModelMetadata, results: list[Figures], size: int) -> str:
    """The model's page, in Markdown."""
    settings = metadata.training["settings"]
    baseline = results[0].spine.mean_shape
    assert baseline is not None
    values = baseline.named()
    lines = [
        f"# {metadata.name}",
        "",
        f"{metadata.description} **{metadata.intended_use}**",
        "",
        "| | |",
        "|---|---|",
        f"| Landmarks | {len(metadata.landmark_scheme)}, scheme `{metadata.landmark_scheme.name}`: 17 vertebrae |",
        f"| Network | FARNet on `{metadata.network.backbone}`, aggregation {metadata.network.width} channels wide |",
        f"| Input | {metadata.input.height} x {metadata.input.width}, {metadata.input.fit}, "
        f"grey by {metadata.input.intensity} |",
        f"| File | {size / 1e6:.1f} MB, weights in 16 bit |",
        f"| Licence | {metadata.licence} |",
        "",
        "## Training",
        "",
        f"{metadata.training['radiographs']} radiographs of SpineWeb data set 16 (AASCE 2019): the split `train431` "
        f"(by person, seed {SPLIT_SEED}), less those on the public list of corrections. The weights are those of the "
        f"last of {settings['epochs']} epochs. The backbone started from ImageNet weights of EfficientNet-Lite0 "
        "(Apache-2.0).",
        "",
        "```",
        metadata.training["command"],
        "```",
        "",
        "Vertebrae look alike, and a network that finds each corner by itself puts some on a neighbour. The corners "
        "are therefore found together, as a column of vertebrae (`farnet.chain`), whose numbers are measured on the "
        "training annotations; one line of the table is without that.",
        "",
        "## Accuracy",
        "",
        "The 50 radiographs of the split `test50`, with 95 % intervals by bootstrap over radiographs. NMSE is the mean "
        "of (dx / width)^2 + (dy / height)^2; SMAPE is that of the AASCE challenge, over the three Cobb angles; the "
        "errors of the angles are mean absolute differences in degrees.",
        "",
        "| | NMSE per point (1e-3) | rho | rho, x alone | SMAPE % | angle 1 | angle 2 | angle 3 |",
        "|---|---|---|---|---|---|---|---|",
        *(row(item) for item in results),
        f"| mean shape, which looks at no radiograph | {values['nmse_point'].text(3, 1e3)} | {values['rho'].text(4)} | "
        f"{values['rho_x'].text(4)} | | | | |",
        "",
        f"    farnet evaluate --model {metadata.name} --data spineweb16 --split test50",
        "",
        "## Limits",
        "",
        "Trained on frontal radiographs that were cut to the spine, T1 near the upper and L5 near the lower edge; cut "
        "others likewise. The published landmarks are rough: many are off by part of a vertebra, and some columns are "
        "counted from a neighbour of T1, in training and test alike, so part of the error is theirs. A column that is "
        "counted from the wrong vertebra is still the commonest fault of the model: compare the first and the last "
        "vertebra. Cobb angles hardly depend on that. Metal, fewer or more than 17 vertebrae and severe deformity were "
        "hardly seen.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Evaluate, write the file, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="the SpineWeb 16 folder")
    parser.add_argument("--texts", type=Path, help="JSON with title, description, licence, intended_use, command")
    arguments = parser.parse_args()
    network, metadata = load_model(arguments.model)
    texts: dict[str, Any] = json.loads(arguments.texts.read_text(encoding="utf-8")) if arguments.texts else {}
    command = texts.pop("command", metadata.training.get("command"))
    target = ROOT / "src/farnet/models" / f"{metadata.name}.safetensors"
    save_model(target, network, metadata, half=True)
    results = measure(target, arguments.data)
    figures = {
        # Without the 68 landmarks one by one, which would be half a megabyte.
        name: {"radial": item.radial.pooled.to_dict(), "unit": item.radial.unit, "spine": item.spine.to_dict()}
        for name, item in zip(("test50", "test50_without_suspects", "test50_each_by_itself"), results, strict=True)
    }
    settings = dict(metadata.training["settings"])
    settings["weights"] = Path(settings["weights"]).name  # not where the file lay on this machine
    metadata = metadata.model_copy(
        update={
            **texts,
            "training": {**metadata.training, "command": command, "settings": settings},
            "evaluation": {**metadata.evaluation, **figures},
        }
    )
    save_model(target, network, metadata, half=True)
    document = ROOT / "docs/models" / f"{metadata.name}.md"
    document.write_text(page(metadata, results, target.stat().st_size), encoding="utf-8")
    print(f"{target}: {target.stat().st_size:,} bytes")
    for item in results:
        print(row(item))


if __name__ == "__main__":
    main()
