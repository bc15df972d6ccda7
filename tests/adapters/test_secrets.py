import multiprocessing
import os
import stat
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from aaf.adapters.driving import drive
from aaf.adapters.keys import KeyRing
from aaf.adapters.secrets import sealed_file
from aaf.adapters.secrets.environment import EnvironmentSecrets
from aaf.adapters.secrets.in_order import InOrder
from aaf.adapters.secrets.sealed_file import GLANCE, LIFETIME, SealedFile
from aaf.domain.errors import AafError, Code, ConnectorFailed, InputRefused, StoreFailed
from aaf.ports import SecretSource, SecretStore

T = TypeVar("T")
VALUE = "correct horse"
RING = KeyRing.fresh()


class Clock:
    """Seconds of the test's choice."""

    def __init__(self) -> None:
        self.now = 0.0
        self.then: Callable[[], None] | None = None

    def __call__(self) -> float:
        """Now; `then` happens once, just before."""
        then, self.then = self.then, None
        if then is not None:
            then()
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> SealedFile:
    return SealedFile(tmp_path / "secrets.json", RING.cipher("secrets"), clock=clock)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.json"


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    return drive(coroutine)


def missing(source: SecretSource, handle: str = "shop_key") -> ConnectorFailed:
    with pytest.raises(ConnectorFailed) as failed:
        done(source.get(handle))
    assert failed.value.code is Code.SECRET_UNAVAILABLE
    assert VALUE not in str(failed.value) + failed.value.detail + failed.value.hint
    return failed.value


# --- the sealed file --------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R06")
def test_what_was_kept_is_there_again(file: SealedFile, path: Path) -> None:
    store: SecretStore = file
    assert not store.put("shop_key", VALUE)
    assert store.put("shop_key", "another value")
    assert not store.put("bank_key", VALUE)
    other = SealedFile(path, RING.cipher("secrets"))
    assert other.handles() == ["bank_key", "shop_key"]
    assert done(other.get("shop_key")) == "another value"


@pytest.mark.requirement("R07")
def test_the_file_is_for_its_user_only_and_holds_no_value(file: SealedFile, path: Path) -> None:
    file.put("shop_key", VALUE)
    assert {stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()} == {0o600}
    assert sorted(one.name for one in path.parent.iterdir()) == ["secrets.json", "secrets.lock"]
    assert VALUE.encode() not in path.read_bytes()
    assert VALUE not in repr(file)


def test_one_value_is_never_sealed_to_the_same_bytes(file: SealedFile, path: Path) -> None:
    file.put("shop_key", VALUE)
    first = path.read_bytes()
    file.put("shop_key", VALUE)
    assert path.read_bytes() != first


@pytest.mark.requirement("R06")
def test_a_value_that_was_replaced_counts_without_a_restart(file: SealedFile, path: Path) -> None:
    file.put("shop_key", VALUE)
    assert done(file.get("shop_key")) == VALUE
    SealedFile(path, RING.cipher("secrets")).put("shop_key", "another value")
    assert done(file.get("shop_key")) == "another value"


@pytest.mark.requirement("R06")
def test_a_file_that_looks_the_same_is_read_anew_when_its_lifetime_is_over(
    file: SealedFile, path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.put("shop_key", VALUE)
    assert done(file.get("shop_key")) == VALUE
    looks = path.lstat()
    SealedFile(path, RING.cipher("secrets")).put("shop_key", "another value")
    with monkeypatch.context() as patched:
        patched.setattr(type(path), "lstat", lambda _: looks)  # a file system that tells nothing of the change
        clock.now = LIFETIME - 1
        assert done(file.get("shop_key")) == VALUE
        clock.now = LIFETIME
        assert done(file.get("shop_key")) == "another value"


def test_what_was_removed_is_gone_at_once(file: SealedFile) -> None:
    file.put("shop_key", VALUE)
    assert file.remove("shop_key")
    assert not file.remove("shop_key")
    missing(file)
    assert file.handles() == []


def test_without_a_file_there_is_no_secret_and_nothing_is_made(file: SealedFile, path: Path) -> None:
    assert file.handles() == []
    missing(file)
    assert not path.exists()


def test_a_file_that_went_away_gives_nothing_of_what_it_held(file: SealedFile, path: Path) -> None:
    file.put("shop_key", VALUE)
    assert done(file.get("shop_key")) == VALUE
    path.unlink()
    missing(file)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format":"aaf-secrets/2","secrets":{}}', b'{"format":"aaf-secrets/1","secrets":[]}',
                                  b'{"format":"aaf-secrets/1","secrets":{"shop_key":"xyz"}}', b" " * ((4 << 20) + 1), b"[" * 100_000])  # fmt: skip
