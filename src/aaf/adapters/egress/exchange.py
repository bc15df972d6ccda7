"""What both wires share: the library's pool as we set it, the request as it takes it, its errors as ours.

HTTP/1.1 only, one connection for one request, no second try, no proxy, no unix socket. The pool is given the vetted addresses and no name, so that
there is nothing left for it to look up.
"""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypedDict

import httpcore2

from aaf.adapters.egress.client import Hop
from aaf.adapters.egress.failures import failed
from aaf.adapters.egress.metering import Meter
from aaf.adapters.egress.request import SAFE, wire_headers
from aaf.domain.errors import Code, ConnectorFailed

_ours: ContextVar[bool] = ContextVar("aaf_egress", default=False)


def _is_not_ours(_: logging.LogRecord) -> bool:
    """Whether the library's log line is about somebody else's call: at DEBUG it quotes headers of answers, which may hold a credential."""
    return not _ours.get()


for _name in ("connection", "http11"):
    logging.getLogger(f"httpcore2.{_name}").addFilter(_is_not_ours)


class PoolOptions(TypedDict):
    """How each pool is made, whatever its form."""

    ssl_context: ssl.SSLContext
    max_connections: int
    max_keepalive_connections: int
    http1: bool
    http2: bool
    retries: int


def pool_options(context: ssl.SSLContext) -> PoolOptions:
    """One connection, used once."""
    return {
        "ssl_context": context,
        "max_connections": 1,
        "max_keepalive_connections": 0,
        "http1": True,
        "http2": False,
        "retries": 0,
    }


class RequestOptions(TypedDict):
    """One request as the library takes it."""

    method: str
    url: httpcore2.URL
    headers: list[tuple[bytes, bytes]]
    content: bytes | None
    extensions: dict[str, Any]


def request_options(hop: Hop) -> RequestOptions:
    """The request of one hop; the certificate is checked for the name of the URL, not for the address that is dialled."""
    url, request = hop.url, hop.request
    return {
        "method": request.method,
        "url": httpcore2.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.path_query),
        "headers": wire_headers(url, request.method, (*request.headers, *request.credentials), request.body),
        "content": None if request.method in SAFE else request.body,
        "extensions": {"sni_hostname": url.host},
    }


@contextmanager
def translated(meter: Meter) -> Iterator[None]:
    """Let `ConnectorFailed` through, make one of whatever else is raised, and keep the library's own log silent."""
    _ours.set(True)
    try:
        yield
    except ConnectorFailed:
        raise
    except (httpcore2.TimeoutException, TimeoutError):
        raise meter.over() from None
    except httpcore2.ProtocolError:
        raise failed(Code.EGRESS_PROTOCOL_ERROR, "framing") from None
    except Exception as error:  # noqa: BLE001 - what to expect of a server is not known, and a caller handles one type
        code = Code.EGRESS_PROTOCOL_ERROR if meter.sent else Code.EGRESS_CONNECT_FAILED
        raise failed(code, type(error).__name__) from None
    finally:
        _ours.set(False)


def tls_failed(error: Exception) -> ConnectorFailed:
    """What a handshake that did not succeed is; the number is OpenSSL's X509_V_ERR of the certificate."""
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    verify = getattr(cause, "verify_code", None)
    about = f"certificate {verify}" if verify else getattr(cause, "reason", None) or type(error).__name__
    return failed(Code.EGRESS_TLS_FAILED, about)
