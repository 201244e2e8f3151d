"""Grey values on their way into the network."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from farnet.frame import Frame
from farnet.inputs import IMAGENET_MEAN, IMAGENET_STD, InputConfig, network_input, normalise


@pytest.fixture
def picture(rng):
    """(120, 96) uint8 that reaches both 0 and 255."""
    coarse = rng.integers(0, 256, (12, 12))
    image = np.kron(coarse, np.ones((10, 8))).astype(np.uint8)
    image[:10, :8], image[-10:, -8:] = 0, 255
    return image


@pytest.mark.parametrize("intensity", ["range", "percentiles"])
@pytest.mark.parametrize("shape", [(64, 64), (160, 128)])
def test_bit_depth_makes_no_difference(picture, intensity, shape):
    config = InputConfig(height=shape[0], width=shape[1], intensity=intensity)
    frame = config.frame(picture.shape)
    eight = network_input(picture, frame, config)
    sixteen = network_input(picture.astype(np.uint16) * 257, frame, config)
    real = network_input(picture.astype(np.float32) / 255, frame, config)
    np.testing.assert_allclose(sixteen, eight, atol=1.5 / 255)  # 8 bit is rounded when it is resampled
    # A picture of floats has no range of its type, so its own extremes, after resampling, become 0 and 1.
    np.testing.assert_allclose(real, sixteen, atol=0.02)
    assert eight.dtype == np.float32 and eight.min() >= 0 and eight.max() <= 1


@pytest.mark.parametrize(
    ("dtype", "brightest", "white"),
    [
        (np.uint8, 255, 255),
        (np.uint8, 60, 255),
        (np.uint16, 1000, 1023),
        (np.uint16, 4095, 4095),
        (np.int16, 4000, 4095),
        (np.uint16, 65535, 65535),
        (np.uint16, 40000, 65535),
        (np.int32, 100, 255),
    ],
)
def test_range_is_that_of_the_bits_in_use(picture, dtype, brightest, white):
    config = InputConfig(height=128, width=96)
    frame = Frame.fit(picture.shape, picture.shape)
    pixels = np.rint(picture * (brightest / 255)).astype(dtype)
    np.testing.assert_allclose(network_input(pixels, frame, config), pixels / white, atol=1e-6)


def test_percentiles_ignore_exposure(picture):
    config = InputConfig(height=64, width=64, intensity="percentiles")
    frame = config.frame(picture.shape)
    faint = picture.astype(np.float32) * 0.013 + 4.0
    np.testing.assert_allclose(
        network_input(faint, frame, config), network_input(picture.astype(np.float32), frame, config), atol=1e-4
    )


def test_percentiles_are_those_of_the_radiograph_alone(picture):
    config = InputConfig(height=64, width=160, fit="letterbox", intensity="percentiles", low=5, high=95)
    frame = config.frame(picture.shape)
    shown = network_input(picture.astype(np.float32), frame, config)
    _, left, _, columns = frame.content
    inside = shown[:, left : left + columns]
    assert (inside == 0).mean() == pytest.approx(0.05, abs=0.01)
    assert (inside == 1).mean() == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("intensity", ["range", "percentiles"])
def test_outside_is_black(picture, intensity):
    config = InputConfig(height=64, width=128, fit="letterbox", intensity=intensity)
    shown = network_input(picture | 128, config.frame(picture.shape), config)
    _, left, _, columns = config.frame(picture.shape).content
    assert (shown[:, :left] == 0).all() and (shown[:, left + columns :] == 0).all()
    assert np.isfinite(shown).all()


@pytest.mark.parametrize("intensity", ["range", "percentiles"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_nothing_to_see_is_no_error(intensity, dtype):
    config = InputConfig(height=64, width=64, intensity=intensity)
    flat = network_input(np.full((50, 50), 9, dtype), config.frame((50, 50)), config)
    assert np.isfinite(flat).all() and flat.min() >= 0 and flat.max() <= 1
    beside = Frame.fit((50, 50), (64, 64), crop=(90, 90, 10, 10))
    assert (network_input(np.full((50, 50), 9, dtype), beside, config) == 0).all()


def test_normalise_has_imagenets_channels(rng):
    grey = torch.from_numpy(rng.random((2, 5, 7), np.float32))
    x = normalise(grey)
    assert x.shape == (2, 3, 5, 7) and x.dtype == torch.float32
    for channel, (mean, std) in enumerate(zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)):
        torch.testing.assert_close(x[:, channel] * std + mean, grey)


@pytest.mark.parametrize(
    "settings",
    [
        {"height": 810},
        {"width": 0},
        {"fit": "crop"},
        {"low": 60},
        {"high": 50},
        {"low": float("nan")},
        {"colour": True},
    ],
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValidationError, match=next(iter(settings))):
        InputConfig(**settings)


def test_defaults_are_the_papers():
    assert InputConfig().shape == (800, 640)
    assert InputConfig().frame((2400, 1935)) == Frame.fit((2400, 1935), (800, 640), "stretch")
