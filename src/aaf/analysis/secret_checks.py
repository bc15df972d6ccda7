"""What a pattern can't say about a credential: whether what it found is random, decodes to what it claims to be, and says nothing.

A reader is shown a mask in place of a credential, so a false one must be unable to carry a message: what reads like words, a host or a
path is no credential here. How words are told from chance: three of four neighbouring letters of English are among the pairs below, and
one of six of random letters.
"""

import base64
import binascii
import json
import re
from itertools import pairwise

from aaf.domain.api_key import well_formed

_LEAST_DIFFERENT = 6
"""Different characters among the last sixteen of a credential; a placeholder (`xxxx`, `0000`, `abcabc`) has fewer."""
_TAIL = 16
_READABLE_SHARE = 0.63
"""The share of usual pairs from which a run of letters is taken for a word."""
_CHANCE = 16
"""Letters that stand in such runs by chance, or a quarter of the text where that is more."""
_CHANCE_IN_A_VALUE = 7
"""The same where no issuer's form speaks for a credential."""
_HEADER_MOST = 4096
"""Bytes of the longest header of a token that is read: no real one has more, and a parser shouldn't be fed by strangers."""

_USUAL = """
th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic ne ea
ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot il tr ly nc et ut ss so rs un lo wa ge ie
wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab
gh op wo ay ke fr oo ap gr od bo ok ey ck sk
"""
_PAIRS = frozenset(tuple(pair) for pair in _USUAL.split())
_LETTERS = re.compile(r"[a-z]{4,}")
_PLACEHOLDER = re.compile(rb"example|xxxxx|000000|1234567|abcdefg")
"""What is no word and yet made by hand."""
_UUID = re.compile(rb"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_HOST = re.compile(rb"(?i)(?:[a-z0-9-]+\.)+(?:[a-z]{2,18})(?:[/.-].*)?\Z")
_WORD = re.compile(rb"[A-Za-z]{2,}")
_SENTENCE = 3
_PORT = re.compile(rb"[0-9]{1,5}\Z")
_COMMON_PASSWORD = re.compile(rb"(?i)(?:x+|\.+|-+|pass(?:word|wd)?|pwd|secret|token|port|user(?:name)?|[%]s)\Z")
_ESCAPES = re.compile(rb"%(?:[0-9A-Fa-f]{2})?")
_LONG = 20
"""Characters from which letters alone can be a generated value."""
_NO_LETTERS = bytes(at for at in range(256) if not bytes((at,)).isalpha())
_NO_DIGITS = bytes(at for at in range(256) if not bytes((at,)).isdigit())
_SEPARATORS = re.compile(rb"\\+[rn]|\s")
_ARMOUR = re.compile(rb"-----[A-Z0-9 ]+-----")
_HEADERS = re.compile(rb"[A-Za-z-]{1,20}: [^\n\r\\]*")
_CHECKSUM = re.compile(rb"=[A-Za-z0-9+/]{4}\Z")
_OPENSSH = b"openssh-key-v1\0"
_DER_SEQUENCE = b"\x30"
_WIDEST = 3
"""Bytes of the length of the longest key that is one."""
_PGP_PACKETS = (b"\x94", b"\x95", b"\xc5")
"""How a transferable secret key begins (RFC 9580, sections 4.2 and 5.5): its packet, in either form of the header."""


def varied(value: bytes) -> bool:
    """Whether a text of a fixed form is none of the placeholders that documentation puts there."""
    return len(set(value[-_TAIL:])) >= _LEAST_DIFFERENT


def unreadable(value: bytes) -> bool:
    """Whether it is varied, and no words stand in it."""
    return varied(value) and not _words(value)


def generated(value: bytes) -> bool:
    """Whether a text that only the word before it calls a secret looks made by a machine: no name, path, host or expression."""
    return (
        varied(value)
        and _mixed(value)
        and value[:1] not in b"./-"
        and value.count(b"/") <= len(value) // 6
        and not _UUID.match(value)
        and not _HOST.match(value)
        and not _PLACEHOLDER.search(value.lower())
        and not _words(value, _CHANCE_IN_A_VALUE)
    )


def password_of_an_address(value: bytes) -> bool:
    """Whether what stands between a name and a host is a password: no port, host or placeholder that a reader should see."""
    return not (
        _PORT.match(value)
        or _COMMON_PASSWORD.match(value)
        or (b"." in value and _HOST.match(value))
        or (b"%" in value and b"%" in _ESCAPES.findall(value))
        or _sentence(value)
    )


def json_web_token(value: bytes) -> bool:
    """Whether its first part is a header (RFC 7515, section 4), and its second is encrypted or says claims."""
    header, claims, *rest = value.split(b".")
    read = _object(header)
    if read is None or not ("alg" in read or "enc" in read):
        return False
    return (
        unreadable(b".".join((claims, *rest)))
        if "enc" in read
        else _object(claims, most=len(claims)) is not None and not _words(rest[0])
    )


def login(value: bytes) -> bool:
    """Whether it is a name and a password in letters (RFC 7617, section 2)."""
    try:
        said = _decoded(value).decode()
    except UnicodeDecodeError:
        return False
    return ":" in said and said.isprintable()


def discord_token(value: bytes) -> bool:
    """Whether the first part is the number of a bot, in base64."""
    return _decoded(value.partition(b".")[0]).isdigit() and not _words(value)


def private_key(value: bytes) -> bool:
    """Whether there is a key between the two lines (RFC 7468, section 10): DER, OpenSSH's own form, OpenPGP's, or an encrypted one.

    DER says how long it is; a key with more behind it than that is none.
    """
    inside = _SEPARATORS.sub(b"", _HEADERS.sub(b"", _ARMOUR.sub(b"", value)))
    if b"ENCRYPTED" in value:
        return unreadable(inside)
    key = _decoded(_CHECKSUM.sub(b"", inside))
    if b"PGP" in value:
        return key[:1] in _PGP_PACKETS and not _words(inside)
    return key.startswith(_OPENSSH) or _sequence(key)


def lines_of_a_key(value: bytes) -> bool:
    """Whether lines without a form of their own are base64 of something random."""
    inside = _SEPARATORS.sub(b"", value)
    return bool(_decoded(inside)) and unreadable(inside)


def key_of_this_firewall(value: bytes) -> bool:
    """Whether its checksum fits (docs/formats.md section 12)."""
    return well_formed(value.decode("latin-1"))


def _mixed(value: bytes) -> bool:
    """Whether there are letters and digits in it, or letters of both sizes where it is long."""
    letters = value.translate(None, _NO_LETTERS)
    return bool(letters) and (
        value.translate(None, _NO_DIGITS) != b""
        or (len(value) >= _LONG and not letters.islower() and not letters.isupper())
    )


def _sequence(key: bytes) -> bool:
    """Whether it begins as a DER sequence and is not longer than that says; a key that is cut is shorter."""
    tag, first, rest = key[:1], key[1:2], key[2:]
    wide = first[0] & 0x7F if first > b"\x80" else 0
    length = int.from_bytes(rest[:wide], "big") if wide else int.from_bytes(first, "big")
    return tag == _DER_SEQUENCE and wide <= _WIDEST and len(rest) <= wide + length


def _words(value: bytes, chance: int = _CHANCE) -> bool:
    """Whether so many of the letters stand in what reads like words that it is no chance."""
    readable = 0
    for run in _LETTERS.findall(value.lower().decode("latin-1")):
        if sum(map(_PAIRS.__contains__, pairwise(run))) >= _READABLE_SHARE * (len(run) - 1):
            readable += len(run)
    return readable > max(chance, len(value) // 4)


def _sentence(value: bytes) -> bool:
    """Whether a password is several words: one is what people choose, three are a message."""
    return len(_WORD.findall(value)) >= _SENTENCE and _words(value, _CHANCE_IN_A_VALUE)


def _object(part: bytes, most: int = _HEADER_MOST) -> dict[str, object] | None:
    try:
        read = json.loads(_decoded(part.replace(b"-", b"+").replace(b"_", b"/"))) if len(part) <= most else None
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _decoded(value: bytes) -> bytes:
    """Base64 without its padding; empty where it is none."""
    plain = value.rstrip(b"=")
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return b""