def test_a_file_that_is_none_gives_nothing_and_is_not_written_over(file: SealedFile, path: Path, data: bytes) -> None:
    file.put("shop_key", VALUE)
    assert done(file.get("shop_key")) == VALUE
    path.write_bytes(data)
    missing(file)
    with pytest.raises(ConnectorFailed):
        file.handles()
    with pytest.raises(StoreFailed):
        file.put("bank_key", VALUE)
    assert path.read_bytes() == data


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_gives_nothing(file: SealedFile, path: Path, mode: int) -> None:
    file.put("shop_key", VALUE)
    path.chmod(mode)
    assert "chmod 600" in missing(file).detail
    with pytest.raises(StoreFailed, match="others can read it"):
        file.put("shop_key", VALUE)


def test_a_pipe_in_place_of_the_file_is_refused_and_not_waited_for(file: SealedFile, path: Path) -> None:
    os.mkfifo(path, 0o600)
    assert "no plain file" in missing(file).detail


def test_a_link_is_no_file_of_secrets(file: SealedFile, path: Path) -> None:
    file.put("shop_key", VALUE)
    path.rename(path.with_name("moved.json"))
    path.symlink_to("moved.json")
    missing(file)


@pytest.mark.parametrize("change", ["other key", "other handle", "changed bytes", "too short"])
def test_a_value_that_was_moved_or_changed_does_not_open(file: SealedFile, path: Path, change: str) -> None:
    file.put("shop_key", VALUE)
    text = path.read_text()
    reader = file
    if change == "other key":
        reader = SealedFile(path, RING.cipher("something else"))
    elif change == "other handle":
        path.write_text(text.replace("shop_key", "bank_key"))
        assert "doesn't open" in missing(file, "bank_key").detail
        return
    elif change == "changed bytes":
        last = text[-5]
        path.write_text(text[:-5] + ("0" if last != "0" else "1") + text[-4:])
    else:
        path.write_text('{"format":"aaf-secrets/1","secrets":{"shop_key":"00"}}')
    assert "doesn't open" in missing(reader).detail


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="can't be used"):
        SealedFile(tmp_path / "no" / "secrets.json", RING.cipher("secrets")).put("shop_key", VALUE)


@pytest.mark.parametrize("handle", ["", "Key", "1key", "a-b", "a/b", "a" * 65])
def test_a_handle_is_a_plain_word(file: SealedFile, handle: str) -> None:
    with pytest.raises(InputRefused):
        file.put(handle, VALUE)


@pytest.mark.parametrize(
    "value", ["", "seven77", "a" * 8193, "two\nlines of it", "bell\x07 inside", " copied", "copied  ", "\ufeffcopied"]
)
def test_a_value_that_could_not_be_redacted_or_sent_is_refused(file: SealedFile, path: Path, value: str) -> None:
    with pytest.raises(InputRefused) as refused:
        file.put("shop_key", value)
    assert not value or value not in refused.value.message
    assert not path.exists()


def _put(path: str, ring: bytes, number: int) -> None:
    cipher = KeyRing(dict.fromkeys(("log", "permit", "key-encryption", "pepper", "match"), ring)).cipher("secrets")
    file = SealedFile(Path(path), cipher)
    for turn in range(5):
        file.put(f"key_{number}_{turn}", VALUE)


def test_processes_that_keep_secrets_at_the_same_time_lose_none(path: Path) -> None:
    ring = os.urandom(32)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_put, args=(str(path), ring, number)) for number in range(2)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert [one.exitcode for one in writers] == [0, 0]
    cipher = KeyRing(dict.fromkeys(("log", "permit", "key-encryption", "pepper", "match"), ring)).cipher("secrets")
    assert len(SealedFile(path, cipher).handles()) == 10


