"""One connection to a firewall's HTTP API.

The key comes from AAF_API_KEY or is typed unseen, never from an argument, and is taken out of whatever a server or a library says about
a failure. Only success is an answer: redirects are not followed. Proxies, `.netrc` and certificate variables of the environment are not
used. Nothing is tried twice.
"""

import json
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from aaf.domain.api_key import PREFIX
from aaf.domain.canonical import Json, parse
from aaf.domain.errors import AafError, Code
from aaf.domain.redaction import Values
from aaf.entrypoints.cli.terminal.address import read_address
from aaf.entrypoints.cli.terminal.options import KEY_VARIABLE
from aaf.entrypoints.cli.terminal.output import on_terminal
from aaf.entrypoints.cli.terminal.prompts import unseen
from aaf.entrypoints.cli.terminal.reading import members, unexpected
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped

_TIMEOUT = 30.0
_PAGE = 200
_UNUSABLE = frozenset({400, 405, 413, 500, 502, 503, 504})
"""HTTP statuses that are no answer to the question; every other refusal is one."""


def credential() -> str:
    """The key from the environment, or typed unseen.

    Raises:
        Stopped: there is neither a variable nor a person.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key and on_terminal():
        key = unseen("API key (not shown): ")
    if not key:
        raise Stopped(
            "missing_credential",
            "No API key was given.",
            hint=f"Set {KEY_VARIABLE} to the key that the server printed at its first start, or to one of `aaf keys create`; "
            f"`read -rs {KEY_VARIABLE} && export {KEY_VARIABLE}` keeps it out of the history.",
        )
    if not key.isascii() or not key.isprintable():
        raise Stopped(
            "invalid_credential",
            f"{KEY_VARIABLE} holds no key.",
            hint=f"A key is {PREFIX} and letters and digits after it.",
        )
    return key


class Refused(Stopped):
    """The server said no; `http` is its status, `problem` all that it said."""

    def __init__(
        self, http: int, code: str, sentence: str, *, hint: str, problem: Mapping[str, Json] | None = None
    ) -> None:
        """Status 1 for an answer, 2 where it is none."""
        status = Status.UNUSABLE if http in _UNUSABLE else Status.NO
        super().__init__(code, sentence, hint=hint, status=status)
        self.http = http
        self.problem = problem or {}


class Client:
    """Calls with one key; answers are objects, refusals end the command."""

    def __init__(self, url: str, key: str, *, ca: Path | None = None, patience: float = _TIMEOUT) -> None:
        """Check the address; nothing is sent yet. `ca` is a file of certificates to trust instead of the system's, `patience` in seconds."""
        address = read_address(url)
        self.url = address.url
        self.now: datetime | None = None
        """The server's time at its last answer, to the second."""
        self._http = httpx2.Client(
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            timeout=patience,
            trust_env=False,
            verify=_trusted(ca) if address.tls else False,
        )
        self._key = key

    def __enter__(self) -> Self:
        """This."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, **query: str | int | None) -> dict[str, Json]:
        """Ask; `None` leaves a parameter out."""
        return self._object(self._send("GET", path, params={k: v for k, v in query.items() if v is not None}))

    def post(self, path: str, body: Mapping[str, Json] | None = None, **headers: str) -> dict[str, Json]:
        """Ask for a change."""
        return self._object(self._send("POST", path, body=body or {}, headers=headers))

    def change(
        self, method: str, path: str, body: Mapping[str, Json] | None = None, *, etag: str | None = None
    ) -> dict[str, Json]:
        """Ask for a change of what was read, by any method; `etag` without its quotes names what it begins from."""
        headers = {} if etag is None else {"If-Match": f'"{etag}"'}
        return self._object(self._send(method, path, body=body, headers=headers))

    def pages(
        self, path: str, member: str, *, cursor: str, limit: int, **query: str | int | None
    ) -> Iterator[Mapping[str, Json]]:
        """The first `limit` members of a list, over as many pages as it takes; `cursor` names the next page's parameter.

        A cursor of numbers goes up, one of ids down: a server whose cursors go round is not followed.
        """
        while limit > 0:
            page = self.get(path, **query, limit=min(limit, _PAGE))
            listed = members(page, member)
            yield from listed
            limit -= len(listed)
            match query.get(cursor), page.get("next"):
                case _, None:
                    return
                case None, str(following):
                    query[cursor] = following
                case str(sent), str(following) if following < sent:
                    query[cursor] = following
                case int(sent), int(after) if after > sent:
                    query[cursor] = after
                case _:
                    raise unexpected("cursor `next` that leads on")

    @contextmanager
    def stream(self, path: str, kind: str, body: Mapping[str, Json] | None = None) -> Iterator[Iterator[bytes]]:
        """A long answer of a media type, in pieces; with a `body` it is asked for by POST."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "*/*", **({"Content-Type": "application/json"} if content is not None else {})}
        method = "GET" if content is None else "POST"
        with (
            self._reaching(),
            self._http.stream(method, self.url + path, headers=headers, content=content) as response,
        ):
            if not response.is_success:
                response.read()
                raise self._problem(response)
            if response.headers.get("content-type", "").partition(";")[0] != kind:
                raise self._foreign()
            yield response.iter_bytes()

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        content = None if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"} if content is not None else {}
        with self._reaching():
            response = self._http.request(
                method, self.url + path, params=params, content=content, headers={**kind, **(headers or {})}
            )
        if not response.is_success:
            raise self._problem(response)
        self.now = None
        with suppress(KeyError, ValueError, OverflowError):
            said = parsedate_to_datetime(response.headers["date"])
            self.now = said if said.tzinfo is not None else None
        return response

    def _object(self, response: httpx2.Response) -> dict[str, Json]:
        try:
            value = parse(response.content)
        except (AafError, ValueError):
            raise self._foreign() from None
        if not isinstance(value, dict):
            raise self._foreign()
        return value

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Turn what can go wrong on the way into a sentence."""
        try:
            yield
        except httpx2.TimeoutException:
            raise Stopped(
                "no_answer",
                f"{self.url} did not answer in time.",
                hint="Look at the server's log; what was asked may still happen.",
            ) from None
        except httpx2.HTTPError as error:
            why = Values([self._key]).clean_text(str(error)).rstrip(".")
            hint = "Start a server with `aaf serve`, or name another by --url or AAF_URL; the address of one with TLS begins with https."
            if "CERTIFICATE_VERIFY_FAILED" in why:
                hint = "Trust its certificate with --ca FILE, and write the host name that the certificate is for."
            raise Stopped("unreachable", f"{self.url} can't be reached: {why}.", hint=hint) from None

    def _problem(self, response: httpx2.Response) -> Stopped:
        """A refusal of the server; whatever is neither success nor error is none."""
        if not response.is_error:
            return self._foreign(f" Its status is {response.status_code}.")
        try:
            value = Values([self._key]).redacted(parse(response.content))
        except (AafError, ValueError):
            return self._foreign()
        if not isinstance(value, dict) or not isinstance(value.get("code"), str):
            return self._foreign()
        sentence = str(value.get("detail") or value.get("title") or response.status_code)
        if value.get("path"):
            sentence = f"{sentence} ({value['path']})"
        code, hint = str(value["code"]), str(value.get("hint") or "")
        match code:  # what the server says to a program is no help at a terminal
            case Code.INVALID_CREDENTIAL | Code.MISSING_CREDENTIAL:
                hint = (
                    f"Look at {KEY_VARIABLE}: it may be the key of another installation than the one at {self.url}. "
                    "An administrator makes a new one with `aaf keys create`."
                )
            case Code.PERMISSION_DENIED:
                hint = f"{hint} If this is an agent's key, use a person's; else one whose role has the right.".lstrip()
        return Refused(response.status_code, code, sentence, hint=hint, problem=value)

    def _foreign(self, why: str = "") -> Stopped:
        """Whatever answers there, it is not a firewall."""
        sentence = f"What answers at {self.url} is no Agent Action Firewall.{why}"
        return Stopped("not_a_firewall", sentence, hint="Check --url or AAF_URL.")


def _trusted(ca: Path | None) -> ssl.SSLContext:
    """The certificates to trust; TLS 1.2 or newer."""
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    except (OSError, ssl.SSLError):
        raise Stopped("bad_certificates", f"{ca} holds no certificates.", hint="Name a PEM file.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
