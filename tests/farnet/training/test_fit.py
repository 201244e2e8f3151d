"""Whole runs: they learn, they leave what they promise, and they go on exactly where they stopped."""

import csv
import signal
import sys

import pytest
import torch
from lightning.pytorch.callbacks import Callback
from safetensors.torch import save_file
from torch import nn

from farnet.errors import InvalidInputError, MissingExtraError, OutputError
from farnet.networks import build_network
from farnet.training.config import load_preset
from farnet.training.fit import BEST_CHECKPOINT, CONFIG_FILE, LAST_CHECKPOINT, start_network, train

# Everything that has a state: averages, a schedule by step, clipping, augmentation, held-out radiographs.
STATEFUL = (
    "average=0.9",
    "schedule=onecycle",
    "gradient_clip=1",
    "augmentation.rotation=10",
    "augmentation.noise=0.02",
    "folds=4",
)
PLAIN = ("schedule=steps", "milestones=[1, 2]", "optimizer=adamw", "weight_decay=0.01")


def run(source, config, output, **options):
    return train(source, config, output, progress=False, accelerator="cpu", **options)


def weights(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(v, second[k]) for k, v in first.items())


def read_log(path, column):
    """(epoch, value) of every row that has the column."""
    with path.open(newline="") as file:
        return [(row["epoch"], float(row[column])) for row in csv.DictReader(file) if row.get(column)]


