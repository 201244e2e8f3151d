"""`farnet verify`: find landmarks once more, and tell whether they are the same."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farnet.commands.console import note, number, print_json, print_table, print_text, progress, warn
from farnet.commands.options import JsonOption, examples
from farnet.errors import InvalidInputError
from farnet.verification import TOLERANCE_PX

if TYPE_CHECKING:
    from farnet.landmarks import Landmarks
    from farnet.verification import Check

__all__ = ["register", "verify"]

_HELP = examples(
    """Verify landmarks: find them once more, and compare.

Runs the model that the landmarks say they are from on the radiograph that they say they are of. Model and radiograph
are found by the SHA-256 of their files, so that a changed file is noticed and a renamed one is found. Points that a
person has corrected are compared as they were predicted; those that a person placed are left out and counted.

On the same computer the points are the same to the last bit; another device rounds otherwise, for
which 0.01 px are allowed. The exit code is 0 only if all are identical or within the tolerance. Of a folder that
'farnet review --session' has written, the files are checked too.""",
    ("is this what the model finds in these scans?", "farnet verify landmarks.csv --radiographs scans"),
    ("what a person has corrected", "farnet verify scans/corrections --radiographs scans"),
    ("a session that was handed over, on the CPU", "farnet verify session --radiographs scans --device cpu"),
    ("a model of yours", "farnet verify landmarks.csv --radiographs scans -m my.safetensors"),
    ("for a program", "farnet verify landmarks.csv --radiographs scans --json"),
)

_SAID = {"identical": "identical", "same": "same within", "differs": "DIFFERS", "unchecked": "cannot be checked"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("verify", help=_HELP)(verify)


def verify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE|FOLDER...", help="Files of landmarks, or folders.")],
    radiographs: Annotated[
        list[Path] | None,
        typer.Option(
            "--radiographs",
            "-r",
            metavar="FOLDER|FILE",
            help="Where the radiographs are; may be given several times.",
            show_default="the files that the landmarks name",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|FILE",
            help="Where their model is; it must be the very same file.",
            show_default="by its name",
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device", "-d", metavar="auto|cpu|cuda|cuda:N|mps", help="Where to run it.", show_default="as recorded"
        ),
    ] = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", metavar="PX", help="Points that are nearer than this are the same.")
    ] = TOLERANCE_PX,
    as_json: JsonOption = False,
) -> None:
    """Find landmarks once more and compare; see `_HELP`."""
    from farnet.session_export import SESSION_TABLE, changed_files, is_session
    from farnet.verification import verify_landmarks

    damage = [reason for file in files if is_session(file) for reason in changed_files(file)]
    tables = [file / SESSION_TABLE if is_session(file) else file for file in files]
    landmarks = _read(tables, model)
    places = list(radiographs or _recorded(landmarks, files))
    missing = [place for place in radiographs or () if not place.exists()]
    if missing:
        raise InvalidInputError(f"There is no {missing[0]}; --radiographs names files or folders of radiographs.")
    checks: list[Check] = []
    found = verify_landmarks(landmarks, places, model=model, device=device, tolerance=tolerance)
    with progress("Verifying", len(landmarks)) as step:
        for item in landmarks:
            step(item.radiograph)
            checks.append(next(found))
    passed = not damage and all(check.passed for check in checks)
    if as_json:
        report = [_described(check) for check in checks]
        print_json({"passed": passed, "tolerance_px": tolerance, "radiographs": report, "changed_files": damage})
    else:
        _print(checks, tolerance)
        for reason in damage:
            warn(reason)
        print_text(_verdict(checks, damage))
    if not passed:
        raise typer.Exit(1)


def _read(files: list[Path], model: str | None) -> "list[Landmarks]":
    from farnet.errors import SchemeError, UnknownNameError
    from farnet.formats import read_annotations

    try:
        landmarks = [item for file in files for item in read_annotations(file)]
    except (SchemeError, UnknownNameError):
        if model is None:
            raise
        from farnet.modelfile import read_metadata
        from farnet.zoo import find_model

        scheme = read_metadata(find_model(model)).landmark_scheme  # the landmarks may be those of a model of one's own
        landmarks = [item for file in files for item in read_annotations(file, scheme=scheme)]
    if not landmarks:
        raise InvalidInputError(f"There are no landmarks in {', '.join(map(str, files))}.")
    return landmarks


def _recorded(landmarks: "list[Landmarks]", files: list[Path]) -> list[Path]:
    """The files that the landmarks, or the keys beside sessions, name, where they are still there."""
    from farnet.session_names import files_of_key

    named = [item.provenance.get("image") for item in landmarks]
    named += [name for file in files for name in files_of_key(file)]
    places = [Path(name) for name in named if isinstance(name, str)]
    there = [place for place in places if place.is_file()]
    if not there:
        raise InvalidInputError("The radiographs are not where the landmarks say; give --radiographs FOLDER.")
    note("Looking for the radiographs where the landmarks say that they were; --radiographs FOLDER looks elsewhere.")
    return there


def _described(check: "Check") -> dict[str, Any]:
    facts = asdict(check) | {"path": None if check.path is None else str(check.path)}
    return {key: None if value != value else value for key, value in facts.items()}


def _print(checks: "list[Check]", tolerance: float) -> None:
    rows = []
    for check in checks:
        said = _SAID[check.outcome] + (f" {tolerance:g} px" if check.outcome == "same" else "")
        what = f"found only once: {', '.join(check.found_once)}" if check.found_once else check.landmark
        rows.append(
            (
                check.radiograph,
                said,
                what,
                "" if check.outcome == "unchecked" else f"{check.compared}",
                f"{check.by_hand}" if check.by_hand else "",
                number(check.largest_px, 4),
                number(check.largest_mm, 4),
            )
        )
    headers = ("radiograph", "", "furthest off", "compared", "by hand", "at most (px)", "(mm)")
    print_table(headers, rows, title="Found once more", left=3)
    for check in checks:
        if check.reason:
            print_text(f"{check.radiograph}: {check.reason}")


def _verdict(checks: "list[Check]", damage: list[str]) -> str:
    count = {outcome: sum(check.outcome == outcome for check in checks) for outcome in _SAID}
    if damage:
        return f"Not verified: {len(damage)} files of the session are not as they were written."
    if all(check.passed for check in checks):
        exact = (
            "identical" if not count["same"] else f"{count['identical']} identical, {count['same']} within tolerance"
        )
        return f"Verified: the landmarks of {len(checks)} radiographs were found again, {exact}."
    parts = [
        f"{count[outcome]} {word}" for outcome, word in (("differs", "differ"), ("unchecked", "cannot be checked"))
    ]
    good = count["identical"] + count["same"]
    return f"Not verified: of {len(checks)} radiographs {good} are the same, {', '.join(parts)}."
