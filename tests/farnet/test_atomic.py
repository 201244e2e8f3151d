from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from farnet.atomic import atomic_folder, atomic_path, write_bytes_atomic, write_text_atomic
from farnet.errors import FarnetError, OutputError


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "new" / "folder" / "result.txt"
    write_text_atomic(path, "Größe\r\n")
    assert path.read_bytes() == "Größe\r\n".encode()
    write_bytes_atomic(str(path), b"2")
    assert path.read_bytes() == b"2"
    assert list(path.parent.iterdir()) == [path]


def test_failure_leaves_the_old_content_and_no_litter(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_temporary_file_is_a_neighbour_with_the_same_ending(tmp_path):
    with atomic_path(tmp_path / "model.safetensors") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".safetensors"
        assert not temporary.exists()
        temporary.write_text("x")


def test_full_disk_is_told_and_nothing_is_lost(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    with (
        pytest.raises(OutputError, match=r"No space left on device.*untouched") as caught,
        atomic_path(path) as temporary,
    ):
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert str(path) in str(caught.value)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_our_own_errors_pass_unchanged(tmp_path):
    with pytest.raises(FarnetError, match=r"^mine$"), atomic_path(tmp_path / "x"):
        raise OutputError("mine")


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="could not be written"), atomic_path(tmp_path / "x"):
        pass


def test_folder_is_no_file(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        write_text_atomic(tmp_path, "x")


def test_a_file_in_the_way_of_a_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="could not be written"):
        write_text_atomic(tmp_path / "file" / "result.txt", "x")


@pytest.mark.skipif(os.name != "posix", reason="devices are files on POSIX systems only")
def test_devices_are_not_replaced():
    with pytest.raises(OutputError, match="device or a pipe"):
        write_text_atomic("/dev/null", "x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_permissions_are_kept_and_links_followed(tmp_path):
    path, link = tmp_path / "real.txt", tmp_path / "link.txt"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    write_text_atomic(link, "new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_long_names_fit(tmp_path):
    path = tmp_path / ("n" * 200 + ".csv")
    write_text_atomic(path, "x")
    assert path.read_text() == "x"


def test_a_folder_is_there_as_a_whole(tmp_path):
    target = tmp_path / "deep" / "folder"
    with atomic_folder(target) as temporary:
        (temporary / "a").write_text("new")
        assert not target.exists()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a"]
    with pytest.raises(OutputError, match="not empty"), atomic_folder(target):
        pass
    assert [path.name for path in target.parent.iterdir()] == ["folder"]


def test_what_somebody_puts_into_a_folder_meanwhile_stays(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(OutputError, match="could not be written"), atomic_folder(target) as temporary:
        (temporary / "new").write_text("new")
        (target / "mine").write_text("mine")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert (target / "mine").read_text() == "mine"
    (target / "mine").unlink()
    with atomic_folder(target) as temporary:
        (temporary / "new").write_text("new")
    assert [path.name for path in target.iterdir()] == ["new"]
