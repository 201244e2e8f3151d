#!/bin/sh
# Make the virtual environment with the project (editable), its development tools and the extras that tests use.
# Quick when nothing has changed: a stamp in the environment holds the sum of what it was made from.
set -eu

python="${PYTHON:-python3}"
venv="${VENV:-.venv}"
extras="itk,onnx,tensorboard,timm"

command -v "$python" >/dev/null 2>&1 || {
    echo "There is no $python; install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3 ..." >&2
    exit 1
}
wanted="$("$python" - pyproject.toml "$0" <<'END'
import hashlib, pathlib, sys
if sys.version_info < (3, 11):
    sys.exit(f"{sys.executable} is Python {sys.version.split()[0]}, and 3.11 or newer is needed; "
             "name another one: make PYTHON=/path/to/python3.11 ...")
try:
    import ensurepip, venv
except ImportError:
    sys.exit(f"{sys.executable} cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv")
made_from = [sys.version, sys.prefix] + [pathlib.Path(name).read_text() for name in sys.argv[1:]]
print(hashlib.sha256("\0".join(made_from).encode()).hexdigest())
END
)" || exit 1

stamp="$venv/.made-from"
if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

echo "Making $venv (PyTorch with CUDA is a download of some GB: the first time takes minutes)"
rm -f "$stamp"
"$python" -m venv "$venv"
quiet="--quiet"
[ -t 1 ] && quiet=""
"$venv/bin/python" -m pip install $quiet --disable-pip-version-check --upgrade 'pip>=25.1' # 25.1: dependency groups
"$venv/bin/python" -m pip install $quiet --editable ".[$extras]" --group dev
printf '%s\n' "$wanted" >"$stamp"
