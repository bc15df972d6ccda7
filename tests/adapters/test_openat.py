"""Nothing outside the root is ever opened, by name, by link, by kind of file or by a race."""

import errno
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from aaf.adapters.openat import Changed, Content, Entry, Reason, Refused, Root, RootMissing, openat2
from aaf.analysis.path import CleanPath

SECRET = b"SECRET"
TRIES = 3_000


def at(path: str) -> CleanPath:
    """A path that no analysis has looked at: the opener has to hold by itself."""
    return CleanPath(tuple(path.split("/")))


def accept(now: Content | None) -> None:
    """Let every change pass."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root full of traps, beside a directory with secrets."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    (outside / "ok.txt").write_bytes(SECRET)
    (outside / "secret").write_bytes(SECRET)
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "sub" / "ok.txt").write_bytes(b"ok")
    (root / "sub" / "deep" / "ok.txt").write_bytes(b"ok")
    (root / "ok.txt").write_bytes(b"ok")
    links = {
        "file_out": "../outside/secret",
        "absolute_out": str(outside / "secret"),
        "dir_out": "../outside",
        "absolute_dir_out": str(outside),
        "up": "..",
        "self": ".",
        "loop": "loop",
        "file_in": "ok.txt",
        "dir_in": "sub",
        "chain": "dir_out/secret",
        "dangling": "nothing",
        "sub/up": "../..",
        "magic_root": "/proc/self/root",
        "magic_cwd": "/proc/self/cwd",
        "magic_fd": "/proc/self/fd/0",
        "magic_exe": "/proc/self/exe",
        "slash": "/",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "fifo")
    os.link(outside / "secret", root / "hard")
    (root / "suid").write_bytes(b"x")
    (root / "suid").chmod(0o4755)
    (root / "sgid").write_bytes(b"x")
    (root / "sgid").chmod(0o2755)
    (root / "large").write_bytes(b"x" * 1001)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "socket"))
    return root


@pytest.fixture(params=[False, True], ids=["openat2", "walk"])
def root(request: pytest.FixtureRequest, tree: Path) -> Iterator[Root]:
    made = Root(tree, max_bytes=1000, force_walk=request.param)
    yield made
    made.close()


# Paths whose reading has to fail, in the form of the reason, or None for "there is no such file".
HOSTILE: list[tuple[str, Reason | None]] = [
    *((f"{prefix}..{rest}", Reason.UPWARDS) for prefix in ("", "sub/", "sub/deep/../", "./") for rest in ("", "/outside/secret", "/../etc/passwd", "/root/ok.txt")),
    *((path, Reason.UPWARDS) for path in ("", ".", "./ok.txt", "sub/./ok.txt", "sub//ok.txt", "/etc/passwd", "//etc/passwd", "sub/", "sub/.", "/", "/proc/self/environ")),
    ("file_out", Reason.LINK),
    ("absolute_out", Reason.LINK),
    ("file_in", Reason.LINK),
    ("chain", Reason.LINK),
    ("dangling", Reason.LINK),
    ("loop", Reason.LINK),
    ("self", Reason.LINK),
    ("up", Reason.LINK),
    ("magic_fd", Reason.LINK),
    ("magic_exe", Reason.LINK),
    ("magic_root", Reason.LINK),
    ("dir_out/secret", Reason.LINK),
    ("dir_out/ok.txt", Reason.LINK),
    ("absolute_dir_out/secret", Reason.LINK),
    ("up/outside/secret", Reason.LINK),
    ("self/ok.txt", Reason.LINK),
    ("self/self/self/ok.txt", Reason.LINK),
    ("dir_in/ok.txt", Reason.LINK),
    ("dir_in/deep/ok.txt", Reason.LINK),
    ("sub/up/outside/secret", Reason.LINK),
    ("sub/up/root/ok.txt", Reason.LINK),
    ("loop/x", Reason.LINK),
    ("dangling/x", Reason.LINK),
    ("magic_root/etc/passwd", Reason.LINK),
    ("magic_cwd/x", Reason.LINK),
    ("magic_fd/x", Reason.LINK),
    ("slash/etc/passwd", Reason.LINK),
    ("slash/proc/self/environ", Reason.LINK),
    ("ok.txt/x", Reason.NOT_A_DIRECTORY),
    ("sub/ok.txt/x", Reason.NOT_A_DIRECTORY),
    ("fifo/x", Reason.NOT_A_DIRECTORY),
    ("socket/x", Reason.NOT_A_DIRECTORY),
    ("hard/x", Reason.NOT_A_DIRECTORY),
    ("fifo", Reason.NOT_A_FILE),
    ("socket", Reason.NOT_A_FILE),
    ("sub", Reason.NOT_A_FILE),
    ("sub/deep", Reason.NOT_A_FILE),
    ("hard", Reason.SEVERAL_NAMES),
    ("suid", Reason.SET_ID),
    ("sgid", Reason.SET_ID),
    ("large", Reason.TOO_LARGE),
    *(
        (name, None)
        for name in (
            "~", "~root", "-", "*", "$HOME", "%2e%2e", "..%2foutside%2fsecret", "..\\outside\\secret", "C:", "C:\\x", "con", "nul", "...", "....",
            ". .", ".. ", " ..", "\uff0e\uff0e", "\u2025", "a\uff0fb", "sub ", "OK.TXT", "ok.txt.", "ok.txt ", "ok.txt:stream", "ok\u200b.txt", "\u202eok.txt", "\udcff", "\n", "\x7f",
            "e\u0301", "\\\\server\\share", "file:etc", "proc", "dev", "etc", "outside", "secret", "root",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "reason"), HOSTILE, ids=[ascii(path) for path, _ in HOSTILE])
def test_a_hostile_path_opens_nothing(root: Root, path: str, reason: Reason | None) -> None:
    if reason is None:
        assert root.look(at(path)) is None
        return
    with pytest.raises(Refused) as refused:
        root.look(at(path))
    assert refused.value.reason is reason


def test_there_are_at_least_a_hundred_hostile_paths() -> None:
    assert len({path for path, _ in HOSTILE}) >= 100


@pytest.mark.parametrize("path", ["a\x00b", "ok.txt\x00.png"])
def test_a_nul_byte_never_cuts_a_name(root: Root, path: str) -> None:
    with pytest.raises(ValueError, match="null byte"):
        root.look(at(path))


@pytest.mark.parametrize("path", [path for path, reason in HOSTILE if reason is not None], ids=ascii)
def test_nothing_is_written_or_removed_through_a_hostile_path(root: Root, tree: Path, path: str) -> None:
    before = sorted(str(one) for one in tree.parent.rglob("*"))

    with pytest.raises(Refused):
        root.replace(at(path), b"new", check=accept)
    with pytest.raises(Refused):
        root.delete(at(path), check=accept)

    assert sorted(str(one) for one in tree.parent.rglob("*")) == before
    assert (tree.parent / "outside" / "secret").read_bytes() == SECRET


@pytest.mark.parametrize(
    "path", ["..", "../outside", "dir_out", "sub/up", "up", "dir_in", "slash", "magic_root", "ok.txt", "fifo", "/etc"]
)
def test_a_hostile_directory_is_not_listed(root: Root, path: str) -> None:
    with pytest.raises(Refused):
        root.entries(at(path), most=1000)


@pytest.mark.parametrize(
    "path",
    [
        "../outside/secret",
        "sub/../../outside/secret",
        "/etc/passwd",
        "file_out",
        "dir_out/secret",
        "magic_root/etc/passwd",
        "file_in",
    ],
)
def test_the_kernel_alone_keeps_names_beneath_the_root(tree: Path, path: str) -> None:
    probe = Root(tree, max_bytes=1)
    probe.look(at("nothing"))
    if not probe.uses_openat2:
        return  # an older kernel: the walk is what holds there, and is tested above
    directory = os.open(tree, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match=r"links|device") as refused:
            openat2(directory, path, os.O_RDONLY)
    finally:
        os.close(directory)
        probe.close()
    assert refused.value.errno in (errno.ELOOP, errno.EXDEV)


def test_plain_files_are_read_whole(root: Root) -> None:
    for path in ("ok.txt", "sub/ok.txt", "sub/deep/ok.txt"):
        found = root.look(at(path))
        assert found is not None
        assert found.data == b"ok"


def test_forcing_the_walk_leaves_openat2_alone(tree: Path) -> None:
    walking = Root(tree, max_bytes=10, force_walk=True)

    walking.look(at("ok.txt"))

    assert not walking.uses_openat2
    walking.close()


_SWAP = """
import os
while True:
    os.rename("root/sub", "root/aside")
    os.symlink("../outside", "root/sub")
    os.unlink("root/sub")
    os.rename("root/aside", "root/sub")
    os.write(1, b".")
