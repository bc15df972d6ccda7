"""Export proof packs and the ledger, verify them by a program that shares no code with the server, and tamper with copies.

The verifier runs as a process of its own, isolated from every installed package, with a key that was taken from the server before.
"""

import re
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from rich.text import Text

import aaf_verify
from aaf.domain.canonical import canonical, parse
from aaf.entrypoints.cli.demonstration.transcript import Transcript, expect
from aaf.entrypoints.cli.terminal.client import Client
from aaf.entrypoints.cli.terminal.files import new_file
from aaf.entrypoints.cli.terminal.output import inert
from aaf.entrypoints.cli.terminal.reading import text, unexpected

_EPOCH = (1980, 1, 1, 0, 0, 0)
_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-([0-9a-f]{12})\b")
"""An identifier; the transcript has the end of it, by which those of one moment differ."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where exports go, and the key file to verify them with."""

    folder: Path
    transcript: Transcript

    @property
    def key(self) -> Path:
        """The verifier's key file."""
        return self.folder / "ledger.vkey"

    def take_key(self, client: Client) -> None:
        """Take the log's key, as an auditor does once."""
        with new_file(self.key) as file:
            file.write(text(client.get("/v1/checkpoints/latest"), "vkey").encode() + b"\n")

    def export(self, client: Client, path: str, name: str) -> Path:
        """Save what the server exports."""
        target = self.folder / name
        kind = "application/zip" if target.suffix == ".zip" else "text/plain"
        with client.stream(path, kind) as pieces, new_file(target) as file:
            for piece in pieces:
                file.write(piece)
        return target

    def verify(self, file: Path, *, wanted: int, whole: bool = False) -> None:
        """Run the verifier on a file; print what it said last and what is false, and with `whole` the names of what it proved."""
        command = [sys.executable, "-I", "-S", str(Path(aaf_verify.__file__).resolve())]
        ran = subprocess.run(  # noqa: S603 - our own program
            [*command, str(file), "--key", str(self.key)], capture_output=True, text=True, check=False
        )
        lines = [_ID.sub("...\\1", one) for one in ran.stdout.splitlines()] or ["(it said nothing)"]
        colour = "green" if wanted == 0 else "bold red"
        self.transcript.line("verifies", file.name, Text(f"exit {ran.returncode}", style=colour))
        said = [" ".join(one.split()) for one in lines if one.startswith("FALSE")] + lines[-1:]
        if whole:
            names = Counter(one.split()[1].rstrip(":") for one in lines if one.startswith("proved"))
            proved = ", ".join(f"{count} {name}s" if count > 1 else name for name, count in names.items())
            said.insert(0, f"Each of these was proved: {proved}.")
        for line in said:
            self.transcript.quote(inert(line) if not line.isprintable() else line)
        expect(f"the verifier on {file.name}", wanted, ran.returncode)


def tampered(pack: Path, *, old: bytes, new: bytes, manifest: bool) -> Path:
    """Copy a pack with `old` replaced in its events, packed again; `manifest` also rebuilds the list of hashes to match."""
    with zipfile.ZipFile(pack) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    before = dict(content)
    content |= {name: data.replace(old, new) for name, data in before.items() if name.startswith("events/")}
    expect("the tampering changed an event", True, content != before)
    if manifest:
        listed = parse(content["manifest.json"])
        if not isinstance(listed, dict):
            raise unexpected("manifest")
        hashes = {name: sha256(data).hexdigest() for name, data in content.items() if name != "manifest.json"}
        content["manifest.json"] = canonical({**listed, "files": dict(hashes)})
    target = pack.with_name(f"{pack.stem}-{'forged' if manifest else 'changed'}.zip")
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, data)
    target.write_bytes(packed.getvalue())
    return target
