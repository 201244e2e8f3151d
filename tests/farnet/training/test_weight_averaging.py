"""The average of the weights remembers no more than there was."""

import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from farnet.training.weight_averaging import MovingAverage, warm_average


def run(decay, values):
    """The average after weights took these values, one a step."""
    model = torch.nn.Linear(1, 1, bias=False)
    averaged = AveragedModel(model, avg_fn=warm_average(decay))
    for value in values:
        with torch.no_grad():
            model.weight.fill_(value)
        averaged.update_parameters(model)
    return averaged.module.weight.item()


def test_by_hand():
    # 2/11 of the first and 9/11 of the second; then 3/12 of that.
    assert run(0.995, [0.0, 1.0]) == pytest.approx(9 / 11)
    assert run(0.995, [0.0, 1.0, 2.0]) == pytest.approx(0.25 * 9 / 11 + 0.75 * 2.0)
    assert run(0.1, [0.0, 1.0]) == pytest.approx(0.9)  # never more than the decay


def test_a_short_training_does_not_end_where_it_began():
    assert run(0.995, [0.0] + [1.0] * 100) > 0.999


@pytest.mark.parametrize("decay", [0.98, 0.995])
def test_a_long_training_is_averaged_with_the_decay(decay):
    steps = 3000
    assert run(decay, [0.0] * steps + [1.0] * 100) == pytest.approx(1 - decay**100, rel=1e-3)


def test_weights_that_stay_are_their_average():
    assert run(0.9, [0.5] * 20) == pytest.approx(0.5)
    assert MovingAverage(0.9).should_update(step_idx=1) and not MovingAverage(0.9).should_update(epoch_idx=1)
