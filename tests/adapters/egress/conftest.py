import ssl
from pathlib import Path

import pytest

from tests.adapters.egress.calling import HOST, OTHER, PUBLIC, Caller
from tests.adapters.egress.certificates import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.make(Path(tmp_path_factory.mktemp("authority")))


@pytest.fixture
def good(authority: Authority) -> ssl.SSLContext:
    """A server's context whose certificate is for the tests' hosts."""
    return authority.server(HOST, "other.example.org", addresses=(PUBLIC, OTHER))


@pytest.fixture(params=["blocking", "loop"])
def caller(request: pytest.FixtureRequest, authority: Authority) -> Caller:
    return Caller(request.param, authority.file)
