"""Which layers hold radiographs, which radiograph is shown, and how large a pixel is."""

from __future__ import annotations

import hashlib

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points

from farnet.errors import InvalidInputError, RadiographError
from napari_farnet.sources import RadiographSource, current_index, refusal


def test_grey(radiograph_pixels):
    source = RadiographSource.of(Image(radiograph_pixels, name="skull"))
    assert (source.stack, source.shape, source.indices) == ((), (240, 180), ((),))
    radiograph = source.read(())
    np.testing.assert_array_equal(radiograph.pixels, radiograph_pixels)
    assert (radiograph.name, radiograph.spacing, radiograph.spacing_source) == ("skull", None, None)


def test_colour_becomes_grey(radiograph_pixels):
    source = RadiographSource.of(Image(np.stack([radiograph_pixels] * 3, axis=-1), name="skull"))
    assert source.rgb
    np.testing.assert_array_equal(source.read(()).pixels, radiograph_pixels)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("rgb", [False, True])
def test_stack(radiograph_pixels, lazy, rgb):
    stack = np.stack([radiograph_pixels, radiograph_pixels[::-1], 255 - radiograph_pixels])
    data = np.stack([stack] * 3, axis=-1) if rgb else stack
    source = RadiographSource.of(Image(da.from_array(data, chunks=60) if lazy else data, rgb=rgb, name="skulls"))
    assert (source.stack, source.shape, source.indices) == ((3,), (240, 180), ((0,), (1,), (2,)))
    radiograph = source.read((2,))
    np.testing.assert_array_equal(radiograph.pixels, stack[2])
    assert radiograph.name == "skulls [2]"


def test_lazy_pixels_are_computed_only_when_read(radiograph_pixels):
    computed = []

    def load(block):
        computed.append(1)
        return block

    lazy = da.from_array(np.stack([radiograph_pixels] * 4), chunks=(1, 240, 180)).map_blocks(load, dtype=np.uint8)
    layer = Image(lazy, contrast_limits=(0, 255))
    computed.clear()
    source = RadiographSource.of(layer)
    assert not computed
    source.read((3,))
    assert len(computed) == 1


def test_multiscale_reads_the_finest(radiograph_pixels):
    pyramid = [radiograph_pixels, radiograph_pixels[::2, ::2], radiograph_pixels[::4, ::4]]
    source = RadiographSource.of(Image(pyramid, multiscale=True))
    assert source.shape == (240, 180)
    np.testing.assert_array_equal(source.read(()).pixels, radiograph_pixels)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Labels(np.zeros((20, 20), int), name="cells"), "'cells' is a labels layer.*Choose an image layer"),
        (lambda: Points(np.zeros((2, 2)), name="dots"), "'dots' is a points layer.*Choose an image layer"),
        (lambda: Image(np.ones((20, 20)), metadata={"farnet": {"kind": "heatmaps"}}), "holds heatmaps"),
    ],
)
def test_other_layers_are_refused_with_words(make, words):
    layer = make()
    assert refusal(layer)
    with pytest.raises(InvalidInputError, match=words):
        RadiographSource.of(layer)


def test_a_constant_slice_is_refused_by_its_name(radiograph_pixels):
    source = RadiographSource.of(Image(np.stack([radiograph_pixels, 0 * radiograph_pixels]), name="skulls"))
    source.read((0,))
    with pytest.raises(RadiographError, match=r"skulls \[1\]"):
        source.read((1,))


def own(**values):
    return {
        "farnet": {"kind": "radiograph", "spacing": None, "spacing_source": None, "path": None, "sha256": None} | values
    }


@pytest.mark.parametrize(
    ("keywords", "spacing", "spacing_source"),
    [
        ({}, None, None),
        ({"scale": (0.1, 0.1)}, None, None),
        ({"scale": (0.1, 0.2), "units": ("mm", "mm")}, (0.1, 0.2), "layer scale"),
        ({"metadata": own(spacing=(0.3, 0.3), spacing_source="PixelSpacing")}, (0.3, 0.3), "PixelSpacing"),
        (
            {
                "scale": (0.3, 0.3),
                "units": ("mm", "mm"),
                "metadata": own(spacing=(0.3, 0.3), spacing_source="ImagerPixelSpacing (detector plane)"),
            },
            (0.3, 0.3),
            "ImagerPixelSpacing (detector plane)",
        ),
        (
            {"scale": (0.25, 0.25), "units": ("mm", "mm"), "metadata": own(spacing=(0.3, 0.3), spacing_source="x")},
            (0.25, 0.25),
            "layer scale",
        ),
    ],
)
def test_spacing(radiograph_pixels, keywords, spacing, spacing_source):
    radiograph = RadiographSource.of(Image(radiograph_pixels, **keywords)).read(())
    assert radiograph.spacing == (None if spacing is None else pytest.approx(spacing))
    assert radiograph.spacing_source == spacing_source


def test_the_file_that_a_layer_was_opened_from_is_hashed(tmp_path, radiograph_pixels):
    file = tmp_path / "skull.png"
    file.write_bytes(b"as good as any")
    layer = Image(radiograph_pixels, metadata=own(path=str(file)))
    radiograph = RadiographSource.of(layer).read(())
    assert radiograph.path == file
    assert radiograph.sha256 == hashlib.sha256(b"as good as any").hexdigest()


@pytest.mark.parametrize("leading", [(), (4,), (3, 4)])
def test_current_index(leading):
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((*leading, 20, 20)), scale=(*(2.5 for _ in leading), 0.1, 0.1))
    assert current_index(layer, viewer.dims) == tuple((size - 1) // 2 for size in leading)
    for axis, size in enumerate(leading):
        viewer.dims.set_current_step(axis, size - 1)
    assert current_index(layer, viewer.dims) == tuple(size - 1 for size in leading)


def test_current_index_beside_a_layer_of_more_axes_and_another_unit():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((2, 6, 20, 20)), scale=(1, 1000, 100, 100), units=("s", "um", "um", "um"))
    layer = viewer.add_image(np.zeros((6, 20, 20)), scale=(1, 0.1, 0.1), units=("mm", "mm", "mm"))
    viewer.dims.set_current_step(1, 4)
    assert current_index(layer, viewer.dims) == (4,)


def test_a_cut_across_the_radiographs_is_refused():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((4, 20, 20)), name="skulls")
    viewer.dims.order = (1, 0, 2)
    with pytest.raises(InvalidInputError, match="cut across the radiographs of 'skulls'"):
        current_index(layer, viewer.dims)
