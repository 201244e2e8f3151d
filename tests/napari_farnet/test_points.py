"""Landmarks out of any layer of points, by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.layers import Image, Points

from farnet.errors import AnnotationError, SchemeError
from farnet.scheme import load_scheme
from napari_farnet.layers import landmarks_layer
from napari_farnet.placement import Placement
from napari_farnet.points import landmarks_in, name_column, points_refusal
from napari_farnet.settings import Settings

SCHEME = load_scheme("cephalometric19")


def foreign(names, *, column="name", data=None, **keywords):
    """A layer of somebody else: points on a diagonal, with names."""
    data = np.arange(2.0 * len(names)).reshape(-1, 2) * 3 if data is None else data
    return Points(data, features=pd.DataFrame({column: list(names)}), name="foreign", **keywords)


def named(points, names=("S", "N"), **keywords):
    keywords.setdefault("features", {"name": list(names)})
    return Points(np.array(points, np.float64), name="somebody's", **keywords)


def own(landmarks):
    data, keywords, _ = landmarks_layer(
        [landmarks], [()], Placement.of(Image(np.zeros((9, 9)))), name="own", settings=Settings()
    )
    return Points(data, **keywords)


def test_a_layer_of_this_plugin_gives_what_it_was_made_of(radiograph, landmarks_on):
    landmarks = landmarks_on(radiograph, absent=(3,))
    record = landmarks_in(own(landmarks))
    assert record.indices == ((),)
    np.testing.assert_array_equal(record.landmarks[0].points, landmarks.points)
    assert record.landmarks[0].spacing == landmarks.spacing
    assert record.landmarks[0].edited is None


def test_an_edit_in_it_counts(radiograph, landmarks_on):
    layer = own(landmarks_on(radiograph))
    moved = layer.data.copy()
    moved[4] += 2
    layer.data = moved
    (landmarks,) = landmarks_in(layer).landmarks
    np.testing.assert_array_equal(landmarks.points[4], moved[4])
    assert np.flatnonzero(landmarks.edited).tolist() == [4]


@pytest.mark.parametrize("column", ["name", "abbreviation", "label", "landmark"])
@pytest.mark.parametrize("names", [SCHEME.names, SCHEME.abbreviations], ids=["names", "abbreviations"])
def test_a_foreign_layer_is_read_by_its_names(column, names):
    layer = foreign(names, column=column)
    assert name_column(layer) == column
    (landmarks,) = landmarks_in(layer).landmarks
    assert landmarks.scheme == SCHEME
    np.testing.assert_array_equal(landmarks.points, layer.data)
    assert landmarks.edited is None
    assert landmarks.source == landmarks.radiograph == "foreign"


@given(st.permutations(range(len(SCHEME))), st.integers(1, len(SCHEME)))
def test_neither_order_nor_number_matters(order, count):
    chosen = order[:count]
    layer = foreign([SCHEME.names[k] for k in chosen])
    (landmarks,) = landmarks_in(layer).landmarks
    np.testing.assert_array_equal(landmarks.points[chosen], layer.data)
    assert landmarks.present.sum() == count


def test_its_scale_in_mm_is_the_spacing():
    layer = foreign(SCHEME.names, scale=(0.1, 0.2), units=("mm", "mm"))
    assert landmarks_in(layer).landmarks[0].spacing == pytest.approx((0.1, 0.2))
    assert landmarks_in(foreign(SCHEME.names)).landmarks[0].spacing is None


def test_the_image_under_it_tells_spacing_size_and_name():
    image = Image(np.zeros((50, 40)), scale=(0.3, 0.3), units=("mm", "mm"), name="skull")
    (landmarks,) = landmarks_in(foreign(SCHEME.names), image=image).landmarks
    assert landmarks.spacing == pytest.approx((0.3, 0.3))
    assert landmarks.image_shape == (50, 40)
    assert landmarks.radiograph == "skull"


def test_points_on_a_stack_go_to_their_radiographs():
    names = ["Sella", "Nasion", "Sella", "Nasion"]
    layer = foreign(names, data=np.array([[2.0, 1, 2], [2, 3, 4], [0, 5, 6], [0, 7, 8]]))
    record = landmarks_in(layer, image=Image(np.zeros((3, 20, 20)), name="skulls"))
    assert record.indices == ((0,), (2,))
    np.testing.assert_array_equal(record.at((2,)).points[:2], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(record.at((0,)).points[:2], [[5, 6], [7, 8]])
    assert record.at((1,)) is None
    assert [item.radiograph for item in record.landmarks] == ["skulls [0]", "skulls [2]"]


def test_a_plane_between_two_belongs_to_the_nearer():
    layer = foreign(["Sella", "Nasion"], data=np.array([[1.4, 1, 2], [0.6, 3, 4]]))
    assert landmarks_in(layer).indices == ((1,),)


def test_no_points_but_a_scheme_is_a_radiograph_without_landmarks():
    record = landmarks_in(Points(ndim=2, features=pd.DataFrame({"name": []})), scheme=SCHEME)
    assert record.indices == ((),)
    assert not record.landmarks[0].present.any()


def test_a_scheme_that_is_given_is_the_one():
    hand = load_scheme("hand37")
    (landmarks,) = landmarks_in(foreign(hand.names[:2]), scheme=hand).landmarks
    assert landmarks.scheme == hand
    with pytest.raises(AnnotationError, match="Sella"):
        landmarks_in(foreign(["Sella"]), scheme=hand)


def test_points_without_names_are_refused():
    with pytest.raises(AnnotationError, match=r"'plain' have no names.*features table"):
        landmarks_in(Points(np.zeros((3, 2)), name="plain"))
    with pytest.raises(AnnotationError, match="have no names"):
        landmarks_in(foreign(["Sella"], column="tooth"))


def test_names_of_no_scheme_are_refused():
    with pytest.raises(SchemeError, match=r"'left', 'right'.*none of the schemes.*cephalometric19"):
        landmarks_in(foreign(["left", "right"]))
    with pytest.raises(SchemeError, match="named nothing"):
        landmarks_in(Points(ndim=2, features=pd.DataFrame({"name": []})))


def test_a_point_too_many_is_named():
    with pytest.raises(AnnotationError, match=r"'wire'.*'cephalometric19'.*Delete"):
        landmarks_in(foreign([*SCHEME.names, "wire"]))


def test_a_landmark_with_two_points_is_refused():
    with pytest.raises(AnnotationError, match=r"has Nasion twice, at \(3\.0, 3\.0\) and \(5\.0, 5\.0\)"):
        landmarks_in(foreign(["Sella", "Nasion", "N"], data=np.array([[1.0, 1], [3, 3], [5, 5]])))


def test_other_features_and_labels_do_not_matter():
    layer = Points(
        np.array([[1.0, 2], [3, 4]]),
        features=pd.DataFrame({"score": [0.1, np.nan], "label": ["N", "S"], "name": ["Nasion", "Sella"]}),
    )
    assert name_column(layer) == "name"
    np.testing.assert_array_equal(landmarks_in(layer).landmarks[0].points[:2], [[3, 4], [1, 2]])


def test_the_layer_is_left_as_it_was():
    layer = foreign(SCHEME.abbreviations, column="label")
    landmarks_in(layer)
    assert list(layer.features) == ["label"]
    assert layer.features["label"].tolist() == list(SCHEME.abbreviations)
    assert layer.metadata == {}


def test_why_a_layer_holds_no_landmarks(radiograph, landmarks_on):
    assert "'picture' is no points layer" in points_refusal(Image(np.zeros((4, 4)), name="picture"))
    assert points_refusal(Points(np.zeros((1, 2)))) == ""
    assert points_refusal(own(landmarks_on(radiograph))) == ""
    ghosts = Points(np.zeros((1, 2)), name="rings", metadata={"farnet": {"kind": "ghosts"}})
    assert "'rings' shows something else" in points_refusal(ghosts)


def test_absent_points_of_other_programs_are_absent():
    with np.errstate(invalid="ignore"):  # napari's thumbnail of such a layer
        layer = named([[np.nan, np.nan], [3, 4]])
    (found,) = landmarks_in(layer).landmarks
    assert found.present.sum() == 1
    assert found.points[SCHEME.index("Nasion")].tolist() == [3, 4]


@given(
    scale=st.tuples(st.floats(0.05, 4.0), st.floats(0.05, 4.0)),
    shift=st.tuples(st.floats(-50.0, 50.0), st.floats(-50.0, 50.0)),
    angle=st.floats(-180.0, 180.0),
)
def test_points_on_another_scale_than_the_image_are_taken_to_its_pixels(scale, shift, angle):
    image = Image(np.zeros((24, 18), np.uint8), scale=scale, translate=shift, rotate=angle)
    on_image = np.array([[3.0, 4.0], [20.0, 11.0]])
    world = [image.data_to_world(point) for point in on_image]
    (found,) = landmarks_in(named(world), image=image).landmarks
    np.testing.assert_allclose(found.points[[SCHEME.index("S"), SCHEME.index("N")]], on_image, atol=1e-6)


def test_units_of_points_and_image_may_differ():
    image = Image(np.zeros((24, 18), np.uint8), scale=(0.1, 0.1), units="mm")
    (found,) = landmarks_in(named([[1000, 200], [300, 400]], units="um"), image=image).landmarks
    np.testing.assert_allclose(found.points[SCHEME.index("Sella")], [10.0, 2.0])


def test_without_an_image_only_lengths_give_a_spacing():
    assert landmarks_in(named([[5, 6], [7, 8]], scale=(0.1, 0.1))).landmarks[0].spacing is None
    in_mm = landmarks_in(named([[5, 6], [7, 8]], scale=(0.1, 0.1), units="mm"))
    assert in_mm.landmarks[0].spacing == pytest.approx((0.1, 0.1))
