"""G39 in the console, on one machine without TLS: what else is served there is not handed the session of the person who approves."""

import pytest

from tests.console.pages import OURS, Desk, bare

PART = "a page of another port is sent no session of the console"
NEIGHBOUR = "http://127.0.0.1:3000"


@pytest.mark.attack(
    "G39",
    part=PART,
    guard="aaf.entrypoints.console.receiving:new_root",
    without="tests.attacks.permissive:everywhere",
)
@pytest.mark.parametrize("path", ["/", "/s/", "/approvals/x", f"/s/{'0' * 32}/"])
def test_a_server_on_another_port_is_sent_no_session(desk: Desk, path: str) -> None:
    ann = desk.browser("approver")
    assert "cookie" in ann.client.build_request("GET", ann.at("/")).headers
    assert "cookie" not in ann.client.build_request("GET", NEIGHBOUR + path).headers


@pytest.mark.attack(
    "G39",
    part=PART,
    guard="aaf.entrypoints.console.sessions:_key",
    without="tests.attacks.permissive:whatever_the_path",
)
@pytest.mark.parametrize("root", ["", f"/s/{'0' * 32}"])
def test_a_session_whose_path_is_not_known_approves_nothing(desk: Desk, root: str) -> None:
    action = str(desk.world.mail()["id"])
    ann, thief = desk.browser("approver"), desk.browser()
    form = ann.get(f"/approvals/{action}").form("/review")
    desk.read()
    cookie = "; ".join(f"{name}={value}" for name, value in ann.cookies.items())
    fields = {**form.fields, "verdict": "approve"}
    assert thief.post(root + bare(form.action), fields, headers={**OURS, "Cookie": cookie}).status == 303
    assert desk.state(action) == "pending_approval"
