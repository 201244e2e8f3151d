"""Averaging over shifted looks: exact positions, no look more than asked for, borders seen by those that see them."""

import pytest
import torch

from farnet.averaging import AveragedHeatmaps, moved


def brightness(grey):
    """A `network` whose heatmaps follow the image: itself, and its square."""
    return torch.stack((grey, grey**2))


def averaged_heatmaps(heatmaps, grey, shifts):
    return AveragedHeatmaps(heatmaps, grey).look(shifts).mean()


@pytest.fixture
def grey():
    return torch.rand(12, 10, generator=torch.Generator().manual_seed(0))


def test_one_look_is_the_plain_one(grey):
    seen = []

    def heatmaps(image):
        seen.append(image)
        return brightness(image)

    assert torch.equal(averaged_heatmaps(heatmaps, grey, [(0, 0)]), brightness(grey))
    assert len(seen) == 1 and seen[0] is grey


@pytest.mark.parametrize("shifts", [[(2, 3)], [(4, 4), (-4, -4)], [(0, 0), (1, -2), (-3, 0)]])
def test_what_follows_the_image_stays_where_it_is(grey, shifts):
    averaged = averaged_heatmaps(brightness, grey, shifts)
    seen = torch.zeros_like(grey)
    for row, column in shifts:
        rows = slice(max(0, -row), 12 - max(0, row))
        columns = slice(max(0, -column), 10 - max(0, column))
        seen[rows, columns] = 1.0
    torch.testing.assert_close(averaged, brightness(grey) * seen)


def test_the_mean_of_the_looks(grey):
    looks = iter([torch.full((1, 12, 10), 1.0), torch.full((1, 12, 10), 4.0)])
    averaged = averaged_heatmaps(lambda image: next(looks), grey, [(0, 0), (2, 0)])
    assert averaged[0, :10].eq(2.5).all() and averaged[0, 10:].eq(1.0).all()


def test_the_image_is_moved_as_told():
    image = torch.zeros(6, 6)
    image[1, 2] = 1.0
    assert moved(image, (2, -1))[3, 1] == 1.0 and moved(image, (2, -1)).sum() == 1.0
    assert moved(image, (-2, 0)).sum() == 0.0


def test_the_image_is_not_changed(grey):
    before = grey.clone()
    averaged_heatmaps(brightness, grey, [(1, 1), (-1, -1)])
    assert torch.equal(grey, before)


def test_no_looks_at_all(grey):
    with pytest.raises(ValueError, match="no look"):
        averaged_heatmaps(brightness, grey, [])


def test_looks_can_be_added_later(grey):
    looks = AveragedHeatmaps(brightness, grey).look([(4, 4)])
    first = looks.mean().clone()
    both = looks.look([(-4, -4)]).mean()
    torch.testing.assert_close(first, averaged_heatmaps(brightness, grey, [(4, 4)]))
    torch.testing.assert_close(both, averaged_heatmaps(brightness, grey, [(4, 4), (-4, -4)]))
