#!/bin/sh
# Run the test suite in two halves side by side, each on half of the processor: the library with its command line and
# some of the windows, and the other windows. With arguments for pytest, run just what they name.
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

# The windows of this folder are looked at after the library, so that both halves take as long.
after="tests/napari_farnet/train"
library="$(ls -d tests/* | grep -v -e __pycache__ -e conftest -e '^tests/napari_farnet$')"
without="$(printf -- '--ignore %s ' $after)"

echo "Most tests of windows run beside these, and are printed after them."
eval "$on_screen \"\$python\" -m pytest -o cache_dir=.pytest_cache/windows tests/napari_farnet $without" >"$log" 2>&1 &
windows=$!
in_library=0
eval "$on_screen \"\$python\" -m pytest $(echo $library $after)" || in_library=$?
in_windows=0
wait "$windows" || in_windows=$?
windows=
cat "$log"
[ "$in_library" -eq 0 ] && [ "$in_windows" -eq 0 ]
