"""Writing a session folder of what was corrected, off the GUI thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from farnet.errors import InvalidInputError
from napari_farnet.threads import Failure, start

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Sequence

    from farnet.landmarks import Landmarks
    from farnet.session_export import Session
    from napari_farnet.correct.folder import FolderLayers
    from napari_farnet.correct.subject import Subject

    Gather = Callable[[], Sequence[Landmarks]]

__all__ = ["of_folder", "of_layer", "place_for", "summary", "write_session"]

_NAME = "session"


def of_layer(subject: Subject) -> Gather:
    """The landmarks of all radiographs of a layer as they are now, for `write_session`."""
    landmarks = [subject.session.review(index).to_landmarks() for index in subject.session.record.indices]
    return lambda: landmarks


def of_folder(folder: FolderLayers) -> Gather:
    """The corrections of a folder, for `write_session`, which reads their files."""
    corrections = folder.walk.corrections
    files = [item.file for item in corrections.items if item.corrected]

    def read() -> list[Landmarks]:
        from farnet.formats import read_annotations

        if not files:
            raise InvalidInputError(f"{corrections.store} holds no corrections yet.")
        # Not by `Corrections.corrections`, which would take a change by somebody else for one that was seen here.
        return [item for file in files for item in read_annotations(file, scheme=corrections.scheme)]

    return read


def place_for(subject: Subject | None, folder: FolderLayers | None) -> Path:
    """Where a session is best put: beside the radiographs or the file of the layer, under a name that is free."""
    if folder is not None:
        beside = folder.walk.corrections.store.parent
    else:
        file = None if subject is None else subject.layer.source.path
        image = None if subject is None else subject.review.landmarks.provenance.get("image")
        known = [Path(item).parent for item in (file, image) if isinstance(item, str)]
        beside = next((place for place in known if place.is_dir()), Path.home())
    from farnet.session_names import key_path

    name, number = _NAME, 1
    while (beside / name).exists() or key_path(beside / name).exists():
        number += 1
        name = f"{_NAME}-{number}"
    return beside / name


def write_session(path: Path, gather: Gather, done: Callable[[Session | Failure], None]) -> None:
    """Write a session in another thread.

    Args:
        path: The new folder.
        gather: Gives the landmarks; called in that thread.
        done: Called in the GUI thread with what was written, or why it was not.
    """
    start(_write, path, gather, returned=done)


def summary(session: Session) -> str:
    """What was written, in words."""
    radiographs = "1 radiograph" if session.radiographs == 1 else f"{session.radiographs} radiographs"
    text = f"The session of {radiographs} is in {session.folder} ({len(session.files)} files)."
    if session.key is not None:
        text += f" Radiographs have codes in it; {session.key.name} beside it says which is which."
    elif missing := sum(name.endswith(".sr.dcm") for name, _ in session.left_out):
        text += f" No DICOM report of {missing} of {session.radiographs}: session.json says why."
    return text


def _write(_stop: threading.Event, path: Path, gather: Gather) -> Generator[None, None, Session | Failure]:
    yield
    try:
        from farnet.session_export import export_session

        return export_session(path, gather())
    except Exception as error:  # every end must be reported: see `start`
        return Failure(error)
