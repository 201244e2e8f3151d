"""What the exporters write is read by the programs of others, too.

Reports are read with pydicom and highdicom in `test_dicom_sr`. labelme itself needs another version of Qt than napari:
its reader is checked here where it is installed.
"""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Picture

from farnet.formats import read_annotations, write_annotations

from .made_up import SCHEME, landmarks


def test_pycocotools_reads_the_keypoints(tmp_path):
    given = [landmarks(0), landmarks(1, absent=(), radiograph="other")]
    write_annotations(tmp_path / "a.coco.json", given)
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "a.coco.json"))
    (category,) = coco.loadCats(coco.getCatIds())
    assert category["keypoints"] == list(SCHEME.names)
    for item, image in zip(given, coco.loadImgs(coco.getImgIds()), strict=True):
        (annotation,) = coco.loadAnns(coco.getAnnIds(imgIds=image["id"], catIds=category["id"]))
        table = np.array(annotation["keypoints"], float).reshape(-1, 3)
        np.testing.assert_array_equal(table[:, 2] > 0, item.present)
        np.testing.assert_allclose(table[item.present, 1::-1], item.points[item.present], atol=1e-6)
        assert annotation["num_keypoints"] == item.present.sum()
        assert (image["height"], image["width"]) == item.image_shape


def test_pycocotools_scores_them(tmp_path):
    """A file of landmarks against itself is right everywhere, by COCO's own keypoint score."""
    given = [landmarks(0, absent=()), landmarks(1, absent=(), radiograph="other")]
    write_annotations(tmp_path / "a.coco.json", given)
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(tmp_path / "a.coco.json"))
        found = [dict(item, score=1.0) for item in truth.dataset["annotations"]]
        score = COCOeval(truth, truth.loadRes(found), "keypoints")
        score.params.kpt_oks_sigmas = np.full(len(SCHEME), 0.05)
        score.evaluate()
        score.accumulate()
        score.summarize()
    assert score.stats[0] == pytest.approx(1.0)


def test_pandas_reads_the_table(tmp_path):
    item = landmarks()
    write_annotations(tmp_path / "a.csv", [item])
    table = pd.read_csv(tmp_path / "a.csv").set_index("landmark")
    np.testing.assert_allclose(table.loc[list(SCHEME.names), ["row_px", "column_px"]], item.points, atol=1e-6)


@pytest.mark.parametrize("ending", [".png", ".JPG"])
def test_labelme_finds_the_picture_beside_the_file(tmp_path, ending):
    item = landmarks(radiograph="skull 1.5")
    Picture.fromarray(np.zeros(item.image_shape, np.uint8)).save(tmp_path / f"skull 1.5{ending}")
    file = tmp_path / "skull 1.5.json"
    write_annotations(file, [item], format="labelme")
    assert f'"imagePath": "skull 1.5{ending}"' in file.read_text()
    (again,) = read_annotations(file)
    assert again.radiograph == item.radiograph


def test_labelme_reads_the_points(tmp_path):
    item = landmarks(radiograph="skull")
    Picture.fromarray(np.zeros(item.image_shape, np.uint8)).save(tmp_path / "skull.png")
    file = tmp_path / "skull.json"
    write_annotations(file, [item], format="labelme")
    labelme = pytest.importorskip("labelme._label_file", reason="labelme is not installed")
    shapes = labelme.read_label_file(str(file)).shapes
    corners = np.array([shape["points"][0] for shape in shapes])
    np.testing.assert_allclose(corners[:, ::-1] - 0.5, item.points[item.present], atol=1e-6)
