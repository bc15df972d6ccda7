"""Feeds made-up and mutated input to the two gates that read a foreign language: URLs, and Rego modules.

`python -m tools.fuzz` (`make fuzz`) prints its seed; the same seed makes the same inputs. Each target says what may come of an input; whatever
else does is a finding, made as small as it gets and saved beneath build/fuzz.
"""
