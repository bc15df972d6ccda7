"""The address of a server: the host and the port that are printed are those that get the key.

It is read in one way or refused: what follows the host is a port that no other program could take for another one, a path, both or nothing.
The key travels in the clear within this machine only. Where a name leads is not known here.
"""

import re
from ipaddress import ip_address
from typing import NamedTuple

from aaf.analysis.hosts import parse_host, parse_port
from aaf.analysis.url import MAX_URL
from aaf.analysis.url_faults import UrlFault, UrlRefused
from aaf.domain.api_key import PREFIX
from aaf.entrypoints.cli.terminal.options import KEY_VARIABLE
from aaf.entrypoints.cli.terminal.stopping import Stopped

_FORM = re.compile(r"(https?)://(\[[^/\]]*\]|[^/:]*)(?::([^/]*))?(/[^?#]*)?", re.IGNORECASE)


class Address(NamedTuple):
    """Where a server is: `url` has the normal form, without a slash at its end."""

    url: str
    tls: bool


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by name or address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_address(text: str) -> Address:
    """The address of a server, as it will be called.

    Raises:
        Stopped: it is none, or what it holds or leads to is not for a key.
    """
    if "@" in text or PREFIX in text.lower():  # before anything that prints it
        raise Stopped(
            "bad_url",
            "The address holds a name, a password or a key.",
            hint=f"The key belongs into {KEY_VARIABLE}.",
        )
    try:
        scheme, host, port, path = _parts(text)
    except UrlRefused as refused:
        sentence = f"{text} is no address of a server. {refused}"
        raise Stopped("bad_url", sentence, hint="Write it like http://127.0.0.1:8700.") from None
    if scheme == "http" and not is_loopback(host):
        raise Stopped(
            "bad_url",
            "The key would travel in the clear beyond this machine.",
            hint="Use an https:// address, or a tunnel to a port of this machine.",
        )
    shown = f"[{host}]" if ":" in host else host
    return Address(f"{scheme}://{shown}{port}{path.rstrip('/')}", tls=scheme == "https")


def _parts(text: str) -> tuple[str, str, str, str]:
    """Scheme, host without brackets, port with its colon or nothing, and path.

    Raises:
        UrlRefused: there is another way to read it.
    """
    if len(text) > MAX_URL:
        raise UrlRefused(UrlFault.TOO_LONG)
    found = _FORM.fullmatch(text)
    if found is None:
        raise UrlRefused(UrlFault.FORM)
    scheme, host, port, path = found.groups(default="")
    if not path.isascii() or not path.isprintable():
        raise UrlRefused(UrlFault.CHARACTER)
    if found[3] is None:
        return scheme.lower(), parse_host(host).name, "", path
    number = parse_port(port)
    if number is None:
        raise UrlRefused(UrlFault.PORT)
    return scheme.lower(), parse_host(host).name, f":{number}", path
