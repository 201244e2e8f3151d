from __future__ import annotations

import copy
import json
import pickle

import pytest

from farnet.errors import SchemeError, UnknownNameError
from farnet.scheme import LandmarkDefinition, LandmarkScheme, bundled_schemes, load_scheme

COUNTS = {"cephalometric19": 19, "hand37": 37, "spine68": 68}


def make(names=("Sella", "Nasion"), **changes):
    landmarks = tuple(LandmarkDefinition(name, name[:2]) for name in names)
    return LandmarkScheme(**{"name": "tiny", "title": "Tiny", "landmarks": landmarks, **changes})


def test_the_bundled_schemes_are_these():
    assert {name: len(load_scheme(name)) for name in bundled_schemes()} == COUNTS


@pytest.mark.parametrize("name", COUNTS)
def test_bundled_scheme_is_complete(name):
    scheme = load_scheme(name)
    assert scheme.name == name
    assert scheme.title
    for landmark in scheme.landmarks:
        assert landmark.definition.endswith(".")
        assert landmark.definition.count(". ") == 0, "a definition is one sentence"
        assert len(landmark.abbreviation) <= 6
    linked = {end for link in scheme.links for end in link}
    assert len(linked) >= 0.9 * len(scheme)
    assert len(set(map(frozenset, scheme.links))) == len(scheme.links)


@pytest.mark.parametrize("name", COUNTS)
def test_dictionary_round_trip_survives_json(name):
    scheme = load_scheme(name)
    again = LandmarkScheme.from_dict(json.loads(json.dumps(scheme.to_dict())))
    assert again == scheme
    assert hash(again) == hash(scheme)


def test_cephalometric_order_is_that_of_the_challenge():
    expected = "S N Or Po A B Pog Me Gn Go LI UI UL LL Sn Pog' PNS ANS Ar"
    assert load_scheme("cephalometric19").abbreviations == tuple(expected.split())


def test_spine_goes_down_and_reads_like_text():
    scheme = load_scheme("spine68")
    vertebrae = [f"T{n}" for n in range(1, 13)] + [f"L{n}" for n in range(1, 6)]
    assert scheme.abbreviations == tuple(f"{v}-{corner}" for v in vertebrae for corner in ("TL", "TR", "BL", "BR"))
    assert [landmark.side for landmark in scheme.landmarks[:4]] == ["left", "right", "left", "right"]


def test_hand_digits_end_in_their_tips():
    scheme = load_scheme("hand37")
    assert [scheme.index(f"Tip{digit}") for digit in (1, 2, 3, 4, 5)] == [20, 24, 28, 32, 36]
    assert [scheme.index(f"MC{digit}") for digit in (5, 4, 3, 2)] == [13, 14, 15, 16]


@pytest.mark.parametrize("key", ["Nasion", "nasion", "N", "n", " N "])
def test_index_takes_names_and_abbreviations(key):
    assert load_scheme("cephalometric19").index(key) == 1


def test_spaces_around_a_name_do_not_count():
    assert make(("Sella ", "Nasion")).index("sella") == 0
    with pytest.raises(SchemeError, match="must differ"):
        make(("Sella", " sella"))


def test_index_tells_the_prime_from_the_bone():
    scheme = load_scheme("cephalometric19")
    assert (scheme.index("Pog"), scheme.index("Pog'")) == (6, 15)


def test_unknown_landmark_is_named_with_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"'Nasian'.*Did you mean 'Nasion'\?"):
        load_scheme("cephalometric19").index("Nasian")


def test_unknown_scheme():
    with pytest.raises(UnknownNameError, match="cephalometric19, hand37, spine68"):
        load_scheme("ceph")


def test_bundled_schemes_are_read_once():
    assert load_scheme("hand37") is load_scheme("hand37")


