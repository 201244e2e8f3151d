"""One step of training, and what validation reports."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from farnet.heatmaps import decode, encode
from farnet.losses import build_loss
from farnet.networks import Heatmaps
from farnet.networks.blocks import upsample2
from farnet.training.fit import start_network
from farnet.training.task import LandmarkTask, coarse_points


class Oracle(nn.Module):
    """Answers with given heatmaps."""

    def __init__(self, heatmaps):
        super().__init__()
        self.heatmaps = heatmaps

    def forward(self, image):
        assert image.shape[1] == 3
        return self.heatmaps


def batch(points, unit=(0.5, 2.0)):
    count = len(points)
    return {
        "image": torch.rand(count, 64, 64, generator=torch.Generator().manual_seed(0)),
        "points": points,
        "unit": torch.tensor([unit] * count, dtype=torch.float64),
        "index": torch.arange(count),
    }


@pytest.fixture
def points():
    return 12 + 40 * torch.rand(2, 2, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def quiet(task):
    """Collect what the task logs instead of handing it to a trainer."""
    logged = {}
    task.log = lambda name, value, **options: logged.update({name: float(value)})
    task.log_dict = lambda values, **options: logged.update({k: float(v) for k, v in values.items()})
    return logged


def test_coarse_points_are_where_the_coarse_maps_show_them(points):
    coarse = encode(coarse_points(points), (32, 32), 3.0)
    seen = decode(upsample2(coarse), 6.0).points
    torch.testing.assert_close(seen, points, atol=0.01, rtol=0)


class TestLoss:
    """The settings decide which loss, and what of the heatmaps it sees."""

    @pytest.mark.parametrize("name", ["ewc", "l1", "smooth_l1", "mse", "adaptive_wing"])
    def test_the_one_that_is_asked_for(self, tiny, points, name):
        config = tiny(f"loss={name}", "alpha=20")
        task = LandmarkTask(Oracle(None), config)
        quiet(task)
        target = task.targets(points, (64, 64))
        task.network.heatmaps = Heatmaps(target.fine + 0.1, target.coarse - 0.2)
        one = build_loss(name, alpha=20.0)
        expected = one(target.fine + 0.1, target.fine) + one(target.coarse - 0.2, target.coarse)
        torch.testing.assert_close(task.training_step(batch(points), 0), expected)

    @pytest.mark.parametrize("refinement", ["star", "none"])
    def test_without_the_papers_refinement_the_fine_heatmaps_alone_count(self, tiny, points, refinement):
        task = LandmarkTask(Oracle(None), tiny(f"network.refinement={refinement}"))
        quiet(task)
        target = task.targets(points, (64, 64))
        task.network.heatmaps = Heatmaps(target.fine, target.coarse + 5.0)
        assert task.training_step(batch(points), 0) == 0.0


class TestTraining:
    def test_perfect_heatmaps_have_no_loss(self, tiny, points):
        task = LandmarkTask(Oracle(None), tiny())
        task.network.heatmaps = task.targets(points, (64, 64))
        logged = quiet(task)
        assert task.training_step(batch(points), 0).item() == 0.0 and logged["loss"] == 0.0

    def test_targets(self, tiny, points):
        fine, coarse = LandmarkTask(Oracle(None), tiny()).targets(points, (64, 64))
        assert fine.shape == (2, 2, 64, 64) and coarse.shape == (2, 2, 32, 32)
        assert torch.equal(fine, encode(points, (64, 64), 3.0))
        assert torch.equal(coarse, encode(coarse_points(points), (32, 32), 2.0))

    def test_absent_landmarks_take_no_part(self, tiny, points):
        task = LandmarkTask(Oracle(None), tiny())
        heatmaps = task.targets(points, (64, 64))
        heatmaps.fine[0, 1] = 5.0
        heatmaps.coarse[0, 1] = 5.0
        task.network.heatmaps = heatmaps
        quiet(task)
        assert task.training_step(batch(points), 0).item() > 1.0
        points[0, 1] = torch.nan
        assert task.training_step(batch(points), 0).item() == 0.0

    def test_half_precision_heatmaps_are_summed_in_single(self, tiny, points):
        task = LandmarkTask(Oracle(None), tiny())
        noisy = [h + 0.1 for h in task.targets(points, (64, 64))]
        task.network.heatmaps = Heatmaps(*(h.bfloat16() for h in noisy))
        quiet(task)
        assert task.training_step(batch(points), 0).dtype == torch.float32

    def test_network_sees_three_normalised_channels(self, tiny):
        task = LandmarkTask(start_network(tiny()), tiny()).eval()
        with torch.no_grad():
            heatmaps = task(torch.full((1, 64, 64), 0.485))
        assert heatmaps.fine.shape == (1, 2, 64, 64)


class TestValidation:
    def test_errors_are_in_mm(self, tiny, points):
        task = LandmarkTask(Oracle(None), tiny())
        logged = quiet(task)
        shift = torch.tensor([[[3.0, 0.0], [0.0, 0.5]], [[0.0, 0.0], [0.0, 2.0]]]).double()
        for i in range(2):
            task.network.heatmaps = task.targets(points[[i]] + shift[[i]], (64, 64))
            task.validation_step(batch(points[[i]]), i)
        task.on_validation_epoch_end()
        # 3 px of 0.5 mm, 0.5 px of 2 mm, 0, and 2 px of 2 mm
        assert logged["mre"] == pytest.approx((1.5 + 1.0 + 0.0 + 4.0) / 4, abs=1e-3)
        assert logged["sdr2"] == 75.0 and logged["missed"] == 0

    def test_missed_counts_against_and_absent_does_not(self, tiny, points):
        task = LandmarkTask(Oracle(None), tiny())
        logged = quiet(task)
        heatmaps = task.targets(points, (64, 64))
        heatmaps.fine[0, 0] = 0.0  # found nothing where there is something
        points[1, 1] = torch.nan  # and something where there is nothing
        task.network.heatmaps = heatmaps
        task.validation_step(batch(points), 0)
        task.on_validation_epoch_end()
        assert logged["missed"] == 1 and logged["sdr2"] == pytest.approx(100 * 2 / 3)
        assert logged["mre"] == pytest.approx(0.0, abs=1e-4)
        logged.clear()
        task.on_validation_epoch_end()
        assert logged == {"mre": float("inf"), "sdr2": 0.0, "missed": 0.0}  # a new pass begins empty

    def test_normalises_as_the_finished_network_will(self, tiny):
        for norm in ("running", "image"):
            task = LandmarkTask(start_network(tiny()), tiny(f"network.norm={norm}"))
            quiet(task)
            image = torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(0))
            with torch.no_grad():
                training = task.train()(image).fine
                task.eval()
                state = {k: v.clone() for k, v in task.state_dict().items()}
                task.on_validation_epoch_start()
                validating = task(image).fine
                task.on_validation_epoch_end()
            assert torch.allclose(validating, training, atol=1e-5) == (norm == "image")
            assert all(torch.equal(v, state[k]) for k, v in task.state_dict().items())
            assert all(m.track_running_stats for m in task.modules() if isinstance(m, nn.BatchNorm2d))


class TestOptimizer:
    @pytest.fixture
    def configure(self, tiny, monkeypatch):
        def build(*changes, steps=30):
            task = LandmarkTask(start_network(tiny()), tiny(*changes))
            monkeypatch.setattr(LandmarkTask, "trainer", SimpleNamespace(estimated_stepping_batches=steps))
            made = task.configure_optimizers()
            return made if isinstance(made, dict) else {"optimizer": made}

        return build

    def test_decays_kernels_only(self, configure):
        optimizer = configure("optimizer=adamw", "weight_decay=0.1")["optimizer"]
        assert isinstance(optimizer, torch.optim.AdamW)
        kernels, rest = optimizer.param_groups
        assert (kernels["weight_decay"], rest["weight_decay"]) == (0.1, 0.0)
        assert all(p.ndim == 4 for p in kernels["params"]) and all(p.ndim == 1 for p in rest["params"])

    def test_paper(self, configure):
        made = configure("learning_rate=0.0001", "milestones=[2, 4]")
        optimizer, schedule = made["optimizer"], made["lr_scheduler"]
        assert type(optimizer) is torch.optim.Adam and schedule["interval"] == "epoch"
        rates = []
        for _ in range(6):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule["scheduler"].step()
        assert rates == pytest.approx([1e-4, 1e-4, 1e-5, 1e-5, 1e-6, 1e-6])

    def test_constant(self, configure):
        assert "lr_scheduler" not in configure("schedule=constant")

    @pytest.mark.parametrize("steps", [*range(1, 13), 20, 100])
    def test_one_cycle_of_any_length(self, configure, steps):
        made = configure("schedule=onecycle", "learning_rate=0.01", steps=steps)
        optimizer, schedule = made["optimizer"], made["lr_scheduler"]
        assert schedule["interval"] == "step"
        rates = []
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule["scheduler"].step()
        assert all(0 < rate <= 0.01 + 1e-12 for rate in rates)
        if steps >= 20:
            top = max(range(steps), key=rates.__getitem__)
            assert rates[top] > 0.0098 and top == pytest.approx(0.1 * steps, abs=2) and rates[-1] < 1e-4
