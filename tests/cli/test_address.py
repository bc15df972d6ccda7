import socket
from itertools import product

import pytest

from aaf.entrypoints.cli.terminal.address import read_address
from tests.cli.conftest import KEY, run

ODD_PORTS = [
    *("", "0", "00443", "+443", " 443", "443 ", "-1", "4_43", "65536", "99999", "\u0668\u0667", "1:2", "x", "443\n"),
    *("1e3", "0x50", "4295004553"),
]
NO_ADDRESSES = [
    *("http://192.0.2.1:8700", "http://example.org", "http://ada:secret@127.0.0.1:1", "ftp://127.0.0.1", ""),
    *("127.0.0.1:8700", "//127.0.0.1", "http://", "http:///x", "http://127.0.0.1:8700/?key=1", "http://127.0.0.1?"),
    *(
        "http://127.0.0.1:8700#",
        "http://[::1",
        "http://[::1]443",
        "http://[::1]x:1",
        "http://[127.0.0.1]",
        "http://127.1",
    ),
    *(
        f"http://127.0.0.1:1/{KEY}",
        KEY,
        f"https://{KEY.upper()}/",
        "http://127.0.0.1\\.example.org",
        "https://a/\udcff",
    ),
    *("https://a..b", "https://" + "a" * 80, "https://.a", "https://\u00df.example", "https://a/" + "x" * 70_000),
]


@pytest.mark.parametrize(
    "url",
    [*NO_ADDRESSES, *(f"{host}:{port}" for host, port in product(("http://127.0.0.1", "https://[::1]"), ODD_PORTS))],
    ids=lambda url: ascii(url[:40]),
)
def test_an_address_that_is_none_or_unsafe_is_refused(url: str) -> None:
    ended = run("actions", "list", "--url", url, AAF_API_KEY=KEY)
    assert ended.status == 2
    assert ended.err.startswith("bad_url: ")
    assert "What to do: " in ended.err
    assert "secret" not in ended.err
    assert KEY not in ended.err.replace(KEY.upper(), KEY)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://127.0.0.1:1", "https://[::1]:1"])
def test_an_address_that_is_silent_is_named(url: str) -> None:
    ended = run("actions", "list", "--url", url, AAF_API_KEY=KEY)
    assert ended.status == 2
    assert ended.err.startswith(f"unreachable: {url} ")
    assert "What to do: " in ended.err


@pytest.mark.parametrize("more", [65_536, 65_536**2])
def test_a_port_that_is_cut_to_another_gets_no_key(more: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.setblocking(False)
        ended = run("actions", "list", "--url", f"http://127.0.0.1:{other.getsockname()[1] + more}", AAF_API_KEY=KEY)
        assert ended.err.startswith("bad_url: ")
        with pytest.raises(BlockingIOError):
            other.accept()


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("HTTP://LocalHost:1/", "http://localhost:1"),
        ("https://Example.org", "https://example.org"),
        ("https://example.org:8443/team/aaf//", "https://example.org:8443/team/aaf"),
        ("https://[2001:DB8::0:1]:443", "https://[2001:db8::1]:443"),
    ],
)
def test_an_address_is_shown_as_it_is_called(written: str, url: str) -> None:
    assert read_address(written) == (url, url.startswith("https"))
