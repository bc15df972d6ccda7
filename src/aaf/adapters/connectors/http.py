"""The connector `http`: one request to a listed destination, with a credential that the agent never sees.

The parameters are judged by their letters first. A dry run resolves and vets the host and sends nothing; a run does both again, injects
the credential at the last moment, and takes it out of everything that comes back. Success means that the target answered; its status
says what it answered. A request that changes something and whose answer is lost is not known, and never sent again.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from aaf.adapters.connectors.http_answer import result_of
from aaf.adapters.connectors.http_request import Asked, asked_of, listed
from aaf.adapters.egress.answer import Response
from aaf.adapters.egress.request import Headers, Request, check_request
from aaf.adapters.egress.rules import Limits, Rules
from aaf.analysis.url import Url
from aaf.domain.canonical import Json
from aaf.domain.effect import Effect
from aaf.domain.errors import Code, ConnectorFailed
from aaf.domain.finding import Analysis, Charge, Finding, Severity
from aaf.domain.redaction import MASK, SHORTEST, Fields, Values
from aaf.policy.destinations import SAFE_METHODS, Credential, HttpSettings
from aaf.ports import SecretSource

Allowed = Callable[[Url], bool]
"""Whether a hop is listed; asked for the first and for every redirect."""
_SENT = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_BETWEEN = re.compile(r"[\s;,:]+")
"""What stands between the parts of a credential such as a cookie: `a=1; b=2`."""
RATE = "destination"
"""The name under which destinations' rates are counted."""


class Client(Protocol):
    """What calls the outside."""

    async def look(self, request: Request, *, allowed: Allowed) -> object:
        """Resolve and vet, and send nothing."""

    async def fetch(self, request: Request, *, allowed: Allowed) -> Response:
        """Send, and return the last answer."""


def rules_of(settings: HttpSettings, *, seconds: float) -> Rules:
    """The rules of a client under these settings, for a run that may take `seconds`."""
    return Rules(
        schemes=frozenset(scheme for row in settings.allow for scheme in row.schemes),
        ports=frozenset(port for row in settings.allow for port in row.ports),
        exempt=settings.unsafe_allow,
        limits=Limits(
            seconds=min(settings.timeout, seconds),
            redirects=settings.redirects,
            wire=settings.max_bytes,
            body=settings.max_bytes,
        ),
    )


