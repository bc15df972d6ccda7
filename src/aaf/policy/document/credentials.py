"""Credentials in the files of a configuration: those with a form that only one issuer writes, each with its place.

People and auditors read these files, so a credential in them is a problem like any other. What the firewall holds is not known here.
"""

from collections.abc import Iterator

from aaf.analysis.secrets import recognised

INSTEAD = "keep it with `aaf secrets set HANDLE` and write the handle"


def credentials(text: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Line and column, counted from 1, of each credential in a text, and what is to be said of it; never the credential."""
    for one in recognised(text):
        if one.certain:
            yield _place(text, one.start), f"this looks like {one.kind}"


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column of a place in the UTF-8 of a text."""
    before = text.encode()[:at].decode("utf-8", "ignore")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
