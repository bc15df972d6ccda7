#!/bin/sh
# Makes requirements/*.lock anew, in an environment of its own. A lock holds versions and hashes, no address of an index.
set -eu
cd "$(dirname "$0")/.."
tool=build/lock-venv
[ -x "$tool/bin/pip-compile" ] || { .venv/bin/python -m venv "$tool" && "$tool/bin/pip" install --quiet pip-tools; }

compile() {
    "$tool/bin/pip-compile" --quiet --no-header --generate-hashes --allow-unsafe --strip-extras \
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host "$@"
}

compile --extra server --extra cli --extra dev --output-file requirements/dev.lock pyproject.toml requirements/build.in
# The runtime is a part of the other, so both name the same versions.
compile --extra server --extra cli --constraint requirements/dev.lock --output-file requirements/run.lock \
    pyproject.toml requirements/build.in
# What the benchmarks compare with has an environment of its own.
compile --output-file requirements/peers.lock requirements/peers.in
