"""What an agent may ask of the connector `http`, read from an action's parameters.

The operation's name is the method. A credential in the URL or in a header is refused whatever the destination: agents have handles, and what
an approver is shown is shown whole, so a value that must not be shown must not be there. Where a name leads is not looked at here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aaf.adapters.egress.request import Headers, Request, check_request
from aaf.adapters.egress.rules import Limits
from aaf.analysis.url import Url, UrlRefused, parse_url
from aaf.domain.canonical import Json, canonical
from aaf.domain.errors import Code, ConnectorFailed
from aaf.domain.redaction import Fields, plain_field
from aaf.policy.destinations import SAFE_METHODS, Destination, HttpSettings, Method

_PARAMETERS = frozenset({"body", "headers", "json", "url"})
_CREDENTIAL_HEADERS = (
    *("accesskey", "apikey", "authkey", "authorization", "cookie", "credential", "credentials", "passwd", "password"),
    *("privatekey", "secret", "secretkey", "sessionid", "sessionkey", "subscriptionkey", "token"),
)
"""Endings of the names of headers that carry credentials, without case and separators."""
_SCHEME = re.compile(r"(?:basic|bearer|digest|negotiate|ntlm)[ \t]+\S", re.IGNORECASE)
"""How the value of a header begins that carries a credential under another name (RFC 9110 section 11.4)."""
_CREDENTIAL_NAMES = (
    *("accesskey", "accesstoken", "apikey", "authtoken", "authorization", "clientassertion", "clientsecret", "idtoken"),
    *("passwd", "password", "privatetoken", "refreshtoken", "secretkey", "securitytoken", "sessionid", "sessiontoken"),
)
"""Endings of names in a query that carry credentials (RFC 6749, RFC 6750); not every `token`, because pages have one too."""
_OVERRIDES = frozenset(
    {
        *("$httpmethod", "$method", "_httpmethod", "_method", "httpmethod", "x-http-method", "x-http-method-override"),
        "x-method-override",
    }
)
"""Names by which frameworks take another method from a query or a form."""
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may be made: where it goes, by which row of the allowlist, with which headers and body."""

    method: str
    url: Url
    destination: Destination
    headers: Headers
    body: bytes

    def to_request(self, credentials: Headers = ()) -> Request:
        """As the client takes it."""
        return Request(self.method, str(self.url), self.headers, credentials, self.body)


def asked_of(
    operation: str,
    params: Mapping[str, Json],
    *,
    settings: HttpSettings,
    usable: frozenset[str],
    fields: Fields,
    limits: Limits,
) -> Asked:
    """Read the parameters; they were held to a schema before, and are not trusted for it.

    Args:
        operation: the last part of the action type's name.
        params: `url`, and perhaps `headers`, and `body` or `json`.
        settings: the allowlist and the exemptions.
        usable: the handles that the action type declares.
        fields: names whose values are sensitive.
        limits: caps of what is sent.

    Raises:
        ConnectorFailed: something is unknown, malformed, not listed, or carries a credential.
    """
    method = operation.upper()
    if method not in set(Method):
        raise ConnectorFailed(Code.UNKNOWN_ACTION_TYPE, "The connector has no such operation.")
    for name in params:
        if name not in _PARAMETERS:
            raise ConnectorFailed(
                Code.UNKNOWN_FIELD, "There is a parameter that the operation doesn't have.", path="$.params"
            )
    url = _url(params, settings, fields)
    destination = listed(settings, url, method, usable)
    headers = _headers(params)
    body, kind = _body(params, method)
    if kind and not any(name.lower() == "content-type" for name, _ in headers):
        headers = (*headers, ("content-type", kind))
    _without_credentials(headers, destination, fields)
    _without_override(params, headers)
    asked = Asked(method, url, destination, headers, body)
    check_request(asked.to_request(), limits)
    return asked


def listed(settings: HttpSettings, url: Url, method: str, usable: frozenset[str]) -> Destination:
    """The row of the allowlist that this request is made by.

    Raises:
        ConnectorFailed: there is none; the code tells a host that nothing lists from a method or path that isn't.
    """
    reaching = [
        row
        for row in settings.allow
        if row.reaches(url) and (row.credential is None or row.credential.secret in usable)
    ]
    if not reaching:
        raise ConnectorFailed(
            Code.EGRESS_HOST_REFUSED, "The host is not one that this action may call.", path="$.params.url"
        )
    for row in reaching:
        if row.covers(url, method):
            return row
    raise ConnectorFailed(
        Code.EGRESS_REQUEST_REFUSED, "The host is listed, and this method or path of it is not.", path="$.params.url"
    )