class Interrupt(Callback):
    """Ctrl-C before the second step of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == (self.epoch, 1):
            raise KeyboardInterrupt


class Finished:
    """A run of three epochs, straight through."""

    def __init__(self, source, config, output):
        self.config, self.output = config, output
        self.calls = []
        network = run(source, config, output, finish=self.calls.append)
        self.network, self.weights = network, weights(network)


@pytest.fixture(scope="module")
def stateful(blobs, tiny, tmp_path_factory):
    return Finished(blobs, tiny(*STATEFUL), tmp_path_factory.mktemp("runs") / "stateful")


@pytest.fixture(scope="module")
def plain(blobs, tiny, tmp_path_factory):
    return Finished(blobs, tiny(*PLAIN), tmp_path_factory.mktemp("runs") / "plain")


class TestFinishedRun:
    def test_learns(self, plain, stateful):
        for finished in (plain, stateful):
            losses = [loss for _, loss in read_log(finished.output / "log/metrics.csv", "loss_epoch")]
            assert len(losses) == 3 and losses[2] < 0.9 * losses[0]

    def test_leaves_what_it_promises(self, stateful, plain):
        names = {path.name for path in stateful.output.iterdir()}
        assert names == {CONFIG_FILE, LAST_CHECKPOINT, BEST_CHECKPOINT, "log"}
        assert load_preset(str(stateful.output / CONFIG_FILE)) == stateful.config
        assert not (plain.output / BEST_CHECKPOINT).exists()  # nothing was held out to choose by

    def test_validates_every_epoch(self, stateful):
        for name, most in (("mre", float("inf")), ("sdr2", 100), ("missed", 4)):
            rows = read_log(stateful.output / "log/metrics.csv", name)
            assert [epoch for epoch, _ in rows] == ["0", "1", "2"]
            assert all(0 <= value <= most for _, value in rows)

    @pytest.mark.parametrize("name", [LAST_CHECKPOINT, BEST_CHECKPOINT])
    def test_checkpoint_needs_no_unpickling(self, stateful, name):
        checkpoint = torch.load(stateful.output / name, weights_only=True)
        assert {"state_dict", "optimizer_states", "lr_schedulers", "epoch", "global_step"} <= checkpoint.keys()
        network = build_network(stateful.config.network)
        network.load_state_dict({k.removeprefix("network."): v for k, v in checkpoint["state_dict"].items()})

    def test_network_is_ready_for_use(self, stateful):
        network = stateful.network
        assert not network.training and next(network.parameters()).device.type == "cpu"
        norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        assert all(int(norm.num_batches_tracked) == 2 for norm in norms)  # re-estimated
        (trained,) = stateful.calls
        assert trained.network is network and len(trained.data.validation_indices) == 2
        assert trained.weights == "last of 3 epochs" and not trained.stopped

    def test_weights_are_the_average(self, stateful):
        checkpoint = torch.load(stateful.output / LAST_CHECKPOINT, weights_only=True)
        averaged, current = checkpoint["state_dict"], checkpoint["current_model_state"]
        for name, parameter in stateful.network.named_parameters():
            assert torch.equal(parameter, averaged[f"network.{name}"])
        assert any(not torch.equal(averaged[k], current[k]) for k in averaged)

    def test_resuming_it_changes_nothing(self, stateful, blobs):
        log = (stateful.output / "log/metrics.csv").read_bytes()
        assert same(weights(run(blobs, stateful.config, stateful.output, resume=True)), stateful.weights)
        assert (stateful.output / "log/metrics.csv").read_bytes() == log


class TestResume:
    @pytest.mark.parametrize(("kind", "epoch"), [("stateful", 2), ("plain", 1), ("plain", 0)])
    def test_goes_on_exactly(self, request, blobs, tmp_path, kind, epoch):
        straight = request.getfixturevalue(kind)
        output = tmp_path / "run"
        handler = signal.getsignal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            run(blobs, straight.config, output, callbacks=[Interrupt(epoch)])
        assert signal.getsignal(signal.SIGINT) is handler
        if epoch:
            left = torch.load(output / LAST_CHECKPOINT, weights_only=True)
            assert left["epoch"] == epoch - 1 and all(torch.isfinite(v).all() for v in left["state_dict"].values())
        else:
            assert not (output / LAST_CHECKPOINT).exists()
        assert same(weights(run(blobs, straight.config, output, resume=True)), straight.weights)

        # The log of the first part is kept, and the second part's follows on it.
        first, second = (read_log(output / f"log/metrics{part}.csv", "loss_epoch") for part in ("-1", ""))
        assert len(first) == epoch and first + second == read_log(straight.output / "log/metrics.csv", "loss_epoch")

    @pytest.mark.parametrize(
        ("change", "name"),
        [("learning_rate=0.1", "learning_rate"), ("augmentation.noise=0.5", "augmentation"), ("epochs=4", "epochs")],
    )
    def test_other_settings_are_refused_by_name(self, stateful, blobs, tiny, change, name):
        with pytest.raises(InvalidInputError, match=f"other settings: {name};"):
            run(blobs, tiny(*STATEFUL, change), stateful.output, resume=True)

    def test_nothing_to_resume(self, blobs, tiny, tmp_path):
        with pytest.raises(OutputError, match="no run to resume"):
            run(blobs, tiny(), tmp_path / "nothing", resume=True)
        assert not (tmp_path / "nothing").exists()

    def test_damaged_checkpoint(self, stateful, blobs, tmp_path):
        (tmp_path / CONFIG_FILE).write_bytes((stateful.output / CONFIG_FILE).read_bytes())
        whole = (stateful.output / LAST_CHECKPOINT).read_bytes()
        (tmp_path / LAST_CHECKPOINT).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InvalidInputError, match=r"last\.ckpt.*delete it"):
            run(blobs, stateful.config, tmp_path, resume=True)


class TestOutput:
    def test_folder_in_use_is_refused(self, blobs, tiny, tmp_path):
        (tmp_path / "thesis.txt").write_text("mine")
        with pytest.raises(OutputError, match="not empty"):
            run(blobs, tiny(), tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_file_is_refused(self, blobs, tiny, tmp_path):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(OutputError, match="file"):
            run(blobs, tiny(), tmp_path / "file")
        assert (tmp_path / "file").read_text() == "mine"

    @pytest.mark.parametrize(
        ("change", "options", "error"),
        [
            ("network.landmarks=3", {}, InvalidInputError),
            ("folds=9", {"fold": 8}, InvalidInputError),
            ("weights=nowhere.safetensors", {}, InvalidInputError),
        ],
    )
    def test_run_that_cannot_start_leaves_nothing(self, blobs, tiny, tmp_path, change, options, error):
        changes = [change, *(f"{k}={v}" for k, v in options.items())]
        with pytest.raises(error):
            run(blobs, tiny(*changes), tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_tensorboard_without_the_extra(self, blobs, tiny, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "tensorboard", None)
        with pytest.raises(MissingExtraError, match=r"napari-farnet\[tensorboard\]"):
            run(blobs, tiny(), tmp_path / "run", tensorboard=True)
        assert not (tmp_path / "run").exists()


class TestStartNetwork:
    def test_seed_decides_and_nothing_else_is_disturbed(self, tiny):
        state = torch.get_rng_state()
        first, again, other = (weights(start_network(tiny(f"seed={seed}"))) for seed in (1, 1, 2))
        assert torch.equal(torch.get_rng_state(), state)
        assert same(first, again) and not same(first, other)

    def test_backbone_from_a_file(self, tiny, tmp_path):
        source = start_network(tiny("seed=5"))
        path = tmp_path / "weights.safetensors"
        save_file(dict(source.backbone.trunk.state_dict()), path)
        network = start_network(tiny(f"weights={path}"))
        assert same(weights(network.backbone), weights(source.backbone))
        assert not same(weights(network.aggregation), weights(source.aggregation))


def test_a_compiled_training_learns_the_same(blobs, tiny, tmp_path, monkeypatch):
    import farnet.networks.compiling

    graphs = []
    monkeypatch.setattr(farnet.networks.compiling, "_BACKEND", lambda graph, inputs: graphs.append(1) or graph.forward)
    config = tiny("epochs=1", "average=0.9")
    run(blobs, config, tmp_path / "plain")
    compiled = run(blobs, config, tmp_path / "compiled", compiled=True)
    assert graphs
    logs = [read_log(tmp_path / name / "log" / "metrics.csv", "loss_epoch") for name in ("plain", "compiled")]
    assert logs[0] == [(epoch, pytest.approx(loss, rel=0.01)) for epoch, loss in logs[1]] and logs[0]
    graphs.clear()
    compiled(torch.zeros(1, 3, 64, 64))
    assert not graphs  # what is given back is plain
