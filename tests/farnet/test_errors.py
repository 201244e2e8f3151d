from __future__ import annotations

import pytest

from farnet import errors
from farnet.errors import FarnetError, RadiographError, UnexpectedError, missing_extra, per_file, unknown_name


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
        ("UnexpectedError", RuntimeError),
        ("UnknownLabelsError", ValueError),
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
    assert len(classes) == 13  # those above and their base


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


class Panic(BaseException):
    """As extension modules in Rust raise them."""


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyError("a\nb"), RecursionError("deep"), Panic("at line 3")])
def test_what_nobody_foresaw_names_the_file_and_the_error_in_one_line(error, caplog):
    caplog.set_level("DEBUG", "farnet")
    with pytest.raises(UnexpectedError) as caught, per_file("a.png"):
        raise error
    assert str(caught.value).startswith(f"a.png could not be worked on: {type(error).__name__}")
    assert "\n" not in str(caught.value)
    assert "Traceback" in caplog.text


def test_too_little_memory_is_called_that():
    with pytest.raises(UnexpectedError, match=r"a\.png needs more memory than there is"), per_file("a.png"):
        raise MemoryError


@pytest.mark.parametrize("error", [RadiographError("mine"), KeyboardInterrupt(), SystemExit(3)])
def test_errors_of_ours_and_wishes_to_end_pass(error):
    with pytest.raises(type(error)) as caught, per_file("a.png"):
        raise error
    assert caught.value is error


def test_the_doors_of_files_let_nothing_else_out(tmp_path, monkeypatch):
    from farnet import read_annotations, read_radiograph

    def fail(*_, **__):
        raise ZeroDivisionError("x")

    monkeypatch.setattr("farnet.radiograph.decode", fail)
    with pytest.raises(UnexpectedError, match=r"some\.png could not be worked on: ZeroDivisionError: x"):
        read_radiograph(tmp_path / "some.png")
    monkeypatch.setattr("farnet.formats.registry._format_for", fail)
    with pytest.raises(UnexpectedError, match=r"some\.csv could not be worked on: ZeroDivisionError: x"):
        read_annotations(tmp_path / "some.csv")