"""


@contextmanager
def swapping(tree: Path) -> Iterator[None]:
    """Another process swaps a directory for a link to the outside as fast as it can; it has begun when this is entered."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _SWAP], cwd=tree.parent, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"."
        # From here on nobody reads: the pipe would fill and stop the swapping.
        drain = threading.Thread(target=process.stdout.read)
        drain.start()
        try:
            yield
            assert process.poll() is None, "it stopped swapping"
        finally:
            process.kill()
            drain.join()


def test_swapping_a_directory_for_a_link_never_leads_out(root: Root, tree: Path) -> None:
    """Bounded by the number of tries."""
    seen: set[bytes] = set()

    with swapping(tree):
        for _ in range(TRIES):
            with suppress(Refused, FileNotFoundError):
                found = root.look(at("sub/ok.txt"))
                seen |= {found.data} if found else set()

    assert seen <= {b"ok"}


def test_swapping_a_directory_for_a_link_never_writes_outside(root: Root, tree: Path) -> None:
    with swapping(tree):
        for number in range(TRIES // 10):
            with suppress(Refused, FileNotFoundError):
                root.replace(at("sub/ok.txt"), f"new {number}".encode(), check=accept)

    assert sorted(one.name for one in (tree.parent / "outside").iterdir()) == ["ok.txt", "secret"]
    assert (tree.parent / "outside" / "ok.txt").read_bytes() == SECRET


def test_a_new_file_is_private_and_a_replaced_one_keeps_its_permissions(root: Root, tree: Path) -> None:
    (tree / "ok.txt").chmod(0o640)

    root.replace(at("ok.txt"), b"new", check=accept)
    root.replace(at("sub/fresh"), b"new", check=accept)

    assert root.look(at("ok.txt")) == Content(b"new", 0o640)
    assert root.look(at("sub/fresh")) == Content(b"new", 0o600)
    assert not list(tree.rglob(".aaf-*"))


def test_a_refused_check_leaves_everything_as_it_was(root: Root, tree: Path) -> None:
    def refuse(now: Content | None) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        root.replace(at("ok.txt"), b"new", check=refuse)
    with pytest.raises(KeyError):
        root.delete(at("ok.txt"), check=refuse)

    assert (tree / "ok.txt").read_bytes() == b"ok"
    assert not list(tree.rglob(".aaf-*"))


@pytest.mark.parametrize("path", ["ok.txt", "fresh"])
def test_a_file_that_changes_after_the_check_is_not_replaced(root: Root, tree: Path, path: str) -> None:
    def interfere(now: Content | None) -> None:
        (tree / path).write_bytes(b"somebody else")

    with pytest.raises(Changed):
        root.replace(at(path), b"new", check=interfere)

    assert (tree / path).read_bytes() == b"somebody else"
    assert not list(tree.rglob(".aaf-*"))


def test_a_file_is_removed(root: Root, tree: Path) -> None:
    root.delete(at("sub/ok.txt"), check=accept)

    assert not (tree / "sub" / "ok.txt").exists()
    with pytest.raises(FileNotFoundError):
        root.delete(at("sub/ok.txt"), check=accept)


def test_a_missing_directory_is_said(root: Root) -> None:
    with pytest.raises(FileNotFoundError):
        root.look(at("nowhere/x"))
    with pytest.raises(FileNotFoundError):
        root.replace(at("nowhere/x"), b"", check=accept)


def test_a_directory_is_listed_without_following_anything(root: Root) -> None:
    listed = {entry.name: entry for entry in root.entries(None, most=1000)}

    assert listed["ok.txt"] == Entry("ok.txt", "file", 2)
    assert listed["sub"] == Entry("sub", "directory", None)
    assert listed["file_out"] == Entry("file_out", "link", None)
    assert listed["fifo"].kind == listed["socket"].kind == "other"
    assert [entry.name for entry in root.entries(at("sub"), most=3)] == ["deep", "ok.txt", "up"]


def test_a_directory_with_too_many_names_is_refused(root: Root) -> None:
    with pytest.raises(Refused) as refused:
        root.entries(at("sub"), most=2)

    assert refused.value.reason is Reason.TOO_MANY


def test_another_device_is_not_entered_by_the_walk(tree: Path) -> None:
    walking = Root(Path("/"), max_bytes=10, force_walk=True)

    with pytest.raises(Refused) as refused:
        walking.look(at("proc/version"))

    assert refused.value.reason is Reason.OTHER_DEVICE
    walking.close()


def test_a_missing_root_is_said_and_found_again_when_it_is_there(tmp_path: Path) -> None:
    late = Root(tmp_path / "late", max_bytes=10)

    with pytest.raises(RootMissing):
        late.look(at("a"))
    (tmp_path / "late").mkdir()
    assert late.look(at("a")) is None
    (tmp_path / "late").rmdir()
    with pytest.raises(RootMissing):
        late.look(at("a"))
    late.close()
    late.close()


def test_a_root_that_is_replaced_by_a_link_is_still_the_old_directory(tree: Path) -> None:
    held = Root(tree, max_bytes=10)
    held.look(at("ok.txt"))
    tree.rename(tree.parent / "moved")
    tree.symlink_to(tree.parent / "outside")

    found = held.look(at("ok.txt"))

    assert found is not None
    assert found.data == b"ok"
    held.close()


def test_no_descriptor_is_left_open(root: Root) -> None:
    root.look(at("ok.txt"))
    before = len(list(Path("/proc/self/fd").iterdir()))

    for path, _ in HOSTILE:
        try:
            root.look(at(path))
        except Refused:
            continue
    root.entries(None, most=1000)
    root.replace(at("sub/fresh"), b"x", check=accept)
    root.delete(at("sub/fresh"), check=accept)

    assert len(list(Path("/proc/self/fd").iterdir())) == before
