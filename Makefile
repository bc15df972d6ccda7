# Every target does its own set-up: a Python of 3.11 or newer and make are all that a machine needs.
PY := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup-run setup-dev demo serve test check bench kill reload writers attacks browser fuzz fmt lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup-run:
	@PYTHON="$(PYTHON)" tools/setup.sh run

setup-dev:
	@PYTHON="$(PYTHON)" tools/setup.sh dev

demo: setup-run ## an agent acts, a human decides, a verifier proves it: the whole way in one transcript
	@.venv/bin/aaf demo

serve: setup-run ## start the server on loopback
	@.venv/bin/aaf serve

test: setup-dev ## the tests, with branch coverage and its floors
	@mkdir -p build
	@$(PY) -m coverage erase
	@$(PY) -m pytest -n 2 --dist loadfile -m "not drill" --cov --cov-report= --no-header -q
	@$(PY) -m tools.coverage_gate

check: setup-dev ## ruff, mypy, import contracts, claims, docs
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo
	$(PY) -m tools.claims
	$(PY) -m tools.docs_check

bench: setup-dev ## measure against the budgets; writes build/bench.json
	@mkdir -p build
	@$(PY) -m benchmarks

kill: setup-dev ## the crash drills: SIGKILL under load of store and server, then count what was acknowledged
	@$(PY) tests/drills/kill.py
	@$(PY) tests/drills/kill_server.py

reload: setup-dev ## save, break and restore a configuration under the load of three servers, and kill the one that watches
	@$(PY) tests/drills/reload.py

writers: setup-dev ## two writers of one configuration at once, on two servers: 200 rounds, nothing lost
	@$(PY) tests/drills/writers.py

attacks: setup-dev ## each claimed attack twice: refused, and found when its guard is taken out
	@$(PY) -m tools.attacks

browser: setup-dev ## the console in a real Chromium; writes pictures of its pages to build/screens/
	@$(PY) -m pytest tests/browser -q -p no:cacheprovider

fuzz: setup-dev ## made-up and mutated input for the URL gate, the loader of configurations and that of Rego; findings go to build/fuzz
	@$(PY) -m tools.fuzz

fmt: setup-dev ## format, and fix what ruff can fix
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

lock: setup-dev ## make the locks anew from pyproject.toml
	@PYTHON="$(PYTHON)" tools/lock.sh

clean: ## remove what the other targets made
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
