"""How a call ends badly: each as a `ConnectorFailed` with its own code and a sentence without a value.

The detail is for the log and holds reasons and classes only: no URL, no address, no header, nothing that a server sent.
"""

from aaf.analysis.url_faults import UrlRefused
from aaf.domain.errors import Code, ConnectorFailed

_SENTENCES = {
    Code.CONNECTOR_TIMEOUT: "Nobody knows whether the server did what was asked.",
    Code.EGRESS_ADDRESS_REFUSED: "The host's address is not on the public internet.",
    Code.EGRESS_CONNECT_FAILED: "The server could not be reached.",
    Code.EGRESS_DNS_FAILED: "The host's address could not be found.",
    Code.EGRESS_HOST_REFUSED: "The host is not one that may be called.",
    Code.EGRESS_PROTOCOL_ERROR: "The server's answer is not valid HTTP.",
    Code.EGRESS_REDIRECT_REFUSED: "The server's redirect was not followed.",
    Code.EGRESS_REQUEST_REFUSED: "The method, a header or the body is not one that may be sent.",
    Code.EGRESS_TLS_FAILED: "The server's certificate or encryption is not acceptable.",
    Code.EGRESS_TOO_LARGE: "The server's answer is too large.",
    Code.EGRESS_URL_REFUSED: "The URL is not one that may be called.",
}


def failed(code: Code, detail: str, *, path: str = "") -> ConnectorFailed:
    """The failure with this code."""
    return ConnectorFailed(code, _SENTENCES[code], detail=detail, path=path)


def refused(why: UrlRefused) -> ConnectorFailed:
    """The failure that a refused URL of a caller is."""
    return ConnectorFailed(why.reason.code, why.reason.sentence, detail=reason_of(why), path="$.params.url")


def reason_of(why: UrlRefused) -> str:
    """The reason for the log."""
    return str(why.reason) if why.address is None else f"{why.reason}: {why.address}"
