"""A path is plain and beneath the root by its letters, or refused with the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.analysis.path import CleanPath, PathFault, clean, protected
from aaf.domain.errors import Code

FAULTS: list[tuple[str, PathFault]] = [
    ("", PathFault.EMPTY),
    ("/", PathFault.ABSOLUTE),
    ("//", PathFault.ABSOLUTE),
    ("/etc/passwd", PathFault.ABSOLUTE),
    ("//server/share", PathFault.ABSOLUTE),
    ("/proc/self/environ", PathFault.ABSOLUTE),
    ("~", PathFault.HOME),
    ("~root/.profile", PathFault.HOME),
    ("..", PathFault.PARENT),
    ("../x", PathFault.PARENT),
    ("a/..", PathFault.PARENT),
    ("a/../b", PathFault.PARENT),
    ("a/../../etc/passwd", PathFault.PARENT),
    ("a/./../b", PathFault.PARENT),
    ("..\\x", PathFault.PARENT),
    ("a\\..\\..\\x", PathFault.PARENT),
    (".", PathFault.DOT_SEGMENT),
    ("./a", PathFault.DOT_SEGMENT),
    ("a/./b", PathFault.DOT_SEGMENT),
    ("a/.", PathFault.DOT_SEGMENT),
    ("a/", PathFault.EMPTY_SEGMENT),
    ("a//b", PathFault.EMPTY_SEGMENT),
    ("...", PathFault.TRAILING),
    (".../x", PathFault.TRAILING),
    ("a.", PathFault.TRAILING),
    ("a ", PathFault.TRAILING),
    ("a /b", PathFault.TRAILING),
    ("a./b", PathFault.TRAILING),
    (" ", PathFault.TRAILING),
    (".. /x", PathFault.TRAILING),
    ("a\\b", PathFault.BACKSLASH),
    ("C:\\x", PathFault.BACKSLASH),
    ("C:x", PathFault.COLON),
    ("c:", PathFault.COLON),
    ("a:stream", PathFault.COLON),
    ("a::$DATA", PathFault.COLON),
    ("file:etc", PathFault.COLON),
    ("con", PathFault.DEVICE_NAME),
    ("CON.txt", PathFault.DEVICE_NAME),
    ("a/Aux.tar.gz", PathFault.DEVICE_NAME),
    ("nul .txt", PathFault.DEVICE_NAME),
    ("PRN", PathFault.DEVICE_NAME),
    ("com1", PathFault.DEVICE_NAME),
    ("LPT9.log", PathFault.DEVICE_NAME),
    ("conin$", PathFault.DEVICE_NAME),
    ("com\u00b9", PathFault.LOOKALIKE),
    ("\uff43on", PathFault.LOOKALIKE),
    ("\uff0e\uff0e", PathFault.LOOKALIKE),
    ("a/\uff0e\uff0e/b", PathFault.LOOKALIKE),
    ("\uff0e", PathFault.LOOKALIKE),
    ("\u2025/x", PathFault.LOOKALIKE),
    ("a\uff0fb", PathFault.LOOKALIKE),
    ("\u2100", PathFault.LOOKALIKE),
    ("a\uff3cb", PathFault.LOOKALIKE),
    ("c\uff1ax", PathFault.LOOKALIKE),
    ("a\u2024", PathFault.LOOKALIKE),
    ("e\u0301", PathFault.NOT_NFC),
    ("\u212b", PathFault.NOT_NFC),
    ("\u2126.txt", PathFault.NOT_NFC),
    ("a\x00b", PathFault.ODD_CHARACTER),
    ("\x00", PathFault.ODD_CHARACTER),
    ("a\nb", PathFault.ODD_CHARACTER),
    ("a\rb", PathFault.ODD_CHARACTER),
    ("a\tb", PathFault.ODD_CHARACTER),
    ("a\x1b[2Jb", PathFault.ODD_CHARACTER),
    ("a\x7fb", PathFault.ODD_CHARACTER),
    ("a\x85b", PathFault.ODD_CHARACTER),
    ("a\u202ecod.exe", PathFault.ODD_CHARACTER),
    ("a\u2066b", PathFault.ODD_CHARACTER),
    ("a\u200bb", PathFault.ODD_CHARACTER),
    (".\u200b.", PathFault.ODD_CHARACTER),
    (".\u200b./x", PathFault.ODD_CHARACTER),
    ("a\u200db", PathFault.ODD_CHARACTER),
    ("a\ufeffb", PathFault.ODD_CHARACTER),
    ("a\u00adb", PathFault.ODD_CHARACTER),
    ("a\U000e0041b", PathFault.ODD_CHARACTER),
    ("a\u2028b", PathFault.ODD_CHARACTER),
    ("a\u2029b", PathFault.ODD_CHARACTER),
    ("a\u00a0b", PathFault.ODD_CHARACTER),
    ("a\u3000b", PathFault.ODD_CHARACTER),
    ("a\u2003b", PathFault.ODD_CHARACTER),
    ("a\ud800b", PathFault.ODD_CHARACTER),
    ("\udcff", PathFault.ODD_CHARACTER),
    ("a\ue000b", PathFault.ODD_CHARACTER),
    ("a\uffffb", PathFault.ODD_CHARACTER),
    ("x" * 256, PathFault.TOO_LONG),
    ("é" * 128, PathFault.TOO_LONG),
    ("a/" * 2048 + "a", PathFault.TOO_LONG),
    ("\ud800" * 2000, PathFault.TOO_LONG),
]

PROTECTED_PATHS = [
    ".git",
    ".git/config",
    "a/.git/hooks/pre-commit",
    ".GIT/config",
    ".\uff47it/config",
    "GIT~1/config",
    ".ssh/authorized_keys",
    ".SSH/id",
    ".aws/credentials",
    ".gnupg/x",
    ".env",
    ".env.local",
    "a/.ENVRC",
    "tls/server.pem",
    "tls/SERVER.PEM",
    "tls/server.\uff50em",
    "server.key",
    "id_rsa",
    "id_ed25519.pub",
    ".netrc",
    ".kube/config",
    ".aaf/keys",
    ".aaf-0123.tmp",
    "aaf.db",
    "aaf.db-wal",
    "data/AAF.DB-shm",
    "aaf.yaml",
    ".claude/settings.json",
    ".claude/settings.local.json",
    "sub/.Claude/Settings.json",
    ".claude/hooks/x.sh",
    ".codex/config.toml",
    ".gemini/settings.json",
    ".cursor/hooks.json",
    ".opencode/plugin/x.ts",
    "opencode.json",
    "opencode.jsonc",
    ".mcp.json",
    ".\u017f\u017fh/config",
]


def accepted(path: str) -> CleanPath:
    found = clean(path)
    assert isinstance(found, CleanPath), found
    return found


@pytest.mark.parametrize(("path", "fault"), FAULTS, ids=[ascii(path)[:40] for path, _ in FAULTS])
def test_a_hostile_path_is_refused_with_its_reason(path: str, fault: PathFault) -> None:
    assert clean(path) is fault


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "a.txt",
        "notes/a.txt",
        "-rf",
        "a b",
        ".hidden",
        "..a",
        "a..b",
        "a...b",
        "Отчёт/東京.txt",
        "x" * 255,
        "console.log",
        "café",
    ],
)
def test_a_plain_path_is_taken_as_it_is(path: str) -> None:
    assert str(accepted(path)) == path
    assert accepted(path).parts == tuple(path.split("/"))


def test_what_leads_out_of_the_root_has_a_code_of_its_own() -> None:
    outside = {fault for fault in PathFault if fault.code is Code.PATH_OUTSIDE_ROOT}

    assert outside == {PathFault.ABSOLUTE, PathFault.HOME, PathFault.PARENT}
    assert {fault.code for fault in PathFault} == {Code.PATH_OUTSIDE_ROOT, Code.PATH_NOT_PLAIN}


def test_every_fault_is_said_in_a_sentence() -> None:
    assert all(fault.sentence.endswith(".") for fault in PathFault)
    assert {fault for _, fault in FAULTS} == set(PathFault)


@given(st.text(st.one_of(st.sampled_from("./\\~: \u200b\uff0e\uff0fa\x00"), st.characters(exclude_categories=()))))
def test_an_accepted_path_has_only_plain_segments(path: str) -> None:
    found = clean(path)

    if isinstance(found, CleanPath):
        assert str(found) == path
        assert all(part not in ("", ".", "..") and "/" not in part and "\x00" not in part for part in found.parts)
        assert path.encode()


@pytest.mark.parametrize("path", PROTECTED_PATHS, ids=ascii)
def test_a_protected_path_names_the_pattern_that_protects_it(path: str) -> None:
    assert protected(accepted(path)) is not None


@pytest.mark.parametrize(
    "path",
    ["a.txt", "git/config", "environment", "monkey", "keys.txt", ".claude/notes.md", "settings.json", ".github/x"],
)
def test_other_paths_are_not_protected(path: str) -> None:
    assert protected(accepted(path)) is None


@pytest.mark.parametrize(
    ("path", "matched"),
    [("vault/x/y", "Vault"), ("a/vault", "Vault"), ("a/b/c.sql", "b/*.sql"), ("a/c.sql", None), ("b/x/c.sql", None)],
)
def test_configured_patterns_are_added(path: str, matched: str | None) -> None:
    assert protected(accepted(path), ("Vault", "b/*.sql")) == matched
