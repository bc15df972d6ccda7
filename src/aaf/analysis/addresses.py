"""Which internet addresses may be dialled: those that the pinned tables call global, and no others.

The tables are IANA's special-purpose registries (https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry)
with the older ranges that they leave out and the fixed addresses of cloud platforms. `ipaddress.is_global` is no guard: it changes between
releases of Python and calls translated, transitional and multicast addresses global. Nothing here resolves a name, and an IPv4
address inside a network's own NAT64 prefix (RFC 6052 section 2.2) can't be told from any other IPv6 address.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network


@unique
class AddressClass(StrEnum):
    """What an address is for; only `GLOBAL` may be dialled."""

    AMT = "amt"
    AS112 = "as112"
    BENCHMARKING = "benchmarking"
    BROADCAST = "broadcast"
    DISCARD = "discard"
    DOCUMENTATION = "documentation"
    GLOBAL = "global"
    ISATAP = "isatap"
    LINK_LOCAL = "link_local"
    LOOPBACK = "loopback"
    METADATA = "metadata"
    MULTICAST = "multicast"
    PRIVATE = "private"
    PROTOCOL = "protocol"
    RESERVED = "reserved"
    SEGMENT_ROUTING = "segment_routing"
    SHARED = "shared"
    SITE_LOCAL = "site_local"
    SIX_BONE = "six_bone"
    SIX_TO_FOUR = "six_to_four"
    TEREDO = "teredo"
    THIS_NETWORK = "this_network"
    TRANSLATED = "translated"
    UNIQUE_LOCAL = "unique_local"
    UNREADABLE = "unreadable"
    UNSPECIFIED = "unspecified"
    V4_COMPATIBLE = "v4_compatible"
    V4_MAPPED = "v4_mapped"
    ZONED = "zoned"


_V4 = (
    ("0.0.0.0/8", AddressClass.THIS_NETWORK),  # RFC 791
    ("10.0.0.0/8", AddressClass.PRIVATE),  # RFC 1918
    ("100.64.0.0/10", AddressClass.SHARED),  # RFC 6598
    ("100.100.100.200/32", AddressClass.METADATA),  # Alibaba Cloud
    ("127.0.0.0/8", AddressClass.LOOPBACK),  # RFC 1122
    ("168.63.129.16/32", AddressClass.METADATA),  # Azure's wire server, global by its letters
    ("169.254.0.0/16", AddressClass.LINK_LOCAL),  # RFC 3927
    ("169.254.0.23/32", AddressClass.METADATA),  # Tencent Cloud
    ("169.254.42.42/32", AddressClass.METADATA),  # Scaleway
    ("169.254.169.254/32", AddressClass.METADATA),  # AWS, Google, Azure, DigitalOcean, OpenStack, Oracle
    ("169.254.170.2/32", AddressClass.METADATA),  # AWS ECS credentials
    ("169.254.170.23/32", AddressClass.METADATA),  # AWS EKS pod identity
    ("172.16.0.0/12", AddressClass.PRIVATE),  # RFC 1918
    ("192.0.0.0/24", AddressClass.PROTOCOL),  # RFC 6890; its two anycast addresses serve nobody's API
    ("192.0.0.192/32", AddressClass.METADATA),  # Oracle Cloud, classic
    ("192.0.2.0/24", AddressClass.DOCUMENTATION),  # RFC 5737
    ("192.31.196.0/24", AddressClass.AS112),  # RFC 7535
    ("192.52.193.0/24", AddressClass.AMT),  # RFC 7450
    ("192.88.99.0/24", AddressClass.SIX_TO_FOUR),  # RFC 7526, the relays' anycast
    ("192.168.0.0/16", AddressClass.PRIVATE),  # RFC 1918
    ("192.175.48.0/24", AddressClass.AS112),  # RFC 7534
    ("198.18.0.0/15", AddressClass.BENCHMARKING),  # RFC 2544
    ("198.51.100.0/24", AddressClass.DOCUMENTATION),  # RFC 5737
    ("203.0.113.0/24", AddressClass.DOCUMENTATION),  # RFC 5737
    ("224.0.0.0/4", AddressClass.MULTICAST),  # RFC 5771
    ("240.0.0.0/4", AddressClass.RESERVED),  # RFC 1112
    ("255.255.255.255/32", AddressClass.BROADCAST),  # RFC 919
)
_V6 = (
    ("::/0", AddressClass.RESERVED),  # RFC 4291: what IANA has given to nobody
    ("::/96", AddressClass.V4_COMPATIBLE),  # RFC 4291, deprecated
    ("::/128", AddressClass.UNSPECIFIED),  # RFC 4291
    ("::1/128", AddressClass.LOOPBACK),  # RFC 4291
    ("::ffff:0:0/96", AddressClass.V4_MAPPED),  # RFC 4291
    ("::ffff:0:0:0/96", AddressClass.TRANSLATED),  # RFC 2765
    ("64:ff9b::/96", AddressClass.TRANSLATED),  # RFC 6052
    ("64:ff9b:1::/48", AddressClass.TRANSLATED),  # RFC 8215
    ("100::/64", AddressClass.DISCARD),  # RFC 6666
    ("100:0:0:1::/64", AddressClass.DISCARD),  # RFC 9780
    ("2000::/3", AddressClass.GLOBAL),  # RFC 4291: all that can be global
    ("2001::/23", AddressClass.PROTOCOL),  # RFC 2928
    ("2001::/32", AddressClass.TEREDO),  # RFC 4380
    ("2001:2::/48", AddressClass.BENCHMARKING),  # RFC 5180
    ("2001:3::/32", AddressClass.AMT),  # RFC 7450
    ("2001:4:112::/48", AddressClass.AS112),  # RFC 7535
    ("2001:db8::/32", AddressClass.DOCUMENTATION),  # RFC 3849
    ("2002::/16", AddressClass.SIX_TO_FOUR),  # RFC 3056
    ("2620:4f:8000::/48", AddressClass.AS112),  # RFC 7534
    ("3ffe::/16", AddressClass.SIX_BONE),  # RFC 3701
    ("3fff::/20", AddressClass.DOCUMENTATION),  # RFC 9637
    ("5f00::/16", AddressClass.SEGMENT_ROUTING),  # RFC 9602
    ("fc00::/7", AddressClass.UNIQUE_LOCAL),  # RFC 4193
    ("fd00:42::42/128", AddressClass.METADATA),  # Scaleway
    ("fd00:ec2::23/128", AddressClass.METADATA),  # AWS EKS pod identity
    ("fd00:ec2::254/128", AddressClass.METADATA),  # AWS
    ("fd20:ce::254/128", AddressClass.METADATA),  # Google
    ("fe80::/10", AddressClass.LINK_LOCAL),  # RFC 4291
    ("fe80::a9fe:a9fe/128", AddressClass.METADATA),  # OpenStack
    ("fec0::/10", AddressClass.SITE_LOCAL),  # RFC 3879
    ("ff00::/8", AddressClass.MULTICAST),  # RFC 4291
)
_CARRYING = frozenset(
    {
        AddressClass.ISATAP,
        AddressClass.SIX_TO_FOUR,
        AddressClass.TEREDO,
        AddressClass.TRANSLATED,
        AddressClass.V4_COMPATIBLE,
        AddressClass.V4_MAPPED,
    }
)
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""The third quarter of an ISATAP address (RFC 5214), whose last quarter is an IPv4 address."""


