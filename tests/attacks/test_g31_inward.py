"""G31: a host that leads inside, at once, after the check, or at the next hop."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from aaf.domain.errors import Code
from tests.adapters.egress.calling import HOST, PUBLIC, Caller
from tests.adapters.egress.certificates import Authority
from tests.adapters.egress.upstream import Upstream, ok, redirect, saying, serving

METADATA = "169.254.169.254"


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[tuple[Caller, Upstream]]:
    """A caller whose every address leads to one server, which holds what must not be read."""
    authority = Authority.make(tmp_path)
    tls: ssl.SSLContext = authority.server(HOST, addresses=(METADATA,))
    with serving(saying(ok(b"credentials")), tls=tls) as server:
        yield Caller("blocking", authority.file).to(server, PUBLIC, METADATA, "10.0.0.1", "::1"), server


@pytest.mark.attack("G31", guard="aaf.analysis.addresses:classify", without="tests.attacks.permissive:calls_it_global")
@pytest.mark.parametrize("answers", [[METADATA], ["10.0.0.1"], ["::1"], [PUBLIC, METADATA], [METADATA, PUBLIC]])
def test_a_name_that_leads_inside_is_not_called(inside: tuple[Caller, Upstream], answers: list[str]) -> None:
    caller, server = inside
    assert caller.knowing(api_example_com=[answers]).refusal() is Code.EGRESS_ADDRESS_REFUSED
    assert server.connections == 0


@pytest.mark.attack("G31", guard="aaf.adapters.egress.gate:vet", without="tests.attacks.without:second_argument")
def test_a_name_that_leads_inside_at_the_next_hop_is_not_called(inside: tuple[Caller, Upstream]) -> None:
    caller, server = inside
    server.scripts.insert(0, saying(redirect(302, b"/again")))
    assert caller.knowing(api_example_com=[[PUBLIC], [METADATA]]).refusal() is Code.EGRESS_ADDRESS_REFUSED
    assert (server.connections, caller.names.asked) == (1, [HOST, HOST])


@pytest.mark.attack("G31", guard="aaf.analysis.addresses:classify", without="tests.attacks.permissive:calls_it_global")
@pytest.mark.parametrize("location", [b"https://169.254.169.254/latest/", b"//169.254.169.254/"])
def test_a_redirect_inside_is_not_followed(inside: tuple[Caller, Upstream], location: bytes) -> None:
    caller, server = inside
    server.scripts.insert(0, saying(redirect(302, location)))
    assert caller.refusal() is Code.EGRESS_ADDRESS_REFUSED
    assert server.connections == 1


@pytest.mark.attack("G31", guard="aaf.adapters.egress.gate:check_peer")
def test_a_connection_that_ended_up_inside_is_not_used(inside: tuple[Caller, Upstream]) -> None:
    caller, server = inside
    caller.wires.lie = METADATA
    assert caller.refusal() is Code.EGRESS_ADDRESS_REFUSED
    assert server.requests in ([], [b""])


@pytest.mark.attack(
    "G31", guard="aaf.adapters.egress.client:EgressClient._addresses", without="tests.attacks.permissive:metadata_again"
)
def test_an_answer_that_changes_after_the_check_is_never_asked_for(inside: tuple[Caller, Upstream]) -> None:
    caller, _ = inside
    response = caller.knowing(api_example_com=[[PUBLIC], [METADATA]]).fetch()
    assert response.address == PUBLIC
    assert caller.wires.dialled == [(PUBLIC, 443)]
    assert caller.names.asked == [HOST]


@pytest.mark.attack("G31", guard="aaf.analysis.hosts:Host.internal")
@pytest.mark.parametrize("host", ["localhost", "metadata.google.internal", "printer.local", "intranet", "db.svc"])
def test_a_name_of_the_inside_is_refused_before_anybody_is_asked(inside: tuple[Caller, Upstream], host: str) -> None:
    caller, server = inside
    caller.names.zone = {host: [[PUBLIC]]}
    assert caller.refusal(f"https://{host}/") is Code.EGRESS_HOST_REFUSED
    assert (caller.names.asked, server.connections) == ([], 0)
