"""Reads `connectors.http` and `egress.unsafe_allow`: every key is checked, and a row that could only mislead is a problem with its place.

What the rows mean is in `destinations`. A credential is refused where it could reach another host or travel in the clear.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from aaf.analysis.addresses import AddressClass, Exemption, classify, parse_address
from aaf.analysis.hosts import DEFAULT_PORTS, MAX_PORT, HostPattern, parse_host
from aaf.analysis.url_faults import UrlRefused
from aaf.policy.catalogue import Entry
from aaf.policy.destinations import NOT_ONE_PATH, Credential, Destination, HttpSettings, Method, Scheme
from aaf.policy.positioned import Faults, Node
from aaf.policy.reading import Section, choose, did_you_mean

MAX_BYTES = 16 << 20
MAX_REDIRECTS = 5
_MAX_BURST = 100_000
_HANDLE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_HEADER = re.compile(r"header:([A-Za-z][A-Za-z0-9-]{0,63})")
_RATE = re.compile(r"([1-9][0-9]{0,6})/([smhd])")
_MICROSECONDS = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_PATH = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,=:@/]*")
_FRAMING = frozenset(
    {
        *("accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "forwarded"),
        *("host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "via"),
    }
)
"""Headers that no credential travels in: they frame the message, or say what it is."""


def read_http(
    section: Section, egress: Section | None, *, redact: Iterable[str], declared: frozenset[str] | None
) -> HttpSettings:
    """Read `connectors.http` with the exemptions of `egress`; what is wrong is a problem with its place.

    Args:
        section: `connectors.http`.
        egress: `egress`, where there is one.
        redact: names of fields that are redacted everywhere.
        declared: handles that action types of this connector declare, None where those aren't known.
    """
    nodes = [*section.nodes("allow", "destinations"), *_hosts(section, egress)]
    exemptions = _exemptions(egress)
    names = {name.casefold(): name for name in (*redact, *(name for name, _ in section.texts("redact")))}
    settings = HttpSettings(
        allow=tuple(
            _destination(Section(node, "the destination", section.faults), exemptions, declared) for node in nodes
        ),
        max_bytes=section.whole("max_bytes", 1 << 20, least=1, most=MAX_BYTES),
        timeout=section.seconds("timeout", 20),
        redirects=section.whole("redirects", 0, least=0, most=MAX_REDIRECTS),
        redact=tuple(sorted(names.values())),
        unsafe_allow=exemptions,
    )
    section.close()
    return settings


def exemption_warnings(exemptions: Iterable[Exemption]) -> list[str]:
    """What has to be said at each load of the addresses that the guard lets through."""
    return [
        f"egress.unsafe_allow lets requests to {one.scheme}://{one.host}:{one.port} reach {one.address}, whatever is there"
        for one in exemptions
    ]


def check_type(entry: Entry, node: Node, settings: HttpSettings, faults: Faults) -> None:
    """Check that an action type of this connector is one that it can run, and that a person sees where it goes."""
    section = Section(node, entry.name, faults)
    name, secrets = section.take("name") or node, section.take("secrets") or node
    if entry.operation.upper() not in set(Method):
        words = [method.lower() for method in Method]
        faults.at(
            name,
            "the last word of the name of an action of connector http is a method",
            did_you_mean(entry.operation, words),
        )
    if "params.url" not in entry.targets:
        faults.at(section.take("targets") or node, "`targets` lacks params.url, which an approver must see", "add it")
    used = {row.credential.secret for row in settings.allow if row.credential is not None}
    for handle in entry.secrets:
        if handle not in used:
            faults.at(
                secrets, f"no destination of connectors.http uses the secret `{handle}`", did_you_mean(handle, used)
            )


def _hosts(section: Section, egress: Section | None) -> list[Node]:
    """The hosts of `egress.allow` as destinations: the short form, which can't stand beside the long one."""
    if egress is None:
        return []
    hosts = egress.texts("allow")
    listed, short = section.take("allow"), egress.take("allow")
    if hosts and listed is not None and short is not None:
        hint = "write all of them in connectors.http.allow, or all of them here"
        egress.faults.at_key(short, "destinations stand in connectors.http.allow too", hint)
        return []
    return [replace(node, value={"host": node}) for _, node in hosts]


def _exemptions(section: Section | None) -> tuple[Exemption, ...]:
    if section is None:
        return ()
    found: list[Exemption] = []
    for node in section.nodes("unsafe_allow", "exemptions"):
        row = Section(node, "the exemption", section.faults)
        host = _host(row)
        address, place = row.text("address", required=True), row.take("address")
        if place is not None and address and parse_address(address) is None:
            row.faults.at(place, "`address` is no IP address", "write one address, such as 127.0.0.1; no range")
        row.take("port", required=True)
        port = row.whole("port", 443, least=1, most=MAX_PORT)
        scheme = row.choice("scheme", Scheme, Scheme.HTTPS, required=True)
        row.close()
        parsed = parse_address(address)
        if host is not None and parsed is not None:
            found.append(Exemption(host, str(parsed), port, scheme))
    section.close()
    return tuple(found)


def _host(row: Section) -> str | None:
    """An exact host in its normal form."""
    text, node = row.text("host", required=True), row.take("host")
    if node is None or not text:
        return None
    try:
        return parse_host(text).name
    except UrlRefused as refused:
        row.faults.at(node, f"`host` can't be used: {refused}", "write one host, such as api.example.com")
        return None


