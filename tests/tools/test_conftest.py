import socket

import pytest

from tests.conftest import NetworkForbiddenError
from tests.tools.conftest import Copy, Run


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1"])
def test_a_connection_beyond_loopback_is_refused(host: str) -> None:
    with socket.socket() as sock, pytest.raises(NetworkForbiddenError):
        sock.connect((host, 9))


def test_a_datagram_beyond_loopback_is_refused() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(NetworkForbiddenError):
        sock.sendto(b"x", ("192.0.2.1", 9))


def test_a_look_up_of_a_name_is_refused() -> None:
    with pytest.raises(NetworkForbiddenError):
        socket.getaddrinfo("example.invalid", 80)


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_a_skipped_test_fails_the_run(copy: Copy, run: Run) -> None:
    test = "import pytest\n\n@pytest.mark.skip\ndef test_it():\n    pass\n\ndef test_other():\n    pass\n"
    done = run(copy({"tests/test_it.py": test}), "-m", "pytest", "-q")
    assert done.returncode == 1
    assert "skipped, which fails the run: tests/test_it.py::test_it" in done.stdout


def test_an_expected_failure_is_no_skip(copy: Copy, run: Run) -> None:
    test = "import pytest\n\n@pytest.mark.xfail\ndef test_it():\n    raise ValueError\n"
    done = run(copy({"tests/test_it.py": test}), "-m", "pytest", "-q")
    assert done.returncode == 0, done.stdout
