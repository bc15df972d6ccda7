"""Benchmarks: ratios in one run against a bare baseline. `python -m benchmarks` runs all of them; README.md says what each measures."""
