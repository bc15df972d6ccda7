"""Where the firewall is and who is calling: one origin, fixed for good, over TLS or on this machine, and a key that no `repr` shows."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from aaf_client.errors import Misuse

_PRINTABLE = re.compile(r"[\x21-\x7e]{1,512}")
_AGENT = re.compile(r"[\x20-\x7e]{1,256}")
_NO_KEY = (
    "Give the agent's own key, for instance from an environment variable that is set; "
    "an administrator makes one with `aaf keys create NAME --kind agent`."
)
_PORTS = {"http": 80, "https": 443}
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([1-9][0-9]{0,4}))?")
"""Host and port and nothing else: what is shown is what is dialled."""
_LAST_PORT = 65_535
_LONGEST_LABEL = 63
_IPV6 = 6


@dataclass(frozen=True, slots=True)
class Address:
    """A firewall's origin, the path before `/v1`, and the headers of every request to it."""

    scheme: str
    host: str
    port: int
    prefix: str = field(repr=False)
    headers: tuple[tuple[bytes, bytes], ...] = field(repr=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port, to be shown: what a path before `/v1` says may be for the firewall only."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def read_address(base_url: str, *, api_key: str | None, agent_id: str | None, insecure: bool) -> Address:
    """Read the address of a firewall.

    Raises:
        Misuse: it is no address, or the key would cross a network in the clear.
    """
    try:
        parts = urlsplit(base_url)
    except ValueError:
        raise _no_address() from None
    place = _PLACE.fullmatch(parts.netloc)
    if place is None or parts.scheme not in _PORTS or parts.query or parts.fragment or not base_url.isprintable():
        raise _no_address()
    host, port = place[1].strip("[]").lower(), int(place[2] or _PORTS[parts.scheme])
    if port > _LAST_PORT or not _is_host(host, in_brackets=place[1].startswith("[")):
        raise _no_address()
    if parts.scheme == "http" and not insecure and not _is_here(host):
        raise Misuse(
            "The key would cross a network in the clear.",
            hint="Use https, or say insecure=True where the network itself is protected.",
        )
    if not api_key:
        raise Misuse("There is no key: it is None or empty.", hint=_NO_KEY)
    if not isinstance(api_key, str):
        raise Misuse("The key is no text.", hint="Decode it first.")
    if not _PRINTABLE.fullmatch(api_key):
        raise Misuse(
            "The key holds characters that no key has.",
            hint="Copy it whole, without spaces, quotes or the end of the line.",
        )
    headers = [(b"Authorization", b"Bearer " + api_key.encode())]
    if agent_id is not None:
        if not _AGENT.fullmatch(agent_id):
            raise Misuse(
                "The agent id is empty or holds characters that no header can carry.",
                hint="Give the name that the agent's key was made for, or leave it out: the key says who it is.",
            )
        headers.append((b"X-Agent-Id", agent_id.encode()))
    return Address(parts.scheme, host, port, parts.path.rstrip("/"), tuple(headers))


def _is_host(host: str, *, in_brackets: bool) -> bool:
    """Whether this is a name whose parts can be looked up, or an address in the form that belongs there."""
    if in_brackets:
        try:
            return ip_address(host).version == _IPV6
        except ValueError:
            return False
    return all(0 < len(part) <= _LONGEST_LABEL for part in host.split("."))


def _is_here(host: str) -> bool:
    """Whether what is sent there stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _no_address() -> Misuse:
    return Misuse("This is no address of a firewall.", hint="Write it as https://host:port, without a name or a query.")
