"""Where requests may go: the rows of the allowlist, and everything else that one release says of them. Values only.

A destination is listed or it doesn't exist. Several rows may be about one host; an action uses the first that covers its scheme, host, port,
method and path and whose credential its action type declares, so a credential is never lent to a type that didn't ask for it. Nothing here
knows where a name leads or what a secret is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from functools import lru_cache
from typing import Any

from aaf.analysis.addresses import Exemption
from aaf.analysis.hosts import DEFAULT_PORTS, HostPattern
from aaf.analysis.url import Url
from aaf.domain.canonical import Json

SAFE_METHODS = frozenset({"GET", "HEAD"})
"""Methods that change nothing (RFC 9110 section 9.2.1)."""
NOT_ONE_PATH = re.compile(r"%(?:[01].|2[5fF]|5[cC]|7[fF]|[cC][01])|//|/\.\.|\\|;")
"""What a server may read as another path than the one that was compared."""


@unique
class Method(StrEnum):
    """The methods that there are."""

    DELETE = "DELETE"
    GET = "GET"
    HEAD = "HEAD"
    PATCH = "PATCH"
    POST = "POST"
    PUT = "PUT"


@unique
class Scheme(StrEnum):
    """The schemes that there are."""

    HTTP = "http"
    HTTPS = "https"


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret's handle and where its value goes: `style` is `bearer` or `basic` in `Authorization`, or `header`."""

    secret: str
    style: str
    header: str = "authorization"

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {"header": self.header, "secret": self.secret, "style": self.style}


@dataclass(frozen=True, slots=True)
class Destination:
    """One row of the allowlist; `interval` microseconds between requests and `burst` at once, or 0 and 0 for no rate."""

    host: str
    ports: tuple[int, ...] = (443,)
    schemes: tuple[str, ...] = ("https",)
    methods: tuple[str, ...] = ("GET", "HEAD")
    paths: tuple[str, ...] = ()
    credential: Credential | None = None
    interval: int = 0
    burst: int = 0

    @property
    def name(self) -> str:
        """What its rate is counted for."""
        rows = (self.schemes, (self.host,), map(str, self.ports), self.methods, self.paths)
        used = self.credential.secret if self.credential else ""
        return " ".join((*(",".join(row) for row in rows), used)).rstrip()

    def reaches(self, url: Url) -> bool:
        """Whether it is about this scheme, host and port."""
        if url.scheme not in self.schemes or url.port not in self.ports:
            return False
        # The pattern's own port is the scheme's; the row's ports were compared above.
        return _parsed(self.host).covers(url.scheme, url.host, DEFAULT_PORTS[url.scheme])

    def covers(self, url: Url, method: str) -> bool:
        """Whether this method of this path is listed too; prefixes end at a slash."""
        if method not in self.methods:
            return False
        path = url.path_query.partition("?")[0]
        if not self.paths:
            return True
        if NOT_ONE_PATH.search(path):
            return False
        return any(path == prefix or path.startswith(prefix.rstrip("/") + "/") for prefix in self.paths)

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {
            "burst": self.burst,
            "credential": self.credential.to_json() if self.credential else None,
            "host": self.host,
            "interval": self.interval,
            "methods": list(self.methods),
            "paths": list(self.paths),
            "ports": list(self.ports),
            "schemes": list(self.schemes),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Destination":
        """What `to_json` stored."""
        credential = stored["credential"]
        return cls(
            host=stored["host"],
            ports=tuple(stored["ports"]),
            schemes=tuple(stored["schemes"]),
            methods=tuple(stored["methods"]),
            paths=tuple(stored["paths"]),
            credential=Credential(credential["secret"], credential["style"], credential["header"])
            if credential
            else None,
            interval=stored["interval"],
            burst=stored["burst"],
        )


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Everything about outgoing requests. `timeout` in seconds; `redact` are names of fields; `unsafe_allow` is empty by default."""

    allow: tuple[Destination, ...] = ()
    max_bytes: int = 1 << 20
    timeout: int = 20
    redirects: int = 0
    redact: tuple[str, ...] = ()
    unsafe_allow: tuple[Exemption, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """As stored in a release."""
        return {
            "allow": [destination.to_json() for destination in self.allow],
            "max_bytes": self.max_bytes,
            "redact": list(self.redact),
            "redirects": self.redirects,
            "timeout": self.timeout,
            "unsafe_allow": [
                {"address": one.address, "host": one.host, "port": one.port, "scheme": one.scheme}
                for one in self.unsafe_allow
            ],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "HttpSettings":
        """What `to_json` stored."""
        return cls(
            allow=tuple(Destination.from_json(one) for one in stored["allow"]),
            max_bytes=stored["max_bytes"],
            timeout=stored["timeout"],
            redirects=stored["redirects"],
            redact=tuple(stored["redact"]),
            unsafe_allow=tuple(
                Exemption(one["host"], one["address"], one["port"], one["scheme"]) for one in stored["unsafe_allow"]
            ),
        )


@lru_cache(maxsize=4096)
def _parsed(host: str) -> HostPattern:
    """A row's pattern; each request is compared with the rows, and they stay the same."""
    return HostPattern.parse(host)
