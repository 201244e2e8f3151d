#!/bin/sh
# Run the test suite in two halves side by side, each on half of the processor: the library with its command line, and
# the windows on a virtual display. With arguments for pytest, run just what they name.
#
#   PYTHON       the interpreter of the environment
#   ON_SCREEN    what a command is put behind so that it has a display; empty where there is one
set -eu

python="${PYTHON:-.venv/bin/python}"
on_screen="${ON_SCREEN:-}"

if [ $# -gt 0 ]; then
    eval "exec $on_screen \"\$python\" -m pytest \"\$@\""
fi

cores="$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)"
half=$((cores / 2))
[ "$half" -ge 1 ] || half=1
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$half}"

log="$(mktemp)"
windows=
trap 'rm -f "$log"; [ -z "$windows" ] || kill "$windows" 2>/dev/null || :' EXIT
trap 'exit 130' INT TERM

echo "The tests of windows run beside these, and are printed after them."
eval "$on_screen \"\$python\" -m pytest -o cache_dir=.pytest_cache/windows tests/napari_farnet" >"$log" 2>&1 &
windows=$!
library=0
"$python" -m pytest --ignore tests/napari_farnet tests || library=$?
in_windows=0
wait "$windows" || in_windows=$?
windows=
cat "$log"
[ "$library" -eq 0 ] && [ "$in_windows" -eq 0 ]