def test_schemes_survive_pickle_and_copy():
    scheme = load_scheme("cephalometric19")
    scheme.index("N")
    assert pickle.loads(pickle.dumps(scheme)) == scheme
    assert copy.deepcopy(scheme) == scheme


def test_scheme_from_a_file(tmp_path):
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(make(links=((0, 1),)).to_dict()), encoding="utf-8")
    assert load_scheme(path) == load_scheme(str(path)) == make(links=((0, 1),))


def test_scheme_file_that_is_missing_or_broken(tmp_path):
    with pytest.raises(SchemeError, match="cannot be read"):
        load_scheme(tmp_path / "none.json")
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(SchemeError, match="not JSON"):
        load_scheme(broken)
    broken.write_text("[]", encoding="utf-8")
    with pytest.raises(SchemeError, match=r"broken\.json: This is no landmark scheme"):
        load_scheme(broken)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": " "}, "needs a name"),
        ({"landmarks": ()}, "no landmarks"),
        ({"links": ((0, 2),)}, "numbered 0 to 1"),
        ({"links": ((1, 1),)}, "two different"),
        ({"landmarks": (LandmarkDefinition("A", "a"), LandmarkDefinition("B", "A"))}, "must differ"),
        ({"landmarks": (LandmarkDefinition("A", " "),)}, "empty name or abbreviation"),
        ({"landmarks": (LandmarkDefinition("A", "A", side="top"),)}, "allowed: midline, left, right, none"),
    ],
)
def test_contradictory_scheme_is_refused(changes, words):
    with pytest.raises(SchemeError, match=words):
        make(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "other"}, "no landmark scheme"),
        ({"version": 2}, "newer"),
        ({"name": None}, "'name' must be a text"),
        ({"landmarks": "S N"}, "'landmarks' must be a list"),
        ({"landmarks": ["S"]}, "must be an object"),
        ({"landmarks": [{"name": "Sella"}]}, "'abbreviation' must be a text"),
        ({"links": [["Se", "Or"]]}, "Unknown landmark"),
        ({"links": [["Se"]]}, "joins two"),
        ({"links": [["Se", True]]}, "neither a name nor an index"),
        ({"links": [[0, 9]]}, "numbered 0 to 1"),
    ],
)
def test_malformed_description_is_refused(changes, words):
    with pytest.raises(SchemeError, match=words):
        LandmarkScheme.from_dict(make().to_dict() | changes)


def test_links_may_be_indices():
    assert LandmarkScheme.from_dict(make().to_dict() | {"links": [[0, "Na"]]}).links == ((0, 1),)


class TestMirror:
    """Which landmarks change their names in a mirror."""

    def test_corners_of_a_vertebra_change_sides(self):
        scheme = load_scheme("spine68")
        assert scheme.mirrored is not None
        for index, other in enumerate(scheme.mirrored):
            abbreviation = scheme.abbreviations[index]
            swapped = abbreviation[:-1] + {"L": "R", "R": "L"}[abbreviation[-1]]
            assert scheme.abbreviations[other] == swapped
            assert scheme.landmarks[index].side != scheme.landmarks[other].side
        assert LandmarkScheme.from_dict(scheme.to_dict()).mirror == scheme.mirror

    def test_a_head_from_the_side_has_no_mirror_image(self):
        assert load_scheme("cephalometric19").mirrored is None

    def test_it_does_not_make_another_scheme(self):
        scheme = load_scheme("spine68")
        assert LandmarkScheme(scheme.name, scheme.title, scheme.landmarks, scheme.links) == scheme

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [([(0, 0)], "two different landmarks"), ([(0, 99)], "two different"), ([(0, 1), (1, 2)], "two mirror pairs")],
    )
    def test_impossible_pairs_are_refused(self, pairs, message):
        scheme = load_scheme("spine68")
        with pytest.raises(SchemeError, match=message):
            LandmarkScheme(scheme.name, scheme.title, scheme.landmarks, scheme.links, tuple(pairs))
