"""A folder of radiographs that is corrected one by one."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image

from farnet.corrections import CORRECTIONS, Corrections
from farnet.errors import AnnotationError, InvalidInputError, OutputError
from farnet.formats import read_annotations, write_annotations
from farnet.identity import OtherRadiographError, RadiographId
from farnet.landmarks import Landmarks
from farnet.radiograph import read_radiograph
from farnet.review import Review
from farnet.scheme import load_scheme

SCHEME = load_scheme("cephalometric19")


def predicted(name, shape=(40, 30)):
    points = np.stack([np.linspace(1, 38, 19), np.linspace(1, 28, 19)], axis=1)
    return Landmarks(points=points, scheme=SCHEME, radiograph=name, image_shape=shape, source="model x")


@pytest.fixture
def folder(tmp_path):
    for number in (1, 2, 3):
        pixels = np.random.default_rng(number).integers(0, 255, (40, 30), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number:03}.png")
    write_annotations(tmp_path / "landmarks.csv", [predicted("001"), predicted("002")])
    return tmp_path


def test_predictions_are_what_one_begins_with(folder):
    corrections = Corrections.open(folder)
    assert [item.name for item in corrections.items] == ["001", "002", "003"]
    first = corrections.landmarks(0, corrections.radiograph(0))
    np.testing.assert_array_equal(first.points, predicted("001").points)
    third = corrections.landmarks(2, corrections.radiograph(2))
    assert not third.present.any()
    assert third.source == "by hand"
    assert third.image_shape == (40, 30)


def test_corrections_are_saved_beside_and_predictions_stay(folder):
    before = hashlib.sha256((folder / "landmarks.csv").read_bytes()).hexdigest()
    corrections = Corrections.open(folder)
    review = Review.of(corrections.landmarks(0, corrections.radiograph(0))).moved(0, (5.5, 6.25))
    file = corrections.save(0, review.to_landmarks())
    assert file == folder / CORRECTIONS / "001.csv"
    corrections.save(0, review.accepted(1).to_landmarks())  # once more is no conflict
    assert hashlib.sha256((folder / "landmarks.csv").read_bytes()).hexdigest() == before
    again = Corrections.open(folder)
    assert [item.corrected for item in again.items] == [True, False, False]
    read = Review.of(again.landmarks(0, again.radiograph(0)))
    assert read.states[:2] == ("edited", "accepted")
    np.testing.assert_array_equal(read.origin[0], predicted("001").points[0])


def test_a_change_by_somebody_else_is_not_overwritten(folder):
    mine, theirs = Corrections.open(folder), Corrections.open(folder)
    for side in (mine, theirs):
        side.landmarks(0, side.radiograph(0))
    file = theirs.save(0, predicted("001"))
    content = file.read_bytes()
    moved = Review.of(predicted("001")).moved(0, (9.0, 9.0)).to_landmarks()
    with pytest.raises(OutputError, match=r"changed by somebody else.*conflict-"):
        mine.save(0, moved)
    assert file.read_bytes() == content
    (beside,) = file.parent.glob("*.conflict-*.csv")
    np.testing.assert_array_equal(read_annotations(beside)[0].points[0], (9.0, 9.0))


def test_all_corrections_in_one_file(folder, tmp_path):
    corrections = Corrections.open(folder)
    with pytest.raises(InvalidInputError, match="no corrections yet"):
        corrections.merged(tmp_path / "all.csv")
    for number in (0, 2):
        corrections.save(number, predicted(corrections.items[number].name))
    assert corrections.merged(tmp_path / "all.csv") == 2
    assert [item.radiograph for item in read_annotations(tmp_path / "all.csv")] == ["001", "003"]
    with pytest.raises(OutputError, match="never overwritten"):
        corrections.merged(folder / "landmarks.csv")


def test_a_damaged_file_of_corrections_is_left_alone(folder):
    corrections = Corrections.open(folder)
    file = corrections.save(0, predicted("001"))
    file.write_bytes(b"\x00\xff broken")
    with pytest.raises(AnnotationError):
        Corrections.open(folder).landmarks(0, corrections.radiograph(0))
    assert file.read_bytes() == b"\x00\xff broken"


def test_predictions_of_other_pictures_are_refused(folder):
    write_annotations(folder / "landmarks.csv", [predicted("001", shape=(400, 300))])
    corrections = Corrections.open(folder)
    with pytest.raises(AnnotationError, match=r"\(400, 300\) pixels.*\(40, 30\)"):
        corrections.landmarks(0, corrections.radiograph(0))


def test_two_predictions_of_one_radiograph_are_refused(folder):
    write_annotations(folder / "landmarks.csv", [predicted("001"), predicted("001").replace(source="other")])
    with pytest.raises(AnnotationError, match="two sets of landmarks of the radiograph '001'"):
        Corrections.open(folder)


def test_what_is_no_folder_of_radiographs_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="is no folder"):
        Corrections.open(tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="holds no radiographs"):
        Corrections.open(tmp_path)


def test_without_predictions_a_scheme_is_needed(folder):
    (folder / "landmarks.csv").unlink()
    with pytest.raises(InvalidInputError, match="choose a scheme"):
        Corrections.open(folder)
    assert Corrections.open(folder, scheme=SCHEME).scheme is SCHEME


def test_files_of_one_name_are_told_apart(folder):
    Image.fromarray(np.zeros((40, 30), np.uint8) + 7).save(folder / "001.bmp")
    corrections = Corrections.open(folder)
    assert {item.name for item in corrections.items} == {"001.bmp", "001.png", "002", "003"}
    assert len({item.file for item in corrections.items}) == 4


def recorded(folder, name, **changes):
    """Predictions of a file of the folder, as `farnet detect` makes them."""
    radiograph = read_radiograph(folder / name)
    own = {"image_sha256": radiograph.sha256, "provenance": {"pixels_sha256": radiograph.pixels_sha256()}}
    return predicted(radiograph.name).replace(**{**own, **changes})


def opened(folder, *items, format="landmarks.csv"):
    write_annotations(folder / format, items)
    return Corrections.open(folder, predictions=folder / format)


def exchanged(folder, name="001.png"):
    """Put another patient's radiograph of the same size under a name."""
    Image.fromarray(np.random.default_rng(99).integers(0, 255, (40, 30), dtype=np.uint8)).save(folder / name)


