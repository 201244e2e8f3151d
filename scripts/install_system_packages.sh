#!/bin/sh
# Install the system packages that a napari window and a virtual display need, where apt is, and only those missing.
set -eu

packages="xvfb xauth libgl1-mesa-dri libgl1 libegl1 libopengl0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 \
libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-xinerama0 libxcb-shape0 libdbus-1-3 \
libfontconfig1 libglib2.0-0"

command -v apt-get >/dev/null 2>&1 || exit 0

# Debian's own Python comes without the module that makes virtual environments.
"${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null || packages="$packages python3-venv"

missing=""
for package in $packages; do
    # Newer releases have some of them under another name (libglib2.0-0t64).
    dpkg-query --show --showformat='${db:Status-Status}\n' "$package" "${package}t64" 2>/dev/null |
        grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    sudo=""
elif command -v sudo >/dev/null 2>&1; then
    sudo="sudo"
else
    echo "These system packages are missing:$missing" >&2
    echo "Neither root nor sudo is at hand; ask an administrator to run: apt-get install$missing" >&2
    exit 1
fi

echo "Installing system packages:$missing"
$sudo apt-get update --quiet=2
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends $missing
