"""What is found once more is the same, and what is not is said."""

import math
import shutil

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from farnet.detection import Detector
from farnet.errors import InvalidInputError, ModelFileError
from farnet.formats import read_annotations, write_annotations
from farnet.landmarks import Landmarks
from farnet.modelfile import DecoderConfig
from farnet.radiograph import Radiograph, read_radiograph
from farnet.review import Review
from farnet.samples import average_cephalogram
from farnet.scheme import load_scheme
from farnet.verification import compare, verify_landmarks

from .models import write_tiny_model

SCHEME = load_scheme("cephalometric19")


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """The average cephalogram as a file, and what the bundled model finds in it on the CPU, as a table."""
    folder = tmp_path_factory.mktemp("scans")
    radiograph, _ = average_cephalogram()
    shutil.copy(radiograph.path, folder / "average.png")
    found = Detector(device="cpu").detect(read_radiograph(folder / "average.png", spacing=0.2)).landmarks
    write_annotations(folder / "landmarks.csv", [found])
    return folder


@pytest.fixture
def found(scans):
    (landmarks,) = read_annotations(scans / "landmarks.csv")
    return landmarks


def verified(landmarks, *places, **keywords):
    (check,) = verify_landmarks([landmarks], places, **keywords)
    return check


def moved(landmarks, k, by):
    points = landmarks.points.copy()
    points[k] += by
    return landmarks.replace(points=points)


def test_what_the_bundled_model_found_is_found_again_to_the_last_bit(scans, found):
    check = verified(found, scans)
    assert (check.outcome, check.reason, check.compared, check.by_hand) == ("identical", "", 19, 0)
    assert (check.largest_px, check.device, check.model) == (0.0, "cpu", "ceph19-compact")
    assert check.path == scans / "average.png"


def test_a_point_that_is_elsewhere_is_named_and_a_correction_is_not(scans, found):
    check = verified(moved(found, 3, (3.0, 4.0)), scans)
    assert (check.outcome, check.landmark) == ("differs", SCHEME.names[3])
    assert (check.largest_px, check.largest_mm) == (pytest.approx(5.0), pytest.approx(1.0))
    corrected = Review.of(found).moved(3, found.points[3] + 9.0, who="AB").removed(4).marked_absent(5).to_landmarks()
    assert verified(corrected, scans).outcome == "identical"


