#!/usr/bin/env bash
# Sets up what `make run` (first argument `run`) or `make test` (`test`) needs and is not there yet:
# system libraries on Debian and Ubuntu, the virtual environment .venv, and the Python packages of pyproject.toml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
purpose=${1:?run or test}

stop() {
    echo "$*" >&2
    exit 1
}

# Sound output, OpenGL with a software fallback, what Qt's window system plugins link to, and a font to write with.
packages=(
    libportaudio2
    libegl1 libgl1 libopengl0 libgl1-mesa-dri
    libglib2.0-0 libdbus-1-3 libfontconfig1 libfreetype6 libx11-6 libx11-xcb1 libxkbcommon0 libxkbcommon-x11-0
    libxcb1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render0 libxcb-render-util0
    libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-util1 libxcb-xfixes0 libxcb-xkb1
    libwayland-client0 libwayland-cursor0
    fonts-dejavu-core
)
# A screen, a sound server and two voices for the tests.
[ "$purpose" = test ] && packages+=(xvfb xauth jackd2 espeak-ng flite)

installed() { # Ubuntu 24.04 and Debian 13 renamed some libraries: libglib2.0-0 is libglib2.0-0t64 there
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ||
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$1t64" 2>/dev/null)" = installed ]
}

# A Python of 3.11 to 3.14 that can make virtual environments; prints its path.
find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

system_packages() {
    local missing=() package as_root=()
    for package in "${packages[@]}"; do
        installed "$package" || missing+=("$package")
    done
    [ -x .venv/bin/python ] || find_python >/dev/null || missing+=(python3 python3-venv)
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || stop "These system packages are missing: ${missing[*]}; install them as root and try again."
        as_root=(sudo)
    fi
    echo "Installing system packages: ${missing[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
        stop "The list of system packages could not be fetched; check the network and try again."
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" ||
        stop "Some system packages could not be installed: ${missing[*]}."
}

case "$(uname -s)" in
Linux)
    if command -v apt-get >/dev/null; then
        system_packages
    else
        echo "This system has no apt: if the studio does not start, install PortAudio, OpenGL/EGL and Qt's xcb libraries." >&2
    fi
    ;;
Darwin) ;; # everything comes with the Python packages
*) stop "On Windows, set up with: py -m venv .venv, then .venv\\Scripts\\pip install -e ., then .venv\\Scripts\\emozone studio." ;;
esac

if [ ! -x .venv/bin/python ]; then
    python=$(find_python) ||
        stop "EmoZone Studio needs Python 3.11 to 3.14 with venv; this system has $(python3 --version 2>/dev/null || echo none)."
    echo "Creating .venv with $("$python" --version)"
    "$python" -m venv .venv || stop "The virtual environment .venv could not be created; delete it and try again."
fi
what=.
[ "$purpose" = test ] && what='.[test]'
echo "Installing Python packages; the first time this takes some minutes"
.venv/bin/python -m pip install -q --disable-pip-version-check -e "$what" ||
    stop "The Python packages could not be installed; check the network and free disk space (3 GB) and try again."
.venv/bin/python -m compileall -q studio || true # the first start need not; it also works without
echo "Preparing the engine for this processor; that takes up to a minute"
.venv/bin/python -m studio.warming || true # likewise
