"""The codec: what is encoded is decoded, wherever it is, and nothing is made up."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from farnet.datasets.isbi2015 import ISBI2015
from farnet.errors import InvalidInputError, UnknownNameError
from farnet.frame import Frame
from farnet.heatmaps import decode, encode

METHODS = ("matched", "argmax")


def naive(points, shape, sigma):
    """The definition, one pixel at a time in float64."""
    rows, columns = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in shape), indexing="ij")
    squares = (rows - points[..., 0, None, None]) ** 2 + (columns - points[..., 1, None, None]) ** 2
    return torch.exp(-0.5 * squares / torch.as_tensor(sigma, dtype=torch.float64).reshape(-1, 1, 1) ** 2)


def scattered(count, shape, margin, seed=0):
    generator = torch.Generator().manual_seed(seed)
    size = torch.tensor(shape, dtype=torch.float64) - 1 - 2 * margin
    return margin + size * torch.rand(count, 2, generator=generator, dtype=torch.float64)


def noise(like, sd, seed=1):
    return sd * torch.randn(like.shape, generator=torch.Generator().manual_seed(seed))


class TestEncode:
    @given(
        st.lists(st.tuples(st.floats(-30, 70), st.floats(-30, 70)), min_size=1, max_size=4),
        st.floats(0.3, 20),
    )
    def test_is_the_definition(self, points, sigma):
        points = torch.tensor(points, dtype=torch.float64)
        maps = encode(points, (40, 33), sigma)
        assert maps.dtype == torch.float32 and maps.shape == (len(points), 40, 33) and maps.is_contiguous()
        torch.testing.assert_close(maps, naive(points, (40, 33), sigma).float(), rtol=1e-5, atol=1e-30)

    def test_centre_is_not_rounded(self):
        (heatmap,) = encode(torch.tensor([[10.5, 7.25]]), (20, 20), 2.0)
        assert heatmap[10, 7] == heatmap[11, 7] < 1.0
        assert heatmap.max() == pytest.approx(math.exp(-0.5 * (0.5**2 + 0.25**2) / 4))

    def test_batch_is_its_samples(self):
        points = scattered(6, (30, 40), 0).reshape(2, 3, 2)
        maps = encode(points, (30, 40), 3.0)
        assert maps.shape == (2, 3, 30, 40)
        for sample, expected in zip(maps, points, strict=True):
            assert torch.equal(sample, encode(expected, (30, 40), 3.0))

    def test_sigma_per_landmark(self):
        points, sigma = scattered(3, (30, 40), 0), torch.tensor([1.0, 2.5, 6.0])
        maps = encode(points, (30, 40), sigma)
        for k in range(3):
            assert torch.equal(maps[k], encode(points[k : k + 1], (30, 40), float(sigma[k]))[0])
        torch.testing.assert_close(encode(points[None], (30, 40), sigma)[0], maps)

    @pytest.mark.parametrize("missing", [(math.nan, math.nan), (3.0, math.nan), (math.inf, 3.0)])
    def test_absent_is_all_zero(self, missing):
        maps = encode(torch.tensor([missing, (3.0, 4.0)]), (10, 10), 2.0)
        assert not maps[0].any() and maps[1].max() == 1.0

    def test_float32_points_are_drawn_in_double(self):
        points = torch.tensor([[700.3, 500.7]], dtype=torch.float32)
        assert torch.equal(encode(points, (800, 640), 10.0), encode(points.double(), (800, 640), 10.0))

    @pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan, math.inf, torch.tensor([1.0, 0.0])])
    def test_impossible_sigma_is_refused(self, sigma):
        with pytest.raises(InvalidInputError, match="positive"):
            encode(torch.zeros(2, 2), (8, 8), sigma)

    def test_sigma_of_another_length_is_refused(self):
        with pytest.raises(InvalidInputError, match="one per landmark"):
            encode(torch.zeros(4, 2), (8, 8), torch.ones(3))

    @pytest.mark.parametrize("shape", [(2,), (3, 3), (1, 1, 1, 2)])
    def test_other_shapes_are_refused(self, shape):
        with pytest.raises(InvalidInputError, match="needed"):
            encode(torch.zeros(shape), (8, 8), 1.0)


class TestDecodePosition:
    @settings(max_examples=40)
    @given(st.floats(0, 46), st.floats(0, 61), st.sampled_from([1.0, 1.5, 3.0, 5.0, 10.0]), st.floats(0.05, 1.0))
    def test_exact_without_noise_anywhere_in_the_map(self, row, column, sigma, height):
        points = torch.tensor([[row, column]], dtype=torch.float64)
        found = decode(height * encode(points, (47, 62), sigma), sigma)
        assert (found.points - points).abs().max() < 1e-4
        assert found.confidence.item() == pytest.approx(height, abs=1e-4)

    @pytest.mark.parametrize("sigma", [3.0, 10.0])
    @pytest.mark.parametrize("where", ["above", "left", "below", "right", "corner"])
    def test_close_behind_the_border(self, sigma, where):
        shape, out = (120, 140), 0.5 * sigma
        point = {
            "above": [-out, 60.3],
            "left": [50.7, -out],
            "below": [119 + out, 60.3],
            "right": [50.7, 139 + out],
            "corner": [119 + out, 139 + out],
        }[where]
        points = torch.tensor([point], dtype=torch.float64)
        assert (decode(encode(points, shape, sigma), sigma).points - points).abs().max() < 1e-3

    @pytest.mark.parametrize("sigma", [3.0, 10.0])
    def test_at_the_border_under_noise(self, sigma):
        # The part of the Gaussian outside is accounted for: no pull inward.
        points = torch.stack((torch.zeros(300), torch.linspace(100.0, 120.0, 300)), 1).double()
        maps = encode(points, (80, 220), sigma)
        found = decode(maps + noise(maps, 0.02), sigma).points
        assert abs(float((found - points)[:, 0].mean())) < 0.006
        # Half of the Gaussian, so a floor higher by sqrt 2 along the border and more across it.
        assert float((found - points).norm(dim=1).mean()) < 0.05

    @pytest.mark.parametrize("sigma", [3.0, 10.0])
    def test_noise_at_the_cramer_rao_floor(self, sigma):
        # White noise of sd s lets no unbiased estimator be better than s sqrt(2 / pi) per axis, for any sigma: a
        # mean radial error of s.
        errors, shape = [], (150, 141)
        for seed in range(4):
            points = scattered(100, shape, 45, seed)
            maps = encode(points, shape, sigma)
            errors.append((decode(maps + noise(maps, 0.02, seed), sigma).points - points).norm(dim=1))
        assert 0.018 < float(torch.cat(errors).mean()) <= 0.021

    @settings(max_examples=25)
    @given(st.integers(-20, 20), st.integers(-20, 20))
    def test_moves_with_the_map(self, down, right):
        points = scattered(4, (90, 80), 42)
        maps = encode(points, (90, 80), 3.0)
        maps = maps + noise(maps, 0.02)
        moved = torch.zeros_like(maps)
        source = maps[:, max(0, -down) : 90 - max(0, down), max(0, -right) : 80 - max(0, right)]
        moved[:, max(0, down) :, max(0, right) :][:, : source.shape[1], : source.shape[2]] = source
        here, there = decode(maps, 3.0), decode(moved, 3.0)
        torch.testing.assert_close(
            there.points - here.points, torch.tensor([[down, right]]).double().expand(4, 2), atol=1e-5, rtol=0
        )
        torch.testing.assert_close(there.covariance, here.covariance, atol=1e-4, rtol=1e-4)

    @pytest.mark.parametrize("method", METHODS)
    def test_turns_with_the_map(self, method):
        points = scattered(5, (61, 61), 8)
        maps = encode(points, (61, 61), 3.0) + noise(torch.zeros(5, 61, 61), 0.01)
        turned = decode(maps.transpose(1, 2), 3.0, method)
        straight = decode(maps, 3.0, method)
        torch.testing.assert_close(turned.points, straight.points.flip(1))
        torch.testing.assert_close(turned.covariance, straight.covariance.flip(1, 2))

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
    @pytest.mark.parametrize("method", METHODS)
    def test_number_types(self, dtype, method):
        points = scattered(5, (90, 80), 20)
        maps = encode(points, (90, 80), 5.0)
        found = decode(maps.to(dtype), 5.0, method)
        assert found.points.dtype == found.confidence.dtype == found.covariance.dtype == torch.float64
        if method == "matched":
            assert (found.points - points).abs().max() < {torch.float16: 2e-3, torch.bfloat16: 2e-2}.get(dtype, 1e-6)
        else:
            # bfloat16 has three significant digits, so that its top is a plateau.
            assert (found.points - points).abs().max() <= (1.5 if dtype == torch.bfloat16 else 0.51)

    @pytest.mark.parametrize("method", METHODS)
    def test_batch_is_its_samples(self, method):
        points = scattered(6, (70, 60), 0).reshape(2, 3, 2)
        maps = encode(points, (70, 60), 4.0) + noise(torch.zeros(2, 3, 70, 60), 0.02)
        together = decode(maps, 4.0, method)
        assert together.points.shape == (2, 3, 2)
        assert together.confidence.shape == (2, 3) and together.covariance.shape == (2, 3, 2, 2)
        for b in range(2):
            for one, many in zip(decode(maps[b], 4.0, method), together, strict=True):
                torch.testing.assert_close(one, many[b])

    def test_sigma_per_landmark(self):
        points, sigma = scattered(4, (120, 100), 30), torch.tensor([1.0, 3.0, 5.0, 10.0])
        maps = encode(points, (120, 100), sigma) + noise(torch.zeros(4, 120, 100), 0.01)
        together = decode(maps, sigma)
        assert (together.points - points).norm(dim=1).max() < 0.06
        for k in range(4):
            torch.testing.assert_close(decode(maps[k : k + 1], float(sigma[k])).points[0], together.points[k])

    def test_layout_in_memory_does_not_matter(self):
        maps = encode(scattered(6, (40, 48), 5).reshape(2, 3, 2), (40, 48), 3.0)
        torch.testing.assert_close(
            decode(maps.contiguous(memory_format=torch.channels_last), 3.0).points, decode(maps, 3.0).points
        )

    def test_input_is_untouched_and_needs_no_gradient(self):
        maps = encode(scattered(2, (40, 40), 5), (40, 40), 3.0).requires_grad_()
        before = maps.detach().clone()
        assert not decode(maps, 3.0).points.requires_grad
        assert torch.equal(maps, before)

    @pytest.mark.parametrize("shape", [(2, 2), (2, 9), (5, 4), (15, 16), (16, 17), (17, 33)])
    def test_small_maps(self, shape):
        points = torch.tensor([[1.0, 0.5]], dtype=torch.float64)
        for sigma in (1.0, 4.0):
            found = decode(encode(points, shape, sigma), sigma, min_peak=0.0)
            assert (found.points - points).abs().max() < 1e-2


class TestArgmax:
    def test_first_of_equal_maxima_in_row_major_order(self):
        maps = torch.zeros(2, 30, 20)
        maps[0, 7, 15] = maps[0, 8, 2] = maps[0, 7, 16] = 0.5
        maps[1, 29, 19] = maps[1, 0, 19] = 1.0
        found = decode(maps, 2.0, "argmax")
        assert found.points.tolist() == [[7, 15], [0, 19]]
        assert found.confidence.tolist() == [0.5, 1.0]

    @given(st.integers(0, 10**6))
    def test_is_numpys(self, seed):
        maps = np.random.default_rng(seed).integers(0, 9, (3, 12, 17))
        found = decode(torch.from_numpy(maps).float(), 2.0, "argmax").points
        expected = [np.unravel_index(m.argmax(), m.shape) for m in maps]
        np.testing.assert_array_equal(found.numpy(), expected)

    def test_matched_picks_one_of_two_equal_peaks(self):
        both = encode(torch.tensor([[20.0, 20.0], [20.0, 60.0]]), (40, 80), 3.0).amax(0, keepdim=True)
        found = decode(both, 3.0).points[0]
        assert found[0] == pytest.approx(20, abs=1e-4) and min(abs(found[1] - 20), abs(found[1] - 60)) < 1e-4
        assert torch.equal(found, decode(both, 3.0).points[0])


class TestAbsent:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("shape", [(12, 12), (64, 48), (801, 643)])
    @pytest.mark.parametrize("fill", [0.0, -0.0, 1.0, 0.3, -0.3, 1e-30, math.nan, math.inf, -math.inf, 3e38], ids=repr)
    def test_flat_map(self, method, shape, fill):
        found = decode(torch.full((2, *shape), fill), 5.0, method)
        for values in found:
            assert torch.isnan(values).all()

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("place", [(0, 0), (20, 20), (46, 61), (45, 3)])
    def test_one_pixel_that_is_no_number(self, method, bad, place):
        maps = encode(torch.tensor([[20.0, 20.0], [30.0, 30.0]]), (47, 62), 3.0)
        maps[0][place] = bad
        found = decode(maps, 3.0, method)
        assert torch.isnan(found.points[0]).all() and torch.isnan(found.covariance[0]).all()
        assert torch.isnan(found.confidence[0])
        torch.testing.assert_close(found.points[1], torch.tensor([30.0, 30.0]).double(), atol=1e-6, rtol=0)

    @pytest.mark.parametrize("sigma", [3.0, 10.0])
    @pytest.mark.parametrize("level", [0.0, 0.3, -0.3, 2.0])
    def test_noise_alone_is_no_landmark(self, sigma, level):
        # A map that is raised everywhere correlates with anything; only what stands out of it counts.
        maps = level + noise(torch.zeros(6, 161, 203), 0.005)
        assert torch.isnan(decode(maps, sigma).points).all()

    def test_raised_map_still_shows_its_landmark(self):
        points = scattered(4, (120, 100), 40)
        found = decode(0.2 + 0.7 * encode(points, (120, 100), 4.0), 4.0)
        assert (found.points - points).abs().max() < 1e-4
        torch.testing.assert_close(found.confidence, torch.full((4,), 0.7).double(), atol=1e-4, rtol=0)

    @pytest.mark.parametrize("method", METHODS)
    def test_threshold(self, method):
        maps = torch.tensor([0.1, 0.4])[:, None, None] * encode(torch.full((2, 2), 20.0), (40, 40), 3.0)
        present = torch.isfinite(decode(maps, 3.0, method, min_peak=0.2).points[:, 0])
        assert present.tolist() == [False, True]

    def test_landmark_that_left_the_map(self):
        assert torch.isnan(decode(encode(torch.tensor([[-40.0, 20.0]]), (60, 60), 5.0), 5.0).points).all()


class TestCovariance:
    @pytest.mark.parametrize(("sigma", "spread"), [(5.0, 3.0), (5.0, 6.0), (10.0, 8.0), (3.0, 3.0)])
    def test_is_what_blurs_the_target(self, sigma, spread):
        # Trained on squared error, a network that believes N(point, S) answers with the target blurred by S.
        belief = spread**2 * torch.tensor([[1.0, 0.3], [0.3, 0.5]], dtype=torch.float64)
        total = belief + sigma**2 * torch.eye(2).double()
        grid = torch.stack(torch.meshgrid(*(torch.arange(140).double(),) * 2, indexing="ij"), -1)
        away = grid - torch.tensor([70.3, 66.8]).double()
        heatmap = torch.exp(-0.5 * torch.einsum("...i,ij,...j->...", away, torch.linalg.inv(total), away))
        heatmap = heatmap * sigma**2 / torch.linalg.det(total).sqrt()
        found = decode(heatmap[None], sigma)
        torch.testing.assert_close(found.points[0], torch.tensor([70.3, 66.8]).double(), atol=1e-3, rtol=0)
        torch.testing.assert_close(found.covariance[0], belief, rtol=0.2, atol=0.05 * spread**2)

    @given(st.integers(0, 10**6))
    @settings(max_examples=25)
    def test_is_a_covariance_whatever_the_map(self, seed):
        generator = torch.Generator().manual_seed(seed)
        maps = torch.rand(4, 33, 30, generator=generator) ** 4
        for method in METHODS:
            found = decode(maps, 2.0, method, min_peak=-1e9)
            covariance = found.covariance[torch.isfinite(found.confidence)]
            torch.testing.assert_close(covariance, covariance.transpose(1, 2))
            assert (torch.linalg.eigvalsh(covariance) >= 1 / 12 - 1e-9).all()
            assert torch.isfinite(covariance).all()

    def test_certain_landmark_has_the_least(self):
        found = decode(encode(torch.tensor([[20.2, 21.7]]), (50, 50), 3.0), 3.0)
        torch.testing.assert_close(found.covariance[0], torch.eye(2).double() / 12, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("heatmaps", "options", "error", "word"),
    [
        (torch.zeros(5, 5), {}, InvalidInputError, "needed"),
        (torch.zeros(1, 1, 1, 5, 5), {}, InvalidInputError, "needed"),
        (torch.zeros(2, 1, 5), {}, InvalidInputError, "2 x 2"),
        (torch.zeros(2, 5, 5), {"sigma": 0.0}, InvalidInputError, "positive"),
        (torch.zeros(2, 5, 5), {"sigma": torch.ones(3)}, InvalidInputError, "one per landmark"),
        (torch.zeros(2, 5, 5), {"method": "softmax"}, UnknownNameError, "matched, argmax"),
    ],
)
def test_impossible_requests_are_refused(heatmaps, options, error, word):
    with pytest.raises(error, match=word):
        decode(heatmaps, **{"sigma": 1.0, **options})


@pytest.fixture(scope="module")
def truth(isbi2015):
    """(300, 19, 2) mean of the doctors, and the frame that all of them share."""
    sets = [ISBI2015(isbi2015, split) for split in ("train", "test1")]
    points = np.array([data.landmarks(i).points for data in sets for i in range(len(data))])
    assert points.shape == (300, 19, 2)
    return points, Frame.fit((2400, 1935), (800, 640), "stretch")


class TestQuantisation:
    """What a perfect network would score on the 300 public cephalograms by argmax, at 800 x 640."""

    @staticmethod
    def nearest_pixel(points):
        """What argmax finds: of two pixels that are equally near, the first."""
        return np.ceil(points - 0.5)

    def test_argmax_is_the_nearest_pixel_and_matched_is_exact(self, truth):
        points, frame = truth
        for sample in points[::60]:
            network = frame.to_network(sample)
            maps = encode(torch.from_numpy(network), frame.network_shape, 10.0)
            np.testing.assert_array_equal(decode(maps, 10.0, "argmax").points.numpy(), self.nearest_pixel(network))
            np.testing.assert_allclose(decode(maps, 10.0).points.numpy(), network, atol=1e-5)

    def test_argmax_costs_a_tenth_of_a_millimetre(self, truth):
        points, frame = truth
        found = frame.to_radiograph(self.nearest_pixel(frame.to_network(points)))
        assert 0.1 * np.linalg.norm(found - points, axis=-1).mean() == pytest.approx(0.116, abs=0.001)

    def test_one_pixel_shift_of_the_authors_costs_four(self, truth):
        # Their grids count from 1 and their argmax from 0, scaling is without the half pixel, and the truth is cut
        # to whole pixels for the comparison.
        points, frame = truth
        found = self.nearest_pixel(points * frame.scale - 1.0) / frame.scale
        error = found - np.floor(points)
        assert 0.1 * np.linalg.norm(error, axis=-1).mean() == pytest.approx(0.410, abs=0.01)
        np.testing.assert_allclose(error.mean((0, 1)), [-2.92, -2.74], atol=0.1)
