import numpy as np
import pytest
import torch

from farnet.detection import Detector
from farnet.errors import DeviceError, ModelFileError, UnknownNameError
from farnet.heatmaps import encode
from farnet.landmarks import outside_picture
from farnet.modelfile import DecoderConfig
from farnet.networks import Heatmaps
from farnet.radiograph import Radiograph

from .models import write_tiny_model


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "tiny.safetensors"
    write_tiny_model(path)
    return path


@pytest.fixture
def radiograph(rng):
    return Radiograph.from_array(rng.integers(0, 255, (300, 200), np.uint8), spacing=(0.2, 0.25), name="made up")


class Painter(torch.nn.Module):
    """A network that sees bright dots: every dot of the input becomes the heatmap of the next landmark."""

    def __init__(self, points_of, sigma=3.0):
        super().__init__()
        self.points_of, self.sigma, self.calls = points_of, sigma, 0

    def forward(self, image):
        self.calls += 1
        shape = tuple(image.shape[-2:])
        maps = encode(torch.as_tensor(self.points_of(self.calls)), shape, self.sigma)[None]
        return Heatmaps(maps, maps[..., ::2, ::2])


def test_points_come_back_in_pixels_of_the_radiograph(model, radiograph):
    detector = Detector(model, "cpu")
    wanted = np.random.default_rng(1).uniform((5, 5), (294, 194), (19, 2))
    frame = detector.metadata.input.frame(radiograph.shape)
    detector._runner.network = Painter(lambda call: frame.to_network(wanted))
    found = detector.detect(radiograph, heatmaps=True)
    np.testing.assert_allclose(found.landmarks.points, wanted, atol=1e-4)
    assert found.heatmaps.shape == (19, 64, 64)
    assert found.heatmaps.dtype == np.float32
    assert found.landmarks.spacing == (0.2, 0.25)
    assert found.landmarks.image_shape == (300, 200)
    np.testing.assert_allclose(found.landmarks.confidence, 1.0, atol=1e-3)


def test_looks_at_a_shifted_radiograph_are_averaged_where_it_lies(tmp_path, radiograph):
    path = tmp_path / "twice.safetensors"
    write_tiny_model(path, decoder=DecoderConfig(sigma=3.0, shifts=((4, 4), (-4, -4))))
    detector = Detector(path, "cpu")
    wanted = np.random.default_rng(1).uniform((80, 70), (220, 130), (19, 2))  # clear of the border
    frame = detector.metadata.input.frame(radiograph.shape)
    # The first look is 4 px down and to the right, the second 4 px up and to the left; each errs by 0.5 px there.
    shift = {1: 4.5, 2: -4.5}
    detector._runner.network = Painter(lambda call: frame.to_network(wanted) + shift[call])
    found = detector.detect(radiograph)
    assert detector._runner.network.calls == 2
    np.testing.assert_allclose(found.landmarks.points, wanted, atol=1e-3)
    assert found.landmarks.provenance["decoder"]["shifts"] == [[4, 4], [-4, -4]]


def test_provenance_tells_what_was_done(model, radiograph):
    landmarks = Detector(model, "cpu").detect(radiograph).landmarks
    record = landmarks.provenance
    assert record["model"] == "tiny"
    assert len(record["model_sha256"]) == 64
    assert record["device"] == "cpu"
    assert record["decoder"]["method"] == "matched"
    assert landmarks.source == "model tiny"


def test_stages_are_announced_and_the_result_is_that_of_detect(model, radiograph):
    detector = Detector(model, "cpu")
    steps, seen = detector.steps(radiograph), []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            found = end.value
            break
    assert seen == ["prepare", "network", "decode"]
    np.testing.assert_array_equal(found.landmarks.points, detector.detect(radiograph).landmarks.points)
    assert found.heatmaps is None


def test_anatomy_of_another_size_gets_a_second_look(tmp_path, radiograph):
    typical = np.random.default_rng(2).uniform(8, 56, (19, 2))
    path = tmp_path / "m.safetensors"
    write_tiny_model(path, typical_points=typical.tolist())
    detector = Detector(path, "cpu")
    first = detector.metadata.input.frame(radiograph.shape)
    true = first.to_radiograph((typical - typical.mean(0)) * 0.5 + typical.mean(0) + 4)

    detector._runner.network = Painter(lambda call: first.to_network(true) if call == 1 else typical)
    found = detector.detect(radiograph)
    assert detector._runner.network.calls == 2
    assert found.frame != first
    assert tuple(found.landmarks.provenance["crop"]) == found.frame.crop
    # What the second look shows at the typical places is the same anatomy.
    assert np.abs(found.landmarks.points - true).max() < 1.0


