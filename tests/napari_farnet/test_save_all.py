"""Save All, with layers of landmarks among those of others: nothing is lost, and what cannot be is said."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from napari_farnet.opening import add_landmarks, add_radiograph
from napari_farnet.points import landmarks_in


def test_save_all_beside_layers_of_others_loses_no_landmark(
    make_napari_viewer_proxy, plugin, radiograph, landmarks_on, tmp_path
):
    """napari writes all layers into a folder by its own writers; what comes back is read by its names."""
    viewer = make_napari_viewer_proxy()
    image = add_radiograph(viewer, radiograph)
    given = landmarks_on(radiograph, absent=(3,))
    add_landmarks(viewer, image, given, name="found")
    viewer.add_labels(np.zeros((5, 5), int), name="labels")
    viewer.add_points([[1.0, 2.0]], name="plain")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the writers of napari say of their own files
        written = viewer.layers.save(str(tmp_path / "all"), selected=False)
    assert {Path(file).stem for file in written} >= {"found", "plain", "labels"}
    (again,) = viewer.open(str(tmp_path / "all" / "found.csv"), plugin="napari")
    (back,) = landmarks_in(again).landmarks
    np.testing.assert_allclose(back.points, given.points, atol=1e-6)


@pytest.mark.parametrize("name", ["all.mrk.json", "all.coco.json", "all.csv"])
def test_one_file_of_landmarks_for_all_layers_is_refused_and_nothing_is_written(
    make_napari_viewer_proxy, plugin, radiograph, landmarks_on, tmp_path, name
):
    viewer = make_napari_viewer_proxy()
    image = add_radiograph(viewer, radiograph)
    add_landmarks(viewer, image, landmarks_on(radiograph), name="found")
    viewer.add_labels(np.zeros((5, 5), int), name="labels")
    with pytest.warns(UserWarning, match="not a valid writer|could not be found"):
        assert viewer.layers.save(str(tmp_path / name), selected=False, plugin="napari-farnet") == []
    assert list(tmp_path.iterdir()) == []