# --- the environment --------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R06")
def test_variables_are_secrets_by_handle() -> None:
    environ = {"AAF_SECRET_SHOP_KEY": VALUE, "AAF_DATA": "x", "PATH": "y"}
    taken = EnvironmentSecrets.taken(environ, remove=False)
    assert taken.handles() == ["shop_key"]
    assert done(taken.get("shop_key")) == VALUE
    assert "AAF_SECRET_SHOP_KEY" in environ
    missing(taken, "bank_key")
    assert VALUE not in repr(taken)


@pytest.mark.requirement("R07")
def test_a_server_takes_them_out_of_its_environment() -> None:
    environ = {"AAF_SECRET_SHOP_KEY": VALUE, "PATH": "y"}
    taken = EnvironmentSecrets.taken(environ, remove=True)
    assert environ == {"PATH": "y"}
    assert done(taken.get("shop_key")) == VALUE


@pytest.mark.parametrize(
    ("name", "value"), [("AAF_SECRET_", VALUE), ("AAF_SECRET_A-B", VALUE), ("AAF_SECRET_SHORT", "hunter2")]
)
def test_a_variable_that_is_no_secret_stops_the_start_and_its_value_is_not_said(name: str, value: str) -> None:
    with pytest.raises(AafError) as refused:
        EnvironmentSecrets.taken({name: value}, remove=False)
    assert name in refused.value.message
    assert value not in refused.value.message + refused.value.hint


def test_two_variables_of_one_secret_stop_the_start() -> None:
    with pytest.raises(InputRefused, match="two variables name this secret"):
        EnvironmentSecrets.taken({"AAF_SECRET_SHOP_KEY": VALUE, "AAF_SECRET_Shop_Key": VALUE + "2"}, remove=False)


# --- several ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R06")
def test_the_first_that_has_it_gives_it(file: SealedFile) -> None:
    environment = EnvironmentSecrets({"shop_key": "from outside", "bank_key": "from outside"})
    file.put("shop_key", VALUE)
    both = InOrder(file, environment)
    assert done(both.get("shop_key")) == VALUE
    assert done(both.get("bank_key")) == "from outside"
    missing(both, "no_key")


def test_a_provider_that_can_not_be_read_is_not_passed_over(file: SealedFile, path: Path) -> None:
    path.write_text("{")
    path.chmod(0o600)
    missing(InOrder(file, EnvironmentSecrets({"shop_key": "from outside"})))


@pytest.mark.requirement("R07")
def test_the_finder_knows_every_value_that_is_there_now(file: SealedFile) -> None:
    environment = EnvironmentSecrets.taken(
        {"AAF_SECRET_CRM": "from-the-environment", "STRIPE_API_KEY": "sk-of-another-program", "HOME": "/home/somebody"},
        remove=False,
    )
    source = InOrder(file, environment)
    file.put("shop_key", "kept-in-the-file")
    known = source.known()
    for value in ("from-the-environment", "sk-of-another-program", "kept-in-the-file"):
        assert known.found(f"it is {value}!".encode()), value
    assert not known.found(b"/home/somebody")
    assert source.known() is known

    file.put("shop_key", "kept-after-rotation")
    assert source.known().found(b"kept-after-rotation")


@pytest.mark.attack(
    "G32", guard="aaf.adapters.secrets.in_order:InOrder.known", without="tests.services.test_quoting:holds_nothing"
)
def test_while_the_file_can_not_be_read_what_it_held_is_still_found(file: SealedFile, path: Path, clock: Clock) -> None:
    source = InOrder(file)
    file.put("shop_key", "kept-in-the-file")
    assert source.known().found(b"kept-in-the-file")
    path.write_text("{}")
    clock.now = GLANCE
    with pytest.raises(ConnectorFailed):
        file.values()
    assert source.known().found(b"kept-in-the-file")


def test_what_another_process_keeps_is_searched_for_a_glance_later_and_at_once_when_it_was_given_out(
    file: SealedFile, path: Path, clock: Clock
) -> None:
    source, other = InOrder(file), SealedFile(path, RING.cipher("secrets"))
    other.put("shop_key", "kept-by-another")
    assert source.known().found(b"kept-by-another")

    other.put("shop_key", "kept-a-little-later")
    clock.now = GLANCE
    assert source.known().found(b"kept-a-little-later")

    other.put("shop_key", "given-out-at-once")
    assert done(source.get("shop_key")) == "given-out-at-once"
    assert source.known().found(b"given-out-at-once")


