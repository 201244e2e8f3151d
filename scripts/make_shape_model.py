"""Make the bundled shape models from published annotations; only numbers over all shapes go in.

    python scripts/make_shape_model.py cephalometric19 --data FOLDER_OF_ISBI2015
    python scripts/make_shape_model.py hand37 --data FOLDER_WITH_SETUP_ALL_CSV
    python scripts/make_shape_model.py spine68 --data FOLDER_OF_SPINEWEB16

writes `src/farnet/shapes/SCHEME.json`. Nothing is random: the same data give the same bytes. With `--check` nothing is
written; the figures of `docs/shapes.md` are measured instead, on annotations that the model has not seen.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from farnet.atomic import write_text_atomic
from farnet.datasets.isbi2015 import ISBI2015
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme
from farnet.shape import IMPLAUSIBLE, ShapeModel

Made = tuple[list[Landmarks], list[Landmarks], str]
"""Shapes for the model, shapes to check it on (none: those of the model, in two halves), the source."""

HANDS_LEFT_OUT = {3149, 3292, 3303, 4382, 4391, 4392, 4498, 4499, 5148, 5748, 5917, 7068, 7069, 7070, 7200, 5522}
"""In no fold of the published cross-validation; and 5522, one of whose coordinates is 0."""

SPINES_LEFT_OUT = {3, 10, 14, 28, 31, 33, 40, 72, 84, 91, 143, 193, 218, 242, 261, 265, 268, 269} | {
    *(313, 394, 439, 445, 471, 474, 476, 480)
}
"""Rows, from 0, known to be wrong: missing or shifted vertebrae, swapped corners, places outside the picture."""


def cephalometric19(folder: Path) -> Made:
    """The 150 training radiographs of ISBI 2015, the mean of both observers; to check, test 1 without duplicates."""
    train, test = (ISBI2015(folder, split=split, observer="mean") for split in ("train", "test1"))
    return (
        [train.landmarks(i) for i in range(len(train))],
        [test.landmarks(i) for i, name in enumerate(test.ids) if name not in test.duplicates],
        "ISBI 2015 grand challenge, training radiographs 001-150, mean of two observers (Wang et al., Medical Image "
        "Analysis 31, 2016)",
    )


def hand37(folder: Path) -> Made:
    """Left hands of the Digital Hand Atlas; the spacing is not known."""
    scheme, shapes = load_scheme("hand37"), []
    with (folder / "setup" / "all.csv").open(newline="") as file:
        for identity, *numbers in csv.reader(file):
            if int(identity) not in HANDS_LEFT_OUT:
                xy = np.array(numbers, np.float64).reshape(-1, 2)
                shapes.append(Landmarks(xy[:, ::-1], scheme, radiograph=identity))
    return (
        shapes,
        [],
        "Digital Hand Atlas (Gertych et al., Computerized Medical Imaging and Graphics 31, 2007), annotations by Payer "
        "et al. (Medical Image Analysis 54, 2019)",
    )


def spine68(folder: Path) -> Made:
    """Frontal spines of the training part of SpineWeb 16; the spacing is not known."""
    labels = folder / "labels" / "training"
    names = (labels / "filenames.csv").read_text(encoding="utf-8").split("\n")
    scheme, shapes = load_scheme("spine68"), []
    for row, fractions in enumerate(np.loadtxt(labels / "landmarks.csv", delimiter=",")):
        if row not in SPINES_LEFT_OUT:
            name = names[row].strip()
            with Image.open(folder / "data" / "training" / name) as image:
                width, height = image.size
            points = np.stack([fractions[68:] * height, fractions[:68] * width], axis=1)
            shapes.append(Landmarks(in_order(points), scheme, radiograph=name))
    return (
        shapes,
        [],
        "SpineWeb data set 16, training (AASCE 2019; Wu et al., Medical Image Computing and Computer Assisted "
        "Intervention, 2017), without 26 rows known to be wrong",
    )


def in_order(points: np.ndarray) -> np.ndarray:
    """Put (68, 2) corners in the order of the scheme: downwards; upper left, upper right, lower left, lower right."""
    vertebrae = points.reshape(17, 4, 2)
    vertebrae = vertebrae[np.argsort(vertebrae[..., 0].mean(axis=1), kind="stable")]
    corners = []
    for vertebra in vertebrae:
        across = vertebra[np.argsort(vertebra[:, 1], kind="stable")]
        left, right = (side[np.argsort(side[:, 0], kind="stable")] for side in (across[:2], across[2:]))
        corners += [left[0], right[0], left[1], right[1]]
    return np.array(corners)


def check(shapes: list[Landmarks], held_out: list[Landmarks]) -> None:
    """Print how good the model is on shapes that it has not seen."""
    rng = np.random.default_rng(0)
    rounds = [(shapes, held_out)] if held_out else [(shapes[::2], shapes[1::2]), (shapes[1::2], shapes[::2])]
    distances, detected, mirrored = [], [], []
    for known, unseen in rounds:
        model = ShapeModel.fit(known)
        distances += [model.implausibility(item.points) for item in unseen]
        mirrored += [(model.looks_mirrored(p), model.looks_mirrored(p * [1, -1])) for p in (i.points for i in unseen)]
        for item in unseen[:: -(-len(unseen) // 40)]:
            detected.append([smallest_seen(model, item, k, rng) for k in range(len(model))])
    d = np.array(distances)
    rms = np.sqrt((d**2).mean() / 2)
    print(f"{d.size} landmarks of {len(d)} radiographs; root mean square distance / sqrt 2: {rms:.3f}")
    for limit in (2.0, 3.0, 3.5, IMPLAUSIBLE, 4.5, 5.0):
        of_landmarks, of_radiographs = 100 * (d > limit).mean(), 100 * (d > limit).any(axis=1).mean()
        print(f"beyond {limit:g} sd: {of_landmarks:.2f} % of landmarks, {of_radiographs:.1f} % of radiographs")
    median = np.median(detected, axis=0)
    unit = "mm" if shapes[0].spacing else "% of the root mean square radius"
    print(f"smallest displacement beyond {IMPLAUSIBLE:g} sd, median over radiographs and directions, {unit}:")
    print(", ".join(f"{name} {value:.1f}" for name, value in zip(shapes[0].scheme.abbreviations, median, strict=True)))
    print(f"median of all: {np.median(detected):.1f}, 90 %: {np.percentile(detected, 90):.1f}")
    as_is, flipped = 100 * np.mean(mirrored, axis=0)
    print(f"called mirrored: {as_is:.1f} % as they are, {flipped:.1f} % when mirrored")


def smallest_seen(model: ShapeModel, item: Landmarks, k: int, rng: np.random.Generator) -> float:
    """How far a landmark moves in one random direction before it is implausible, in mm or % of the size."""
    angle = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.cos(angle), np.sin(angle)])
    radius = float(np.sqrt(np.square(item.points - item.points.mean(axis=0)).sum(axis=1).mean()))
    unit = 1 / item.spacing[0] if item.spacing else radius / 100
    for distance in np.arange(0.0, 60.0, 0.25):
        points = item.points.copy()
        points[k] += distance * unit * direction
        if model.implausibility(points)[k] > IMPLAUSIBLE:
            return float(distance)
    return np.inf


SOURCES = {"cephalometric19": cephalometric19, "hand37": hand37, "spine68": spine68}


def main() -> None:
    """Make one model and write it."""
    shapes = Path(__file__).parents[1] / "src" / "farnet" / "shapes"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scheme", choices=SOURCES, help="which model")
    parser.add_argument("--data", type=Path, required=True, help="folder of the published data set")
    parser.add_argument("--output", type=Path, default=shapes, help="folder to write to; default: %(default)s")
    parser.add_argument("--check", action="store_true", help="measure it instead, on annotations it has not seen")
    arguments = parser.parse_args()
    landmarks, held_out, source = SOURCES[arguments.scheme](arguments.data)
    if arguments.check:
        check(landmarks, held_out)
        return
    model = ShapeModel.fit(landmarks, source=source)
    path = arguments.output / f"{arguments.scheme}.json"
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in model.to_dict().items()]
    write_text_atomic(path, "{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path}: {model.count} shapes, {len(model.variances)} components, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
