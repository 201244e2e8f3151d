"""The named augmentations: their published ranges, and points that follow the picture to the ends of them."""

import itertools
import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from farnet.augmentation import AugmentationConfig, augment, change_intensity, make_warp, random_warp
from farnet.augmentation_config import AUGMENTATIONS
from farnet.errors import InvalidInputError, UnknownNameError
from farnet.training.config import load_preset

SHAPE = (256, 256)
UNIT = (240 / 256, 240 / 256)  # mm per pixel of a cephalogram of 240 mm in this frame
HAND, CEPH = (AugmentationConfig.model_validate(name) for name in ("payer-hand", "payer-ceph"))
BOTH = pytest.mark.parametrize("config", [HAND, CEPH], ids=["hand", "ceph"])
POINTS = torch.cartesian_prod(torch.tensor([88.3, 128.6, 166.4]), torch.tensor([91.7, 127.2, 164.9])).double()
SIGNS = st.lists(st.sampled_from([-1.0, 1.0]), min_size=57, max_size=57)
ANY = st.lists(st.floats(-1, 1), min_size=57, max_size=57)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def centre_near(image, point, reach=9):
    """The mass centre of the brightest spot around a point."""
    row, column = (round(float(x)) for x in point)
    rows, columns = torch.meshgrid(
        torch.arange(row - reach, row + reach + 1), torch.arange(column - reach, column + reach + 1), indexing="ij"
    )
    weight = image[rows, columns].double()
    return torch.stack(((weight * rows).sum(), (weight * columns).sum())) / weight.sum()


def check_dots(config, numbers):
    """Draw Gaussian dots at known points, show them through the map, and find them where the points went."""
    draws, control = torch.tensor(numbers[:7]).double(), torch.tensor(numbers[7:]).double().reshape(2, 5, 5)
    warp = make_warp(config, SHAPE, draws, control, UNIT)
    moved = warp.to_output(POINTS)
    rows, columns = (torch.arange(n, dtype=torch.float64) for n in SHAPE)
    checked = 0
    for point, expected in zip(POINTS, moved, strict=True):
        if not ((expected > 12) & (expected < 243)).all():
            continue  # too near the border to be seen whole
        dot = torch.exp(-0.5 * ((rows - point[0]) / 1.5) ** 2)[:, None] * torch.exp(
            -0.5 * ((columns - point[1]) / 1.5) ** 2
        )
        found = centre_near(warp.sample(dot.float()), expected)
        assert float((found - expected).norm()) <= 0.07
        checked += 1
    assert checked >= 4


@BOTH
@settings(max_examples=12)
@given(numbers=st.one_of(SIGNS, ANY))
def test_dots_are_found_where_the_points_went(config, numbers):
    check_dots(config, numbers)


