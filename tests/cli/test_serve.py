import json
import logging
import os
import re
import selectors
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aaf.domain.canonical import Json
from aaf.entrypoints.cli.serving import DRAIN, Said
from tests.cli.conftest import KEY, run

DEADLINE = 30
EVERYWHERE = str(ip_address(0))


@contextmanager
def serving(folder: Path, *arguments: str, files: int | None = None) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """A server process, with at most `files` open files, and what it printed up to its ready line."""
    limited = [] if files is None else ["sh", "-c", f'ulimit -Sn {files:d}; exec "$@"', "sh"]
    command = [
        *limited,
        sys.executable,
        "-m",
        "aaf",
        "serve",
        "--port",
        "0",
        "--data",
        str(folder / "data"),
        *arguments,
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AAF_")}
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=folder, env=environment) as process,
    ):
        assert process.stdout is not None
        printed = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while b"AAF listens on " not in printed:
                assert selector.select(DEADLINE), printed
                piece = os.read(process.stdout.fileno(), 4096)
                assert piece, (folder / "log").read_text()
                printed += piece
        try:
            yield process, printed.decode()
        finally:
            process.kill()


def _url(printed: str) -> str:
    return printed.rpartition("AAF listens on ")[2].strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_after_a_last_checkpoint_and_a_second_start_prints_no_key(
    folder: Path, number: signal.Signals
) -> None:
    with serving(folder) as (process, printed):
        key = re.search(r"aaf_live_\w+", printed)
        assert key is not None
        assert run("keys", "create", "x", "--kind", "agent", AAF_URL=_url(printed), AAF_API_KEY=key[0]).status == 0
        process.send_signal(number)
        assert process.wait(DEADLINE) == 0
    with serving(folder) as (_, printed):
        assert "aaf_live_" not in printed
        verified = run("audit", "verify", "--json", AAF_URL=_url(printed), AAF_API_KEY=key[0])
        assert '"ok": true' in verified.out
    assert key[0] not in (folder / "log").read_text()


def _call(printed: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(_url(printed).rpartition(":")[2])), timeout=DEADLINE)


def _lines(folder: Path) -> list[dict[str, object]]:
    """The log but for what is said while all is well; every line of it is JSON."""
    lines = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    kept = [line for line in lines if line["severity"] != "info"]
    return [{name: value for name, value in line.items() if name not in {"severity", "time"}} for line in kept]


def _heard(connection: socket.socket) -> bytes:
    """Everything until the server ends the connection."""
    heard = b""
    while piece := connection.recv(65_536):
        heard += piece
    return heard


def test_half_a_body_and_half_a_head_do_not_hold_the_end_up_and_nothing_but_json_is_logged(folder: Path) -> None:
    with serving(folder, "--write-key", "k") as (process, printed):
        key = (folder / "k").read_text().strip().encode()
        head = b"POST /v1/actions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key + b"\r\nContent-Length: 100\r\n"
        with _call(printed) as body, _call(printed) as half:
            body.sendall(head + b"Expect: 100-continue\r\n\r\n{")
            half.sendall(head)
            assert body.recv(100).startswith(b"HTTP/1.1 100 ")
            process.terminate()
            assert process.wait(DRAIN * 0.75) == 0
    assert _lines(folder) == []


def test_what_is_no_http_is_refused_by_the_server_and_logged_once_as_json(folder: Path) -> None:
    with serving(folder, "--write-key", "k") as (process, printed):
        refused = [
            (b"BREW / HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 "),
            (b"GET / HTTP/1.1\r\nA: " + b"a" * 100_000, b"HTTP/1.1 431 "),
            (b"GET /v1/health HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", b"HTTP/1.1 200 "),
        ]
        for sent, expected in refused:
            with _call(printed) as connection:
                connection.sendall(sent)
                heard = _heard(connection)
            assert heard.startswith(expected)
            assert b"\r\ncache-control: no-store\r\n" in heard
            assert b"\r\nserver: " not in heard
        process.terminate()
        assert process.wait(DEADLINE) == 0
    assert _lines(folder) == [{"event": "connections_refused", "bad_request": 1}]


def test_connections_that_send_nothing_lock_nobody_out_of_the_server(folder: Path) -> None:
    with serving(folder, "--write-key", "k", files=200) as (process, printed), ExitStack() as open_:
        for _ in range(180):
            open_.enter_context(_call(printed))
        key = (folder / "k").read_text().strip()
        assert run("keys", "list", AAF_URL=_url(printed), AAF_API_KEY=key).status == 0
        process.terminate()
        assert process.wait(DEADLINE) == 0


def test_what_a_library_says_is_logged_by_its_place_and_never_by_its_words(capfd: pytest.CaptureFixture[str]) -> None:
    entries: list[tuple[str, Mapping[str, Json]]] = []

    class Kept:
        def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
            entries.append((kind, fields))

    speaking = logging.getLogger("asyncio")
    with Said(Kept()).listening():
        for secret in ("hunter1", "hunter2"):
            speaking.warning("socket.send() raised %s", secret)
        try:
            raise ValueError("hunter3")
        except ValueError:
            speaking.exception("gone")
        logging.getLogger("uvicorn.error").warning("pip install hunter4")
    assert [(kind, fields["level"], fields["error"]) for kind, fields in entries] == [
        ("library", "WARNING", ""),
        ("library", "ERROR", "ValueError"),
    ]
    assert "hunter" not in json.dumps(entries, default=dict)
    assert capfd.readouterr() == ("", "")


