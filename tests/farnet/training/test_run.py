"""Whole runs with what they tell: events, stops, failures, fine-tuning, and the model that is left."""

import errno
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from farnet.datasets.opening import DataRequest, open_data
from farnet.errors import FarnetError, InvalidInputError, OutputError, SchemeError
from farnet.modelfile import load_model, read_metadata
from farnet.training import checkpoints, fit, reporting
from farnet.training.control import send
from farnet.training.failures import DivergedError
from farnet.training.progress import EventReader, read_preview
from farnet.training.run import RunRequest, run_training
from farnet.training.runfolder import (
    BEST_CHECKPOINT,
    CONFIG_FILE,
    CONTROL_FILE,
    EVENTS_FILE,
    LAST_CHECKPOINT,
    PREVIEW_FILE,
    is_running,
    state_of,
)
from farnet.training.task import LandmarkTask
from farnet.zoo import find_model

HELD_OUT = "validation_share=0.25"


@pytest.fixture
def request_for(tmp_path, data_folder, tiny_changes):
    """A request for a tiny run on the blobs, with changes; further keywords are attributes of the request."""

    def make(*changes, name="run", **keywords):
        values = {
            "output": tmp_path / name,
            "data": DataRequest(folder=data_folder, layout="table"),
            "preset": "paper",
            "changes": [*tiny_changes, "network.landmarks=2", *changes],
            "events": tmp_path / name / EVENTS_FILE,
            "hardware": {"accelerator": "cpu"},
        }
        return RunRequest(**{**values, **keywords})

    return make


def events_of(request, kind=None):
    return [e for e in EventReader(request.output / EVENTS_FILE).read() if kind in (None, e["event"])]


def do_at(monkeypatch, epoch, batch, action):
    """Do something in the middle of a run: before the reporter hears of a step (1-based)."""
    original = reporting.Reporter.on_train_batch_end

    def hooked(self, trainer, module, outputs, data, index):
        if (trainer.current_epoch + 1, index + 1) == (epoch, batch):
            action(self)
        original(self, trainer, module, outputs, data, index)

    monkeypatch.setattr(reporting.Reporter, "on_train_batch_end", hooked)


def test_a_run_tells_everything(request_for, own_models):
    request = request_for(HELD_OUT, install=True)
    result = run_training(request)
    events = events_of(request)
    kinds = [event["event"] for event in events]
    assert kinds.count("started") == 1 and kinds[-2:] == ["finishing", "finished"]
    assert kinds.count("epoch") == kinds.count("sample") == 3
    (started,) = events_of(request, "started")
    assert (started["epochs"], started["steps"], started["first_epoch"]) == (3, 3, 1)
    assert (started["training"], started["validation"], started["unit"]) == (6, 2, "mm")
    assert started["landmarks"] == ["small blob", "large blob"]
    step = events_of(request, "step")[-1]
    assert (step["epoch"], step["step"], step["steps"]) == (3, 3, 3) and step["loss"] > 0 and step["seconds_left"] == 0
    epochs = events_of(request, "epoch")
    assert [event["epoch"] for event in epochs] == [1, 2, 3]
    for event in epochs:
        assert event["train_loss"] > 0 and event["validation_loss"] > 0
        assert event["learning_rate"] == pytest.approx(0.003)
        if event["mre"] is not None:  # spacing is 0.5 mm
            assert event["mre"] == pytest.approx(0.5 * event["mre_px"], rel=1e-4)
    known = [event["mre"] for event in epochs if event["mre"] is not None]
    assert [e["mre"] for e in epochs if e["best"]] == sorted({min(known[: i + 1]) for i in range(len(known))})[::-1]

    # The model is there, in the run and among the user's models.
    assert result.model == request.output / "tiny-blobs.safetensors" and not result.stopped
    assert result.installed == find_model("tiny-blobs") == own_models / "tiny-blobs.safetensors"
    assert result.installed.read_bytes() == result.model.read_bytes()
    card = read_metadata(result.model)
    assert card.training["weights"] == "last of 3 epochs" and card.training["data"]["dataset"] == "table"
    assert card.training["data"]["radiographs"] == 8 and card.training["radiographs"] == 6
    assert len(card.training["pixels_sha256"]) == 6 and len(card.training["held_out_pixels_sha256"]) == 2
    assert card.landmark_scheme.name == "blobs"
    assert state_of(request.output) == "finished" and not is_running(request.output)


