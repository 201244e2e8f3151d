"""Reads damaged files in a process of its own, whose memory is bounded; prints what went otherwise than it should.

python -m tests.farnet.fuzz.worker FOLDER SEED FIRST END [KIND]
"""

from __future__ import annotations

import json
import logging
import random
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

from .mutations import mutate
from .seeds import Seed, make_seeds

SECONDS = 5.0  # of this process, however busy the machine is
SLOW = "jpeg_ls"  # CharLS counts to 2^32 in some damaged streams before it gives up, for most of a minute
LONG = 5000  # files from which on there is time for that
MEMORY = 4 * 2**30  # bytes that reading may take beyond what the process has


def main(folder: Path, seed: int, first: int, end: int, kind: str = "") -> None:
    """Damage files, one kind after the other, and read them; a line of JSON for each finding, one at the end."""
    logging.disable(logging.CRITICAL)
    whole = Path(tempfile.mkdtemp(dir=folder))
    seeds = make_seeds(whole)
    for one in seeds:
        _whole(one, folder)
    _bound_memory()
    chosen = [one for one in seeds if kind in one.kind and (SLOW not in one.kind or end > LONG)]
    contents = [one.data for one in seeds if len(one.data) < 2**20]
    told: set[tuple[str, ...]] = set()
    begun = time.perf_counter()
    for number in range(first, end):
        one = chosen[number % len(chosen)]
        rng = random.Random(f"{seed} {number // len(chosen)} {one.kind}")
        damaged = mutate(one.data, rng, contents)
        place = folder / f"{one.kind.replace(' ', '-').replace('/', '-')[:40]}"
        place.mkdir(exist_ok=True)
        path = place / one.name
        path.write_bytes(damaged)
        (folder / "now.txt").write_text(f"{number} {path}")
        found = _looked_at(one, path)
        if found is not None and (about := (one.kind.split(" ")[0], found["what"], found["where"])) not in told:
            told.add(about)
            kept = path.with_name(f"finding-{number}-{path.name.lstrip('.')}")
            kept.write_bytes(damaged)
            print(json.dumps({"kind": one.kind, "number": number, "file": str(kept), **found}), flush=True)
    (folder / "now.txt").unlink(missing_ok=True)
    print(json.dumps({"done": end - first, "kinds": len(chosen), "seconds": time.perf_counter() - begun}), flush=True)


def _whole(one: Seed, folder: Path) -> None:
    """What is not damaged is read, or refused as what it is: else the damage would prove nothing."""
    from farnet.errors import FarnetError

    path = folder / one.name
    path.write_bytes(one.data)
    try:
        one.read(path)
    except FarnetError as error:
        if not (one.kind.startswith("dicom") or one.kind.endswith("of others")):
            raise AssertionError(f"{one.kind} is not read: {error}") from error
    finally:
        path.unlink()


def _looked_at(one: Seed, path: Path) -> dict[str, Any] | None:
    from farnet.errors import FarnetError, UnexpectedError

    begun, found = time.process_time(), None
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            one.read(path)
        except UnexpectedError as error:
            found = _told(error.__cause__ or error)
        except FarnetError as error:
            if not str(error) or "\n" in str(error).strip():
                found = {"what": "message of several lines", "where": str(error)[:300]}
        except BaseException as error:
            found = _told(error)
    seconds = time.process_time() - begun
    if found is None and seconds > SECONDS and SLOW not in one.kind:
        found = {"what": f"more than {SECONDS:g} s", "where": ""}
    if found is None and warned:
        found = {"what": f"warning {warned[0].category.__name__}: {warned[0].message}"[:200], "where": ""}
    return found


def _told(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/farnet/" in frame.filename and "/errors.py" not in frame.filename]
    where = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    return {
        "what": type(error).__name__,
        "where": where,
        "message": str(error)[:200],
        "last": f"{frames[-1].filename}:{frames[-1].lineno}",
    }


def _bound_memory() -> None:
    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    import torch  # noqa: F401 (it takes its address space before)

    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmSize"))
        limit = int(line.split()[1]) * 1024 + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]), *sys.argv[5:])