def _destination(row: Section, exemptions: tuple[Exemption, ...], declared: frozenset[str] | None) -> Destination:
    host = _pattern(row)
    schemes = _chosen(row, "schemes", Scheme, (Scheme.HTTPS,))
    ports = _ports(row, tuple(DEFAULT_PORTS[scheme] for scheme in schemes))
    _reachable(row, host, ports, schemes, exemptions)
    credential = _credential(row, declared)
    if credential is not None:
        _safe_for_credential(row, host, ports, schemes, exemptions)
    interval = _interval(row)
    burst = row.whole("burst", 1, least=1, most=_MAX_BURST)
    if row.take("burst") is not None and row.take("rate") is None:
        row.faults.at(row.node, "`burst` without `rate` limits nothing", "add `rate`, such as 60/m")
    destination = Destination(
        host=host,
        ports=ports,
        schemes=schemes,
        methods=_chosen(row, "methods", Method, (Method.GET, Method.HEAD)),
        paths=_paths(row),
        credential=credential,
        interval=interval,
        burst=burst if interval else 0,
    )
    row.close()
    return destination


def _pattern(row: Section) -> str:
    text, node = row.text("host", required=True), row.take("host")
    if node is None or not text:
        return ""
    try:
        pattern = HostPattern.parse(text)
    except ValueError as fault:
        row.faults.at(node, f"`host` can't be used: {fault}", "write api.example.com or *.example.com")
        return ""
    if pattern.port is not None:
        row.faults.at(node, "`host` has no port", "write it under `ports`")
        return ""
    return str(pattern)


def _chosen(row: Section, key: str, kind: type[StrEnum], default: tuple[StrEnum, ...]) -> tuple[str, ...]:
    """A list of members of a closed set, in the order of the set."""
    found = {
        str(choose(node, kind, default[0], f"one of `{key}`", row.faults))
        for _, node in row.texts(key, [str(one) for one in default])
        if node is not row.node
    }
    return tuple(sorted(found)) or tuple(map(str, default))


def _ports(row: Section, default: tuple[int, ...]) -> tuple[int, ...]:
    found: set[int] = set()
    for node in row.nodes("ports", "ports"):
        if type(node.value) is not int or not 1 <= node.value <= MAX_PORT:
            row.faults.at(node, f"a port is a whole number from 1 to {MAX_PORT}")
            continue
        found.add(node.value)
    return tuple(sorted(found)) or default


def _exempted(host: str, ports: Iterable[int], schemes: Iterable[str], exemptions: Iterable[Exemption]) -> bool:
    """Whether every origin of the row is one that the operator named with its address."""
    listed = {(one.scheme, one.host, one.port) for one in exemptions}
    return all((scheme, host.strip("[]"), port) in listed for scheme in schemes for port in ports)


def _reachable(
    row: Section, host: str, ports: tuple[int, ...], schemes: tuple[str, ...], exemptions: tuple[Exemption, ...]
) -> None:
    """A row that the guard refuses whatever it says would only mislead who reads it."""
    if not host or _exempted(host, ports, schemes, exemptions):
        return
    parsed = parse_host(host.removeprefix("*."))
    inside = classify(parsed.name) is not AddressClass.GLOBAL if parsed.is_literal else parsed.internal is not None
    node = row.take("host")
    if inside and node is not None:
        hint = "an upstream of your own needs an exact entry in egress.unsafe_allow for each of its ports and schemes"
        row.faults.at(node, f"`{host}` is not on the public internet, so nothing would ever reach it", hint)


def _paths(row: Section) -> tuple[str, ...]:
    found: list[str] = []
    for path, node in row.texts("paths"):
        if not _PATH.fullmatch(path) or NOT_ONE_PATH.search(path):
            row.faults.at(node, "a path begins with a slash and is plain text without a query", "such as /v1/orders")
        found.append(path)
    return tuple(sorted(found))


def _interval(row: Section) -> int:
    """Microseconds between two requests, 0 for no rate."""
    rate, node = row.text("rate"), row.take("rate")
    parts = _RATE.fullmatch(rate)
    if node is not None and rate and parts is None:
        row.faults.at(node, "`rate` must be a number per unit of time", "write it like 60/m; units are s, m, h, d")
    return max(1, _MICROSECONDS[parts[2]] // int(parts[1])) if parts else 0


def _credential(row: Section, declared: frozenset[str] | None) -> Credential | None:
    inner = row.section("credential", "the credential")
    if inner is None:
        return None
    secret, node = inner.text("secret", required=True), inner.take("secret")
    if node is not None and secret and not _HANDLE.fullmatch(secret):
        inner.faults.at(node, "a secret's handle is lower case letters, digits and _", "such as orders_api_key")
    elif node is not None and declared is not None and secret not in declared:
        hint = f"add `secrets: [{secret}]` to the action types that may use it"
        inner.faults.at(node, f"no action type of this connector declares the secret `{secret}`", hint)
    style, place = inner.text("as", required=True), inner.take("as")
    inner.close()
    header = _HEADER.fullmatch(style)
    if style in {"bearer", "basic"}:
        return Credential(secret, style)
    if header is not None and header[1].lower() not in _FRAMING:
        return Credential(secret, "header", header[1].lower())
    if place is not None and style:
        inner.faults.at(
            place, "`as` is bearer, basic or header:NAME", did_you_mean(style, ["basic", "bearer", "header:X-Api-Key"])
        )
    return None


def _safe_for_credential(
    row: Section, host: str, ports: tuple[int, ...], schemes: tuple[str, ...], exemptions: tuple[Exemption, ...]
) -> None:
    """A credential goes to one named host over TLS."""
    node = row.take("credential") or row.node
    if host.startswith("*."):
        row.faults.at(node, "a credential goes to one named host, not to a pattern", "list each host by its name")
    if Scheme.HTTP in schemes and not _exempted(host, ports, (Scheme.HTTP,), exemptions):
        row.faults.at(node, "a credential is not sent over plain http", "leave http out of `schemes`")
