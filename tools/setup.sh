#!/bin/sh
# Makes .venv and installs what a lock names, with its hashes; does nothing where that was done before.
# Usage: tools/setup.sh run|dev   (dev holds all of run). PYTHON=… chooses the interpreter.
set -eu
want="$1"
cd "$(dirname "$0")/.."

key() { cat "requirements/$1.lock" pyproject.toml | cksum | tr ' ' '-'; }
stamp() { echo ".venv/.installed-$1-$(key "$1")"; }

# A moved or copied checkout has a .venv that points elsewhere: the stamp alone is not enough.
ready() { [ -f "$(stamp "$1")" ] && .venv/bin/python -c 'import aaf' >/dev/null 2>&1; }
if ready dev || { [ "$want" = run ] && ready run; }; then
    exit 0
fi

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    found=""
    old=""
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3.14 python3 python}; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        if "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
            found="$candidate"
            break
        fi
        old="$candidate"
    done
    if [ -z "$found" ] && [ -n "$old" ]; then
        echo "setup: $old is new enough but has no venv or ensurepip. Install them (Debian, Ubuntu: the package python3-venv)." >&2
        exit 1
    fi
    if [ -z "$found" ]; then
        echo "setup: needs Python 3.11 or newer with venv, found none. Install one, or name it: make PYTHON=/path/to/python3 …" >&2
        exit 1
    fi
    echo "setup: making .venv with $("$found" -c 'import platform; print("Python", platform.python_version())')"
    "$found" -m venv --clear .venv
fi

echo "setup: installing requirements/$want.lock"
PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --quiet --require-hashes -r "requirements/$want.lock"
PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
rm -f ".venv/.installed-$want-"*
: >"$(stamp "$want")"