@BOTH
def test_dots_at_each_end_of_every_range(config):
    for first, second, third in itertools.product((-1.0, 1.0), repeat=3):
        bends = [[first, second][(i + i // 5) % 2] * third for i in range(50)]
        check_dots(config, [first, second, third, 0.0, second, third, first, *bends])


def test_ranges_for_hands_are_the_published_ones():
    ends = make_warp(HAND, SHAPE, torch.ones(7).double(), torch.ones(2, 5, 5).double())
    centre = torch.tensor([[127.5, 127.5]]).double()
    assert float(torch.atan2(ends.matrix[1, 0], ends.matrix[0, 0])) == pytest.approx(0.2)
    assert float(torch.linalg.det(ends.matrix[:, :2])) == pytest.approx(1.0)  # no scale
    # All coefficients at +20 px shift by 20 px before the rotation; the translation is 10 px after it.
    turned = ends.matrix[:, :2] @ torch.tensor([20.0, 20.0]).double()
    torch.testing.assert_close(ends.to_input(centre)[0], centre[0] + turned + 10.0)
    twice = make_warp(HAND, (512, 512), torch.ones(7).double(), torch.ones(2, 5, 5).double())
    torch.testing.assert_close(twice.control, 2 * ends.control)
    assert not HAND.clamp


def test_ranges_for_cephalograms_are_the_published_ones():
    unit = (0.3, 0.3023)
    still = torch.zeros(2, 5, 5).double()
    for sign in (-1.0, 1.0):
        a = make_warp(CEPH, (800, 640), torch.tensor([0.0, sign, sign, 0, sign, sign, sign]).double(), still, unit)
        factor = (1 + 0.2 * sign) ** 2  # all axes, then each by itself
        torch.testing.assert_close(a.matrix[:, :2], factor * torch.eye(2).double())
        shift = a.to_input(torch.tensor([[399.5, 319.5]]).double())[0] - torch.tensor([399.5, 319.5]).double()
        assert (shift * torch.tensor(unit)).tolist() == pytest.approx([10 * sign, 10 * sign])
    bent = make_warp(CEPH, (800, 640), torch.zeros(7).double(), still + 1, unit)
    assert (bent.control[:, 0, 0] * torch.tensor(unit)).tolist() == pytest.approx([10, 10])
    turned = make_warp(CEPH, (800, 640), torch.tensor([1.0, 0, 0, 0, 0, 0, 0]).double(), still, unit)
    assert float(torch.atan2(turned.matrix[1, 0], turned.matrix[0, 0])) == pytest.approx(0.25)
    assert CEPH.clamp


@BOTH
def test_the_published_bends_are_never_weakened(config):
    # The guard against folding does not bite even at the ends of the ranges.
    signs = (-1.0) ** torch.arange(50).reshape(2, 5, 5)
    warp = make_warp(config, SHAPE, torch.zeros(7).double(), signs.double(), UNIT)
    reach = 20.0 if config is HAND else 10 / UNIT[0]
    torch.testing.assert_close(warp.control, reach * signs.double())


@BOTH
def test_grey_values_are_shifted_then_scaled_as_published(config):
    published = 0.15 if config is HAND else 0.25
    grey = torch.linspace(0, 1, 101).reshape(1, 101)
    seen = []
    for seed in range(300):
        changed = 2 * change_intensity(grey, config, seeded(seed)) - 1  # in the published -1..1
        if config is CEPH:
            assert changed.min() >= -1 and changed.max() <= 1
        middle = changed[0, 40:61].double()
        slope = float(middle[-1] - middle[0]) / 0.4
        seen.append((float(middle[10]) / slope, slope))
    shift, scale = zip(*seen, strict=True)
    assert -published <= min(shift) < -0.95 * published and 0.95 * published < max(shift) <= published
    assert 1 - published <= min(scale) < 1 - 0.95 * published and 1 + 0.95 * published < max(scale) <= 1 + published
    overshoot = max(float(change_intensity(grey, config, seeded(seed)).max()) for seed in range(50))
    assert (overshoot > 1.0) == (config is HAND)


def test_names_are_taken_by_settings_and_files(tmp_path):
    assert load_preset("paper", ["augmentation=payer-hand"]).augmentation == HAND
    changed = load_preset("compact", ["augmentation=payer-ceph", "augmentation.rotation=5"]).augmentation
    assert changed == CEPH.model_copy(update={"rotation": 5.0})
    assert load_preset("compact", ["augmentation=none"]).augmentation == AugmentationConfig()
    (tmp_path / "mine.json").write_text(json.dumps({"augmentation": "payer-ceph"}))
    assert load_preset(str(tmp_path / "mine.json")).augmentation == CEPH
    with pytest.raises(UnknownNameError, match="Known: none, payer-hand, payer-ceph"):
        load_preset("paper", ["augmentation=payer-foot"])
    for name in AUGMENTATIONS:  # what a run records is what it was
        config = AugmentationConfig.model_validate(name)
        assert AugmentationConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    "wrong",
    [{"elastic": 0.1, "elastic_mm": 1}, {"translation": 0.1, "translation_mm": 1}, {"law": "payer", "shear": 1}],
)
def test_contradictions_are_refused(wrong):
    with pytest.raises(ValidationError, match=r"both set|no shear"):
        AugmentationConfig(**wrong)


def test_millimetres_need_a_spacing():
    with pytest.raises(InvalidInputError, match="size of a pixel is not known"):
        augment(torch.rand(64, 64), POINTS, CEPH, seeded(0))
    assert math.isfinite(float(random_warp(CEPH, SHAPE, seeded(0), UNIT).matrix.sum()))
