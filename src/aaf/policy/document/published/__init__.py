"""The published JSON Schemas: what makes each part of them, and the files themselves, which `python -m tools.schemas` writes."""