def test_a_model_names_its_radiographs_only_on_request(request_for, data_folder):
    names = open_data(DataRequest(folder=data_folder, layout="table")).source.ids
    for asked in (False, True):
        command = ["farnet", "train", "--data", str(data_folder)]
        request = request_for(HELD_OUT, "epochs=1", name=f"run-{asked}", names=asked, command=command)
        model = run_training(request).model
        card = json.dumps(read_metadata(model).model_dump(mode="json"))
        assert all((json.dumps(name) in card) == asked for name in names)
        for path in (data_folder, request.output, Path.home()):
            assert str(path).encode() not in model.read_bytes()


def test_the_sample_is_what_the_network_finds(request_for, blobs):
    request = request_for(HELD_OUT)
    run_training(request)
    sample = events_of(request, "sample")[-1]
    preview = read_preview(request.output / PREVIEW_FILE)
    assert preview.epoch == sample["epoch"] == 3 and list(preview.names) == sample["radiographs"]
    assert preview.images.shape == (2, 64, 64) and preview.heatmaps.shape == (2, 16, 16)
    np.testing.assert_allclose(preview.units, [[0.75, 0.625]] * 2)
    for name, references in zip(sample["radiographs"], sample["references"], strict=True):
        np.testing.assert_allclose(references, blobs.points[blobs.ids.index(name)], rtol=1e-5)
    points = np.array([[[np.nan if v is None else v for v in p] for p in item] for item in sample["points"]])
    truth = np.array(sample["references"])
    np.testing.assert_allclose(preview.errors, 0.5 * np.linalg.norm(points - truth, axis=-1), rtol=1e-4)
    (epoch,) = [event for event in events_of(request, "epoch") if event["epoch"] == 3]
    if epoch["mre"] is not None:
        assert np.nanmean(preview.errors) == pytest.approx(epoch["mre"], rel=1e-4)


def test_events_on_a_stream_leave_nothing_in_the_folder(request_for):
    stream = io.StringIO()
    request = request_for("epochs=1", events=stream)
    run_training(request)
    kinds = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert kinds[0] == "preparing" and kinds[-1] == "finished" and "sample" not in kinds
    assert not (request.output / EVENTS_FILE).exists()


@pytest.mark.parametrize(("share", "kept"), [(HELD_OUT, BEST_CHECKPOINT), ("validation_share=0", LAST_CHECKPOINT)])
def test_stop_keeps_the_best(request_for, monkeypatch, share, kept):
    request = request_for(share, "epochs=9")
    do_at(monkeypatch, 3, 2, lambda reporter: send(request.output / CONTROL_FILE, "stop"))
    result = run_training(request)
    assert result.stopped and events_of(request)[-1]["event"] == "stopped"
    assert [event["epoch"] for event in events_of(request, "epoch")] == [1, 2]
    checkpoint = torch.load(request.output / kept, weights_only=True)
    assert result.weights == f"{kept.split('.')[0]}, of epoch {checkpoint['epoch'] + 1} of 9"
    network, _ = load_model(result.model)
    for name, parameter in network.named_parameters():
        saved = checkpoint["state_dict"][f"network.{name}"]
        torch.testing.assert_close(parameter, saved, atol=2e-3, rtol=2e-3)  # 16 bit in the file
    assert state_of(request.output) == "stopped"


def test_stop_before_the_first_epoch_is_over_leaves_nothing(request_for, monkeypatch):
    request = request_for()
    do_at(monkeypatch, 1, 2, lambda reporter: reporter.control.say("stop"))
    result = run_training(request)
    assert result.model is None and result.stopped
    assert events_of(request)[-1]["model"] is None
    assert state_of(request.output) == "resumable"


def test_keep_best(request_for, monkeypatch):
    """The epoch with the lowest error is kept, though later ones are worse."""
    figures = iter([3.0, 1.0, 2.0])
    original = LandmarkTask.log_dict

    def log_dict(self, values, **keywords):
        original(self, {**values, "mre": torch.tensor(next(figures))}, **keywords)

    monkeypatch.setattr(LandmarkTask, "log_dict", log_dict)
    result = run_training(request_for(HELD_OUT, "keep=best"))
    assert result.weights == "best, of epoch 2 of 3"