@pytest.fixture
def tiny(tmp_path, rng):
    """A folder with a radiograph, a model file, and the landmarks that it finds."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    Image.fromarray(rng.integers(0, 255, (90, 70), np.uint8)).save(folder / "x.png")
    write_tiny_model(tmp_path / "tiny.safetensors", decoder=DecoderConfig(sigma=3.0, min_peak=0.0))
    return folder, tmp_path / "tiny.safetensors"


def detected(folder, model):
    return Detector(model, "cpu").detect(read_radiograph(folder / "x.png")).landmarks


def test_a_radiograph_is_found_by_its_content(tiny):
    folder, model = tiny
    landmarks = detected(folder, model)
    (folder / "deep").mkdir()
    (folder / "x.png").rename(folder / "deep" / "renamed.png")
    (folder / "broken.png").write_bytes(b"no picture")
    assert verified(landmarks, folder, model=model).path == folder / "deep" / "renamed.png"
    unknown = landmarks.replace(image_sha256=None)
    assert verified(unknown, folder, model=model).outcome == "identical"  # by its pixels
    provenance = {**landmarks.provenance, "pixels_sha256": None}
    check = verified(unknown.replace(provenance=provenance), folder, model=model)
    assert (check.outcome, "not recorded which file" in check.reason) == ("unchecked", True)


def test_other_content_is_said(tiny, rng):
    folder, model = tiny
    landmarks = detected(folder, model)
    Image.fromarray(rng.integers(0, 255, (90, 70), np.uint8)).save(folder / "x.png")
    check = verified(landmarks, folder, model=model)
    assert check.outcome == "unchecked"
    assert f"content of {folder / 'x.png'} is not that" in check.reason
    (folder / "x.png").rename(folder / "y.png")
    assert "none of the 1 radiographs" in verified(landmarks, folder, model=model).reason


def test_another_model_of_the_same_name_is_said(tiny, tmp_path, monkeypatch):
    folder, model = tiny
    landmarks = detected(folder, model)
    monkeypatch.setenv("FARNET_MODELS", str(tmp_path / "models"))
    assert "there is no model tiny" in verified(landmarks, folder).reason
    (tmp_path / "models").mkdir()
    shutil.copy(model, tmp_path / "models" / "tiny.safetensors")
    assert verified(landmarks, folder).outcome == "identical"
    write_tiny_model(tmp_path / "models" / "tiny.safetensors", title="other")
    check = verified(landmarks, folder)
    assert check.outcome == "unchecked"
    assert "the model tiny is another file" in check.reason
    assert landmarks.provenance["model_sha256"][:12] in check.reason
    shutil.copy(model, tmp_path / "models" / "elsewhere.safetensors")
    other = verified(landmarks, folder, model=tmp_path / "models" / "tiny.safetensors")
    assert "another file" in other.reason


def test_what_was_otherwise_is_told_where_the_points_differ(tiny):
    folder, model = tiny
    landmarks = detected(folder, model)
    landmarks = moved(landmarks, int(np.flatnonzero(landmarks.present)[0]), (0.001, 0.0))
    provenance = {**landmarks.provenance, "device": "cuda:7", "hardware": "a GPU", "farnet": "0.0.1", "threads": "many"}
    check = verified(landmarks.replace(provenance=provenance), folder, model=model, device="cpu")
    assert check.outcome == "same"
    for text in ("device cuda:7, now cpu", "hardware a GPU", "farnet 0.0.1", "threads many"):
        assert text in check.reason
    changed = {**landmarks.provenance, "pixels_sha256": "0" * 64}
    assert "the pixels were others" in verified(landmarks.replace(provenance=changed), folder, model=model).reason


def test_threads_are_those_of_the_record_and_are_put_back(tiny, monkeypatch):
    import torch

    folder, model = tiny
    landmarks = detected(folder, model)
    before, seen = torch.get_num_threads(), []
    other = before + 1
    plain = Detector.detect
    monkeypatch.setattr(Detector, "detect", lambda *a, **k: seen.append(torch.get_num_threads()) or plain(*a, **k))
    verified(landmarks.replace(provenance={**landmarks.provenance, "threads": other}), folder, model=model)
    assert (seen, torch.get_num_threads()) == ([other], before)


def test_what_no_model_placed_cannot_be_checked(tiny):
    folder, model = tiny
    by_hand = Landmarks(np.ones((19, 2)), SCHEME, source="senior", radiograph="x")
    check = verified(by_hand, folder, model=model)
    assert (check.outcome, check.passed, check.reason) == ("unchecked", False, "no model placed them, but senior")
    unsaved = detected(folder, model)
    unsaved = unsaved.replace(provenance={**unsaved.provenance, "model_sha256": ""})
    assert "SHA-256 of the file of model tiny is not recorded" in verified(unsaved, folder, model=model).reason


def test_wrong_use(tiny):
    folder, model = tiny
    with pytest.raises(InvalidInputError, match="tolerance is nan"):
        list(verify_landmarks([], [folder], model=model, tolerance=math.nan))
    with pytest.raises(ModelFileError, match="no model file"):
        list(verify_landmarks([], [folder], model="no/model.safetensors"))


def landmarks_at(points, spacing=None):
    return Landmarks(points, SCHEME, spacing=spacing, radiograph="x")


def test_points_by_hand_are_left_out_and_counted():
    points = np.arange(38.0).reshape(19, 2)
    points[2] = np.nan
    then = Review.of(landmarks_at(points)).moved(2, (5.0, 5.0)).to_landmarks()
    now = points.copy()
    now[2] = 99.0
    check = compare(then, landmarks_at(now))
    assert (check.outcome, check.by_hand, check.compared) == ("identical", 1, 18)
    unrecorded = landmarks_at(now).replace(edited=np.arange(19) == 7)  # somebody moved it, and nobody knows from where
    assert compare(unrecorded, landmarks_at(now + 1e-3)).by_hand == 1


def test_a_landmark_that_is_found_only_once_differs():
    points = np.arange(38.0).reshape(19, 2)
    fewer = points.copy()
    fewer[4] = np.nan
    for then, now in ((points, fewer), (fewer, points)):
        check = compare(landmarks_at(then), landmarks_at(now))
        assert (check.outcome, check.landmark, check.found_once) == ("differs", SCHEME.names[4], (SCHEME.names[4],))
        assert check.largest_px == 0.0
    nothing = landmarks_at(np.full((19, 2), np.nan))
    assert compare(nothing, nothing).outcome == "identical"
    assert math.isnan(compare(nothing, landmarks_at(points)).largest_px)


@given(k=st.integers(0, 18), by=st.floats(0, 100), angle=st.floats(0, 6), tolerance=st.floats(0, 10))
def test_the_outcome_goes_by_the_largest_distance(k, by, angle, tolerance):
    then = landmarks_at(np.zeros((19, 2)), (0.5, 0.5))  # near zero, where adding rounds least
    offset = np.array([math.cos(angle), math.sin(angle)]) * by
    check = compare(then, moved(then, k, offset), tolerance=tolerance)
    distance = float(np.linalg.norm(offset))
    assume(distance != pytest.approx(tolerance))  # the last bit may decide there
    if not offset.any():
        assert check.outcome == "identical"
    else:
        assert check.outcome == ("same" if distance <= tolerance else "differs")
        assert check.largest_px == pytest.approx(distance)
        assert check.largest_mm == pytest.approx(distance / 2)
        if distance:
            assert check.landmark == SCHEME.names[k]


def test_the_hash_of_the_pixels_is_that_of_the_radiograph(tiny):
    folder, model = tiny
    radiograph = Radiograph.from_array(np.asarray(Image.open(folder / "x.png")))
    assert detected(folder, model).provenance["pixels_sha256"] == radiograph.pixels_sha256()


def test_a_radiograph_that_was_saved_in_another_format_is_found_by_its_pixels(tiny):
    folder, model = tiny
    landmarks = detected(folder, model)
    Image.open(folder / "x.png").save(folder / "x.bmp")
    (folder / "x.png").unlink()
    assert verified(landmarks, folder, model=model).path == folder / "x.bmp"


def test_a_defect_in_one_radiograph_does_not_end_it(monkeypatch):
    """What nobody foresaw is the reason why that one is unchecked."""
    from types import SimpleNamespace

    import farnet.verification as module

    scheme = load_scheme("cephalometric19")
    item = Landmarks(np.ones((19, 2)), scheme, radiograph="a", source="model x", provenance={"model": "x"})
    finder = SimpleNamespace(find=lambda _: "a.png")
    models = SimpleNamespace(detector=lambda _: 1 / 0)
    check = module._verified(item, finder, models, 0.01)
    assert check.outcome == "unchecked"
    assert check.reason.startswith("a.png could not be worked on: ZeroDivisionError")


def test_points_that_earlier_versions_gave_outside_the_picture_are_compared():
    points = np.random.default_rng(0).uniform(20, 80, (19, 2))
    points[5] = 120.0, 30.0
    then = landmarks_at(points).replace(image_shape=(100, 100))
    assert compare(then, then.inside()).outcome == "identical"
    assert compare(then.inside(), then.inside()).outcome == "identical"
    assert compare(then, then.replace(points=points + [[1.0, 0.0]] * 19).inside()).outcome == "differs"