class HttpConnector:
    """Runs `delete`, `get`, `head`, `patch`, `post` and `put`; `usable` are the handles that the action type declares.

    `client` is asked for when something is looked up or sent: judging by the letters needs no network library.
    """

    name = "http"

    def __init__(
        self,
        settings: HttpSettings,
        *,
        client: Callable[[], Client],
        secrets: SecretSource,
        usable: frozenset[str],
        limits: Limits,
    ) -> None:
        self._settings = settings
        self._client = client
        self._secrets = secrets
        self._usable = usable
        self._limits = limits
        self._fields = Fields(settings.redact)
        self._values: dict[Credential, tuple[str, Values]] = {}

    def analyse(self, *, operation: str, params: Mapping[str, Json]) -> Analysis:
        """Judge the request by its letters; one that isn't listed or carries a credential is a deny."""
        try:
            asked = self._asked(operation, params)
        except ConnectorFailed as refused:
            field = refused.path.removeprefix("$.")
            return Analysis((Finding(str(refused.code), Severity.HIGH, field, refused.message, refused.code),))
        row = asked.destination
        charges = (Charge(RATE, row.name, row.interval, row.burst),) if row.interval else ()
        return Analysis(target=str(asked.url), charges=charges)

    async def dry_run(self, *, operation: str, params: Mapping[str, Json]) -> Effect:
        """Resolve and vet the host, make sure that the credential is there, and say what would be sent."""
        asked = self._asked(operation, params)
        await self._client().look(asked.to_request(), allowed=self._hops(asked))
        await self._credentials(asked)
        return self._effect(asked)

    async def run(self, *, operation: str, params: Mapping[str, Json], expected: Effect | None) -> Json:
        """Send it, if it is what `expected` says; None expects nothing."""
        asked = self._asked(operation, params)
        if expected is not None and self._effect(asked) != expected:
            raise ConnectorFailed(
                Code.EFFECT_CHANGED,
                "The request is no longer what the dry run saw; nothing was sent.",
                hint="Submit the action again.",
            )
        headers, values = await self._credentials(asked)
        try:
            response = await self._client().fetch(asked.to_request(headers), allowed=self._hops(asked))
        except ConnectorFailed as failure:
            raise _told(failure, values, safe=asked.method in SAFE_METHODS) from None
        return result_of(response, values, self._fields)

    def _asked(self, operation: str, params: Mapping[str, Json]) -> Asked:
        return asked_of(
            operation,
            params,
            settings=self._settings,
            usable=self._usable,
            fields=self._fields,
            limits=self._limits,
        )

    async def _credentials(self, asked: Asked) -> tuple[Headers, Values]:
        """The header that carries the destination's credential, and the values to take out of what comes back.

        A request that quotes the value itself is refused: whoever wrote it has it from somewhere, and it would be shown and kept.
        """
        credential = asked.destination.credential
        if credential is None:
            return (), Values(())
        secret = await self._secrets.get(credential.secret)
        headers, found = _injected(credential, secret)
        # What looks for a value takes longer to make than to use; the last one of each credential is kept.
        known, values = self._values.get(credential, ("", Values(())))
        if known != secret:
            values = Values(found)
            self._values[credential] = (secret, values)
        check_request(asked.to_request(headers), self._limits)
        quoted = "\n".join((str(asked.url), *(f"{name}: {value}" for name, value in asked.headers)))
        if values.found(quoted.encode()) or values.found(asked.body):
            raise ConnectorFailed(Code.CREDENTIAL_IN_REQUEST, "The request quotes a credential.", path="$.params")
        return headers, values

    def _effect(self, asked: Asked) -> Effect:
        """What is bound by an approval.

        Not the addresses: a name's answers rotate, and each is vetted again when it is dialled. What holds is which one that isn't public
        could be among them. The facts have no value of a header or a body, because an action type may declare those secret.
        """
        exempted = sorted(one.address for one in self._settings.unsafe_allow if one.names(*asked.url.origin))
        credential = asked.destination.credential
        sent: dict[str, Json] = dict(asked.headers)
        if credential is not None:
            sent[credential.header] = f"{MASK} ({credential.style}, secret {credential.secret})"
        size = len(asked.body)
        facts: dict[str, Json] = {
            "addresses": f"{', '.join(exempted)}, exempted by egress.unsafe_allow" if exempted else "public",
            "body_bytes": size,
            "credential": f"{credential.secret} as {credential.style}" if credential else None,
            "headers": [*sorted(sent)],
            "host": asked.url.host,
            "method": asked.method,
            "port": asked.url.port,
            "redirects": self._settings.redirects,
            "scheme": asked.url.scheme,
        }
        body = f" with a body of {size} bytes" if size else ""
        using = f", with the credential {credential.secret}" if credential else ""
        said = f"{asked.method} {asked.url}{body}{using}"
        return Effect("request", str(asked.url), said, facts, _as_sent(asked, sent))

    def _hops(self, asked: Asked) -> Allowed:
        """Whether a hop is listed, the first and every redirect.

        On the same origin the credential travels along, so there the row has to be the same. After a redirect a method that changes something
        may have become GET or not; both have to be listed.
        """
        methods = {asked.method} if asked.method in SAFE_METHODS else {asked.method, "GET"}

        def allowed(url: Url) -> bool:
            if url == asked.url:
                return True
            if url.origin == asked.url.origin:
                return all(asked.destination.covers(url, method) for method in methods)
            return all(self._is_listed(url, method) for method in methods)

        return allowed

    def _is_listed(self, url: Url, method: str) -> bool:
        try:
            listed(self._settings, url, method, self._usable)
        except ConnectorFailed:
            return False
        return True


def _injected(credential: Credential, secret: str) -> tuple[Headers, tuple[str, ...]]:
    """The header that carries the credential, and the values to take out of what comes back."""
    match credential.style:
        case "basic":
            value = "Basic " + base64.b64encode(secret.encode()).decode("ascii")
        case "bearer":
            value = f"Bearer {secret}"
        case _:
            value = secret
    if not _SENT.fullmatch(value):
        raise ConnectorFailed(
            Code.SECRET_UNAVAILABLE,
            "A credential that this action needs can't be sent.",
            hint="Ask an operator; nothing was sent.",
            detail=f"the secret {credential.secret} has characters that no header has",
        )
    return ((credential.header, value),), (secret, *_parts(credential, secret), value.rpartition(" ")[2])


def _parts(credential: Credential, secret: str) -> Iterator[str]:
    """What a target may take out of the value and give back alone; names that come before `=` are none."""
    if credential.style == "basic":
        user, _, password = secret.partition(":")
        # Where the password is nothing, the user is the key.
        yield password if len(password) >= SHORTEST else user
        return
    for part in _BETWEEN.split(secret):
        yield part
        yield part.partition("=")[2].strip('"')


def _told(failure: ConnectorFailed, values: Values, *, safe: bool) -> ConnectorFailed:
    """The failure without a word of the credential; what changes nothing has failed when its answer is lost, not gone missing."""
    code = Code.CONNECTOR_FAILED if safe and failure.code is Code.CONNECTOR_TIMEOUT else failure.code
    return ConnectorFailed(
        code,
        values.clean_text(failure.message),
        hint=values.clean_text(failure.hint),
        detail=values.clean_text(failure.detail),
        path=failure.path,
    )


def _as_sent(asked: Asked, headers: Mapping[str, Json]) -> str:
    """The request as it will be sent, but for the credential; nothing of it is left out."""
    lines = [f"{asked.method} {asked.url.path_query}", f"host: {asked.url.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\n".join(lines) + "\n" + (f"\n{asked.body.decode()}\n" if asked.body else "")