def _flat(
    table: Iterable[tuple[IPv4Network | IPv6Network, AddressClass]], bits: int
) -> tuple[list[int], list[AddressClass]]:
    """Nested networks as starts of disjoint ranges: the narrowest network around an address names its class."""
    ranges = sorted((int(net.network_address), -net.num_addresses, named) for net, named in table)
    marks = sorted({0} | {low for low, _, _ in ranges} | {low - size for low, size, _ in ranges})
    starts, classes = [], []
    for mark in marks:
        if mark >> bits:
            continue
        around = [(size, named) for low, size, named in ranges if low <= mark < low - size]
        starts.append(mark)
        classes.append(max(around)[1] if around else AddressClass.GLOBAL)
    return starts, classes


_STARTS4, _CLASSES4 = _flat(((IPv4Network(net), named) for net, named in _V4), 32)
_STARTS6, _CLASSES6 = _flat(((IPv6Network(net), named) for net, named in _V6), 128)


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address in dotted quads or RFC 4291 notation; None for anything else, a zone too."""
    if "%" in text:
        return None
    try:
        return IPv6Address(text) if ":" in text else IPv4Address(text)
    except ValueError:
        return None


def classify(address: str) -> AddressClass:
    """Return what `address` is for.

    An IPv6 address that carries an IPv4 address is never looked through: none of these forms reaches anything that its IPv4 form does not.
    """
    parsed = parse_address(address)
    if parsed is None:
        return AddressClass.ZONED if "%" in address else AddressClass.UNREADABLE
    number = int(parsed)
    if isinstance(parsed, IPv4Address):
        return _CLASSES4[bisect_right(_STARTS4, number) - 1]
    found = _CLASSES6[bisect_right(_STARTS6, number) - 1]
    if found is AddressClass.GLOBAL and number >> 32 & 0xFFFFFFFF in _ISATAP:
        return AddressClass.ISATAP
    return found


def carries_another(address: str) -> bool:
    """Whether an IPv4 address stands inside this IPv6 address: who says yes or no to the one hasn't spoken of the other."""
    parsed = parse_address(address)
    if not isinstance(parsed, IPv6Address):
        return False
    return classify(address) in _CARRYING or int(parsed) >> 32 & 0xFFFFFFFF in _ISATAP


@dataclass(frozen=True, slots=True)
class Exemption:
    """One upstream that may be called although its address is not global, or its name internal: all four are equal, or nothing."""

    host: str
    address: str
    port: int
    scheme: str

    def names(self, scheme: str, host: str, port: int) -> bool:
        """Whether it is about this origin, whatever address that has."""
        return (self.scheme, self.host, self.port) == (scheme, host, port)
