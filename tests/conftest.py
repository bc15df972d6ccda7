"""What holds for every test: no network beyond loopback, no skips, and guards can be taken out from the test's side."""

import ipaddress
import os
import sys
from collections.abc import Iterator

import pytest

from tests.attacks.harness import WITHOUT_VARIABLE, take_out

_CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_RESOLVING = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_SKIPPED: list[str] = []


class NetworkForbiddenError(RuntimeError):
    """A test tried to reach beyond this machine."""


def _is_local(host: object) -> bool:
    if host is None or host in {"", b"", "localhost", b"localhost"}:
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_address(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return True


def _stay_on_loopback(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse a connection or a name look-up that leaves loopback; unix sockets have a path, not a pair."""
    if event in _CONNECTING:
        address = arguments[1]
        if isinstance(address, tuple) and address and not _is_local(address[0]):
            raise NetworkForbiddenError(f"{event} to {address[0]!r}: tests stay on loopback")
    elif event in _RESOLVING:
        host = arguments[0]
        # An address is no look-up, and dialling it is refused above.
        if not _is_local(host) and not _is_address(host):
            raise NetworkForbiddenError(f"{event} of {host!r}: tests ask no name server")


def pytest_configure() -> None:
    """Close the network, and take out the guard that `make attacks` names."""
    sys.addaudithook(_stay_on_loopback)
    named = os.environ.get(WITHOUT_VARIABLE)
    if named:
        take_out(named)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember a skip; an expected failure is reported as one too and is none."""
    if report.skipped and not hasattr(report, "wasxfail"):
        _SKIPPED.append(report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Remember a module that skipped itself."""
    if report.skipped:
        _SKIPPED.append(report.nodeid)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Iterator[None]:
    """Fail the run for a skip: what was not run was not proven."""
    if _SKIPPED and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the skips."""
    for nodeid in _SKIPPED:
        terminalreporter.write_line(f"skipped, which fails the run: {nodeid}", red=True)