def test_pause_and_resume(request_for, monkeypatch):
    request = request_for(HELD_OUT, "epochs=2")

    def pause(reporter):
        reporter.control.say("pause")
        reporter.control.say("resume")

    do_at(monkeypatch, 2, 1, pause)
    paused = run_training(request)
    kinds = [event["event"] for event in events_of(request)]
    assert kinds.index("resumed") == kinds.index("paused") + 1
    monkeypatch.undo()
    straight = run_training(request_for(HELD_OUT, "epochs=2", name="straight"))
    assert paused.model.read_bytes()[-4096:] == straight.model.read_bytes()[-4096:]  # the same weights to the last bit


def test_an_ended_run_goes_on_exactly(request_for, monkeypatch):
    request = request_for(HELD_OUT, "average=0.9", "schedule=onecycle")
    do_at(monkeypatch, 2, 3, lambda reporter: reporter.control.say("end"))
    with pytest.raises(KeyboardInterrupt):
        run_training(request)
    failed = events_of(request)[-1]
    assert (failed["event"], failed["kind"], failed["resumable"]) == ("failed", "interrupted", True)
    assert state_of(request.output) == "resumable"
    monkeypatch.undo()
    # The folder alone knows data and settings.
    again = run_training(
        RunRequest(request.output, resume=True, events=request.events, hardware={"accelerator": "cpu"})
    )
    assert [e["first_epoch"] for e in events_of(request, "started")] == [1, 2]
    assert [e["epoch"] for e in events_of(request, "epoch")] == [1, 2, 3]
    straight = run_training(request_for(HELD_OUT, "average=0.9", "schedule=onecycle", name="straight"))
    first, second = (load_model(result.model)[0].state_dict() for result in (again, straight))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


class TestFailures:
    def fails(self, request, error=FarnetError):
        with pytest.raises(error):
            run_training(request)
        event = events_of(request)[-1]
        assert event["event"] == "failed"
        return event

    def test_full_disk(self, request_for, monkeypatch):
        request = request_for("epochs=5")
        original, calls = torch.save, []

        def save(*arguments, **keywords):
            calls.append(1)
            if len(calls) == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            original(*arguments, **keywords)

        monkeypatch.setattr(checkpoints.torch, "save", save)
        event = self.fails(request, OutputError)
        assert event["kind"] == "disk" and event["resumable"] and "Make room and resume" in event["message"]
        assert torch.load(request.output / LAST_CHECKPOINT, weights_only=True)["epoch"] == 0  # the one before
        monkeypatch.undo()
        resumed = run_training(
            RunRequest(request.output, resume=True, events=request.events, hardware={"accelerator": "cpu"})
        )
        assert resumed.model.is_file()

    def test_out_of_memory(self, request_for, monkeypatch):
        request = request_for()

        def too_much(reporter):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")

        do_at(monkeypatch, 2, 1, too_much)
        event = self.fails(request, torch.OutOfMemoryError)
        assert event["kind"] == "oom" and "smaller batch" in event["message"] and event["resumable"]
        assert (request.output / LAST_CHECKPOINT).is_file()

    def test_divergence(self, request_for, monkeypatch):
        request = request_for()
        original = LandmarkTask.training_step
        monkeypatch.setattr(LandmarkTask, "training_step", lambda self, *a: original(self, *a) * float("nan"))
        event = self.fails(request, DivergedError)
        assert event["kind"] == "diverged" and "learning_rate" in event["message"]

    def test_what_cannot_begin_leaves_its_reason_alone(self, request_for, data_folder):
        (data_folder / "landmarks.csv").unlink()
        request = request_for()
        event = self.fails(request)
        assert event["kind"] == "input" and "no file of landmarks" in event["message"] and not event["resumable"]
        assert [path.name for path in request.output.iterdir()] == [EVENTS_FILE]

    def test_a_folder_that_failed_so_can_be_used_again(self, request_for, data_folder):
        whole = (data_folder / "landmarks.csv").read_bytes()
        (data_folder / "landmarks.csv").unlink()
        self.fails(request_for("epochs=1"))
        (data_folder / "landmarks.csv").write_bytes(whole)
        request = request_for("epochs=1", "repeats=3")
        assert run_training(request).model.is_file()
        (started,) = events_of(request, "started")
        assert (started["training"], started["steps"]) == (8, 12)  # 8 radiographs three times in pairs

    def test_a_name_that_is_taken(self, request_for, own_models):
        event = self.fails(request_for("name=ceph19-compact", install=True), OutputError)
        assert "There is a model 'ceph19-compact' already" in event["message"]
        own_models.mkdir()
        (own_models / "tiny-blobs.safetensors").write_text("")
        self.fails(request_for(install=True), OutputError)

    def test_a_run_without_data(self, tmp_path):
        with pytest.raises(InvalidInputError, match="needs --data"):
            run_training(RunRequest(tmp_path / "run"))
        with pytest.raises(OutputError, match="no run to resume"):
            run_training(RunRequest(tmp_path / "run", resume=True))
        assert not (tmp_path / "run").exists()

    def test_keep_best_needs_radiographs_held_out(self, request_for):
        assert "validation_share" in self.fails(request_for("keep=best"), InvalidInputError)["message"]