def test_a_look_that_another_thread_takes_back_meanwhile_is_none(file: SealedFile, path: Path, clock: Clock) -> None:
    file.put("shop_key", VALUE)
    assert file.values() == {VALUE}

    def spoilt() -> None:
        path.write_text("{}")
        with pytest.raises(ConnectorFailed):
            file.handles()

    clock.then = spoilt
    assert file.values() == {VALUE}
    with pytest.raises(ConnectorFailed):
        file.values()


def test_what_was_given_out_is_searched_for_although_a_slower_look_began_before_it(
    file: SealedFile, path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, read = SealedFile(path, RING.cipher("secrets")), sealed_file._parsed
    given: list[str] = []
    other.put("shop_key", "the-value-before")
    taker = threading.Thread(target=lambda: given.append(done(file.get("shop_key"))))

    def slow(data: bytes) -> dict[str, bytes]:
        found = read(data)
        monkeypatch.undo()
        other.put("shop_key", "given-out-at-once")
        taker.start()
        taker.join(0.2)
        return found

    monkeypatch.setattr(sealed_file, "_parsed", slow)
    file.values()
    taker.join()
    assert given == ["given-out-at-once"]
    assert file.values() == {"given-out-at-once"}


def test_searches_share_a_look_at_the_file(file: SealedFile, path: Path, clock: Clock) -> None:
    other = SealedFile(path, RING.cipher("secrets"))
    assert file.values() == frozenset()
    other.put("shop_key", VALUE)
    clock.now = GLANCE * 0.99
    assert file.values() == frozenset()
    clock.now = GLANCE
    assert file.values() == {VALUE}


@pytest.mark.parametrize("name", ["STRIPE_API_KEY", "GITHUB_TOKEN", "db_password", "SESSION_SECRET", "APIKEY"])
def test_variables_that_sound_secret_are_not_shown(name: str) -> None:
    environ = {name: "long-enough-value", "MONKEY": "long-enough-monkey", "SHORT_KEY": "short"}
    assert EnvironmentSecrets.taken(environ, remove=True).values() == {"long-enough-value"}
    assert name in environ  # only the firewall's own are taken out


@pytest.mark.requirement("R07")
@pytest.mark.requirement("R42")
@pytest.mark.parametrize(
    ("url", "hidden", "shown"),
    [
        (
            "postgresql://app:KANARI-4711@db/app",
            ["KANARI-4711", "app:KANARI-4711", "postgresql://app:KANARI-4711@db/app"],
            "db/app",
        ),
        ("https://u:p%40ssword-1@search.example/", ["p%40ssword-1", "p@ssword-1"], "search.example"),
        ("redis://:KANARI-4711@cache/0", ["KANARI-4711"], "cache/0"),
        ("https://token-of-4711@search.example/", ["token-of-4711"], "search.example"),
        ("https://search.example/?a=b:c@d", [], "https://search.example/?a=b:c@d"),
    ],
)
def test_the_credentials_of_a_url_in_a_variable_of_any_name_are_shown_to_nobody(
    url: str, hidden: list[str], shown: str
) -> None:
    finder = InOrder(EnvironmentSecrets.taken({"SEARXNG_URL": url}, remove=True)).known()
    for value in hidden:
        assert finder.found(value.encode()), value
    assert not finder.found(shown.encode())


def test_a_provider_that_could_never_be_read_is_a_failure_and_costs_the_others_nothing_later(
    file: SealedFile, path: Path
) -> None:
    path.write_text("{}")
    path.chmod(0o644)
    source = InOrder(EnvironmentSecrets({"crm": "from-the-environment"}), file)
    with pytest.raises(ConnectorFailed):
        source.known()
    path.unlink()
    file.put("shop_key", "kept-in-the-file")
    assert source.known().found(b"kept-in-the-file")
    path.write_text("{}")
    for value in (b"from-the-environment", b"kept-in-the-file"):
        assert source.known().found(value)
