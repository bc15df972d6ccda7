"""The project's own checks: what `make check`, `make test` and `make attacks` run besides ruff, mypy and pytest."""
