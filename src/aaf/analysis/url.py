"""A URL that can be read in one way only, or the reason why it is refused.

RFC 3986 is held strictly: no repair, no character that another reader could take for a separator, no notation of an address
besides the usual one, no user name. Two things change on the way: the host gets its normal form, and the fragment, which is never sent, goes.
Where a name leads is not known here; whoever resolves it classifies every address.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from aaf.analysis.addresses import AddressClass, Exemption, classify
from aaf.analysis.hosts import DEFAULT_PORTS, Host, HostPattern, parse_host, parse_port
from aaf.analysis.url_faults import UrlFault, UrlRefused

__all__ = ["MAX_URL", "HostPattern", "Url", "UrlFault", "UrlRefused", "host_of", "join", "origin_of", "parse_url"]

MAX_URL = 8192
"""Characters of the longest URL."""

# RFC 3986's unreserved and sub-delims, ":", "@" and "%"; brackets and the bar are common in queries and separate nothing there.
_PATH = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*\Z")
_QUERY = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@%/?\[\]|]*\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DOTS = re.compile(r"(?:\.|%2[eE]){1,2}\Z")
_SPLIT = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?\Z", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


@dataclass(frozen=True, slots=True)
class Url:
    """What is called: normalised host, effective port, and the path with its query as they go into the request line."""

    scheme: str
    host: str
    port: int
    path_query: str
    is_literal: bool

    @property
    def authority(self) -> str:
        """As the `Host` header has it: brackets around IPv6, the port where it isn't the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port (RFC 6454)."""
        return self.scheme, self.host, self.port

    def __str__(self) -> str:
        """The URL in its normal form."""
        return f"{self.scheme}://{self.authority}{self.path_query}"


def parse_url(text: str, *, exempt: Collection[Exemption] = ()) -> Url:
    """Read a URL of the scheme http or https and judge what its letters tell.

    Args:
        text: the URL, at most MAX_URL characters.
        exempt: origins whose internal name, or whose own literal address, is no reason to refuse.

    Raises:
        UrlRefused: with the reason.
    """
    scheme, authority, path, query = _parts(text)
    if scheme not in DEFAULT_PORTS:
        raise UrlRefused(UrlFault.SCHEME)
    host_text, port = _authority(authority, DEFAULT_PORTS[scheme])
    host = parse_host(host_text)
    exempted = [one.address for one in exempt if one.names(scheme, host.name, port)]
    if host.is_literal:
        found = classify(host.name)
        if found is not AddressClass.GLOBAL and host.name not in exempted:
            raise UrlRefused(UrlFault.NOT_GLOBAL, found)
    elif (fault := host.internal) is not None and not exempted:
        raise UrlRefused(fault)
    target = _target(path, query)
    return Url(scheme, host.name, port, target, host.is_literal)


def origin_of(text: str) -> tuple[Host, int]:
    """The host and the effective port of a URL of the scheme http or https, wherever they lead: also to this machine.

    Raises:
        UrlRefused: the URL can be read in more than one way.
    """
    scheme, authority, path, query = _parts(text)
    if scheme not in DEFAULT_PORTS:
        raise UrlRefused(UrlFault.SCHEME)
    host, port = _authority(authority, DEFAULT_PORTS[scheme])
    _target(path, query)
    return parse_host(host), port


def host_of(text: str) -> Host:
    """The host of a URL of any scheme, or a host alone, with or without brackets; where it leads isn't judged.

    Raises:
        UrlRefused: it can be read in more than one way, or not at all.
    """
    if "://" not in text:
        return parse_host(f"[{text}]" if ":" in text and not text.startswith("[") else text)
    scheme, authority, path, query = _parts(text)
    _target(path, query)
    return parse_host(_authority(authority, DEFAULT_PORTS.get(scheme, 0))[0])


def _parts(text: str) -> tuple[str, str, str, str | None]:
    """Scheme in lower case, authority, path and query; nothing in them is decoded."""
    if len(text) > MAX_URL:
        raise UrlRefused(UrlFault.TOO_LONG)
    found = _SPLIT.match(text)
    if found is None:
        raise UrlRefused(UrlFault.FORM)
    scheme, authority, path, query, fragment = found.groups()
    if fragment is not None and not _is_plain(fragment):
        raise UrlRefused(UrlFault.CHARACTER)
    return scheme.lower(), authority, path, query


def _is_plain(text: str) -> bool:
    """Whether all of it is visible ASCII without a backslash."""
    return text.isascii() and text.isprintable() and " " not in text and "\\" not in text


def _authority(text: str, default_port: int) -> tuple[str, int]:
    """The host as it stands, and the effective port."""
    if "@" in text:
        raise UrlRefused(UrlFault.USERINFO)
    if text.isascii() and not _is_plain(text):
        raise UrlRefused(UrlFault.CHARACTER)
    if "%" in text and text[:1] != "[":
        raise UrlRefused(UrlFault.AUTHORITY)
    bracket = text.rfind("]")
    host, colon, digits = text, "", ""
    if ":" in text[bracket + 1 :]:
        host, colon, digits = text.rpartition(":")
    port = parse_port(digits) if colon else default_port
    if port is None:
        raise UrlRefused(UrlFault.PORT)
    if (":" in host or "[" in host or "]" in host) and not (host.startswith("[") and host.endswith("]")):
        raise UrlRefused(UrlFault.AUTHORITY)
    return host, port


def _target(path: str, query: str | None) -> str:
    """The request target (RFC 9112 section 3.2.1)."""
    if not _PATH.match(path) or (query is not None and not _QUERY.match(query)):
        raise UrlRefused(UrlFault.CHARACTER)
    target = (path or "/") + ("" if query is None else f"?{query}")
    if _BAD_ESCAPE.search(target):
        raise UrlRefused(UrlFault.ESCAPE)
    if any(_DOTS.match(segment) for segment in path.split("/")):
        raise UrlRefused(UrlFault.DOT_SEGMENT)
    return target


def join(base: Url, reference: str) -> str:
    """The URL that `reference` means at `base` (RFC 3986 section 5.2), not judged yet: `parse_url` comes next.

    Raises:
        UrlRefused: the reference has a character that no URL has, so that readers may differ about what it means.
    """
    if not _is_plain(reference):
        raise UrlRefused(UrlFault.CHARACTER)
    if _SCHEME.match(reference):
        return reference
    if reference.startswith("//"):
        return f"{base.scheme}:{reference}"
    origin = f"{base.scheme}://{base.authority}"
    path, question, query = base.path_query.partition("?")
    given = reference.partition("#")[0]
    if not given:
        return origin + path + question + query
    if given.startswith("?"):
        return origin + path + given
    new_path, question, query = given.partition("?")
    if not new_path.startswith("/"):
        new_path = path[: path.rindex("/") + 1] + new_path
    return origin + _without_dots(new_path) + question + query


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4 for a path that begins with a slash; encoded dots stay, and are refused later."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
