"""`farnet demo`: napari on the sample radiograph, with its landmarks detected through the plugin's dock."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from farnet.commands.console import note, print_json, print_text
from farnet.commands.options import DeviceOption, JsonOption, ModelOption, examples
from farnet.commands.tables import print_landmarks
from farnet.errors import FarnetError, MissingExtraError
from farnet.zoo import DEFAULT_MODEL

if TYPE_CHECKING:
    from farnet.landmarks import Landmarks

__all__ = ["demo", "has_display", "register"]

_HELP = examples(
    """Open napari on the sample, an average cephalogram, and detect its landmarks through the plugin.

The window stays open: drag a point, look at a heatmap, save the points. Without a display (a server, a container) the
same happens on a virtual one, a screenshot is written, and the window closes. Prints the table of landmarks either
way.""",
    ("see it", "farnet demo"),
    ("a screenshot and no window that stays", "farnet demo --screenshot demo.png"),
    ("the landmarks, for a program", "farnet demo --json"),
)

_SCREEN = "1600x1000x24"
_VIRTUAL = "FARNET_DEMO_ON_VIRTUAL_DISPLAY"  # set for the copy of this command that runs under xvfb-run
_ANOTHER_SCREEN = ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM")  # would take Qt away from the virtual display
_SCREENSHOT = Path("demo") / "screenshot.png"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("demo", help=_HELP)(demo)


def demo(
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "auto",
    screenshot: Annotated[
        Path | None,
        typer.Option("--screenshot", metavar="FILE", help="Write a picture of the window and close it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the plugin on the sample; see `_HELP`."""
    if not has_display():
        if not os.environ.get(_VIRTUAL):
            raise typer.Exit(_run_on_virtual_display(model, device, screenshot or _SCREENSHOT, as_json=as_json))
        raise FarnetError("The virtual display cannot be reached; xvfb-run started without Xvfb behind it.")
    try:
        from napari_farnet.demo import run_demo
    except ImportError as error:
        raise MissingExtraError(
            f"napari cannot open a window: {error}. Install a Qt binding with: pip install 'napari-farnet[all]'"
        ) from error

    def show(landmarks: "Landmarks") -> None:
        _report(landmarks, screenshot, as_json=as_json)

    run_demo(model=model, device=device, screenshot=screenshot, detected=show)


def has_display() -> bool:
    """Whether a window can be opened; on Linux, whether the X or Wayland server named by the environment answers."""
    if not sys.platform.startswith("linux"):
        return True
    if os.environ.get("WAYLAND_DISPLAY") and not os.environ.get("DISPLAY"):
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        return Path(runtime, os.environ["WAYLAND_DISPLAY"]).exists()
    return bool(os.environ.get("DISPLAY")) and _x_server_answers()


def _x_server_answers() -> bool:
    """Connect as Qt will: a DISPLAY that nothing listens on would end the process without an exception."""
    import ctypes

    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    failed = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not failed


def _run_on_virtual_display(model: str, device: str, screenshot: Path, *, as_json: bool) -> int:
    xvfb = shutil.which("xvfb-run")
    if xvfb is None:
        raise FarnetError(
            "There is no display, and no xvfb-run to make a virtual one. "
            "On Debian and Ubuntu: apt-get install xvfb xauth"
        )
    note("There is no display: opening napari on a virtual one.")
    command = [xvfb, "-a", "-s", f"-screen 0 {_SCREEN}", sys.executable, "-m", "farnet.cli", "demo"]
    command += ["--model", model, "--device", device, "--screenshot", str(screenshot), *(["--json"] if as_json else [])]
    environment = {name: value for name, value in os.environ.items() if name not in _ANOTHER_SCREEN}
    return subprocess.run(command, env=environment | {_VIRTUAL: "1"}, check=False).returncode


def _report(landmarks: "Landmarks", screenshot: Path | None, *, as_json: bool) -> None:
    distance = _distance_from_truth(landmarks)
    if as_json:
        report: dict[str, Any] = {
            "radiograph": landmarks.radiograph,
            "source": landmarks.source,
            "screenshot": None if screenshot is None else str(screenshot),
            "mean_radial_error": distance[0],
            "unit": distance[1],
            "landmarks": landmarks.summary_table(),
        }
        print_json(report)
        return
    print_landmarks(landmarks)
    print_text("Mean distance from the sample's own landmarks: {:.2f} {}".format(*distance))
    if screenshot is None:
        note("Drag a point to correct it. Close the window to end.")
    else:
        print_text(f"Screenshot: {screenshot}")


def _distance_from_truth(landmarks: "Landmarks") -> tuple[float, str]:
    from farnet.evaluation import evaluate
    from farnet.samples import average_cephalogram

    _, truth = average_cephalogram()
    evaluation = evaluate([landmarks.replace(radiograph="")], [truth], bootstrap=0)
    return evaluation.pooled.mre, evaluation.unit
