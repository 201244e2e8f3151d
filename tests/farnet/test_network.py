"""Nothing leaves the computer: library, command line and training are imported and used without the network."""

import subprocess
import sys

import pytest

_WATCHED = """
import sys

def refuse(event, _):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"):
        raise RuntimeError(f"the network was asked: {event}")

sys.addaudithook(refuse)
"""

_USES = {
    "importing": """
import importlib, pkgutil, farnet
for module in pkgutil.walk_packages(farnet.__path__, "farnet."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ImportError as error:  # an extra that is not installed
            assert "farnet" not in str(error.name or ""), error
""",
    "detecting": """
from farnet import Detector, write_annotations
from farnet.measurement import measure, measurements_for
from farnet.samples import average_cephalogram
found = Detector("ceph19-compact", device="cpu").detect(average_cephalogram()[0]).landmarks
assert found.present.all()
write_annotations("found.csv", [found])
measure(measurements_for(found.scheme), found)
""",
    "training": """
from farnet.training.config import load_preset
from farnet.training.fit import start_network
from farnet.training.run import run_training
start_network(load_preset("compact", [], landmarks=19))
""",
}


@pytest.mark.parametrize("use", _USES)
def test_the_network_is_not_asked(tmp_path, use):
    code = _WATCHED + _USES[use]
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_watch_notices():
    code = _WATCHED + "import socket\nsocket.getaddrinfo('localhost', 80)\n"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "the network was asked" in result.stderr