def test_the_first_key_is_written_to_a_private_file_instead_of_printed(folder: Path) -> None:
    with serving(folder, "--write-key", "admin.key") as (_, printed):
        assert "aaf_live_" not in printed
        assert "admin.key" in printed
        assert (folder / "admin.key").stat().st_mode & 0o777 == 0o600
        key = (folder / "admin.key").read_text().strip()
        assert run("keys", "list", AAF_URL=_url(printed), AAF_API_KEY=key).status == 0


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.0.2.1"])
def test_beyond_this_machine_it_takes_tls_or_says_what_is_given_up(folder: Path, host: str) -> None:
    ended = run("serve", "--host", host, "--data", str(folder / "data"))
    assert ended.status == 2
    assert ended.err.startswith("tls_required: ")
    assert "--insecure-no-tls" in ended.err
    assert not (folder / "data").exists()


def test_without_tls_beyond_this_machine_only_when_asked_to(folder: Path) -> None:
    with serving(folder, "--host", EVERYWHERE, "--insecure-no-tls") as (_, printed):
        assert _url(printed).startswith(f"http://{EVERYWHERE}:")


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


def test_https_is_tls_1_2_or_newer_and_the_command_checks_the_certificate(folder: Path) -> None:
    certificate, private = _certificate(folder)
    with serving(folder, "--tls-cert", str(certificate), "--tls-key", str(private), "--write-key", "k") as (_, printed):
        url = _url(printed)
        key = (folder / "k").read_text().strip()
        assert url.startswith("https://127.0.0.1:")
        assert run("keys", "list", "--url", url, "--ca", str(certificate), AAF_API_KEY=key).status == 0
        for address, told in ((url, "--ca FILE"), (url.replace("https:", "http:"), "begins with https")):
            refused = run("keys", "list", "--url", address, AAF_API_KEY=key).err
            assert refused.startswith("unreachable: ")
            assert told in refused
            assert ".." not in refused
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with (
            socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=DEADLINE) as connection,
            pytest.raises((ssl.SSLError, ConnectionError)),
        ):
            old.wrap_socket(connection)


def test_half_of_the_tls_files_or_bad_ones_are_refused(folder: Path) -> None:
    certificate, _ = _certificate(folder)
    assert run("serve", "--tls-cert", str(certificate)).err.startswith("tls_incomplete: ")
    ended = run("serve", "--tls-cert", str(certificate), "--tls-key", str(certificate))
    assert ended.status == 2
    assert ended.err.startswith("tls_unusable: ")


def test_a_port_that_is_taken_is_said_with_what_to_do(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("serve", "--port", str(taken.getsockname()[1]), "--data", str(folder / "data"))
    assert ended.status == 2
    assert ended.err.startswith("address_unusable: ")
    assert "--port" in ended.err


@pytest.mark.parametrize("host", ["a..b", "x" * 80])
def test_a_host_that_is_none_is_said_with_what_to_do(folder: Path, host: str) -> None:
    ended = run("serve", "--host", host, "--insecure-no-tls", "--data", str(folder / "data"))
    assert ended.status == 2
    assert ended.err.startswith(f"address_unusable: {host}:")
    assert "--host" in ended.err


def test_a_broken_folder_at_the_first_start_prints_every_problem_with_its_place(folder: Path) -> None:
    config = folder / "config"
    (config / "actions").mkdir(parents=True)
    (config / "aaf.yaml").write_text(
        "version: 1\nrules:\n  - name: a\n    match: {tol: x}\n    decision: allow\nextra: 1\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "aaf", "serve", "--port", "0", "--data", "data", "--config", str(config)],
        cwd=folder, capture_output=True, text=True, check=False, timeout=DEADLINE,
    )  # fmt: skip
    assert ended.returncode == 2
    logged = [line for line in ended.stderr.splitlines() if line.startswith("{")]
    said = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    assert [json.loads(line)["event"] for line in logged] == ["configuration_refused"]
    assert said[0].startswith("configuration_invalid: ")
    assert len(re.findall(r"aaf\.yaml:\d+:\d+: ", ended.stderr)) >= 2
    assert "Traceback" not in ended.stderr


def test_a_broken_folder_later_leaves_the_release_before_it_active(folder: Path) -> None:
    config = folder / "config"
    (config / "actions").mkdir(parents=True)
    (config / "aaf.yaml").write_text("version: 1\n")
    with serving(folder, "--config", str(config), "--write-key", "k") as (process, _):
        process.terminate()
        assert process.wait(DEADLINE) == 0
    (config / "aaf.yaml").write_text("version: 1\nextra: 1\n")
    with serving(folder, "--config", str(config)) as (_, printed):
        key = (folder / "k").read_text().strip()
        assert run("actions", "list", AAF_URL=_url(printed), AAF_API_KEY=key).status == 0
    said = "".join(line for line in (folder / "log").read_text().splitlines() if not line.startswith("{"))
    assert "config/aaf.yaml:2:1: " in said


def test_a_key_in_the_place_of_a_later_folder_is_not_printed(folder: Path) -> None:
    config = folder / "config"
    config.mkdir()
    (config / "aaf.yaml").write_text("version: 1\n")
    with serving(folder, "--config", str(config), "--write-key", "k") as (process, _):
        process.terminate()
        assert process.wait(DEADLINE) == 0
    with serving(folder, "--config", KEY) as (_, printed):
        assert KEY not in printed
    said = [line for line in (folder / "log").read_text().splitlines() if not line.startswith("{")]
    assert "[redacted]" in said[-1]
    assert KEY not in "".join(said)
