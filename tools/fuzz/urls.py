"""The URL gate: whatever is fed, nothing but a global address is dialled, and other readers see the same host."""

# ruff: noqa: ARG002, S104 - a stand-in takes what it is given; addresses are only read

import ipaddress
import socket
from collections.abc import Sequence
from random import Random
from urllib.parse import urlsplit

import httpx2

from aaf.adapters.driving import drive
from aaf.adapters.egress.blocking import blocking_client
from aaf.adapters.egress.gate import admit
from aaf.adapters.egress.request import Request
from aaf.adapters.egress.rules import Rules
from aaf.analysis.addresses import AddressClass, classify
from aaf.analysis.url import Url, UrlFault, UrlRefused, parse_url
from aaf.domain.errors import ConnectorFailed
from tools.fuzz.harness import Wrong
from tools.fuzz.mutation import changed

RULES = Rules(schemes=frozenset({"http", "https"}), ports=frozenset(range(1, 65_536)))
_ENCODING, _ERRORS = "utf-8", "surrogatepass"
_PORTS = {"http": 80, "https": 443}

_SCHEMES = ("https", "http", "HTTPS", "hTTp", "ftp", "file", "gopher", "javascript", "https+x", "http:http", "")
_NAMES = (
    "api.stripe.com", "example.com", "EXAMPLE.COM.", "a.b.c.example.org", "xn--bcher-kva.de", "xn--80ak6aa92e.com", "xn--a.com", "xn--.com",
    "bücher.de", "ex\u0430mple.com", "e\u00adxample.com", "exa\u200bmple.com", "example\u3002com", "example\uff0ecom", "a_b.example.com",
    "localhost", "localhost.", "LOCALHOST.localdomain", "db.internal", "printer.local", "metadata.google.internal", "kubernetes.default.svc",
    "127.0.0.1.nip.io", "foo.test", "intranet", "-a.com", "a-.com", "a..com", ".com", "x" * 64 + ".com", "a." * 130 + "com", "1.2.3.4.5",
    "0x7f.1", "127.1", "2130706433", "0177.0.0.1", "0x7f000001", "127.0.0.1", "127.0.0.1.", "127.000.000.001", "8.8.8.8", "1.1.1.1",
    "169.254.169.254", "168.63.129.16", "100.100.100.200", "10.0.0.1", "192.168.1.1", "172.16.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1",
    "\uff11\uff12\uff17.0.0.1", "①②⑦.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]",
    "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1%eth0]", "[fe80::1%25eth0]", "[fd00::1]", "[fec0::1]", "[ff02::1]",
    "[2606:4700:4700::1111]", "[2001:4860:4860::8888]", "[2001:db8::1]", "[::127.0.0.1]", "[v1.fe80::a]", "[1::2::3]", "[", "]", "[]", "",
)  # fmt: skip
_USERS = ("", "", "", "", "user@", "user:pw@", "example.com@", "@", "a%40b@", "example.com:443@")
_TAILS = (
    "",
    "",
    "",
    ":443",
    ":80",
    ":8080",
    ":0",
    ":65536",
    ":00443",
    ":",
    ":+80",
    ":80a",
    ":\uff18\uff10",
    ":443:443",
    ":-1",
)
_PATHS = (
    "", "/", "/v1/charges", "/a/../b", "/%2e%2e/b", "/%2E/", "/a;b=1", "/a//b", "/%", "/%zz", "/%00", "/%0d%0aX:1", "/a b", "/a\\b", "/\u00e9",
    "\\", "\\\\evil.com", "?", "?q=1", "?q=a b", "?q=[x]|y", "#f", "#@evil.com/", "/?#", "?@evil.com", "/@evil.com", ":@evil.com/",
)  # fmt: skip
_TOKENS = tuple(
    text.encode(_ENCODING, _ERRORS)
    for text in (
        "@", ":", "/", "//", "\\", "?", "#", "[", "]", "%", "%2f", "%40", "%00", ".", "..", "\t", "\r\n", "\n", " ", "\x00", "\x7f", "\x80",
        "\u3002", "\uff0e", "\uff61", "\u200d", "\u00ad", "\u2044", "\ufe0f", "\ud800", "\u212a", "ß", "xn--", "0x", "http://", "https://",
        "127.0.0.1", "localhost", "[::1]", "evil.com", "169.254.169.254", "&", ";", "=", ",", "'", '"', "<", ">", "|", "^", "`", "{", "}",
    )
)  # fmt: skip
_ANSWERS = (
    "127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "172.31.255.255", "100.64.0.1", "0.0.0.0", "224.0.0.251", "255.255.255.255",
    "198.18.0.1", "192.0.2.1", "168.63.129.16", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a00:1", "64:ff9b::808:808", "2002:a00:1::", "2001:0:a00:1::", "2001:db8::1", "::7f00:1",
    "fe80::5efe:7f00:1", "2606:4700::5efe:7f00:1", "100::1", "5f00::1", "3fff::1", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "localhost", "", "x",
    "127.0.0.1 ", "\u0661.1.1.1",
)  # fmt: skip
_GLOBAL = ("8.8.8.8", "1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2001:4860:4860::8888")


