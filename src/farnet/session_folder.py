"""The folder of a session that is put in the place of another one: nothing of anybody else goes, at no moment.

The new files are written into a hidden folder within, then moved over the old ones one by one. Before the first is
moved, the manifest that is there is told which files will be the session's, so that a run that is killed is known for
one (`being_replaced`) and is gone on with by running it again; a file of the session is the old or the new one, never
none.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farnet.atomic import write_text_atomic
from farnet.errors import FarnetError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["being_replaced", "replaced_session"]

_COMING = "replaced_by"  # in the manifest
_STAGING = ".new"
_MARKED = ".marked"


def being_replaced(manifest: Mapping[str, Any]) -> bool:
    """Whether replacing the session was cut off."""
    return _COMING in manifest


@contextmanager
def replaced_session(
    folder: Path, name: str, manifest: Mapping[str, Any], also: Callable[[], None] = lambda: None
) -> Iterator[Path]:
    """Give a folder to write a session into; when the block succeeds, its files take the place of the old ones.

    Files that the old session does not list stay.

    Args:
        folder: Of the session that is there.
        name: Of its manifest, which must be written too.
        manifest: What it holds; ``files`` with their ``name``.
        also: Replaces what belongs to the session and is elsewhere; called while the session is known to be in between.

    Raises:
        OutputError: If something else in the folder has the name of one of the new files, or they cannot be written.
    """
    root = Path(os.path.realpath(folder))
    staging, moving = root / _STAGING, False
    try:
        shutil.rmtree(staging, ignore_errors=True)  # of a run that was cut off
        staging.mkdir()
        yield staging
        new = sorted(file.name for file in staging.iterdir() if file.name != name)
        own = {name, *(entry["name"] for entry in manifest["files"]), *_coming(manifest)}
        strange = [file for file in new if file not in own and os.path.lexists(root / file)]
        if strange:
            raise OutputError(
                f"{folder / strange[0]} is no file of the session that is there, and the new one has a file of this "
                "name. Move it away, or give another folder."
            )
        marked = staging / _MARKED
        write_text_atomic(marked, json.dumps({**manifest, _COMING: sorted(own.union(new))}, indent=1))
        marked.replace(root / name)
        moving = True
        for file in new:
            (staging / file).replace(root / file)
        kept = [root / file for file in new]
        for file in own.difference(new, [name]):
            old = root / file
            if old.is_file() and not any(old.samefile(other) for other in kept if _alike(old, other)):
                old.unlink()
        also()
        (staging / name).replace(root / name)
    except FarnetError:
        raise
    except OSError as error:
        state = "is replaced in part; run the same again" if moving else "that was there before is untouched"
        raise OutputError(
            f"{folder} could not be written: {error.strerror or error}. The session {state}. Choose a folder that can "
            "be written to and has room."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _coming(manifest: Mapping[str, Any]) -> set[str]:
    names = manifest.get(_COMING, ())
    listed = names if isinstance(names, list) else ()
    return {file for file in listed if isinstance(file, str) and Path(file).name == file and file != ".."}


def _alike(one: Path, other: Path) -> bool:
    return one.name.casefold() == other.name.casefold()
