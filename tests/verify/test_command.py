"""The program as a user starts it: alone, isolated, with honest exit codes and no traceback."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import aaf_verify
from tests.verify import forge

SOURCE = Path(aaf_verify.__file__)
LOG, EVENTS, RELATED = forge.history()
PACK = forge.pack(LOG.members(EVENTS, RELATED, **forge.disclosures()))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Return a key file, a good pack, a bad one and an export."""
    bad = LOG.members(EVENTS[:1] + EVENTS[2:], RELATED)
    contents = {
        "keys": LOG.vkey().encode(),
        "good": PACK,
        "bad": forge.pack(bad),
        "ledger": LOG.export([len(LOG.bodies)]),
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    return {name: str(tmp_path / name) for name in contents} | {"folder": str(tmp_path)}


def isolated(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the file by itself: no site packages, no environment, no working directory."""
    command = [sys.executable, "-I", "-S", str(SOURCE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env={}, timeout=60)


@pytest.mark.requirement("R32")
def test_the_file_alone_proves_a_good_pack(files: dict[str, str]) -> None:
    done = isolated("--key", files["keys"], files["good"])
    assert (done.returncode, done.stderr) == (0, "")
    *lines, verdict = done.stdout.splitlines()
    assert all(line.startswith(("proved      ", "not asked   ", "not checked ")) for line in lines)
    assert verdict.startswith("Proven: the action")


@pytest.mark.requirement("R26")
def test_the_file_alone_proves_a_good_ledger(files: dict[str, str]) -> None:
    done = isolated("--key", files["keys"], "--canonical", files["ledger"])
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Proven up to entry {len(LOG.bodies)}, the last: the ledger of" in done.stdout


@pytest.mark.attack("G19", guard="aaf_verify:Story.follow")
def test_the_command_finds_a_bad_pack(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert aaf_verify.main(["--key", files["keys"], files["bad"]]) == 1
    assert "transition 2 of the action is missing" in capsys.readouterr().out


def test_the_file_alone_finds_a_bad_pack(files: dict[str, str]) -> None:
    done = isolated("--key", files["keys"], files["bad"])
    assert (done.returncode, done.stderr) == (1, "")
    false = [line for line in done.stdout.splitlines() if line.startswith("FALSE")]
    assert len(false) == 1
    assert "transition 2 of the action is missing" in false[0]
    assert done.stdout.splitlines()[-1].startswith("False:")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["{good}"],
        ["--key", "{keys}"],
        ["--key", "{folder}/none", "{good}"],
        ["--key", "{folder}", "{good}"],
        ["--key", "{good}", "{good}"],
        ["--key", "{ledger}", "{good}"],
        ["--key", "{keys}", "{folder}/none"],
        ["--key", "{keys}", "{folder}"],
        ["--key", "{keys}", "/dev/null"],
        ["--key", "{keys}", "{keys}"],
        ["--key", "{keys}", "--org", "X", "{good}"],
        ["--key", "{keys}", "--since", "{keys}", "{good}"],
        ["--key", "{keys}", "--canonical", "{good}"],
        ["--key", "{keys}", "--allow-uncovered", "{good}"],
        ["--key", "{keys}", "--require-end", "{ledger}"],
        ["--key", "{keys}", "--since", "{folder}/none", "{ledger}"],
        ["--key", "{keys}", "--since", "/dev/zero", "{ledger}"],
        ["--key", "/dev/zero", "{good}"],
        ["--key", "{keys}", "--progress", "sometimes", "{ledger}"],
        ["--key", "{keys}", "--nothing", "{good}"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_used_is_exit_two_and_a_sentence(
    files: dict[str, str], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = aaf_verify.main([argument.format_map(files) for argument in arguments])
    except SystemExit as stopped:
        status = stopped.code
    shown = capsys.readouterr()
    assert status == 2
    assert shown.out.startswith("Unusable: ") or "usage: aaf_verify" in shown.err


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("maximum recursion depth exceeded")])
@pytest.mark.parametrize("name", ["good", "ledger"])
def test_what_this_machine_cannot_hold_is_unusable_and_no_traceback(
    files: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: BaseException,
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(aaf_verify, "open_checkpoint", fail)
    assert aaf_verify.main(["--key", files["keys"], files[name]]) == 2
    assert capsys.readouterr().out.splitlines()[-1].startswith("Unusable: too large or nested too deep")


def test_a_key_file_longer_than_its_limit_is_unusable(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path(files["keys"]).write_bytes(b"#" * (aaf_verify.MAX_KEYS + 1))
    assert aaf_verify.main(["--key", files["keys"], files["good"]]) == 2
    assert f"is larger than {1 << 20} bytes" in capsys.readouterr().out


def test_the_file_alone_says_what_it_cannot_use(files: dict[str, str]) -> None:
    done = isolated("--key", files["keys"], files["keys"])
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("Unusable: ")
    assert done.stdout.endswith("is neither a proof pack nor a ledger export\n")


def test_it_runs_as_a_module_too(files: dict[str, str]) -> None:
    command = [sys.executable, "-m", "aaf_verify", "--key", files["keys"], files["good"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SOURCE.parent, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_shows_examples_and_the_version_is_said() -> None:
    shown = isolated("--help")
    assert shown.returncode == 0
    assert all(text in shown.stdout for text in ("examples:", "--since", "exit status:", "proves nothing"))
    assert isolated("--version").stdout == f"aaf_verify {aaf_verify.__version__}\n"


def test_colour_is_for_terminals_only(
    files: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--key", files["keys"], files["bad"]]
    assert aaf_verify.main(arguments) == 1
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert aaf_verify.main(arguments) == 1
    assert "\x1b[1;31mFALSE      \x1b[0m transitions" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    assert aaf_verify.main(arguments) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_the_machine_form_is_one_object(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert aaf_verify.main(["--key", files["keys"], "--json", files["bad"]]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report.keys() == {"verdict", "open", "sentence", "checks"}
    assert report["verdict"] == "false"
    assert {"check": "members", "result": "proved", "text": report["checks"][0]["text"]} == report["checks"][0]


def test_text_from_a_hostile_pack_cannot_steer_the_terminal(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    log = LOG.copy()
    log.edit(EVENTS[0], org="\x1b]0;owned\x07\u202e")
    Path(files["bad"]).write_bytes(forge.pack(log.members(EVENTS)))
    assert aaf_verify.main(["--key", files["keys"], files["bad"]]) == 1
    out = capsys.readouterr().out
    assert out.replace("\n", "").isprintable()
    assert "\\x1b]0;owned\\x07\\u202e" in out


@pytest.mark.parametrize(
    "line",
    [
        "x",
        "+",
        "++",
        "name+00000000+AQ==",
        forge.vkey(forge.ORIGIN, forge.key()) + " 1",
        forge.vkey(forge.ORIGIN, forge.key()) + " -1",
        forge.vkey(forge.ORIGIN, forge.key()) + " 1- 2-",
        forge.vkey("", forge.key()),
        forge.vkey(forge.ORIGIN, forge.key()).replace("+", "+0", 1),
        forge.vkey(forge.ORIGIN, forge.key())[:-4],
        forge.vkey(forge.ORIGIN, forge.key()).upper(),
        "# nothing",
        "",
        forge.vkey(forge.ORIGIN, forge.key(), kind=6),
    ],
)
def test_a_key_file_without_a_good_key_is_unusable(line: str) -> None:
    with pytest.raises(aaf_verify.Unusable):
        aaf_verify.read_keys(line)


def test_a_key_that_is_no_point_is_unusable() -> None:
    class _NoPoint:
        """A private key whose public key has small order."""

        def public_key(self) -> "_NoPoint":
            return self

        def public_bytes_raw(self) -> bytes:
            return bytes(32)

    line = forge.vkey(forge.ORIGIN, _NoPoint())  # type: ignore[arg-type]  # a key that the library would not make
    with pytest.raises(aaf_verify.Unusable, match="line 2: not a point"):
        aaf_verify.read_keys(f"\n{line}\n")


def test_keys_of_an_unknown_type_are_named_and_do_not_count(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    witness = forge.vkey("witness.example/w", forge.key(5), kind=4)
    Path(files["keys"]).write_text(f"{witness}\n{LOG.vkey()}\n")
    assert aaf_verify.main(["--key", files["keys"], files["good"]]) == 0
    assert "not checked keys: 1 keys of a type that this program does not know" in capsys.readouterr().out


def test_the_file_imports_the_standard_library_only_and_asserts_nothing() -> None:
    tree = ast.parse(SOURCE.read_text())
    modules = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in modules} <= set(sys.stdlib_module_names)
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "__import__", "compile"}
