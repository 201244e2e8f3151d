from __future__ import annotations

import pytest

from farnet import errors
from farnet.errors import FarnetError, missing_extra, unknown_name


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("InvalidInputError", ValueError),
        ("RadiographError", ValueError),
        ("AnnotationError", ValueError),
        ("SchemeError", ValueError),
        ("MeasurementError", ValueError),
        ("ModelFileError", ValueError),
        ("UnknownNameError", ValueError),
        ("DeviceError", RuntimeError),
        ("MissingExtraError", ImportError),
        ("OutputError", OSError),
    ],
)
def test_every_error_is_one_of_ours_and_a_builtin(name, builtin):
    kind = getattr(errors, name)
    assert issubclass(kind, FarnetError)
    assert issubclass(kind, builtin)
    assert str(kind("a sentence")) == "a sentence"
    assert kind.__doc__


def test_every_public_error_is_listed_above():
    classes = {name for name in errors.__all__ if name[0].isupper()}
    assert len(classes) == 11  # the ten above and their base


def test_unknown_name_lists_what_is_known_and_suggests_the_nearest():
    message = str(unknown_name("model", "ceph19-compct", ["ceph19-compact", "hand37"]))
    assert message == ("Unknown model 'ceph19-compct'. Did you mean 'ceph19-compact'? Known: ceph19-compact, hand37.")


def test_unknown_name_ignores_case_when_it_suggests():
    assert "Did you mean 'Pog'?" in str(unknown_name("landmark", "POG", ["Pog", "Me"]))


def test_unknown_name_without_anything_near_or_known():
    assert str(unknown_name("device", "toaster", ["cpu", "cuda"])) == "Unknown device 'toaster'. Known: cpu, cuda."
    assert str(unknown_name("device", "toaster", [])) == "Unknown device 'toaster'. Known: none."


def test_missing_extra_gives_the_command():
    error = missing_extra("SimpleITK", "itk", "reading hand.mha")
    assert "pip install 'napari-farnet[itk]'" in str(error)
    assert error.name == "SimpleITK"