class Urls:
    """The target."""

    name = "urls"

    def __init__(self) -> None:
        self.dialled: list[str] = []
        self._random = Random(0)  # noqa: S311 - repeatable
        self._client = blocking_client(RULES, resolver=self, dialer=self)

    # --- the world that lies ------------------------------------------------------------------------------------------

    async def resolve(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Lie about a name: most answers have something in them that may not be dialled."""
        random = self._random
        answers = [random.choice(_GLOBAL) for _ in range(random.randrange(4))]
        for _ in range(random.choice((0, 0, 1, 2))):
            some = random.choice(
                (random.choice(_ANSWERS), str(ipaddress.IPv4Address(random.getrandbits(32))), _v6(random))
            )
            answers.insert(random.randrange(len(answers) + 1), some)
        return answers

    def dial(self, address: str, port: int, seconds: float) -> tuple[socket.socket, tuple[str, int]]:
        """Note who would have been called; sometimes there is a server that sends the caller elsewhere."""
        self.dialled.append(address)
        ours, theirs = socket.socketpair()
        with theirs:
            status = self._random.choice((200, 301, 302, 307, 308))
            where = generated(self._random).encode("latin-1", "ignore").replace(b"\r", b"").replace(b"\n", b"")
            theirs.sendall(b"HTTP/1.1 %d X\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, where[:4_000]))
            theirs.shutdown(socket.SHUT_WR)
            theirs.settimeout(5)
        ours.settimeout(seconds)
        return _Kept(ours), (self._random.choice((address,) * 30 + ("10.0.0.1",)), port)

    # --- the target ---------------------------------------------------------------------------------------------------

    def make(self, random: Random) -> bytes:
        """A URL by grammar, four in ten changed after that."""
        self._random.seed(random.getrandbits(64))
        text = generated(random).encode(_ENCODING, _ERRORS)
        if random.random() < 0.4:  # noqa: PLR2004 - some
            text = changed(random, text, _TOKENS, [name.encode(_ENCODING, _ERRORS) for name in _NAMES])
        return text

    def check(self, data: bytes) -> str:
        """Parse it, compare the readers, call it."""
        text = data.decode(_ENCODING, "surrogateescape")
        try:
            url = parse_url(text)
        except UrlRefused as refused:
            if refused.reason not in set(UrlFault) or not str(refused):
                raise Wrong("a refusal without a reason") from None
            return f"refused: {refused.reason}"
        self._normal(text, url)
        try:
            admit(text, RULES, lambda _: True)
        except ConnectorFailed as failure:
            return f"refused by the gate: {failure.detail}"
        _agree(text, url)
        return self._called(text)

    def _normal(self, text: str, url: Url) -> None:
        """The normal form is one, and means the same."""
        again = parse_url(str(url))
        if again != url or str(again) != str(url):
            raise Wrong(f"not idempotent: {text!r} -> {url} -> {again}")
        if not url.host.isascii() or url.host != url.host.lower() or url.host.endswith(".") or not url.host:
            raise Wrong(f"no normal host: {url.host!r}")
        if not 0 < url.port < 65_536 or url.scheme not in _PORTS or not url.path_query.startswith("/"):  # noqa: PLR2004
            raise Wrong(f"no normal form: {url}")
        if not str(url).isascii() or not str(url).isprintable() or " " in str(url):
            raise Wrong(f"characters: {url}")
        if url.is_literal and not _may_be_dialled(url.host):
            raise Wrong(f"a literal that is not global: {url.host}")

    def _called(self, text: str) -> str:
        """Call it in a world that lies; whatever comes of it, look who was dialled."""
        self.dialled.clear()
        try:
            drive(self._client.fetch(Request("GET", text), allowed=lambda _: True))
            outcome = "called"
        except ConnectorFailed as failure:
            outcome = f"failed: {failure.code}"
        wrong = [address for address in self.dialled if not _may_be_dialled(address)]
        if wrong:
            raise Wrong(f"dialled {wrong}")
        return f"{outcome}, {'dialled' if self.dialled else 'nobody dialled'}"

    def after(self) -> None:
        """Nothing more."""


class _Kept(socket.socket):
    """A connected end that takes everything; the other end is closed once its answer is written."""

    def __init__(self, inner: socket.socket) -> None:
        super().__init__(fileno=inner.detach())

    def send(self, data: object, flags: int = 0) -> int:
        """Take it."""
        return len(data) if isinstance(data, bytes | memoryview) else 0


def generated(random: Random) -> str:
    """By grammar; half of them are well formed."""
    if random.random() < 0.5:  # noqa: PLR2004 - half
        label = "".join(random.choices("abcdefghijklmnopqrstuvwxyz0123456789-_", k=random.randrange(1, 20)))
        host = random.choice((f"{label}.example.com", f"a{label}.org", random.choice(_GLOBAL[:3]), f"[{_v6(random)}]"))
        path = "".join(random.choices("abc/123-._~%20?&=", k=random.randrange(0, 30)))
        port = random.choice(("", "", f":{random.randrange(1, 65_536)}"))
        return f"{random.choice(('https', 'http'))}://{host}{port}/{path}"
    slashes = random.choice(("://",) * 18 + (":", ":/", ":///", ":\\\\", "//", ""))
    host = random.choice((random.choice(_NAMES), _odd_v4(random)))
    return (
        random.choice(_SCHEMES[:4] * 3 + _SCHEMES)
        + slashes
        + random.choice(_USERS)
        + host
        + random.choice(_TAILS)
        + random.choice(_PATHS)
    )


def _odd_v4(random: Random) -> str:
    """An IPv4 address in one of the notations that some readers take."""
    number = int(ipaddress.IPv4Address(random.choice(("127.0.0.1", "10.0.0.1", "169.254.169.254", "8.8.8.8"))))
    octets = number.to_bytes(4)
    forms = (str(number), hex(number), oct(number).replace("0o", "0"), ".".join(hex(one) for one in octets))
    more = (
        ".".join(f"{one:04o}" for one in octets),
        f"{octets[0]}.{int.from_bytes(octets[1:])}",
        f"{octets[0]}.{octets[1]}.{octets[3]}",
    )
    return random.choice(forms + more)


def _v6(random: Random) -> str:
    """An IPv6 address; often one with a well-known beginning."""
    prefix, length = random.choice(
        ((0, 0), (0x2606 << 112, 16), (0x64FF9B << 96, 96), (0xFFFF << 32, 96), (0x2002 << 112, 16), (0xFD << 120, 8))
    )
    return str(ipaddress.IPv6Address(prefix | random.getrandbits(128 - length)))


def _may_be_dialled(address: str) -> bool:
    """An opinion of its own: the tables of the standard library, and nothing that carries another address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if classify(address) is not AddressClass.GLOBAL or not parsed.is_global or parsed.is_multicast:
        return False
    return isinstance(parsed, ipaddress.IPv4Address) or not (
        parsed.ipv4_mapped or parsed.sixtofour or parsed.teredo or parsed in ipaddress.ip_network("64:ff9b::/96")
    )


def _agree(text: str, url: Url) -> None:
    """Two other readers see the same scheme, host and port, or refuse it."""
    try:
        split = urlsplit(text)
        theirs = (split.scheme, _host(split.hostname or ""), split.port or _PORTS[url.scheme])
    except ValueError:
        theirs = url.origin
    if theirs != url.origin:
        raise Wrong(f"urllib reads {theirs}, we read {url.origin}")
    try:
        other = httpx2.URL(text)
    except httpx2.InvalidURL:
        return
    theirs = (other.scheme, _host(other.raw_host.decode("ascii")), other.port or _PORTS[url.scheme])
    if theirs != url.origin:
        raise Wrong(f"httpx2 reads {theirs}, we read {url.origin}")


def _host(text: str) -> str:
    """A host of another reader in our normal form."""
    text = text.strip("[]").lower().removesuffix(".")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text