@pytest.mark.parametrize("format", ["landmarks.csv", "landmarks.coco.json"])
def test_predictions_of_another_patients_file_of_this_name_are_never_shown_in_silence(folder, format, caplog):
    corrections = opened(folder, recorded(folder, "001.png"), format=format)
    assert corrections.landmarks(0, corrections.radiograph(0)).present.all()
    exchanged(folder)
    radiograph = corrections.radiograph(0)
    with pytest.raises(OtherRadiographError, match=r"another radiograph than .*001.png.*SHA-256.*Detect"):
        corrections.landmarks(0, radiograph)
    taken = corrections.landmarks(0, radiograph, trust=True)  # a person says so
    assert taken.identity.compare(RadiographId.of(radiograph)) == "same"
    assert taken.provenance["taken_from"]["sha256"] != radiograph.sha256
    corrections.save(0, taken)
    again = Corrections.open(folder, predictions=folder / format)
    assert again.landmarks(0, again.radiograph(0)).equals(taken)  # and is not asked again
    assert not caplog.records


def test_corrections_of_another_patients_file_of_this_name_are_not_shown_in_silence(folder):
    corrections = opened(folder, recorded(folder, "001.png"))
    corrections.save(0, corrections.landmarks(0, corrections.radiograph(0)))
    exchanged(folder)
    again = Corrections.open(folder)
    with pytest.raises(OtherRadiographError, match=r"corrections.*001.csv.*another radiograph"):
        again.landmarks(0, again.radiograph(0))


def test_a_renamed_file_finds_its_predictions_and_one_saved_in_another_format_too(folder):
    item = recorded(folder, "001.png")
    (folder / "001.png").rename(folder / "renamed.png")
    corrections = opened(folder, item)
    number = [one.name for one in corrections.items].index("renamed")
    assert corrections.landmarks(number, corrections.radiograph(number)).present.all()
    Image.open(folder / "renamed.png").save(folder / "001.bmp")
    (folder / "renamed.png").unlink()
    corrections = Corrections.open(folder)
    assert corrections.landmarks(0, corrections.radiograph(0)).present.all()


def test_what_only_a_name_speaks_for_is_told_once(folder, caplog):
    corrections = opened(folder, predicted("001"), predicted("002"))
    for _ in range(2):
        for number in (0, 1):
            found = corrections.landmarks(number, corrections.radiograph(number))
            assert found.identity.compare(RadiographId.of(corrections.radiograph(number))) == "same"
    (record,) = caplog.records
    assert record.name == "farnet.notices"
    assert "does not say which files" in record.message