def test_a_second_look_that_sees_less_is_dropped(tmp_path, radiograph):
    typical = np.random.default_rng(2).uniform(8, 56, (19, 2))
    path = tmp_path / "m.safetensors"
    write_tiny_model(path, typical_points=typical.tolist())
    detector = Detector(path, "cpu")
    small = (typical - 32) * 0.5 + 32
    detector._runner.network = Painter(lambda call: small if call == 1 else np.full((19, 2), np.nan))
    found = detector.detect(radiograph)
    assert found.frame == detector.metadata.input.frame(radiograph.shape)
    assert found.landmarks.present.all()


def test_nothing_found_is_absent_and_no_crash(model):
    detector = Detector(model, "cpu")
    detector._runner.network = Painter(lambda call: np.full((19, 2), np.nan))
    blank = Radiograph.from_array(np.tile(np.arange(40, dtype=np.uint8), (40, 1)))
    assert not detector.detect(blank).landmarks.present.any()


def test_out_of_memory_is_said_and_memory_is_given_back(model, radiograph):
    detector = Detector(model, "cpu")

    class Greedy(torch.nn.Module):
        def forward(self, image):
            raise torch.OutOfMemoryError("CUDA out of memory")

    detector._runner.network = Greedy()
    with pytest.raises(DeviceError, match=r"too little free memory.*'cpu'"):
        detector.detect(radiograph)
    assert detector._runner.network is None
    with pytest.raises(DeviceError, match="closed"):
        detector.detect(radiograph)


def test_unknown_model_and_device(tmp_path):
    with pytest.raises(UnknownNameError):
        Detector("no-such-model", "cpu")
    with pytest.raises(ModelFileError):
        Detector(tmp_path / "none.safetensors", "cpu")
    with pytest.raises(DeviceError):
        Detector(device="abacus")


@pytest.mark.parametrize("shape", [(3000, 200), (64, 64), (500, 2000)])
def test_odd_shapes_are_taken(model, rng, shape):
    found = Detector(model, "cpu").detect(Radiograph.from_array(rng.random(shape, np.float32)))
    assert found.landmarks.points.shape == (19, 2)


class TestTogether:
    """Several radiographs in one batch: what one after the other gives."""

    @pytest.mark.parametrize("shifts", [((0, 0),), ((4, 4), (-4, -4))])
    def test_is_the_same_as_one_after_the_other(self, tmp_path, rng, shifts):
        path = tmp_path / "tiny.safetensors"
        write_tiny_model(path, decoder=DecoderConfig(sigma=3.0, min_peak=0.0, shifts=shifts))
        detector = Detector(path, "cpu")
        radiographs = [
            Radiograph.from_array(rng.integers(0, 255, shape, np.uint8), spacing=(0.2, 0.2), name=f"{shape}")
            for shape in ((300, 200), (80, 120), (150, 150))
        ]
        together = detector.detect_many(radiographs)
        assert [found.landmarks.radiograph for found in together] == [each.name for each in radiographs]
        for found, radiograph in zip(together, radiographs, strict=True):
            alone = detector.detect(radiograph)
            assert found.frame == alone.frame
            np.testing.assert_allclose(found.landmarks.points, alone.landmarks.points, atol=1e-4)
            np.testing.assert_allclose(found.landmarks.confidence, alone.landmarks.confidence, atol=1e-5)

    def test_looks_again_at_those_that_lie_unlike_in_training(self):
        """Of two in a batch, the one with much around the head is looked at in a better frame, as it is alone."""
        from farnet.samples import average_cephalogram

        detector = Detector("ceph19-compact", "cpu")
        usual = average_cephalogram()[0]
        wide = Radiograph.from_array(np.pad(usual.pixels, 300), spacing=usual.spacing, name="wide")
        together = detector.detect_many([usual, wide])
        for found, radiograph in zip(together, (usual, wide), strict=True):
            alone = detector.detect(radiograph)
            assert found.frame == alone.frame
            np.testing.assert_allclose(found.landmarks.points, alone.landmarks.points, atol=1e-4)
        assert together[1].frame != detector.metadata.input.frame(wide.shape)

    def test_too_many_for_the_memory_go_in_halves(self, model, radiograph):
        detector = Detector(model, "cpu")
        network, sizes = detector._runner.network, []

        def small(images):
            sizes.append(len(images))
            if len(images) > 1:
                raise torch.OutOfMemoryError("made up")
            return network(images)

        detector._runner.network = small
        assert len(detector.detect_many([radiograph] * 3)) == 3
        assert sizes[0] == 3 and sizes.count(1) >= 3

    def test_too_little_memory_for_one_is_an_error(self, model, radiograph):
        detector = Detector(model, "cpu")

        def full(images):
            raise torch.OutOfMemoryError("made up")

        detector._runner.network = full
        with pytest.raises(DeviceError, match="too little free memory"):
            detector.detect_many([radiograph] * 2)

    def test_of_none_is_none(self, model):
        assert Detector(model, "cpu").detect_many([]) == []


