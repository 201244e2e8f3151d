from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from farnet.samples import noisy_observers, synthetic_cephalograms
from napari_farnet.record import record_of
from napari_farnet.samples import eight_cephalograms, eight_cephalograms_observers
from napari_farnet.sources import RadiographSource, refusal

KEYS = ("average_cephalogram", "eight_cephalograms", "eight_cephalograms_observers")


@pytest.mark.parametrize("key", KEYS)
def test_every_sample_opens_from_the_menu(plugin, key):
    layers = ViewerModel().open_sample("napari-farnet", key)
    assert not refusal(layers[0])
    assert str(layers[0].units[-1]) == "millimeter"
    np.testing.assert_allclose(layers[0].scale[-2:], 0.2)


def test_the_stack_is_the_eight():
    ((data, keywords, kind),) = eight_cephalograms()
    assert kind == "image"
    assert keywords["name"] == "Eight cephalograms"
    np.testing.assert_array_equal(data, [radiograph.pixels for radiograph, _ in synthetic_cephalograms()])


def test_observers_lie_on_the_stack_and_come_back(plugin):
    viewer = ViewerModel()
    image, *points = viewer.open_sample("napari-farnet", "eight_cephalograms_observers")
    assert [layer.name for layer in points] == ["Eight cephalograms observer 1", "Eight cephalograms observer 2"]
    expected = noisy_observers([landmarks for _, landmarks in synthetic_cephalograms()])
    assert RadiographSource.of(image).spacing == (0.2, 0.2)
    assert not np.array_equal(points[0].face_color[0], points[1].face_color[0]), "they can be told apart"
    for layer, placed in zip(points, expected, strict=True):
        record = record_of(layer.metadata)
        assert record.indices == tuple((i,) for i in range(8))
        assert all(a.equals(b) for a, b in zip(record.landmarks, placed, strict=True))
        np.testing.assert_array_equal(layer.data[:19], np.c_[np.zeros(19), placed[0].points])
        np.testing.assert_allclose(layer.scale, image.scale)
        assert set(layer.features["source"]) == {placed[0].source}
        assert layer.metadata["farnet"]["absent"] == ((),) * 8


def test_only_what_is_shown_is_made(monkeypatch):
    """Opening twice makes the pictures once."""
    calls = []
    from farnet.samples import synthetic

    monkeypatch.setattr(synthetic, "_one", lambda *arguments: calls.append(arguments))
    eight_cephalograms_observers()
    eight_cephalograms()
    assert calls == []
