"""Run the verifier as a user does: files in, exit status and lines out."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import aaf_verify
from tests.verify import forge


class Verdict(NamedTuple):
    """What the verifier answered."""

    status: int
    out: str

    @property
    def false(self) -> dict[str, Any]:
        """Return the one line that is false."""
        lines = [line for line in json.loads(self.out)["checks"] if line["result"] == "false"]
        assert len(lines) == 1, self.out
        line: dict[str, Any] = lines[0]
        return line

    @property
    def sentence(self) -> str:
        """Return the sentence of the verdict."""
        return str(json.loads(self.out)["sentence"])


Verify = Callable[..., Verdict]


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Return a call that writes the bytes to a file and verifies it with JSON output."""

    def run(data: bytes, *options: str, keys: Sequence[str] | None = None) -> Verdict:
        file, key_file = tmp_path / "input", tmp_path / "log.keys"
        file.write_bytes(data)
        key_file.write_text("\n".join([forge.Log().vkey()] if keys is None else keys) + "\n")
        status = aaf_verify.main(["--key", str(key_file), "--json", *options, str(file)])
        return Verdict(status, capsys.readouterr().out)

    return run