class TestCompiled:
    def test_finds_the_same_and_says_so(self, model, radiograph, monkeypatch):
        import farnet.networks.compiling

        monkeypatch.setattr(farnet.networks.compiling, "_BACKEND", "eager")
        plain, compiled = Detector(model, "cpu"), Detector(model, "cpu")
        compiled.compile()
        compiled.compile()  # once is enough
        wanted, found = plain.detect(radiograph).landmarks, compiled.detect(radiograph).landmarks
        np.testing.assert_allclose(found.points, wanted.points, atol=1e-3)
        assert found.provenance["compiled"] is True and "compiled" not in wanted.provenance
        compiled.close()
        with pytest.raises(DeviceError, match="closed"):
            compiled.compile()


class TestPrecision:
    def test_bf16_computes_in_bf16_and_says_so(self, model, radiograph, monkeypatch):
        import farnet.devices

        monkeypatch.setattr(farnet.devices, "_cpu_has_bf16", lambda: True)
        detector = Detector(model, "cpu", "bf16")
        network, seen = detector._runner.network, []

        def watched(images):
            seen.append(torch.is_autocast_enabled("cpu"))
            return network(images)

        detector._runner.network = watched
        found = detector.detect(radiograph, heatmaps=True)
        assert seen and all(seen)
        assert found.heatmaps.dtype == np.float32
        assert found.landmarks.provenance["precision"] == "bf16"

    def test_auto_is_float32(self, model, radiograph):
        detector = Detector(model, "cpu")
        assert detector.precision == "float32"
        assert detector.detect(radiograph).landmarks.provenance["precision"] == "float32"


def test_a_point_outside_the_picture_is_absent_and_its_place_is_kept(tmp_path, rng):
    path = tmp_path / "m.safetensors"
    write_tiny_model(path)
    detector = Detector(path, "cpu")
    radiograph = Radiograph.from_array(rng.integers(0, 255, (300, 200), np.uint8), spacing=0.2)
    frame = detector.metadata.input.frame(radiograph.shape)
    wanted = np.random.default_rng(1).uniform((5, 5), (294, 194), (19, 2))
    wanted[[4, 7, 9, 11]] = [[150, 203.0], [150, -3.0], [150, 199.4], [150, -0.4]]
    detector._runner.network = Painter(lambda call: frame.to_network(wanted))
    for found in (detector.detect(radiograph), *detector.detect_many([radiograph])):
        item = found.landmarks
        assert np.flatnonzero(~item.present).tolist() == [4, 7]
        assert np.isnan(item.confidence[[4, 7]]).all() and np.isnan(item.covariance[[4, 7]]).all()
        kept = outside_picture(item)
        assert list(kept) == [item.scheme.names[4], item.scheme.names[7]]
        np.testing.assert_allclose(list(kept.values()), wanted[[4, 7]], atol=0.05)
        np.testing.assert_allclose(item.points[item.present], wanted[item.present], atol=0.05)
        assert found.familiarity.confidence > 0.9  # judged by all that was found


def test_a_film_that_is_cut_through_the_chin_has_no_chin(isbi2015):
    """The bundled model: what is on the picture stays where it was, what is cut off is absent."""
    from farnet.datasets.named import open_dataset

    data = open_dataset("isbi2015", isbi2015, split="test1")
    detector = Detector(device="cpu")
    names = detector.scheme.names
    for i in (0, 5):
        whole = data.radiograph(i)
        first = detector.detect(whole).landmarks
        assert first.present.all() and not outside_picture(first)
        row = int(np.sort(first.points[:, 0])[-3]) - 12  # above the lowest three
        cut = Radiograph.from_array(whole.pixels[:row], spacing=whole.spacing)
        item = detector.detect(cut).landmarks
        lowest = {names[k] for k in np.argsort(first.points[:, 0])[-3:]}
        assert not item.outside.any()
        assert set(outside_picture(item)) <= {names[k] for k in np.flatnonzero(~item.present)}
        assert (item.points[item.present][:, 0] <= row - 0.5).all()
        assert outside_picture(item).keys() & lowest