class TestAbsentLandmarks:
    def test_they_take_no_part(self, request_for, make_blobs, data_folder, write_blobs):
        write_blobs(data_folder, make_blobs(absent=(0, 3, 4)))
        result = run_training(request_for(HELD_OUT))
        assert all(np.isfinite(read_metadata(result.model).typical_points).ravel())

    def test_a_landmark_that_nobody_has(self, request_for, make_blobs, data_folder, write_blobs):
        write_blobs(data_folder, make_blobs(absent=tuple(range(8))))
        with pytest.raises(InvalidInputError, match=r"has large blob.*cannot be learnt"):
            run_training(request_for())


class TestFineTuning:
    @pytest.fixture
    def base(self, request_for):
        return run_training(request_for("name=base", name="base")).model

    def tune(self, request_for, base, *changes, **keywords):
        keywords = {"preset": None, "changes": ["epochs=1", *changes], "start_from": str(base), **keywords}
        return run_training(request_for(name="tuned", **keywords))

    def test_it_starts_where_the_model_is(self, request_for, base):
        result = self.tune(request_for, base, "learning_rate=1e-9", "weight_decay=0")
        before, after = load_model(base)[0], load_model(result.model)[0]
        for (name, old), new in zip(before.named_parameters(), after.parameters(), strict=True):
            torch.testing.assert_close(old, new, atol=2e-3, rtol=2e-3, msg=name)
        one, other = read_metadata(base), read_metadata(result.model)
        assert (one.input, one.decoder, one.network) == (other.input, other.decoder, other.network)
        assert other.name == "base-tuned" and other.training["started_from"]["model"] == "base"
        assert len(other.training["started_from"]["sha256"]) == 64
        assert other.training["weights"].startswith("best")

    def test_it_may_lack_a_landmark(self, request_for, base, make_blobs, data_folder, write_blobs):
        write_blobs(data_folder, make_blobs(absent=tuple(range(8))))
        result = self.tune(request_for, base)
        expected = read_metadata(base).typical_points
        np.testing.assert_allclose(read_metadata(result.model).typical_points[1], expected[1])

    def test_other_landmarks_are_refused(self, request_for):
        with pytest.raises(SchemeError, match=r"19 landmarks of 'cephalometric19'.*2 of 'blobs'"):
            self.tune(request_for, "ceph19-compact")

    def test_another_network_is_refused(self, request_for, base):
        with pytest.raises(InvalidInputError, match=r"network\.width=16"):
            self.tune(request_for, base, "network.width=16")
        with pytest.raises(InvalidInputError, match=r"network\.backbone='densenet121'"):
            self.tune(request_for, base, preset="paper", changes=["network.landmarks=2"])

    def test_a_new_network_may_begin_with_the_backbone_of_a_model(self, request_for, base, tiny):
        network = fit.start_network(tiny(f"weights={base}"))
        theirs = load_model(base)[0]
        assert all(
            torch.equal(value, theirs.backbone.state_dict()[name])
            for name, value in network.backbone.state_dict().items()
        )
        with pytest.raises(InvalidInputError, match="neither a file nor a model"):
            fit.start_network(tiny("weights=nothing"))
        with pytest.raises(InvalidInputError, match=r"network\.backbone=efficientnet_lite0"):
            fit.start_network(tiny("weights=ceph19-compact", "network.backbone=resnet18"))


def test_two_runs_in_one_folder(request_for, monkeypatch):
    request = request_for("epochs=1")
    seen = []

    def second(reporter):
        with pytest.raises(FarnetError) as caught:
            run_training(RunRequest(request.output, resume=True))
        seen.append(str(caught.value))

    do_at(monkeypatch, 1, 1, second)
    run_training(request)
    assert "runs in" in seen[0]
    assert (request.output / CONFIG_FILE).is_file() and not (request.output / CONTROL_FILE).exists()
