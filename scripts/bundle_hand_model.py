"""Put a trained hand model into the package, with the figures of a cross-validation of the same settings.

    python scripts/bundle_hand_model.py runs/hand/hand37-compact.safetensors --folds runs/hand-folds --data hand_atlas \
        --texts texts.json

The model is trained on every radiograph that is at hand, so it has none left to be tested on. Its figures are those of
``farnet crossvalidate`` with as many folds as radiographs, where each is found by a network that learnt the others.
``texts.json`` as for ``bundle_model.py``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farnet.crossvalidation.summary import PREDICTIONS
from farnet.datasets.hand_atlas import HandAtlas
from farnet.errors import FarnetError
from farnet.evaluation import evaluate, pair_landmarks
from farnet.evaluation.hand import evaluate_wrists
from farnet.formats import read_annotations
from farnet.modelfile import ModelMetadata, load_model, save_model

if TYPE_CHECKING:
    from farnet.evaluation import Evaluation
    from farnet.evaluation.hand import WristEvaluation

ROOT = Path(__file__).resolve().parents[1]
RADII = (2.0, 4.0, 10.0)


def measure(folds: Path, data: Path) -> tuple[Evaluation, WristEvaluation]:
    """What networks found that had not seen the radiograph, all folds together."""
    atlas = HandAtlas(data, "all")
    found = pair_landmarks(read_annotations(folds / PREDICTIONS), [atlas.landmarks(i) for i in range(len(atlas))])
    if len(found.references) != len(atlas):
        raise FarnetError(f"{folds} holds {len(found.references)} of {len(atlas)} radiographs; finish its folds.")
    return (
        evaluate(found.predictions, found.references, radii=RADII),
        evaluate_wrists(found.predictions, found.references),
    )


def page(metadata: ModelMetadata, result: Evaluation, wrists: WristEvaluation, size: int, folds: str) -> str:
    """The model's page, in Markdown."""
    settings = metadata.training["settings"]
    pooled, count = result.pooled, result.n_radiographs
    shifts = len(metadata.decoder.shifts)
    each = [
        f"| {name} | {float(errors.mean()):.2f} | {float(errors.max()):.2f} |"
        for name, errors in zip(result.radiographs, result.errors, strict=True)
    ]
    rows = [
        f"| {a} and {b} | {m.mre:.2f} | {m.sd:.2f} | {m.median:.2f} | {' | '.join(f'{m.sdr[r]:.1f}' for r in RADII)} |"
        for (a, b), m in wrists.pairs
    ]
    landmarks = [f"| {m.name} | {m.mre:.2f} |" for m in sorted(result.per_landmark, key=lambda m: -m.mre)[:5]]
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
        f"**{metadata.training['radiographs']} left hands of the Digital Hand Atlas, and no others**: so many were to "
        f"be had. Each was shown {settings['epochs'] * settings['repeats']} times, turned, moved and bent otherwise "
        "each time (the augmentation `payer-hand`). The weights are those of the last epoch. The backbone started from "
        "ImageNet weights of EfficientNet-Lite0 (Apache-2.0).",
        "",
        "```",
        metadata.training["command"],
        "```",
        "",
        f"A detection averages the heatmaps of {shifts} looks.",
        "",
        "## Accuracy",
        "",
        f"Leave one out: {count} trainings with the same settings, each tested on the one hand that it had not seen "
        f"({pooled.n} landmarks, {pooled.n_missed} missed). mm are those that make the wrist "
        "50 mm wide, between one pair of landmarks (of the truth, counted from 1) or the other. SDR is the share of "
        "errors at most so large. **Five hands say little of other hands**: take the figures as a sign that it works, "
        "not as how well.",
        "",
        "| wrist | MRE mm | SD | median | SDR 2 mm % | 4 mm | 10 mm |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        "| radiograph | MRE mm | largest error mm |",
        "|---|---|---|",
        *each,
        "",
        "The landmarks with the largest mean errors:",
        "",
        "| landmark | MRE mm |",
        "|---|---|",
        *landmarks,
        "",
        f"    {folds}",
        "",
        "## Limits",
        "",
        "Left hands of children and young adults, palm down, fingers spread, the whole hand and wrist in the picture, "
        "bone bright. A right hand has to be mirrored (`--orient auto` does). Fractures, deformities, missing fingers, "
        "casts, rings and other positions were never seen. Expected errors are not calibrated. Look at every point.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Evaluate, write the file, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--folds", type=Path, required=True, help="the folder of the cross-validation")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the Digital Hand Atlas")
    parser.add_argument(
        "--texts", type=Path, help="JSON with title, description, licence, intended_use, command, folds"
    )
    arguments = parser.parse_args()
    network, metadata = load_model(arguments.model)
    texts: dict[str, Any] = json.loads(arguments.texts.read_text(encoding="utf-8")) if arguments.texts else {}
    command = texts.pop("command", metadata.training.get("command"))
    folds = texts.pop("folds", "farnet crossvalidate --data hand_atlas --split all --folds 5")
    result, wrists = measure(arguments.folds, arguments.data)
    settings = dict(metadata.training["settings"])
    settings["weights"] = Path(settings["weights"]).name  # not where the file lay on this machine
    figures = {"radial": result.to_dict(), "wrist": wrists.to_dict(), "command": folds}
    metadata = metadata.model_copy(
        update={
            **texts,
            "training": {**metadata.training, "command": command, "settings": settings},
            "evaluation": {**metadata.evaluation, "leave_one_out": figures},
        }
    )
    target = ROOT / "src/farnet/models" / f"{metadata.name}.safetensors"
    save_model(target, network, metadata, half=True)
    document = ROOT / "docs/models" / f"{metadata.name}.md"
    document.write_text(page(metadata, result, wrists, target.stat().st_size, folds), encoding="utf-8")
    print(f"{target}: {target.stat().st_size:,} bytes; MRE {result.pooled.mre:.2f} mm on {result.n_radiographs} hands")


if __name__ == "__main__":
    main()
