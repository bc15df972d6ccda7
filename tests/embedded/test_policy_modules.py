"""The three examples that the product's users begin with, as written, from the folder to the decision: workers and all."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from aaf import Firewall
from aaf.adapters.folder import read_folder, shipped
from aaf_client import errors
from aaf_client.models import ActionStatus
from tests.embedded.material import Place
from tests.policy.rego.test_seed_policies import FIRST, SECOND, THIRD

PACKAGE = "package aaf.policies\n"
CORRECTED = FIRST.replace("startswith(url", "url := input.params.url\nstartswith(url")
TRUSTED = {"url": "https://api.trusted.com/v1"}
RATE = (b"60/m, burst: 30", b"1/h, burst: 1")


@pytest.fixture
def deciding_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Firewall]]:
    """Opens a firewall whose only policies are these modules; the API's name has an address, which nobody calls."""
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address])
    opened = ExitStack()

    def open_it(*modules: str, **changes: bytes) -> Firewall:
        folder = tmp_path / "config"
        files = {name: data for name, data in read_folder(shipped("rego")).items() if not name.startswith("policies/")}
        files |= {f"policies/m{number}.rego": text.encode() for number, text in enumerate(modules)}
        if "rate" in changes:
            assert RATE[0] in files["aaf.yaml"]
            files["aaf.yaml"] = files["aaf.yaml"].replace(RATE[0], changes["rate"])
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        root = tmp_path / "workspace"
        root.mkdir()
        return opened.enter_context(Place(tmp_path / "aaf.db", folder, root).open())

    with opened:
        yield open_it


@pytest.mark.requirement("R18")
def test_the_first_is_refused_as_written_and_says_what_to_write(deciding_by: Callable[..., Firewall]) -> None:
    with pytest.raises(errors.Misuse) as caught:
        deciding_by(FIRST)
    said = str(caught.value)
    assert said.count("policies/") == 1
    assert "policies/m0.rego:10:12: the variable `url` is unbound" in said
    assert "`url := input.params.url`" in said


@pytest.mark.requirement("R18")
def test_the_first_as_its_problem_says_to_write_it_allows_what_is_trusted(
    deciding_by: Callable[..., Firewall],
) -> None:
    firewall = deciding_by(CORRECTED)
    assert firewall.submit_action("http_proxy.get", TRUSTED).status is ActionStatus.ALLOWED
    assert firewall.submit_action("http_proxy.post", TRUSTED).status is ActionStatus.DENIED
    elsewhere = firewall.submit_action("http_proxy.get", {"url": "https://api.trusted.com.evil.tld/"})
    assert elsewhere.status is ActionStatus.DENIED


@pytest.mark.requirement("R18")
@pytest.mark.requirement("R19")
def test_the_second_as_written_holds_writes_and_does_not_believe_the_agent(
    deciding_by: Callable[..., Firewall],
) -> None:
    firewall = deciding_by(PACKAGE + SECOND)
    for operation in ("post", "put", "delete"):
        held = firewall.submit_action(f"http_proxy.{operation}", TRUSTED)
        assert (held.status, held.risk) == (ActionStatus.PENDING_APPROVAL, "high")
    with pytest.raises(errors.RequestRefused) as caught:
        firewall.submit_action("http_proxy.post", TRUSTED, context={"pre_approved": True})
    assert caught.value.code == "reserved_context_key"


@pytest.mark.requirement("R18")
@pytest.mark.requirement("R20")
def test_the_third_as_written_denies_beyond_the_rate(deciding_by: Callable[..., Firewall]) -> None:
    firewall = deciding_by(PACKAGE + SECOND, PACKAGE + THIRD, rate=RATE[1])
    assert firewall.submit_action("http_proxy.post", TRUSTED).status is ActionStatus.PENDING_APPROVAL
    beyond = firewall.submit_action("http_proxy.post", TRUSTED)
    assert beyond.status is ActionStatus.DENIED
    assert beyond.code == "module"
