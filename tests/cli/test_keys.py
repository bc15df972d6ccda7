from pathlib import Path

import pytest

from tests.cli.conftest import KEY, Scene, run


def test_a_new_key_is_printed_once_and_works(scene: Scene) -> None:
    made = scene.aaf(
        "keys", "create", "helper", "--kind", "agent", "--action", "files.read", "--expires", "90d", who="admin"
    )
    assert made.status == 0
    key = made.out.strip()
    assert made.out == f"{key}\n"
    assert run("actions", "list", AAF_URL=scene.stage.url, AAF_API_KEY=key).status == 0
    listed = scene.aaf("keys", "list", who="admin")
    assert key not in listed.out
    assert "files.read" in listed.out


def test_a_revoked_key_is_good_no_longer(scene: Scene) -> None:
    key = scene.aaf("keys", "create", "leaver", "--kind", "user", "--role", "viewer", who="admin").out.strip()
    row = next(line for line in scene.aaf("keys", "list", who="admin").out.splitlines() if line.endswith("leaver"))
    revoked = scene.aaf("keys", "revoke", row.split()[0], who="admin")
    assert revoked.status == 0
    assert revoked.out.endswith(" is revoked\n")
    refused = run("actions", "list", AAF_URL=scene.stage.url, AAF_API_KEY=key)
    assert refused.status == 1
    assert refused.err.startswith("invalid_credential: ")
    assert key not in refused.err


@pytest.mark.parametrize("span", ["90", "d", "0d", "-1d", "1y", "1.5h", "9999999999d"])
def test_a_lifetime_that_is_none_is_refused(scene: Scene, span: str) -> None:
    ended = scene.aaf("keys", "create", "x", "--kind", "agent", "--expires", span, who="admin")
    assert ended.status == 2
    assert ended.err.startswith("wrong_type: ")


@pytest.mark.parametrize(
    "command", [("create", "x", "--kind", "agent"), ("list",), ("revoke", "00000000-0000-7000-8000-000000000000")]
)
def test_an_approver_manages_no_keys(scene: Scene, command: tuple[str, ...]) -> None:
    ended = scene.aaf("keys", *command)
    assert ended.status == 1
    assert ended.err.startswith("permission_denied: ")


@pytest.mark.parametrize(
    "command",
    [
        ("keys", "revoke", KEY),
        ("keys", "revoke", KEY.upper()),
        ("keys", "create", KEY, "--kind", "agent"),
        ("actions", "show", KEY),
        ("actions", "cancel", f"'{KEY}'"),
        ("actions", "resolve", KEY, "--failed", "--reason", "x"),
        ("approvals", "show", KEY),
        ("approvals", "approve", KEY),
        ("approvals", "reject", KEY, "--reason", "x"),
        ("audit", "list", "--action", KEY),
        ("proof", KEY, "-o", "/nowhere/proof.zip"),
        ("verify", KEY, "--key", "ledger.vkey"),
        ("verify", "proof.zip", "--key", KEY),
        ("verify", "ledger.aaf", "--key", "ledger.vkey", "--since", KEY),
    ],
    ids=" ".join,
)
def test_a_key_in_the_place_of_an_id_or_a_name_is_neither_sent_nor_printed(command: tuple[str, ...]) -> None:
    ended = run(*command, AAF_URL="http://127.0.0.1:1", AAF_API_KEY=KEY)
    assert ended.status == 2
    assert ended.err.startswith("wrong_type: That is a key, not ")
    assert "What to do: " in ended.err
    assert KEY not in (ended.out + ended.err).replace(KEY.upper(), KEY)


@pytest.mark.parametrize(
    "command",
    [
        (KEY,),
        (f"--{KEY}",),
        (f"--{KEY}", "keys", "list"),
        ("keys", KEY),
        ("keys", "list", KEY),
        ("keys", "create", "x", "--kind", KEY),
        ("actions", "list", f"--{KEY}"),
        ("actions", "list", "--state", KEY),
        ("recover", "--data", KEY),
        ("serve", "--host", KEY),
        ("demo", "--keep", f"/dev/null/{KEY}"),
    ],
    ids=" ".join,
)
def test_a_key_in_any_other_place_is_not_printed_either(command: tuple[str, ...], tmp_path: Path) -> None:
    ended = run(*command, AAF_DATA=str(tmp_path), AAF_API_KEY=KEY)
    assert ended.status in {1, 2}
    assert "[redacted]" in ended.err
    assert KEY not in ended.out + ended.err


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["lines", "json"])
@pytest.mark.parametrize(
    ("options", "environment"),
    [(("--data", KEY), {}), (("--config", KEY), {}), ((), {"AAF_DATA": KEY}), ((), {"AAF_CONFIG": KEY})],
)
def test_the_doctor_prints_no_key_that_stands_in_the_place_of_a_folder(
    options: tuple[str, ...], environment: dict[str, str], form: tuple[str, ...], tmp_path: Path
) -> None:
    ended = run("doctor", *options, *form, **{"AAF_DATA": str(tmp_path), **environment})
    assert ended.status == 1
    assert "[redacted]" in ended.out
    assert KEY not in ended.out + ended.err


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["lines", "json"])
def test_a_fix_of_the_doctor_names_no_key_either(form: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / KEY).mkdir(mode=0o755)
    ended = run("doctor", "--data", str(tmp_path / KEY), *form)
    assert ended.status == 1
    assert "chmod 700" in ended.out
    assert KEY not in ended.out + ended.err
