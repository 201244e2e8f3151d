"""What is beside what: files are found by name, and a running model can be stopped between two stages."""

import pytest

from farnet.evaluation import EvaluationRequest, compare
from farnet.evaluation.comparison import radiograph_files
from farnet.landmarks import Landmarks
from farnet.radiograph import read_radiograph
from farnet.samples import average_cephalogram


class Stepping:
    """A detector that takes its time, and says what it was asked for."""

    name, sha256, device = "stepping", "0" * 64, "cpu"

    def __init__(self):
        self.seen = []

    def steps(self, radiograph, *, heatmaps=False):
        yield "prepare"
        self.seen.append(radiograph.name)
        yield "network"
        _, landmarks = average_cephalogram()

        class Found:
            seconds, alone, evidence = 0.5, None, None

        found = Found()
        found.landmarks = landmarks.replace(
            radiograph=radiograph.name, image_shape=radiograph.shape, spacing=radiograph.spacing, image_sha256=None
        )
        return found


@pytest.fixture
def folder(tmp_path):
    """Two radiographs, and true landmarks that call them by other endings."""
    import numpy as np
    from PIL import Image

    from farnet.formats import write_annotations

    _, landmarks = average_cephalogram()
    for i, name in enumerate(("A1.png", "b2.bmp")):
        pixels = np.random.default_rng(i).integers(0, 255, (40, 30), np.uint8)
        (tmp_path / "scans").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "scans" / name)
    truth = [
        Landmarks(landmarks.points, landmarks.scheme, radiograph=name, spacing=(0.1, 0.1)) for name in ("a1", "b2.png")
    ]
    write_annotations(tmp_path / "truth.csv", truth)
    return tmp_path


def test_a_model_on_a_folder_step_by_step(folder):
    request = EvaluationRequest(radiographs=folder / "scans", reference=folder / "truth.csv", model="stepping")
    detector, asked, steps = Stepping(), [], []

    def get(model, device):
        asked.append((model, device))
        return detector

    generator = compare(request, get)
    while True:
        try:
            steps.append(next(generator))
        except StopIteration as end:
            comparison = end.value
            break
    assert asked == [("stepping", "auto")]
    assert steps[0] == (0, 2, "Loading stepping")
    assert {step.done for step in steps[1:]} == {0, 1}
    assert detector.seen == ["A1", "b2"]
    assert [item.radiograph for item in comparison.references] == ["a1", "b2.png"]
    assert {name: path.name for name, path in comparison.files.items()} == {"a1": "A1.png", "b2.png": "b2.bmp"}
    assert comparison.record["seconds_per_radiograph"] == 0.5
    evaluation = comparison.measure(request)
    assert (evaluation.unit, evaluation.pooled.mre) == ("mm", 0.0)
    assert comparison.without(["A1.jpg"]).measure(request).radiographs == ("b2.png",)


def test_it_stops_between_two_stages(folder):
    request = EvaluationRequest(radiographs=folder / "scans", reference=folder / "truth.csv")
    detector = Stepping()
    generator = compare(request, lambda model, device: detector)
    for _ in range(3):
        next(generator)
    generator.close()
    assert detector.seen == []


def test_the_files_of_radiographs_are_found_in_folders_of_folders(folder):
    (folder / "scans" / "more").mkdir()
    (folder / "scans" / "b2.bmp").rename(folder / "scans" / "more" / "B2.bmp")
    found = radiograph_files(["a1", "b2.png", "nobody"], folder / "scans")
    assert {name: path.name for name, path in found.items()} == {"a1": "A1.png", "b2.png": "B2.bmp"}
    assert read_radiograph(found["a1"]).shape == (40, 30)
    assert radiograph_files(["a1"], folder / "nowhere") == {}


def test_points_outside_their_picture_are_told(folder):
    """A person's points count as they are, wherever they are."""
    from farnet.formats import read_annotations, write_annotations

    truth = read_annotations(folder / "truth.csv")
    small = [truth[0].replace(image_shape=(100, 100)), truth[1]]
    beyond = int(small[0].outside.sum())
    assert beyond > 0
    write_annotations(folder / "small.csv", small)
    steps = compare(EvaluationRequest(predictions=folder / "small.csv", reference=folder / "truth.csv"))
    with pytest.raises(StopIteration) as end:
        next(steps)
    comparison = end.value.value
    assert comparison.left_out == (
        f"{beyond} predicted landmarks lie outside the picture and count as they are: on a1.",
    )
    assert comparison.predictions[0].present.all()
