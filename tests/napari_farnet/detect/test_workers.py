"""A detection as a generator: its steps, its result, and every way in which it can end."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from napari.layers import Image

from farnet.errors import DeviceError, ModelFileError, RadiographError
from napari_farnet.detect.workers import DetectionRequest, DetectorKeeper, detect, find_devices
from napari_farnet.sources import RadiographSource
from napari_farnet.threads import Failure, Progress

NEVER = threading.Event()


@pytest.fixture
def request_for(radiograph_pixels):
    def make(data=radiograph_pixels, indices=((),), heatmaps="none", model="fake", device="auto"):
        source = RadiographSource.of(Image(data, name="skull"))
        return DetectionRequest(source, indices, model, device, heatmaps)

    return make


def run(generator):
    """What a generator yields, and what it returns."""
    seen = []
    while True:
        try:
            seen.append(next(generator))
        except StopIteration as end:
            return seen, end.value


def test_steps_count_up_to_the_whole(fake, request_for, radiograph_pixels):
    request = request_for(np.stack([radiograph_pixels] * 2), ((0,), (1,)))
    seen, result = run(detect(NEVER, request, DetectorKeeper()))
    assert [progress.done for progress in seen] == list(range(7))
    assert {progress.total for progress in seen} == {7}
    assert seen[0] == Progress(0, 7, "Loading fake")
    assert seen[5].text == "Radiograph 2 of 2: running the network"
    assert [item.radiograph for item in result.landmarks] == ["skull [0]", "skull [1]"]
    assert result.heatmaps is None
    assert result.device == "cpu"


@pytest.mark.parametrize(("choice", "maps"), [("combined", 1), ("each", 19)])
def test_heatmaps(fake, request_for, choice, maps):
    _, result = run(detect(NEVER, request_for(heatmaps=choice), DetectorKeeper()))
    assert result.heatmaps.shape == (1, maps, 64, 48)
    assert result.heatmaps.dtype == np.float32


def test_the_detector_is_kept_for_the_next_time(fake, request_for):
    keeper = DetectorKeeper()
    run(detect(NEVER, request_for(), keeper))
    seen, _ = run(detect(NEVER, request_for(), keeper))
    assert fake.made == [("fake", "auto")]
    assert seen[0].text == "Preparing"
    run(detect(NEVER, request_for(device="cuda"), keeper))
    assert fake.made == [("fake", "auto"), ("fake", "cuda")]
    assert fake.closed == 1


@pytest.mark.parametrize("error", [DeviceError("out of memory"), RuntimeError("shape mismatch"), MemoryError()])
def test_whatever_goes_wrong_is_returned(fake, request_for, error):
    fake.fail = error
    seen, failure = run(detect(NEVER, request_for(), DetectorKeeper()))
    assert failure == Failure(error, ())
    assert failure.expected == isinstance(error, DeviceError)
    assert len(seen) == 3


def test_out_of_memory_gives_the_memory_back(fake, request_for):
    fake.fail = DeviceError("out of memory")
    keeper = DetectorKeeper()
    _, failure = run(detect(NEVER, request_for(), keeper))
    assert failure.on_device
    assert fake.closed == 1
    fake.fail = None
    _, result = run(detect(NEVER, request_for(device="cpu"), keeper))
    assert len(result.landmarks) == 1


def test_a_model_that_cannot_be_loaded(monkeypatch, request_for):
    from napari_farnet.detect import workers

    def create(model, device):
        raise ModelFileError(f"{model} is damaged")

    monkeypatch.setattr(workers, "create_detector", create)
    _, failure = run(detect(NEVER, request_for(), DetectorKeeper()))
    assert failure.expected
    assert failure.index is None


def test_a_bad_radiograph_says_which(fake, request_for, radiograph_pixels):
    stack = np.stack([radiograph_pixels, 0 * radiograph_pixels])
    _, failure = run(detect(NEVER, request_for(stack, ((0,), (1,))), DetectorKeeper()))
    assert isinstance(failure.error, RadiographError)
    assert failure.index == (1,)


@pytest.mark.parametrize("at", range(7))
def test_it_can_be_stopped_before_every_stage(fake, request_for, radiograph_pixels, at):
    stop = threading.Event()
    generator = detect(stop, request_for(np.stack([radiograph_pixels] * 2), ((0,), (1,))), DetectorKeeper())
    for _ in range(at + 1):
        next(generator)
    stop.set()
    seen, outcome = run(generator)
    assert (seen, outcome) == ([], None)
    assert len(fake.stages) == max(at - 1, 0)


def test_a_dock_that_is_gone_frees_the_detector_when_the_run_has_ended(fake, request_for):
    keeper = DetectorKeeper()
    generator = detect(NEVER, request_for(), keeper)
    next(generator), next(generator)
    keeper.retire()
    assert fake.closed == 0
    generator.close()
    assert fake.closed == 1


def test_a_dock_that_is_gone_while_idle_frees_the_detector_at_once(fake, request_for):
    keeper = DetectorKeeper()
    run(detect(NEVER, request_for(), keeper))
    keeper.retire()
    assert fake.closed == 1


def test_devices(fake, monkeypatch):
    _, devices = run(find_devices(NEVER))
    assert [device.name for device in devices] == ["cuda", "cpu"]
    from napari_farnet.detect import workers

    error = OSError("libcuda.so is damaged")

    def broken():
        raise error

    monkeypatch.setattr(workers, "list_devices", broken)
    _, failure = run(find_devices(NEVER))
    assert failure == Failure(error)
