"""Image and landmarks move by one and the same map."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from farnet.augmentation import AugmentationConfig, Warp, augment, change_intensity, mirror, random_warp
from farnet.errors import InvalidInputError

AFFINE = AugmentationConfig(rotation=20, scale=0.25, aspect=0.1, shear=5, translation=0.05)
ELASTIC = AugmentationConfig(elastic=0.02)
BOTH = AFFINE.model_copy(update={"elastic": 0.02})
EVERYTHING = AugmentationConfig(
    rotation=15, scale=0.3, aspect=0.08, shear=4, translation=0.1, elastic=0.012, gamma=0.7, contrast=0.3,
    brightness=0.12, field=0.2, noise=0.05, blur=1.2, erase=0.5,
)  # fmt: skip


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def blobs(shape, points, sigma):
    """(H, W) with a Gaussian of height 1 at each point."""
    rows, columns = (torch.arange(n, dtype=torch.float64) for n in shape)
    image = torch.zeros(shape, dtype=torch.float64)
    for row, column in points:
        image += torch.exp(-0.5 * ((rows - row) / sigma) ** 2)[:, None] * torch.exp(
            -0.5 * ((columns - column) / sigma) ** 2
        )
    return image.float()


def centroid_near(image, point, reach):
    row, column = (round(float(x)) for x in point)
    rows, columns = torch.meshgrid(
        torch.arange(row - reach, row + reach + 1), torch.arange(column - reach, column + reach + 1), indexing="ij"
    )
    weight = image[rows, columns].double()
    return torch.stack(((weight * rows).sum(), (weight * columns).sum())) / weight.sum()


@pytest.fixture
def landmarks():
    """(12, 2) points in an image of 800 x 640, far from each other and from the border."""
    grid = torch.cartesian_prod(torch.linspace(230, 570, 4), torch.linspace(200, 440, 3)).double()
    return grid + torch.rand(12, 2, generator=seeded(0), dtype=torch.float64)


class TestPointsFollowTheImage:
    @pytest.mark.parametrize(
        ("config", "limit"), [(AFFINE, 0.01), (ELASTIC, 0.07), (BOTH, 0.07)], ids=["affine", "elastic", "both"]
    )
    @pytest.mark.parametrize("seed", range(3))
    def test_blobs_and_points_agree(self, landmarks, config, limit, seed):
        image = blobs((800, 640), landmarks, 4.0)
        moved, points = augment(image, landmarks, config, seeded(seed))
        assert (points - landmarks).norm(dim=1).min() > 0.1
        found = torch.stack([centroid_near(moved, point, 26) for point in points])
        assert (found - points).norm(dim=1).max() <= limit

    def test_point_that_leaves_is_where_it_went(self):
        config = AugmentationConfig(translation=1.0)
        for seed in range(20):
            _, points = augment(torch.zeros(64, 64), torch.tensor([[3.0, 60.0]]), config, seeded(seed))
            assert torch.isfinite(points).all()
            if not ((points >= -0.5) & (points <= 63.5)).all():
                return
        pytest.fail("no point left the image")

    def test_absent_stay_absent(self):
        points = torch.tensor([[math.nan, math.nan], [30.0, 31.0], [math.nan, math.nan]]).double()
        _, moved = augment(torch.zeros(64, 64), points, EVERYTHING, seeded(0))
        assert torch.isnan(moved[[0, 2]]).all() and torch.isfinite(moved[1]).all()
        _, moved = augment(torch.zeros(64, 64), points[[0]], EVERYTHING, seeded(0))
        assert torch.isnan(moved).all()

    def test_no_points_at_all(self):
        _, moved = augment(torch.zeros(64, 64), torch.zeros(0, 2), EVERYTHING, seeded(0))
        assert moved.shape == (0, 2)


class TestWarp:
    configs = st.builds(
        AugmentationConfig,
        rotation=st.floats(0, 180),
        scale=st.floats(0, 0.85),
        aspect=st.floats(0, 0.85),
        shear=st.floats(0, 45),
        translation=st.floats(0, 1),
        elastic=st.floats(0, 0.1),
        elastic_grid=st.integers(2, 32),
    )

    @settings(max_examples=60)
    @given(configs, st.integers(0, 10**6), st.sampled_from([(64, 64), (800, 640), (96, 320)]))
    def test_there_and_back(self, config, seed, shape):
        # Every map that can be drawn has an inverse, however strong the settings, also outside of the image.
        warp = random_warp(config, shape, seeded(seed))
        points = (torch.rand(40, 2, generator=seeded(seed), dtype=torch.float64) * 1.4 - 0.2) * torch.tensor(shape)
        torch.testing.assert_close(warp.to_output(warp.to_input(points)), points, atol=1e-4, rtol=0)
        torch.testing.assert_close(warp.to_input(warp.to_output(points)), points, atol=1e-4, rtol=0)

    def test_preset_strength_is_not_weakened(self):
        # The bound against folding only bites far beyond what training uses.
        config = EVERYTHING.model_copy(update={"field": 0.0})
        for seed in range(10):
            warp = random_warp(config, (512, 416), seeded(seed))
            generator = seeded(seed)
            torch.rand(7, generator=generator, dtype=torch.float64)
            drawn = torch.rand(2, 7, 7, generator=generator, dtype=torch.float64) * 2.0 - 1.0
            assert torch.equal(warp.control, config.elastic * 512 * drawn)

    def test_folding_map_is_refused(self):
        control = 200.0 * (torch.rand(2, 7, 7, generator=seeded(0), dtype=torch.float64) - 0.5)
        warp = Warp(torch.eye(2, 3, dtype=torch.float64), control, (64, 64))
        with pytest.raises(InvalidInputError, match="folds"):
            warp.to_output(torch.rand(50, 2, generator=seeded(1)) * 64)

    def test_grid_and_points_have_one_displacement(self):
        warp = random_warp(ELASTIC, (40, 30), seeded(4))
        rows, columns = torch.arange(40).double(), torch.arange(30).double()
        points = torch.cartesian_prod(rows, columns)
        along_grid = warp.displacement(rows, columns).permute(1, 2, 0).reshape(-1, 2)
        torch.testing.assert_close(warp.to_input(points) - points, along_grid)

    @pytest.mark.parametrize("controls", [4, 5, 7, 12])
    def test_spline_reproduces_planes(self, controls):
        shape = (50, 31)
        place = [(torch.arange(controls).double() - 1) / (controls - 3) * (n - 1) for n in shape]
        control = torch.stack(
            (0.02 * place[0][:, None] + 0.03 * place[1] + 2.0, torch.full((controls, controls), -1.5).double())
        )
        warp = Warp(torch.eye(2, 3, dtype=torch.float64), control, shape)
        points = torch.rand(30, 2, generator=seeded(0), dtype=torch.float64) * torch.tensor([49.0, 30.0])
        expected = torch.stack((points @ torch.tensor([0.02, 0.03]).double() + 2.0, torch.full((30,), -1.5)), 1)
        torch.testing.assert_close(warp.to_input(points) - points, expected)

    def test_identity_shows_the_image_itself(self):
        image = torch.rand(37, 53, generator=seeded(0))
        same = Warp(torch.eye(2, 3, dtype=torch.float64), None, (37, 53)).sample(image)
        torch.testing.assert_close(same, image, atol=1e-4, rtol=0)

    def test_whole_pixels(self):
        image = torch.rand(20, 30, generator=seeded(0))
        matrix = torch.tensor([[1.0, 0.0, 3.0], [0.0, 1.0, -4.0]], dtype=torch.float64)
        moved = Warp(matrix, None, (20, 30)).sample(image)
        torch.testing.assert_close(moved[:17, 4:], image[3:, :26], atol=1e-4, rtol=0)
        assert moved[17:].max() < 1e-4 and moved[:, :4].max() < 1e-4

    def test_size_and_shape_are_as_asked(self):
        # Over many draws the area changes by no more than the scale allows, and the centre by the translation.
        shape, centre = (400, 300), torch.tensor([[199.5, 149.5]]).double()
        config = AugmentationConfig(scale=0.2, rotation=180, aspect=0.1, translation=0.05)
        areas, shifts = [], []
        for seed in range(200):
            warp = random_warp(config, shape, seeded(seed))
            areas.append(1 / float(torch.linalg.det(warp.matrix[:, :2])))
            shifts.append((warp.to_output(centre) - centre)[0].abs())
        assert 1 / 1.2**2 <= min(areas) < 0.75 and 1.35 < max(areas) <= 1.2**2
        largest = torch.stack(shifts).amax(0)
        assert (largest <= torch.tensor([20.0, 15.0])).all() and (largest > torch.tensor([18.0, 13.0])).all()


class TestIntensity:
    @settings(max_examples=30)
    @given(st.integers(0, 10**6))
    def test_stays_in_range(self, seed):
        strong = AugmentationConfig(gamma=2, contrast=0.9, brightness=1, field=0.9, noise=1, blur=3, erase=0.9)
        image = torch.rand(32, 40, generator=seeded(seed))
        before = image.clone()
        changed = change_intensity(image, strong, seeded(seed))
        assert changed.shape == image.shape and changed.dtype == torch.float32
        assert changed.min() >= 0 and changed.max() <= 1 and torch.isfinite(changed).all()
        assert torch.equal(image, before)

    @pytest.mark.parametrize(
        "change",
        [{"gamma": 1}, {"contrast": 0.5}, {"brightness": 0.3}, {"field": 0.5}, {"noise": 0.2}, {"blur": 3}],
        ids=lambda change: next(iter(change)),
    )
    def test_each_change_changes(self, change):
        image = torch.rand(32, 40, generator=seeded(0))
        assert not torch.equal(change_intensity(image, AugmentationConfig(**change), seeded(1)), image)

    def test_off_is_off(self):
        image = torch.rand(32, 40, generator=seeded(0))
        points = torch.rand(5, 2, generator=seeded(0))
        changed, moved = augment(image, points, AugmentationConfig(), seeded(1))
        assert torch.equal(changed, image) and torch.equal(moved, points)

    def test_blur_keeps_the_mean_and_a_flat_image(self):
        config = AugmentationConfig(blur=3)
        image = torch.full((30, 30), 0.4)
        torch.testing.assert_close(change_intensity(image, config, seeded(0)), image)
        spot = torch.zeros(41, 41)
        spot[20, 20] = 1.0
        assert change_intensity(spot, config, seeded(3)).sum().item() == pytest.approx(1.0, abs=1e-5)

    def test_erase_blanks_one_rectangle(self):
        image = torch.rand(60, 80, generator=seeded(0))
        often = AugmentationConfig(erase=0.5)
        erased = 0
        for seed in range(40):
            changed = change_intensity(image, often, seeded(seed))
            rows, columns = np.nonzero((changed != image).numpy())
            if not len(rows):
                continue
            erased += 1
            patch = changed[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            assert (patch == patch[0, 0]).all() and patch.shape[0] <= 15 and patch.shape[1] <= 20
        assert 10 <= erased <= 30


class TestRandomness:
    def test_generator_decides(self):
        image, points = torch.rand(48, 64, generator=seeded(0)), torch.tensor([[20.0, 30.0], [5.0, 60.0]])
        first, again, other = (augment(image, points, EVERYTHING, seeded(seed)) for seed in (7, 7, 8))
        assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
        assert not torch.equal(first[0], other[0]) and not torch.equal(first[1], other[1])

    def test_global_randomness_is_neither_used_nor_disturbed(self):
        image, points = torch.rand(48, 64, generator=seeded(0)), torch.tensor([[20.0, 30.0]])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            state = torch.get_rng_state()
            first = augment(image, points, EVERYTHING, seeded(7))
            assert torch.equal(torch.get_rng_state(), state)
            torch.manual_seed(2)
            assert torch.equal(augment(image, points, EVERYTHING, seeded(7))[0], first[0])


class TestConfig:
    def test_defaults_change_nothing(self):
        assert not AugmentationConfig().geometric
        assert all(AugmentationConfig(**{name: 0.05}).geometric for name in ("rotation", "scale", "elastic", "shear"))
        assert not AugmentationConfig(noise=0.1, erase=0.5).geometric

    @pytest.mark.parametrize(
        "setting",
        [{"rotation": -1}, {"scale": 1.0}, {"elastic": 0.5}, {"elastic_grid": 1}, {"noise": math.nan}, {"mirror": 1.5}],
        ids=lambda setting: next(iter(setting)),
    )
    def test_impossible_settings_are_refused(self, setting):
        with pytest.raises(ValidationError, match=next(iter(setting))):
            AugmentationConfig(**setting)


class TestMirror:
    """Mirror images keep points on what they mark, and give them the names of the other side."""

    def test_points_stay_on_their_pixels(self):
        image = torch.zeros(9, 12)
        points = torch.tensor([[2.0, 1.0], [2.0, 10.0], [6.0, 4.0], [math.nan, math.nan]], dtype=torch.float64)
        for level, (row, column) in enumerate(points[:3], start=1):
            image[int(row), int(column)] = level
        flipped, moved = mirror(image, points, (1, 0, 2, 3))
        assert [float(flipped[int(r), int(c)]) for r, c in moved[:3]] == [2.0, 1.0, 3.0]
        assert moved[0, 1] < moved[1, 1]  # what is called left lies left
        assert torch.isnan(moved[3]).all()
        again, back = mirror(flipped, moved, (1, 0, 2, 3))
        torch.testing.assert_close(again, image)
        torch.testing.assert_close(back, points, equal_nan=True)

    def test_the_chance_is_kept_to(self):
        image, points = torch.rand(20, 16), torch.tensor([[3.0, 4.0], [5.0, 9.0]], dtype=torch.float64)
        config = AugmentationConfig(mirror=0.25)
        generator = torch.Generator().manual_seed(0)
        flips = [not torch.equal(augment(image, points, config, generator, (1, 0))[0], image) for _ in range(400)]
        assert 70 <= sum(flips) <= 130

    def test_landmarks_without_a_mirror_image_are_refused(self):
        config = AugmentationConfig(mirror=0.5)
        with pytest.raises(InvalidInputError, match="no mirror image"):
            augment(torch.rand(20, 16), torch.zeros(2, 2), config, torch.Generator())
