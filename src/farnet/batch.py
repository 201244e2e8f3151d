"""Landmarks of many radiographs: one after another, into one table, and nothing is found twice or lost.

    request = BatchRequest(radiographs=("scans",), output="landmarks.csv", resume=True)
    for item in detect_batch(request, Detector(request.model, request.device)):
        print(item.name, item.status, item.message)

While the network works on one radiograph the next ones are read; a GPU looks at several at once. What is found goes
into a journal at once (`farnet.batch_journal`) and into the table at the end, or when the run is stopped. A run that
was stopped or killed is gone on with by `BatchRequest.resume`: a radiograph is done when the table or the journal has
landmarks of the same file (by its SHA-256) from the same model (by its SHA-256) at the same kind of spacing. Where a
run with `BatchRequest.force` was cut off, what it was to replace does not count.

Whatever one radiograph does, a defect of this program included, ends the work on that radiograph alone.
"""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from farnet.batch_journal import Journal
from farnet.batch_plan import BatchPlan
from farnet.errors import DeviceError, FarnetError, InvalidInputError, OutputError, per_file
from farnet.landmarks import Landmarks
from farnet.radiograph import Radiograph, read_radiograph

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Future
    from pathlib import Path

    from farnet.batch_request import BatchRequest
    from farnet.detection import Detection, Detector

__all__ = ["BatchItem", "BatchRun", "Status", "detect_batch"]

Status = Literal["done", "failed", "skipped"]
"""Landmarks were found (or looked for), the radiograph cannot be used, or its landmarks were there already."""

_AHEAD = 2  # radiographs that are read before they are needed
_TOGETHER = 8  # that a GPU looks at at once; one does not fill it
_READERS = 4  # threads that read for a GPU, which is quicker than one of them


@dataclass(frozen=True, eq=False)
class BatchItem:
    """What came of one radiograph.

    Attributes:
        number: Its place in the plan, from 0.
        path: Its file.
        name: What it is called in the results.
        status: What was done.
        landmarks: What was found now or before; None where it failed.
        seconds: Time of the detection; 0 where there was none.
        message: Why it failed, or why its picture could not be written; empty where nothing is wrong.
        picture: The overlay that was drawn, now or before; None without one.
        unwritten: The overlay that could not be; None where nothing is wrong with it.
    """

    number: int
    path: Path
    name: str
    status: Status
    landmarks: Landmarks | None
    seconds: float = 0.0
    message: str = ""
    picture: Path | None = None
    unwritten: Path | None = None


def detect_batch(request: BatchRequest, detector: Detector) -> Generator[BatchItem, None, None]:
    """Do what a request asks for; see `BatchRun.items` for what is yielded.

    The table is written when the iteration ends, also where that is by an error or by closing the generator.

    Raises:
        FarnetError: As `BatchPlan.of`, `BatchPlan.check`, `BatchRun.items` and `BatchRun.finish`.
    """
    plan = BatchPlan.of(request)
    plan.check()
    run = BatchRun(plan)
    try:
        yield from run.items(detector)
    finally:
        run.finish()


