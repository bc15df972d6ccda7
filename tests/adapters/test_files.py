"""The files connector: what the approver saw is what is written, or nothing is."""

import base64
import errno
import hashlib
import resource
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from aaf.adapters.connectors.files import MAX_DIFF, MAX_ENTRIES, FilesConnector, failure_of
from aaf.adapters.openat import Changed, Reason, Refused, RootMissing, Unsettled
from aaf.domain.canonical import Json, canonical, parse
from aaf.domain.effect import Effect
from aaf.domain.errors import Code, ConnectorFailed
from aaf.domain.finding import Severity
from aaf.ports import Connector

T = TypeVar("T")


def done(work: Coroutine[Any, Any, T]) -> T:
    """Drive a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("it waited")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "home"
    (root / "notes").mkdir(parents=True)
    (root / "notes" / "a.txt").write_bytes(b"one\ntwo\nthree\n")
    (root / "notes" / "a.txt").chmod(0o640)
    (root / "notes" / "bin").write_bytes(b"\xff\x00\xfe")
    (tmp_path / "secret").write_bytes(b"SECRET")
    (root / "out").symlink_to(tmp_path / "secret")
    return root


@pytest.fixture(params=[False, True], ids=["openat2", "walk"])
def files(request: pytest.FixtureRequest, home: Path) -> Iterator[FilesConnector]:
    made = FilesConnector(home, max_bytes=1 << 20, force_walk=request.param, protect=("vault",))
    yield made
    made.close()


def refused(files: FilesConnector, operation: str, params: dict[str, Json]) -> ConnectorFailed:
    with pytest.raises(ConnectorFailed) as dry:
        done(files.dry_run(operation=operation, params=params))
    with pytest.raises(ConnectorFailed) as wet:
        done(files.run(operation=operation, params=params, expected=None))
    assert dry.value.code == wet.value.code
    return dry.value


def test_it_is_a_connector_named_files(files: FilesConnector) -> None:
    connector: Connector = files

    assert connector.name == "files"


# --- reading and listing ----------------------------------------------------------------------------------------------


def test_a_text_is_read_as_it_is(files: FilesConnector) -> None:
    params: dict[str, Json] = {"path": "notes/a.txt"}
    effect = done(files.dry_run(operation="read", params=params))

    assert effect.facts == {
        "exists": True,
        "mode_before": "0640",
        "sha256_before": sha256(b"one\ntwo\nthree\n"),
        "size_before": 14,
    }
    assert done(files.run(operation="read", params=params, expected=effect)) == {
        "bytes": 14,
        "content": "one\ntwo\nthree\n",
        "encoding": "utf-8",
        "sha256": sha256(b"one\ntwo\nthree\n"),
    }


def test_bytes_that_are_no_text_are_read_as_base64_only(files: FilesConnector) -> None:
    result = done(files.run(operation="read", params={"path": "notes/bin", "encoding": "base64"}, expected=None))

    assert isinstance(result, dict)
    assert base64.b64decode(str(result["content"])) == b"\xff\x00\xfe"
    assert refused(files, "read", {"path": "notes/bin"}).code is Code.WRONG_TYPE


def test_a_directory_is_listed(files: FilesConnector, home: Path) -> None:
    (home / "notes" / "sub").mkdir()
    seen: list[Json] = []

    for path, names in {".": ["notes", "out"], "notes": ["a.txt", "bin", "sub"]}.items():
        effect = done(files.dry_run(operation="list", params={"path": path}))
        result = done(files.run(operation="list", params={"path": path}, expected=effect))
        assert isinstance(result, dict)
        assert result["truncated"] is False
        entries = result["entries"]
        assert isinstance(entries, list)
        assert [entry["name"] for entry in entries if isinstance(entry, dict)] == names
        seen += entries
    assert {"bytes": 14, "name": "a.txt", "type": "file"} in seen
    assert {"bytes": None, "name": "sub", "type": "directory"} in seen


def test_a_name_that_is_no_text_is_listed_without_breaking_the_result(files: FilesConnector, home: Path) -> None:
    (home / "notes" / "x\udcff").write_bytes(b"")

    result = done(files.run(operation="list", params={"path": "notes"}, expected=None))

    assert rb"x\\xff" in canonical(result)


def test_a_directory_with_too_many_names_is_not_listed_in_part(files: FilesConnector, home: Path) -> None:
    (home / "many").mkdir()
    for number in range(MAX_ENTRIES + 1):
        (home / "many" / str(number)).touch()

    assert refused(files, "list", {"path": "many"}).code is Code.RESULT_TOO_LARGE


def test_a_large_file_is_not_read_in_part(home: Path) -> None:
    small = FilesConnector(home, max_bytes=10)

    assert refused(small, "read", {"path": "notes/a.txt"}).code is Code.RESULT_TOO_LARGE
    small.close()


# --- writing and deleting ---------------------------------------------------------------------------------------------


@pytest.mark.attack("G07")
@pytest.mark.requirement("R36")
def test_the_diff_and_the_digest_that_are_shown_are_the_bytes_that_are_written(
    files: FilesConnector, home: Path
) -> None:
    params: dict[str, Json] = {"path": "notes/a.txt", "content": "one\n2\nthree\nvier é\u202e"}
    effect = done(files.dry_run(operation="write", params=params))

    assert effect.diff == (
        "--- a/notes/a.txt\n+++ b/notes/a.txt\n@@ -1,3 +1,4 @@\n one\n-two\n+2\n three\n"
        "+vier é\u202e\n\\ No newline at end of file\n"
    )
    assert effect.summary == "Replace notes/a.txt: +2 -1 lines, 14 to 22 bytes"
    result = done(files.run(operation="write", params=params, expected=effect))

    written = (home / "notes" / "a.txt").read_bytes()
    assert written == "one\n2\nthree\nvier é\u202e".encode()
    assert effect.facts["sha256_after"] == sha256(written)
    assert effect.facts["size_after"] == len(written)
    assert result == {"bytes": len(written), "created": False, "sha256": sha256(written)}
    assert (home / "notes" / "a.txt").stat().st_mode & 0o777 == 0o640


def test_a_new_file_is_shown_whole(files: FilesConnector, home: Path) -> None:
    params: dict[str, Json] = {"path": "notes/new.txt", "content": "a\nb\n"}
    effect = done(files.dry_run(operation="write", params=params))

    assert effect.facts == {
        "exists": False,
        "lines_added": 2,
        "lines_removed": 0,
        "mode_after": "0600",
        "mode_before": None,
        "sha256_after": sha256(b"a\nb\n"),
        "sha256_before": None,
        "size_after": 4,
        "size_before": None,
    }
    assert effect.diff == "--- /dev/null\n+++ b/notes/new.txt\n@@ -0,0 +1,2 @@\n+a\n+b\n"
    assert effect.target == "notes/new.txt"
    assert done(files.run(operation="write", params=params, expected=effect)) == {
        "bytes": 4,
        "created": True,
        "sha256": sha256(b"a\nb\n"),
    }
    assert (home / "notes" / "new.txt").read_bytes() == b"a\nb\n"


def test_replacing_what_is_no_text_says_so(files: FilesConnector) -> None:
    effect = done(files.dry_run(operation="write", params={"path": "notes/bin", "content": "x\n"}))

    assert effect.diff is not None
    assert effect.diff.startswith("--- a/notes/bin (3 bytes that are no text)\n+++ b/notes/bin\n")
    assert effect.summary == "Replace notes/bin: 3 bytes that are no text by 2 bytes, 1 line"


def test_writing_what_stands_there_says_that_nothing_changes(files: FilesConnector) -> None:
    effect = done(files.dry_run(operation="write", params={"path": "notes/a.txt", "content": "one\ntwo\nthree\n"}))

    assert effect.diff == ""
    assert effect.summary == "Replace notes/a.txt: no change"


def test_a_dry_run_is_the_same_twice_and_changes_nothing(files: FilesConnector, home: Path) -> None:
    before = {one: one.stat() for one in home.rglob("*")}

    for operation, params in {
        "write": {"path": "notes/a.txt", "content": "x"},
        "delete": {"path": "notes/a.txt"},
    }.items():
        first = done(files.dry_run(operation=operation, params=dict(params)))
        assert done(files.dry_run(operation=operation, params=dict(params))) == first
        assert Effect.from_json(parse(canonical(first.to_json()))) == first

    assert {one: one.stat().st_mtime_ns for one in home.rglob("*")} == {one: s.st_mtime_ns for one, s in before.items()}


def test_a_file_is_deleted(files: FilesConnector, home: Path) -> None:
    effect = done(files.dry_run(operation="delete", params={"path": "notes/a.txt"}))
    result = done(files.run(operation="delete", params={"path": "notes/a.txt"}, expected=effect))

    assert effect.summary == "Delete notes/a.txt (14 bytes)"
    assert result == {"deleted": True, "sha256": sha256(b"one\ntwo\nthree\n")}
    assert not (home / "notes" / "a.txt").exists()


_REQUESTS: list[tuple[str, dict[str, Json]]] = [
    ("read", {"path": "notes/a.txt"}),
    ("write", {"path": "notes/a.txt", "content": "new"}),
    ("delete", {"path": "notes/a.txt"}),
]


@pytest.mark.attack("G07", guard="aaf.adapters.connectors.files:_compare")
@pytest.mark.parametrize(("operation", "params"), _REQUESTS)
@pytest.mark.parametrize("change", ["content", "same_size", "mode"])
def test_a_file_that_changed_since_the_dry_run_is_left_alone(
    files: FilesConnector, home: Path, operation: str, params: dict[str, Json], change: str
) -> None:
    effect = done(files.dry_run(operation=operation, params=params))
    target = home / "notes" / "a.txt"
    if change == "mode":
        target.chmod(0o600)
    else:
        target.write_bytes(b"ONE\ntwo\nthree\n" if change == "same_size" else b"other")
    left = target.read_bytes()

    with pytest.raises(ConnectorFailed) as failed:
        done(files.run(operation=operation, params=params, expected=effect))

    assert failed.value.code is Code.EFFECT_CHANGED
    assert target.read_bytes() == left


@pytest.mark.attack("G07")
@pytest.mark.parametrize(("operation", "params"), _REQUESTS)
def test_a_file_that_is_gone_since_the_dry_run_is_not_made_again(
    files: FilesConnector, home: Path, operation: str, params: dict[str, Json]
) -> None:
    effect = done(files.dry_run(operation=operation, params=params))
    (home / "notes" / "a.txt").unlink()

    with pytest.raises(ConnectorFailed) as failed:
        done(files.run(operation=operation, params=params, expected=effect))

    assert failed.value.code is Code.EFFECT_CHANGED
    assert not (home / "notes" / "a.txt").exists()


@pytest.mark.attack("G07", guard="aaf.adapters.connectors.files:_compare")
def test_a_file_that_appeared_since_the_dry_run_is_not_overwritten(files: FilesConnector, home: Path) -> None:
    params: dict[str, Json] = {"path": "notes/new.txt", "content": "x"}
    effect = done(files.dry_run(operation="write", params=params))
    (home / "notes" / "new.txt").write_bytes(b"somebody else")

    with pytest.raises(ConnectorFailed) as failed:
        done(files.run(operation="write", params=params, expected=effect))

    assert failed.value.code is Code.EFFECT_CHANGED
    assert (home / "notes" / "new.txt").read_bytes() == b"somebody else"


@pytest.mark.attack("G07", guard="aaf.adapters.connectors.files:_compare")
@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("write", {"path": "notes/a.txt", "content": "new!"}),
        ("write", {"path": "notes/b.txt", "content": "new"}),
        ("delete", {"path": "notes/a.txt"}),
        ("list", {"path": "notes"}),
    ],
)
def test_the_effect_of_another_action_allows_nothing(
    files: FilesConnector, home: Path, operation: str, params: dict[str, Json]
) -> None:
    effect = done(files.dry_run(operation="write", params={"path": "notes/a.txt", "content": "new"}))

    with pytest.raises(ConnectorFailed) as failed:
        done(files.run(operation=operation, params=params, expected=effect))

    assert failed.value.code is Code.EFFECT_CHANGED
    assert sorted(one.name for one in (home / "notes").iterdir()) == ["a.txt", "bin"]


def test_without_an_expectation_the_file_is_written_at_once(files: FilesConnector, home: Path) -> None:
    done(files.run(operation="write", params={"path": "notes/a.txt", "content": "new"}, expected=None))

    assert (home / "notes" / "a.txt").read_bytes() == b"new"


def test_overwriting_and_creating_can_be_forbidden(files: FilesConnector) -> None:
    there: dict[str, Json] = {"path": "notes/a.txt", "content": "x", "overwrite": False}
    absent: dict[str, Json] = {"path": "notes/z.txt", "content": "x", "create": False}

    assert refused(files, "write", there).code is Code.CONNECTOR_FAILED
    assert refused(files, "write", absent).code is Code.PATH_NOT_FOUND


def test_a_change_that_nobody_can_read_is_refused(files: FilesConnector) -> None:
    with pytest.raises(ConnectorFailed) as failed:
        done(files.dry_run(operation="write", params={"path": "notes/x", "content": "x\n" * MAX_DIFF}))

    assert failed.value.code is Code.VALUE_TOO_LONG


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["read", "list", "write", "delete"])
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../secret", Code.PATH_OUTSIDE_ROOT),
        ("/etc/passwd", Code.PATH_OUTSIDE_ROOT),
        ("~/x", Code.PATH_OUTSIDE_ROOT),
        ("notes/../../secret", Code.PATH_OUTSIDE_ROOT),
        ("notes/a.txt\x00.png", Code.PATH_NOT_PLAIN),
        ("notes/\u202ea.txt", Code.PATH_NOT_PLAIN),
        ("notes\\a.txt", Code.PATH_NOT_PLAIN),
        (".env", Code.PATH_PROTECTED),
        (".aaf/key", Code.PATH_PROTECTED),
        ("notes/Vault/x", Code.PATH_PROTECTED),
        (".claude/settings.json", Code.PATH_PROTECTED),
    ],
)
def test_a_path_that_is_refused_by_its_letters_is_a_deny_and_never_touched(
    files: FilesConnector, operation: str, path: str, code: Code
) -> None:
    params: dict[str, Json] = {"path": path, **({"content": "x"} if operation == "write" else {})}

    analysis = files.analyse(operation=operation, params=params)

    (finding,) = analysis.findings
    assert finding.deny is code
    assert (finding.code, finding.field, finding.severity) == (str(code), "params.path", Severity.HIGH)
    assert analysis.target is None
    assert refused(files, operation, params).code is code


def test_a_plain_path_is_the_target(files: FilesConnector) -> None:
    analysis = files.analyse(operation="write", params={"path": "notes/a.txt", "content": "x"})

    assert (analysis.findings, analysis.target) == ((), "notes/a.txt")
    assert files.analyse(operation="list", params={"path": "."}).target == "."


@pytest.mark.parametrize(
    ("operation", "params", "code", "field"),
    [
        ("chmod", {"path": "a"}, Code.UNKNOWN_ACTION_TYPE, ""),
        ("read", {}, Code.MISSING_FIELD, "$.params.path"),
        ("read", {"path": 1}, Code.WRONG_TYPE, "$.params.path"),
        ("read", {"path": "."}, Code.PATH_NOT_PLAIN, "$.params.path"),
        ("read", {"path": "a", "mode": "x"}, Code.UNKNOWN_FIELD, "$.params"),
        ("read", {"path": "a", "encoding": "utf-16"}, Code.WRONG_TYPE, "$.params.encoding"),
        ("write", {"path": "a"}, Code.MISSING_FIELD, "$.params.content"),
        ("write", {"path": "a", "content": None}, Code.WRONG_TYPE, "$.params.content"),
        ("write", {"path": "a", "content": "\ud800"}, Code.LONE_SURROGATE, "$.params.content"),
        ("write", {"path": "a", "content": "x" * ((1 << 20) + 1)}, Code.VALUE_TOO_LONG, "$.params.content"),
        ("write", {"path": "a", "content": "", "create": 1}, Code.WRONG_TYPE, "$.params.create"),
        ("write", {"path": "a", "content": "", "overwrite": "no"}, Code.WRONG_TYPE, "$.params.overwrite"),
    ],
)
def test_parameters_that_make_no_request_are_refused(
    files: FilesConnector, operation: str, params: dict[str, Json], code: Code, field: str
) -> None:
    found = refused(files, operation, params)

    assert (found.code, found.path) == (code, field)
    assert [finding.deny for finding in files.analyse(operation=operation, params=params).findings] == [code]


def test_a_link_is_not_followed(files: FilesConnector, home: Path) -> None:
    for operation in ("read", "write", "delete", "list"):
        params: dict[str, Json] = {"path": "out", **({"content": "x"} if operation == "write" else {})}
        found = refused(files, operation, params)
        assert found.code is Code.PATH_NOT_PLAIN
    assert (home.parent / "secret").read_bytes() == b"SECRET"
    assert (home / "out").is_symlink()


@pytest.mark.parametrize("operation", ["read", "delete"])
def test_what_is_not_there_is_not_found(files: FilesConnector, operation: str) -> None:
    assert refused(files, operation, {"path": "notes/nothing"}).code is Code.PATH_NOT_FOUND
    assert refused(files, operation, {"path": "nowhere/nothing"}).code is Code.PATH_NOT_FOUND


def test_a_missing_root_makes_the_connector_unavailable(tmp_path: Path) -> None:
    lost = FilesConnector(tmp_path / "lost")

    found = refused(lost, "read", {"path": "a"})

    assert found.code is Code.CONNECTOR_UNAVAILABLE
    assert str(tmp_path) not in f"{found.message}{found.hint}{found.detail}"


def test_a_file_for_which_there_is_no_room_leaves_nothing_behind(files: FilesConnector, home: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(ConnectorFailed) as failed:
            done(files.run(operation="write", params={"path": "notes/a.txt", "content": "x" * 2_000}, expected=None))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert failed.value.code is Code.CONNECTOR_FAILED
    assert failed.value.detail == "EFBIG"
    assert (home / "notes" / "a.txt").read_bytes() == b"one\ntwo\nthree\n"
    assert not list(home.rglob(".aaf-*"))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "x"), Code.CONNECTOR_FAILED),
        (OSError(errno.EDQUOT, "x"), Code.CONNECTOR_FAILED),
        (OSError(errno.EACCES, "x"), Code.CONNECTOR_FAILED),
        (OSError(errno.EPERM, "x"), Code.CONNECTOR_FAILED),
        (OSError(errno.EROFS, "x"), Code.CONNECTOR_FAILED),
        (OSError(errno.EIO, "x"), Code.CONNECTOR_FAILED),
        (OSError("no number"), Code.CONNECTOR_FAILED),
        (OSError(errno.EMFILE, "x"), Code.CONNECTOR_UNAVAILABLE),
        (OSError(errno.ENAMETOOLONG, "x"), Code.PATH_NOT_PLAIN),
        (OSError(errno.ENOENT, "x"), Code.PATH_NOT_FOUND),
        (RootMissing("ENOENT"), Code.CONNECTOR_UNAVAILABLE),
        (Changed(), Code.EFFECT_CHANGED),
        (Unsettled(), Code.CONNECTOR_TIMEOUT),
        *((Refused(reason), None) for reason in Reason),
    ],
)
def test_every_failure_has_a_code_and_a_sentence_without_a_path(
    error: OSError | Refused | RootMissing | Changed | Unsettled, code: Code | None
) -> None:
    failed = failure_of(error)

    assert failed.code is code or (code is None and failed.code in _REFUSED_CODES)
    assert failed.message.endswith(".")
    assert "/" not in failed.message


_REFUSED_CODES = {Code.PATH_NOT_PLAIN, Code.PATH_OUTSIDE_ROOT, Code.RESULT_TOO_LARGE}


def test_errors_name_no_place_of_the_host(files: FilesConnector, home: Path) -> None:
    for path in ("out", "nowhere/x", "notes/a.txt/x", "../x", ".env"):
        found = refused(files, "read", {"path": path})
        assert str(home) not in f"{found.message}{found.hint}{found.detail}"