def _url(params: Mapping[str, Json], settings: HttpSettings, fields: Fields) -> Url:
    text = params.get("url")
    if not isinstance(text, str):
        raise _wrong("url", "The parameter url is no text.")
    try:
        url = parse_url(text, exempt=settings.unsafe_allow)
    except UrlRefused as refused:
        raise ConnectorFailed(
            refused.reason.code, refused.reason.sentence, detail=str(refused.reason), path="$.params.url"
        ) from None
    for name in _names(url.path_query.partition("?")[2]):
        if any(part in fields or plain_field(part).endswith(_CREDENTIAL_NAMES) for part in (name, *_INNER.split(name))):
            raise ConnectorFailed(
                Code.CREDENTIAL_IN_REQUEST, "The URL's query carries a credential.", path="$.params.url"
            )
        if name.lower() in _OVERRIDES:
            raise _overriding("url")
    return url


_INNER = re.compile(r"[][.]+")
"""What stands between the parts of a name such as `user[password]`."""


def _names(query: str) -> Iterator[str]:
    """The names in a query or a form; a semicolon separates for some servers too."""
    return (name for part in query.split(";") for name, _ in parse_qsl(part, keep_blank_values=True))


def _headers(params: Mapping[str, Json]) -> Headers:
    given = params.get("headers")
    if given is None:
        return ()
    if not isinstance(given, dict):
        raise _wrong("headers", "The parameter headers is no object.")
    found: list[tuple[str, str]] = []
    for name, value in given.items():
        if not isinstance(value, str):
            raise _wrong("headers", "A header's value is no text.")
        found.append((name, value))
    return tuple(found)


def _without_credentials(headers: Headers, destination: Destination, fields: Fields) -> None:
    own = plain_field(destination.credential.header) if destination.credential else ""
    for name, value in headers:
        plain = plain_field(name)
        if plain == own or plain.endswith(_CREDENTIAL_HEADERS) or name in fields or _SCHEME.match(value):
            raise ConnectorFailed(
                Code.CREDENTIAL_IN_REQUEST, "A header of the request carries a credential.", path="$.params.headers"
            )


def _without_override(params: Mapping[str, Json], headers: Headers) -> None:
    """The method that was judged is the method that is meant: no field of the body may state another."""
    json, text = params.get("json"), params.get("body")
    if isinstance(json, dict) and any(name.lower() in _OVERRIDES for name in json):
        raise _overriding("json")
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    is_form = kind.partition(";")[0].strip().lower() == _FORM
    if is_form and isinstance(text, str) and any(name.lower() in _OVERRIDES for name in _names(text)):
        raise _overriding("body")


def _overriding(name: str) -> ConnectorFailed:
    message = "A field of the request states another method than the operation's."
    return ConnectorFailed(Code.EGRESS_REQUEST_REFUSED, message, path=f"$.params.{name}")


def _body(params: Mapping[str, Json], method: str) -> tuple[bytes, str]:
    """The bytes, and what they are unless a header says otherwise."""
    if "body" in params and "json" in params:
        raise _wrong("body", "A request has a body or json, not both.")
    if method in SAFE_METHODS and ("body" in params or "json" in params):
        raise ConnectorFailed(Code.EGRESS_REQUEST_REFUSED, "A request of this method has no body.", path="$.params")
    if "json" in params:
        return canonical(params["json"]), "application/json"
    text = params.get("body", "")
    if not isinstance(text, str):
        raise _wrong("body", "The parameter body is no text.")
    try:
        return text.encode(), "text/plain; charset=utf-8" if text else ""
    except UnicodeEncodeError:
        raise ConnectorFailed(
            Code.LONE_SURROGATE, "The body holds half of a surrogate pair.", path="$.params.body"
        ) from None


def _wrong(name: str, message: str) -> ConnectorFailed:
    return ConnectorFailed(Code.WRONG_TYPE, message, path=f"$.params.{name}")
