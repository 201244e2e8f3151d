"""Make the bundled shape models from published annotations; only numbers over all shapes go in.

    python scripts/make_shape_model.py cephalometric19 --data FOLDER_OF_ISBI2015

writes `src/farnet/shapes/cephalometric19.json`. Nothing is random: the same data give the same bytes.
`docs/shapes.md` tells how good the models are.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from farnet.atomic import write_text_atomic
from farnet.datasets.isbi2015 import ISBI2015
from farnet.shape import ShapeModel

if TYPE_CHECKING:
    from farnet.landmarks import Landmarks


def cephalometric19(folder: Path) -> tuple[list[Landmarks], str]:
    """The 150 training radiographs of ISBI 2015, the mean of both observers."""
    dataset = ISBI2015(folder, split="train", observer="mean")
    return [dataset.landmarks(i) for i in range(len(dataset))], (
        "ISBI 2015 grand challenge, training radiographs 001-150, mean of two observers (Wang et al., Medical Image "
        "Analysis 31, 2016)"
    )


SOURCES = {"cephalometric19": cephalometric19}


def main() -> None:
    """Make one model and write it."""
    shapes = Path(__file__).parents[1] / "src" / "farnet" / "shapes"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scheme", choices=SOURCES, help="which model")
    parser.add_argument("--data", type=Path, required=True, help="folder of the published data set")
    parser.add_argument("--output", type=Path, default=shapes, help="folder to write to; default: %(default)s")
    arguments = parser.parse_args()
    landmarks, source = SOURCES[arguments.scheme](arguments.data)
    model = ShapeModel.fit(landmarks, source=source)
    path = arguments.output / f"{arguments.scheme}.json"
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in model.to_dict().items()]
    write_text_atomic(path, "{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path}: {model.count} shapes, {len(model.variances)} components, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
