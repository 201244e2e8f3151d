"""What the dock does off the GUI thread: looking what is in a folder, and detecting."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farnet.batch import BatchItem, BatchRun
from farnet.batch_plan import BatchPlan
from farnet.errors import DeviceError, FarnetError, InvalidInputError
from napari_farnet.threads import Failure, Progress

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from farnet.batch_request import BatchRequest
    from farnet.landmarks import Landmarks
    from farnet.scheme import LandmarkScheme
    from napari_farnet.detect.workers import DetectorKeeper

__all__ = ["Ending", "Listing", "ModelIdentity", "detect_folder", "list_folder", "model_identity"]


@dataclass(frozen=True)
class ModelIdentity:
    """What tells a model's landmarks from those of another.

    Attributes:
        sha256: SHA-256 of its file.
        scheme: Of its landmarks.
    """

    sha256: str
    scheme: LandmarkScheme


@dataclass(frozen=True)
class Listing:
    """What is in a folder.

    Attributes:
        plan: Its radiographs, and where their landmarks will go.
        known: Landmarks that are there already, by the radiograph's number in the plan.
        obstacle: Why what is there cannot be gone on with; empty where it can.
    """

    plan: BatchPlan
    known: Mapping[int, Landmarks]
    obstacle: str = ""


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        output: The table; None where nothing is in it.
        failure: What ended the run before its time; None where nothing did.
    """

    output: Path | None
    failure: Failure | None = None


def model_identity(name: str) -> ModelIdentity:
    """Look into a model's file; the one place where the dock does so.

    Raises:
        UnknownNameError, ModelFileError: If there is no such model, or it cannot be read.
    """
    from farnet.modelfile import model_sha256, read_metadata
    from farnet.zoo import find_model

    path = find_model(name)
    return ModelIdentity(model_sha256(path), read_metadata(path).landmark_scheme)


def list_folder(
    _stop: threading.Event, request: BatchRequest
) -> Generator[None, None, tuple[BatchRequest, Listing | Failure]]:
    """Look what there is to do; a generator for `start`.

    Args:
        request: What is to be done; its first radiograph is the folder.

    Returns:
        What was asked for, and what is there or why that cannot be told.
    """
    yield
    try:
        return request, _listed(request)
    except Exception as error:  # every end must be reported: see `start`
        return request, Failure(error)


def _listed(request: BatchRequest) -> Listing:
    folder = request.radiographs[0]
    if not folder.is_dir():
        raise InvalidInputError(f"{folder} is no folder, or is not there any more. Choose a folder of radiographs.")
    plan = BatchPlan.of(request)
    if plan.files == (folder,):
        more = "" if request.recursive else ", or tick Sub-folders"
        raise InvalidInputError(
            f"{folder} holds no radiographs. Choose a folder with PNG, JPEG, BMP, TIFF or DICOM files{more}."
        )
    model = model_identity(request.model)
    try:
        known = plan.known(model.scheme)
    except FarnetError as error:
        return Listing(plan, {}, str(error))
    strange = next((item for item in known.values() if item.provenance.get("model_sha256") != model.sha256), None)
    if strange is not None:
        return Listing(
            plan,
            {},
            f"{plan.output} holds landmarks that are not from {request.model} (their source is "
            f"{strange.source or 'unknown'!r}). Choose another output or the model of the table, or tick Begin anew "
            "to replace it.",
        )
    numbers = {name: number for number, name in enumerate(plan.names)}
    return Listing(plan, {numbers[name]: item for name, item in known.items() if name in numbers})


def detect_folder(
    stop: threading.Event, plan: BatchPlan, keeper: DetectorKeeper
) -> Generator[Progress | BatchItem, None, Ending | Failure | None]:
    """Detect landmarks; a generator for `start`. Stopping takes as long as one radiograph.

    Args:
        stop: Set when the run should end; what was found is kept.
        plan: The radiographs.
        keeper: Where the detector comes from, and stays.

    Yields:
        A `Progress` while the model is loaded, then what came of each radiograph.

    Returns:
        How it ended, or why it could not begin; None where it was stopped before it began.
    """
    with keeper.in_use():
        try:
            plan.check()
            request = plan.request
            if not keeper.holds(request.model, request.device):
                yield Progress(0, len(plan.files), f"Loading {request.model}")
            if stop.is_set():
                return None
            detector = keeper.get(request.model, request.device)
        except Exception as error:  # every end must be reported: see `start`
            return Failure(error)
        run = BatchRun(plan)
        failure: Failure | None = None
        try:
            with closing(run.items(detector)) as items:
                for item in items:
                    yield item
                    if stop.is_set():
                        break
        except Exception as error:  # what was found before is written all the same
            if isinstance(error, DeviceError):
                keeper.close()
            failure = Failure(error)
        try:
            return Ending(run.finish(), failure)
        except Exception as error:
            return Ending(None, failure or Failure(error))