def test_predictions_named_alike_in_different_folders_go_to_their_own(tmp_path):
    """As `farnet detect a b` names them, with hashes and without."""
    for seed, place in enumerate(("a", "b")):
        (tmp_path / place).mkdir()
        pixels = np.random.default_rng(seed).integers(0, 255, (40, 30), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / place / "lateral.png")
    hashed = [
        recorded(tmp_path / place, "lateral.png", points=np.full((19, 2), value), radiograph=f"{place}/lateral.png")
        for place, value in (("a", 1.0), ("b", 2.0))
    ]
    plain = [item.replace(image_sha256=None, provenance={}) for item in hashed]
    for items in (hashed, plain, [item.replace(radiograph="lateral") for item in hashed]):
        write_annotations(tmp_path / "all.csv", items)
        for place, value in (("a", 1.0), ("b", 2.0)):
            corrections = Corrections.open(tmp_path / place, predictions=tmp_path / "all.csv")
            assert corrections.landmarks(0, corrections.radiograph(0)).points[0, 0] == value
    elsewhere = [item.replace(radiograph=f"scans/{number}/lateral") for number, item in enumerate(plain)]
    write_annotations(tmp_path / "all.csv", elsewhere)
    corrections = Corrections.open(tmp_path / "a", predictions=tmp_path / "all.csv")
    with pytest.raises(AnnotationError, match="2 sets of landmarks that may be those of"):
        corrections.landmarks(0, corrections.radiograph(0))


def test_landmarks_of_another_radiograph_are_not_saved(folder):
    corrections = opened(folder, recorded(folder, "001.png"), recorded(folder, "002.png"))
    first = corrections.landmarks(0, corrections.radiograph(0))
    corrections.landmarks(1, corrections.radiograph(1))
    with pytest.raises(OtherRadiographError, match="not those of"):
        corrections.save(1, first)
    assert not corrections.items[1].corrected
    corrections.save(0, first)


def test_no_two_radiographs_share_a_file_of_corrections(folder):
    for name in ("001.bmp", "001.PNG", "001.png.tif"):
        Image.fromarray(np.zeros((40, 30), np.uint8) + 7).save(folder / name)
    items = Corrections.open(folder, scheme=SCHEME).items
    assert {item.path.name for item in items} >= {"001.bmp", "001.PNG", "001.png.tif", "001.png"}
    assert len({item.file for item in items}) == len(items)


@pytest.mark.parametrize("edits", [600, 5000])
def test_thousands_of_edits_are_saved_and_opened(folder, edits):
    scheme = load_scheme("spine68")
    (folder / "landmarks.csv").unlink()
    corrections = Corrections.open(folder, scheme=scheme)
    review = Review.of(corrections.landmarks(0, corrections.radiograph(0)))
    places = np.random.default_rng(5).uniform(0, 29, (edits, 2))
    for number, place in enumerate(places):
        review = review.moved(number % 68, place, who="A\tB")
    assert len(review.log) == edits
    corrections.save(0, review.to_landmarks())
    again = Corrections.open(folder, scheme=scheme)
    read = Review.of(again.landmarks(0, again.radiograph(0)))
    assert read.log == review.log
    np.testing.assert_array_equal(read.landmarks.points, review.landmarks.points)
    again.save(0, read.moved(0, (1.0, 1.0)).to_landmarks())


def test_corrections_stay_with_their_radiograph_when_another_of_its_name_comes_and_goes(folder, caplog):
    def saved_column(corrections, file):
        (number,) = [k for k, item in enumerate(corrections.items) if item.path.name == file]
        found = corrections.landmarks(number, corrections.radiograph(number))
        return found.points[0, 1] if corrections.items[number].corrected else None

    first = Corrections.open(folder, scheme=SCHEME)
    blank = first.landmarks(2, first.radiograph(2))
    first.save(2, Review.of(blank).moved(0, (3.0, 7.0)).to_landmarks())
    exchanged(folder, "003.bmp")  # now there are two that are called 003
    both = Corrections.open(folder, scheme=SCHEME)
    assert {item.name for item in both.items} >= {"003.bmp", "003.png"}
    assert (saved_column(both, "003.png"), saved_column(both, "003.bmp")) == (7.0, None)
    other = [item.path.name for item in both.items].index("003.bmp")
    blank = both.landmarks(other, both.radiograph(other))
    both.save(other, Review.of(blank).moved(0, (3.0, 8.0)).to_landmarks())
    (folder / "003.png").unlink()  # and now one again, the other one
    assert not caplog.records
    last = Corrections.open(folder, scheme=SCHEME)
    number = [item.name for item in last.items].index("003")
    with pytest.raises(OtherRadiographError):
        last.landmarks(number, last.radiograph(number))  # 003.csv is of the one that is gone
    (folder / CORRECTIONS / "003.csv").unlink()
    assert saved_column(Corrections.open(folder, scheme=SCHEME), "003.bmp") == 8.0
    exchanged(folder, "003.bmp")
    Image.fromarray(np.eye(40, dtype=np.uint8)).save(folder / "003.bmp")
    Corrections.open(folder, scheme=SCHEME)
    assert "holds corrections that are of none of 003.bmp" in caplog.text
