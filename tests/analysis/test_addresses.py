"""Only global addresses are dialled, by our own table; the standard library's idea of global lets half of these through."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.analysis.addresses import _V4, _V6, AddressClass, Exemption, classify, parse_address

KINDS: list[tuple[str, AddressClass]] = [
    ("0.0.0.0", AddressClass.THIS_NETWORK),  # noqa: S104 - nothing binds to it
    ("0.255.255.255", AddressClass.THIS_NETWORK),
    ("1.0.0.0", AddressClass.GLOBAL),
    ("1.1.1.1", AddressClass.GLOBAL),
    ("8.8.8.8", AddressClass.GLOBAL),
    ("9.255.255.255", AddressClass.GLOBAL),
    ("10.0.0.0", AddressClass.PRIVATE),
    ("10.255.255.255", AddressClass.PRIVATE),
    ("11.0.0.0", AddressClass.GLOBAL),
    ("100.63.255.255", AddressClass.GLOBAL),
    ("100.64.0.0", AddressClass.SHARED),
    ("100.100.100.199", AddressClass.SHARED),
    ("100.100.100.200", AddressClass.METADATA),
    ("100.100.100.201", AddressClass.SHARED),
    ("100.127.255.255", AddressClass.SHARED),
    ("100.128.0.0", AddressClass.GLOBAL),
    ("126.255.255.255", AddressClass.GLOBAL),
    ("127.0.0.1", AddressClass.LOOPBACK),
    ("127.255.255.255", AddressClass.LOOPBACK),
    ("128.0.0.0", AddressClass.GLOBAL),
    ("168.63.129.15", AddressClass.GLOBAL),
    ("168.63.129.16", AddressClass.METADATA),
    ("168.63.129.17", AddressClass.GLOBAL),
    ("169.253.255.255", AddressClass.GLOBAL),
    ("169.254.0.0", AddressClass.LINK_LOCAL),
    ("169.254.0.23", AddressClass.METADATA),
    ("169.254.169.253", AddressClass.LINK_LOCAL),
    ("169.254.169.254", AddressClass.METADATA),
    ("169.254.170.2", AddressClass.METADATA),
    ("169.255.0.0", AddressClass.GLOBAL),
    ("172.15.255.255", AddressClass.GLOBAL),
    ("172.16.0.0", AddressClass.PRIVATE),
    ("172.31.255.255", AddressClass.PRIVATE),
    ("172.32.0.0", AddressClass.GLOBAL),
    ("192.0.0.0", AddressClass.PROTOCOL),
    ("192.0.0.9", AddressClass.PROTOCOL),
    ("192.0.0.192", AddressClass.METADATA),
    ("192.0.1.0", AddressClass.GLOBAL),
    ("192.0.2.1", AddressClass.DOCUMENTATION),
    ("192.31.196.1", AddressClass.AS112),
    ("192.52.193.1", AddressClass.AMT),
    ("192.88.99.1", AddressClass.SIX_TO_FOUR),
    ("192.167.255.255", AddressClass.GLOBAL),
    ("192.168.0.0", AddressClass.PRIVATE),
    ("192.169.0.0", AddressClass.GLOBAL),
    ("192.175.48.1", AddressClass.AS112),
    ("198.17.255.255", AddressClass.GLOBAL),
    ("198.18.0.0", AddressClass.BENCHMARKING),
    ("198.19.255.255", AddressClass.BENCHMARKING),
    ("198.20.0.0", AddressClass.GLOBAL),
    ("198.51.100.1", AddressClass.DOCUMENTATION),
    ("203.0.113.1", AddressClass.DOCUMENTATION),
    ("223.255.255.255", AddressClass.GLOBAL),
    ("224.0.0.1", AddressClass.MULTICAST),
    ("239.255.255.250", AddressClass.MULTICAST),
    ("240.0.0.1", AddressClass.RESERVED),
    ("255.255.255.254", AddressClass.RESERVED),
    ("255.255.255.255", AddressClass.BROADCAST),
    ("::", AddressClass.UNSPECIFIED),
    ("::1", AddressClass.LOOPBACK),
    ("::2", AddressClass.V4_COMPATIBLE),
    ("::7f00:1", AddressClass.V4_COMPATIBLE),
    ("::127.0.0.1", AddressClass.V4_COMPATIBLE),
    ("::fffe:0:0", AddressClass.RESERVED),
    ("::ffff:8.8.8.8", AddressClass.V4_MAPPED),
    ("::ffff:127.0.0.1", AddressClass.V4_MAPPED),
    ("::ffff:0:127.0.0.1", AddressClass.TRANSLATED),
    ("64:ff9b::7f00:1", AddressClass.TRANSLATED),
    ("64:ff9b::808:808", AddressClass.TRANSLATED),
    ("64:ff9b:0:0:1::", AddressClass.RESERVED),
    ("64:ff9b:1::a00:1", AddressClass.TRANSLATED),
    ("100::1", AddressClass.DISCARD),
    ("100:0:0:1::1", AddressClass.DISCARD),
    ("1fff::1", AddressClass.RESERVED),
    ("2000::1", AddressClass.GLOBAL),
    ("2001::1", AddressClass.TEREDO),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", AddressClass.TEREDO),
    ("2001:1::1", AddressClass.PROTOCOL),
    ("2001:2::1", AddressClass.BENCHMARKING),
    ("2001:3::1", AddressClass.AMT),
    ("2001:4:112::1", AddressClass.AS112),
    ("2001:10::1", AddressClass.PROTOCOL),
    ("2001:20::1", AddressClass.PROTOCOL),
    ("2001:1ff::1", AddressClass.PROTOCOL),
    ("2001:200::1", AddressClass.GLOBAL),
    ("2001:4860:4860::8888", AddressClass.GLOBAL),
    ("2001:db8::1", AddressClass.DOCUMENTATION),
    ("2001:db9::1", AddressClass.GLOBAL),
    ("2002:7f00:1::", AddressClass.SIX_TO_FOUR),
    ("2003::1", AddressClass.GLOBAL),
    ("2606:4700:4700::1111", AddressClass.GLOBAL),
    ("2606:4700::5efe:7f00:1", AddressClass.ISATAP),
    ("2606:4700::200:5efe:7f00:1", AddressClass.ISATAP),
    ("2620:4f:8000::1", AddressClass.AS112),
    ("2a00:1450:4001:81a::200e", AddressClass.GLOBAL),
    ("3ffe::1", AddressClass.SIX_BONE),
    ("3fff::1", AddressClass.DOCUMENTATION),
    ("3fff:fff:ffff::1", AddressClass.DOCUMENTATION),
    ("3fff:1000::1", AddressClass.GLOBAL),
    ("4000::1", AddressClass.RESERVED),
    ("5f00::1", AddressClass.SEGMENT_ROUTING),
    ("fc00::1", AddressClass.UNIQUE_LOCAL),
    ("fd00:ec2::23", AddressClass.METADATA),
    ("fd00:ec2::253", AddressClass.UNIQUE_LOCAL),
    ("fd00:ec2::254", AddressClass.METADATA),
    ("fd20:ce::254", AddressClass.METADATA),
    ("fe80::1", AddressClass.LINK_LOCAL),
    ("fe80::a9fe:a9fe", AddressClass.METADATA),
    ("febf::1", AddressClass.LINK_LOCAL),
    ("fec0::1", AddressClass.SITE_LOCAL),
    ("ff02::1", AddressClass.MULTICAST),
    ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", AddressClass.MULTICAST),
    ("fe80::1%eth0", AddressClass.ZONED),
    ("2606:4700:4700::1111%1", AddressClass.ZONED),
    ("", AddressClass.UNREADABLE),
    ("localhost", AddressClass.UNREADABLE),
    ("127.1", AddressClass.UNREADABLE),
    ("2130706433", AddressClass.UNREADABLE),
    ("0x7f.0.0.1", AddressClass.UNREADABLE),
    ("0177.0.0.1", AddressClass.UNREADABLE),
    ("[2606:4700:4700::1111]", AddressClass.UNREADABLE),
    ("8.8.8.8 ", AddressClass.UNREADABLE),
    ("8.8.8.8\n", AddressClass.UNREADABLE),
]


@pytest.mark.requirement("R21")
@pytest.mark.parametrize(("address", "kind"), KINDS, ids=[repr(case[0]) for case in KINDS])
def test_an_address_has_its_class(address: str, kind: AddressClass) -> None:
    assert classify(address) is kind


def test_every_class_is_in_the_table_of_cases() -> None:
    assert {kind for _, kind in KINDS} == set(AddressClass)


def test_the_standard_library_would_let_many_of_these_through() -> None:
    special = [text for text, kind in KINDS if kind is not AddressClass.GLOBAL and parse_address(text) is not None]
    through = [text for text in special if ipaddress.ip_address(text).is_global]
    assert len(through) > 10


@given(st.ip_addresses())
def test_the_narrowest_network_around_an_address_names_its_class(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    table = _V4 if address.version == 4 else _V6
    around = [
        (ipaddress.ip_network(net).prefixlen, kind) for net, kind in table if address in ipaddress.ip_network(net)
    ]
    expected = max(around)[1] if around else AddressClass.GLOBAL
    assert classify(str(address)) in {expected, AddressClass.ISATAP}


@given(st.ip_addresses(v=4))
def test_no_private_address_is_global(address: ipaddress.IPv4Address) -> None:
    if not address.is_global:
        assert classify(str(address)) is not AddressClass.GLOBAL


def test_an_exemption_names_one_origin() -> None:
    one = Exemption("127.0.0.1", "127.0.0.1", 8080, "http")
    assert one.names("http", "127.0.0.1", 8080)
    assert not one.names("https", "127.0.0.1", 8080)
    assert not one.names("http", "127.0.0.2", 8080)
    assert not one.names("http", "127.0.0.1", 8081)
