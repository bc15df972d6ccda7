"""In process an error is what a client makes of the API's answer to it."""

import pytest

from aaf.domain import errors
from aaf.domain.errors import AafError, Code, TooMany
from aaf.embedded.translating import translated
from aaf.entrypoints.api.problems import problem
from aaf_client._wire.answers import refusal
from aaf_client._wire.port import Reply
from aaf_client.errors import AgentFirewallError

CODES = (Code.ALREADY_CONSUMED, Code.DIGEST_MISMATCH, Code.NOT_FOUND, Code.REVOKED_CREDENTIAL)
CASES = [
    *((cls, code) for cls in (errors.InputRefused, errors.NotAuthenticated) for code in CODES),
    *((cls, code) for cls in (errors.NotFound, errors.NotPermitted, errors.StateConflict) for code in CODES),
    *((cls, Code.STORE_FULL) for cls in (errors.TooMany, errors.StoreFailed, errors.Unavailable)),
    (errors.ConnectorFailed, Code.CONNECTOR_FAILED),
]


def _told(error: AgentFirewallError) -> tuple[object, ...]:
    return type(error), str(error), error.code, error.hint, getattr(error, "status", None), getattr(error, "path", None)


@pytest.mark.parametrize(("cls", "code"), CASES)
def test_an_error_is_the_same_in_process_and_behind_http(cls: type[AafError], code: Code) -> None:
    error = TooMany(code, "No.", retry_after=7) if cls is TooMany else cls(code, "No.", path="$.x")
    answer = problem(error)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert _told(translated(error)) == _told(refusal(Reply(answer.status_code, headers, bytes(answer.body))))