class BatchRun:
    """One run over the radiographs of a plan.

    Args:
        plan: Which they are, and where their landmarks go.

    Attributes:
        found: Landmarks by the radiograph's number in the plan, those that were there before included.
    """

    def __init__(self, plan: BatchPlan) -> None:
        self.plan = plan
        self.found: dict[int, Landmarks] = {}
        self._journal = Journal(plan.output)
        self._journalled = plan.format.holds_many
        self._begun = self._changed = self._ended = False
        self._before: dict[str, Landmarks] = {}
        self._by_file: dict[str, Landmarks] = {}

    def items(self, detector: Detector) -> Generator[BatchItem, None, None]:
        """Find the landmarks.

        Args:
            detector: What finds them.

        Yields:
            What came of each radiograph, in the order of the plan. A radiograph that cannot be used does not end the
            run. What has been yielded is on the disk.

        Raises:
            InvalidInputError: If the run would mix the landmarks of two models; nothing was done then.
            AnnotationError, SchemeError: If what is to be gone on with cannot be read; nothing was done then.
            DeviceError: If the device cannot go on.
            OutputError: If what was found cannot be written.
        """
        self._begin(detector)
        together = _TOGETHER if detector.device.startswith("cuda") else 1
        numbers = iter(range(len(self.plan.files)))
        waiting: deque[Future[Radiograph | Landmarks | FarnetError]] = deque()
        with ThreadPoolExecutor(_READERS if together > 1 else 1, thread_name_prefix="farnet-read") as pool:
            try:
                for first in range(0, len(self.plan.files), together):
                    # One more group than is looked at now is on its way.
                    while (
                        len(waiting) < together + max(_AHEAD, together) and (coming := next(numbers, None)) is not None
                    ):
                        waiting.append(pool.submit(self._read, coming, detector))
                    group = [waiting.popleft().result() for _ in range(min(together, len(waiting)))]
                    found = self._found_together(group, detector) if together > 1 else {}
                    for number, read in enumerate(group, first):
                        yield self._item(number, read, detector, found.get(number - first))
            finally:
                for read_ahead in waiting:
                    read_ahead.cancel()
        self._ended = True

    @staticmethod
    def _found_together(group: list[Radiograph | Landmarks | FarnetError], detector: Detector) -> dict[int, Detection]:
        """What is found in those of a group that are to be looked at; nothing where one of them spoils it."""
        places = [i for i, read in enumerate(group) if isinstance(read, Radiograph)]
        try:
            with per_file("a group of radiographs"):
                found = detector.detect_many([read for read in group if isinstance(read, Radiograph)])
        except DeviceError:
            raise
        except FarnetError:
            return {}  # one after the other, it is seen which one
        return dict(zip(places, found, strict=True))

    def finish(self) -> Path | None:
        """Write the table of everything that was found, now and before; may be called again after an error.

        Returns:
            The table, or the folder of tables; None where nothing was found.

        Raises:
            OutputError: If it cannot be written; the journal is kept then, and `resume` writes it.
        """
        merged = self._merged() if self._begun and self.plan.format.holds_many else []
        if merged and (self._changed or self._journal.exists()):
            try:
                self._write(self.plan.output, merged)
            except OutputError as error:
                raise self._kept_in_journal(error) from error
            self._changed = False
        if merged or self._ended:
            self._journal.remove()
        return self.plan.output if merged or (self.found and not self.plan.format.holds_many) else None

    def _kept_in_journal(self, error: OutputError) -> OutputError:
        if not self._journal.exists():
            return error
        return OutputError(
            f"{error} What was found is kept in {self._journal.path}, and --resume writes it once that is possible."
        )

    def _begin(self, detector: Detector) -> None:
        request = self.plan.request
        self._before = self.plan.known(detector.scheme) if request.resume else {}
        self._refuse_other_model(detector)
        self._by_file = {item.image_sha256: item for item in self._before.values() if item.image_sha256}
        about = {"request": request.to_dict(), "model": detector.name, "model_sha256": detector.sha256}
        replaces = request.force and any(table.exists() for table in self.plan.tables)
        self._journalled |= replaces or (request.resume and self._journal.exists())
        if self._journalled:
            self._journal.begin(about, keep=request.resume, replaces=replaces)
        self._begun = True

    def _refuse_other_model(self, detector: Detector) -> None:
        for item in self._before.values():
            sha256 = item.provenance.get("model_sha256")
            if sha256 is None and not item.source:
                raise InvalidInputError(
                    f"{self.plan.output} holds landmarks of {item.radiograph!r} that do not say which model found "
                    f"them (format {self.plan.format.name}), so that they cannot be gone on with. Choose another "
                    "--output, or --format farnet-csv, or begin anew (--force instead of --resume)."
                )
            if sha256 != detector.sha256:
                raise InvalidInputError(
                    f"{self.plan.output} holds landmarks of {item.radiograph!r} that are not from the model file of "
                    f"{detector.name} (their source is {item.source!r}), and one table is of one model. Choose "
                    "another --output, or the model of the table, or begin anew (--force instead of --resume)."
                )

    def _read(self, number: int, detector: Detector) -> Radiograph | Landmarks | FarnetError:
        """In another thread: the landmarks that are there already, else the radiograph, or why it cannot be read."""
        request = self.plan.request
        try:
            with per_file(self.plan.files[number]):
                return self._kept(number) or read_radiograph(
                    self.plan.files[number], spacing=request.spacing, detector_spacing=request.detector_spacing
                )
        except FarnetError as error:
            return error

    def _kept(self, number: int) -> Landmarks | None:
        if not self._by_file or (self.plan.pictures and not self.plan.pictures[number].is_file()):
            return None
        try:
            with self.plan.files[number].open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None  # reading it as a radiograph says why
        item = self._before.get(self.plan.names[number])
        if item is None or item.image_sha256 != sha256:
            item = None if self.plan.pictures else self._by_file.get(sha256)  # a picture of its name is of another
        if item is None or not self._same_spacing(item):
            return None
        return item.replace(radiograph=self.plan.names[number])

    def _same_spacing(self, item: Landmarks) -> bool:
        """Whether reading the file as it is asked for now would give the same spacing."""
        request, source = self.plan.request, item.provenance.get("spacing_source")
        if request.spacing is not None:
            return item.spacing == request.spacing
        if source == "given":
            return False
        on_detector = source is not None and source.endswith("(detector plane)")
        return item.spacing is not None if request.detector_spacing else not on_detector

    def _item(
        self,
        number: int,
        read: Radiograph | Landmarks | FarnetError,
        detector: Detector,
        detection: Detection | None = None,
    ) -> BatchItem:
        plan = self.plan
        path, name = plan.files[number], plan.names[number]
        if isinstance(read, FarnetError):
            return BatchItem(number, path, name, "failed", None, message=str(read))
        picture = plan.pictures[number] if plan.pictures else None
        seconds = 0.0
        try:
            with per_file(path):
                if isinstance(read, Landmarks):
                    landmarks = self._taken_over(number, read)
                else:
                    detection = detection or detector.detect(read)
                    landmarks, seconds = self._stamped(detection.landmarks, name, read, detector), detection.seconds
                    if picture is not None:
                        with suppress(OSError):  # drawing the new one tells why
                            picture.unlink(missing_ok=True)  # it would be taken for that of the new landmarks
                    self._write_own(number, landmarks)
        except DeviceError:
            raise
        except FarnetError as error:
            return BatchItem(number, path, name, "failed", None, message=str(error))
        self.found[number] = landmarks
        if isinstance(read, Landmarks):
            return BatchItem(number, path, name, "skipped", landmarks, picture=picture)
        self._changed = True
        if self._journalled:
            self._journal.add(landmarks)
        if picture is not None:
            from farnet.overlay import write_overlay

            try:
                with per_file(picture):
                    write_overlay(picture, read, landmarks)
            except FarnetError as error:
                return BatchItem(number, path, name, "done", landmarks, seconds, message=str(error), unwritten=picture)
        return BatchItem(number, path, name, "done", landmarks, seconds, picture=picture)

    def _taken_over(self, number: int, read: Landmarks) -> Landmarks:
        """Landmarks that were there before, perhaps under another name."""
        before = self._before.get(read.radiograph)
        if before is None or before.image_sha256 != read.image_sha256:
            self._changed = True
            self._write_own(number, read)
        return read

    def _write_own(self, number: int, landmarks: Landmarks) -> None:
        if not self.plan.format.holds_many:
            self._write(self.plan.tables[number], [landmarks])

    def _stamped(self, landmarks: Landmarks, name: str, read: Radiograph, detector: Detector) -> Landmarks:
        """With what `resume` goes by."""
        own: dict[str, Any] = {"model_sha256": detector.sha256, "spacing_source": read.spacing_source}
        return landmarks.replace(radiograph=name, provenance={**landmarks.provenance, **own})

    def _merged(self) -> list[Landmarks]:
        """In the order of the plan; after them those of radiographs that are not in it."""
        merged: dict[str, Landmarks] = {}
        for number, name in enumerate(self.plan.names):
            item = self.found.get(number) or self._before.get(name)
            if item is not None:
                merged[name] = item
        files = {item.image_sha256 for item in merged.values()}
        for name, item in self._before.items():
            if name not in merged and (item.image_sha256 is None or item.image_sha256 not in files):
                merged[name] = item
        return list(merged.values())

    def _write(self, path: Path, landmarks: list[Landmarks]) -> None:
        from farnet.formats import write_annotations

        write_annotations(path, landmarks, format=self.plan.format.name)
