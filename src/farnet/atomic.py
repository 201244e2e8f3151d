"""Writing files so that nothing is ever half-written: into a neighbour first, then renamed onto the target."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from farnet.errors import FarnetError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["atomic_folder", "atomic_path", "check_folder", "write_bytes_atomic", "write_text_atomic"]


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what the block writes there replaces `path` when the block succeeds.

    The temporary file has the same ending, does not exist yet, and is removed if the block fails, so `path`
    holds either its old content or the whole new one. Folders on the way are made; a link is followed; the
    permissions of a file that is replaced are kept.

    Args:
        path: The file to write.

    Yields:
        The path to write to.

    Raises:
        OutputError: If the folder cannot be made or written to, the disk is full, or `path` is no regular
            file.
    """
    target = Path(os.path.realpath(path))
    # The ending is kept because writers choose their format by it; the name is cut to stay within the system's limit,
    # which counts bytes.
    temporary = target.with_name(f".{target.stem[:20]}.{secrets.token_hex(6)}{target.suffix[-100:]}")
    try:
        _check_replaceable(target, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush_to_disk(temporary)
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except FarnetError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path} could not be written: {error.strerror or error}. What stood there before is untouched. "
            "Choose a folder that can be written to and has room."
        ) from error
    finally:
        with suppress(OSError):  # after success nothing is left to remove, and a failure has been told already
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Give a new temporary folder beside `path`; when the block succeeds, it becomes `path`.

    It is removed if the block fails, so that `path` is never half full. Folders on the way are made.

    Args:
        path: The folder to make; it may be there already if it is empty.

    Yields:
        The folder to write into.

    Raises:
        OutputError: If `path` is a file, or a folder that is not empty or was filled meanwhile, or the folder cannot be
            made or written to.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:20]}.{secrets.token_hex(6)}")
    try:
        if target.exists() and not target.is_dir():
            raise OutputError(f"{path} is a file; give the name of a folder to write.")
        if target.is_dir() and any(target.iterdir()):
            raise OutputError(f"The folder {path} is not empty. Give the name of a new one.")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        yield temporary
        if target.exists():
            target.rmdir()  # which takes nothing away that somebody has put there meanwhile
        temporary.rename(target)
    except FarnetError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path} could not be written: {error.strerror or error}. What stood there before is untouched. "
            "Choose a folder that can be written to and has room."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_bytes_atomic(path: str | Path, data: bytes) -> None:
    """Write a file, all or nothing.

    Raises:
        OutputError: If it cannot be written; see `atomic_path`.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text_atomic(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, all or nothing; line ends are written as they are.

    Raises:
        OutputError: If it cannot be written; see `atomic_path`.
    """
    write_bytes_atomic(path, text.encode("utf-8"))


def check_folder(path: Path) -> None:
    """Stop before any work where the folder of a result cannot be written to.

    Raises:
        OutputError: If it, or the folder in which it would have to be made, is none or is not writable.
    """
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        reason = "is not writable" if folder.is_dir() else "is no folder"
        raise OutputError(f"{path} cannot be written: {folder} {reason}. Choose another place for it (--output).")


def _flush_to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _check_replaceable(target: Path, path: str | Path) -> None:
    if target.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file to write.")
    if target.exists() and not target.is_file():
        raise OutputError(f"{path} is a device or a pipe; give the name of an ordinary file to write.")
