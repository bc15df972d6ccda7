"""Why a URL is refused: one reason each, its stable code, and a sentence without a word of the URL."""

from enum import StrEnum, unique

from aaf.analysis.addresses import AddressClass
from aaf.domain.errors import Code


@unique
class UrlFault(StrEnum):
    """What is wrong with a URL."""

    AUTHORITY = "authority"
    CHARACTER = "character"
    DOT_SEGMENT = "dot_segment"
    EMPTY_HOST = "empty_host"
    ESCAPE = "escape"
    FORM = "form"
    HOST_LABEL = "host_label"
    HOST_TOO_LONG = "host_too_long"
    INTERNAL_NAME = "internal_name"
    NON_ASCII_HOST = "non_ascii_host"
    NOT_GLOBAL = "not_global"
    ODD_ADDRESS = "odd_address"
    PORT = "port"
    PUNYCODE = "punycode"
    SCHEME = "scheme"
    SINGLE_LABEL = "single_label"
    TOO_LONG = "too_long"
    USERINFO = "userinfo"

    @property
    def code(self) -> Code:
        """The stable code that a caller gets."""
        if self is UrlFault.NOT_GLOBAL:
            return Code.EGRESS_ADDRESS_REFUSED
        return Code.EGRESS_HOST_REFUSED if self in _ABOUT_HOSTS else Code.EGRESS_URL_REFUSED

    @property
    def sentence(self) -> str:
        """What is wrong, without a word of the URL."""
        return _SENTENCES[self]


_ABOUT_HOSTS = frozenset({UrlFault.INTERNAL_NAME, UrlFault.SINGLE_LABEL})
_SENTENCES = {
    UrlFault.AUTHORITY: "The URL's host and port can't be told apart in one way only.",
    UrlFault.CHARACTER: "The URL has a character that no URL has; write it percent-encoded, in UTF-8.",
    UrlFault.DOT_SEGMENT: "The URL's path has a segment of dots; write the path that it leads to.",
    UrlFault.EMPTY_HOST: "The URL names no host.",
    UrlFault.ESCAPE: "A percent sign in the URL is not followed by two hexadecimal digits.",
    UrlFault.FORM: "The URL is not of the form scheme://host/path.",
    UrlFault.HOST_LABEL: "A label of the host is empty, too long or has a character that no host name has.",
    UrlFault.HOST_TOO_LONG: "The host name is longer than 253 characters.",
    UrlFault.INTERNAL_NAME: "The host's name stands for something inside a network.",
    UrlFault.NON_ASCII_HOST: "The host has letters outside of ASCII; write its xn-- form, which is what is called.",
    UrlFault.NOT_GLOBAL: "The host is an address that is not on the public internet.",
    UrlFault.ODD_ADDRESS: "The host is an address in a notation that is not read the same everywhere.",
    UrlFault.PORT: "The port is not a plain number from 1 to 65535.",
    UrlFault.PUNYCODE: "An xn-- label of the host is not the one form of a name.",
    UrlFault.SCHEME: "The scheme is not one that may be used; https is.",
    UrlFault.SINGLE_LABEL: "The host is a single word, which only means something inside a network.",
    UrlFault.TOO_LONG: "The URL is longer than 8192 characters.",
    UrlFault.USERINFO: "The URL holds a user name or a password, or another at sign before its path.",
}


class UrlRefused(Exception):
    """A URL is not called; `address` says what a literal address is for where that is the reason."""

    def __init__(self, reason: UrlFault, address: AddressClass | None = None) -> None:
        super().__init__(reason.sentence)
        self.reason = reason
        self.address = address
