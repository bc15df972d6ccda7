"""How an installation comes about, and what it refuses to start with."""

import os
import shutil
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from aaf.adapters.folder import read_folder, shipped
from aaf.adapters.keys import PURPOSES, KeyRing
from aaf.adapters.loading import InPlace
from aaf.adapters.secrets.environment import EnvironmentSecrets
from aaf.bootstrap import ANCHORS, DATABASE, KEYS, SHIPPED, Configured, build, drive, inspect, starting
from aaf.bootstrap.connectors import keep_apart
from aaf.domain.canonical import Json
from aaf.domain.errors import Code, ConfigurationInvalid, StoreFailed
from aaf.domain.principal import Kind
from aaf.domain.record import ManagedBy
from aaf.domain.states import State
from aaf.embedded import Embedded
from aaf.policy.configuration import Configuration
from aaf.services.access import KeyWanted, authenticate, create_key
from aaf.services.forming import read_submission
from aaf.services.releases import activate
from aaf.services.submit import submit
from aaf.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", config=shipped("demo"), root=tmp_path / "workspace")


@pytest.fixture
def opened(settings: Settings) -> Iterator[Embedded]:
    with Embedded.open(settings) as product:
        yield product


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_installation_is_readable_by_its_user_only(settings: Settings, opened: Embedded) -> None:
    assert opened.app.first_key is not None
    assert {mode(settings.data), mode(settings.data / KEYS)} == {0o700}
    files = [settings.data / DATABASE, *(settings.data / KEYS).iterdir()]
    assert {mode(path) for path in files} == {0o600}


def test_the_first_key_is_made_once(settings: Settings) -> None:
    with Embedded.open(settings) as first, Embedded.open(settings) as second:
        assert first.app.first_key is not None
        assert second.app.first_key is None
        assert first.app.org == second.app.org


def test_the_first_key_is_written_only_where_asked_and_never_over_a_file(settings: Settings, tmp_path: Path) -> None:
    place = tmp_path / "admin.key"
    asked = Settings(data=settings.data, config=settings.config, root=settings.root, write_key=place)
    with Embedded.open(asked) as product:
        assert product.app.first_key is not None
        assert place.read_text(encoding="ascii").strip() == product.app.first_key.secret
    assert mode(place) == 0o600
    other = Settings(data=tmp_path / "other", config=settings.config, root=settings.root, write_key=place)
    with pytest.raises(StoreFailed, match=r"admin\.key"):
        Embedded.open(other)


def test_a_start_without_a_folder_keeps_the_configuration_that_is_active(settings: Settings) -> None:
    with Embedded.open(settings) as product:
        before = product.run(product.core.store.release(product.app.org))
    with Embedded.open(Settings(data=settings.data, root=settings.root)) as product:
        assert product.run(product.core.store.release(product.app.org)) == before
        assert product.app.activated is None


def test_a_start_without_a_folder_uses_the_shipped_safe_configuration(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", root=tmp_path / "workspace")
    with Embedded.open(settings) as product:
        assert product.app.activated is not None
        assert product.app.activated.release.message == SHIPPED
    with Embedded.open(settings) as product:
        assert product.app.activated is not None
        assert not product.app.activated.new


@pytest.mark.requirement("R48")
def test_a_broken_folder_stops_a_new_installation_and_leaves_an_old_one_as_it_was(
    settings: Settings, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "aaf.yaml").write_text("version: 1\nrulez: []\n")
    with pytest.raises(ConfigurationInvalid, match=r"aaf\.yaml:2:1"):
        Embedded.open(Settings(data=tmp_path / "new", config=broken, root=settings.root))
    Embedded.open(settings).close()
    with Embedded.open(Settings(data=settings.data, config=broken, root=settings.root)) as product:
        assert product.app.refused is not None
        assert product.app.activated is None


def test_a_file_that_is_included_makes_a_release_like_any_other(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "split"
    (folder / "rules").mkdir(parents=True)
    (folder / "aaf.yaml").write_text("version: 1\ninclude: [rules/*.yaml]\n")
    part = folder / "rules" / "a.yaml"
    part.write_text("redact: [one]\n")
    split = Settings(data=settings.data, config=folder, root=settings.root)

    for text, redacted in (("redact: [one]\n", "one"), ("redact: [two]\n", "two")):
        part.write_text(text)
        with Embedded.open(split) as product:
            assert product.app.activated is not None
            assert product.app.activated.new
            known = drive(product.app.core.knowledge.of(product.app.org, fresh=True))
            assert known.configuration.redact == (redacted,)
    part.write_text("rulez: []\n")
    with Embedded.open(split) as product:
        assert product.app.refused is not None
        assert "rules/a.yaml:1:1: the document has no key `rulez`" in str(product.app.refused)


@pytest.mark.parametrize("where", [".", "data", "data/inner"])
def test_a_root_from_which_actions_could_reach_our_own_files_is_refused(tmp_path: Path, where: str) -> None:
    settings = Settings(data=tmp_path / "data", config=shipped("demo"), root=tmp_path / where)
    with pytest.raises(ConfigurationInvalid, match="own data or configuration"):
        Embedded.open(settings)


def test_a_workspace_beneath_the_configuration_is_fine(tmp_path: Path) -> None:
    config = tmp_path / "config"
    (config / "actions").mkdir(parents=True)
    for path in ("aaf.yaml", *(f"actions/{one.name}" for one in (shipped("demo") / "actions").iterdir())):
        (config / path).write_bytes((shipped("demo") / path).read_bytes())
    with Embedded.open(Settings(data=tmp_path / "data", config=config)):
        assert (config / "workspace").is_dir()


def test_a_store_in_memory_keeps_nothing(tmp_path: Path) -> None:
    with Embedded.open(Settings(data=tmp_path / "data", root=tmp_path / "w", store="memory")) as product:
        assert product.app.first_key is not None
    assert not (tmp_path / "data").exists()


def test_the_doctor_finds_nothing_wrong_with_a_new_installation(settings: Settings) -> None:
    Embedded.open(settings).close()
    assert [one for one in inspect(settings) if one.ok is False] == []


def test_the_doctor_names_what_is_wrong_and_how_to_mend_it(settings: Settings) -> None:
    Embedded.open(settings).close()
    (settings.data / KEYS / "log.key").chmod(0o644)
    (settings.data / KEYS / "match.key").unlink()
    settings.data.chmod(0o755)
    wrong = {one.name: one.fix for one in inspect(settings) if one.ok is False}
    assert wrong.keys() == {"data folder", "log key", "match key", "store"}
    assert "chmod" in wrong["data folder"]
    assert "chmod" in wrong["log key"]


def test_the_doctor_sees_a_database_that_is_none(settings: Settings) -> None:
    Embedded.open(settings).close()
    (settings.data / DATABASE).write_bytes(b"no database at all" * 500)
    assert "database" in {one.name for one in inspect(settings) if one.ok is False}


def test_the_doctor_makes_nothing(tmp_path: Path) -> None:
    assert any(one.ok is False for one in inspect(Settings(data=tmp_path / "none", config=shipped("demo"))))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("broken", ["mode", "size", "text"])
def test_a_key_file_that_can_not_be_trusted_stops_the_start(settings: Settings, broken: str) -> None:
    Embedded.open(settings).close()
    path = settings.data / KEYS / "pepper.key"
    match broken:
        case "mode":
            path.chmod(0o640)
        case "size":
            path.write_text("00" * 31)
        case _:
            path.write_text("no hex")
    with pytest.raises(StoreFailed, match=r"pepper\.key"):
        drive(build(settings, asynchronous=False))


def folder(tmp_path: Path, name: str, *changes: tuple[str, str]) -> Path:
    """A copy of the demonstration's configuration, changed."""
    copy = tmp_path / name
    shutil.copytree(shipped("demo"), copy)
    text = (copy / "aaf.yaml").read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (copy / "aaf.yaml").write_text(text)
    return copy


def test_the_settings_of_a_connector_in_a_new_release_bind_a_process_that_runs_already(tmp_path: Path) -> None:
    root, data = tmp_path / "workspace", tmp_path / "data"
    root.mkdir()
    (root / "secret.txt").write_text("s\n")
    with Embedded.open(Settings(data=data, config=folder(tmp_path, "old"), root=root)) as product:
        core, run = product.core, product.run
        assert product.app.first_key is not None
        admin = run(authenticate(core, key=product.app.first_key.secret, agent=None, source="x"))
        key = run(create_key(core, admin, KeyWanted("bot", Kind.AGENT)))

        def read() -> State:
            bot = run(authenticate(core, key=key.secret, agent=None, source="x"))
            asked = read_submission({"action": "files.read", "params": {"path": "secret.txt"}, "run": True})
            return run(submit(core, bot, asked)).record.state

        assert read() is State.SUCCEEDED
        files = read_folder(folder(tmp_path, "new", ("protect: []", 'protect: ["secret*"]')))
        run(
            activate(
                core.store, core.ids, core.loader, org=product.app.org, files=files, author="system", message="test"
            )
        )
        assert read() is State.DENIED


def test_a_root_that_a_new_release_makes_unsafe_runs_nothing_here(settings: Settings) -> None:
    class Notes:
        def __init__(self) -> None:
            self.kinds: list[str] = []

        def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
            self.kinds.append(kind)

    notes = Notes()
    own = Settings(data=settings.data, config=settings.config)
    connectors = Configured(own, notes, EnvironmentSecrets({}), asynchronous=False)
    assert connectors.get("files", {"files": {"root": str(settings.data)}}, 60) is None
    assert connectors.get("shell", {"shell": {}}, 60) is None
    assert notes.kinds == ["connector_refused"]


@pytest.mark.parametrize(
    "root",
    ["DATA", "DATA/keys", "CONF", "HOME"],
    ids=["the data", "in the data", "the configuration", "above the data"],
)
def test_a_root_that_is_the_firewalls_own_by_another_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    """A disk that takes upper and lower case for the same, or a folder that is mounted twice."""
    settings = Settings(data=tmp_path / "home" / "data", config=tmp_path / "conf")
    for one in ("home/data/keys", "conf", "DATA/keys", "CONF", "HOME"):
        (tmp_path / one).mkdir(parents=True)
    keep_apart(tmp_path / root, settings)

    def alike(one: Path, other: Path) -> bool:
        names = [str(path).replace("DATA", "home/data").lower() for path in (one, other)]
        return names[0] == names[1]

    monkeypatch.setattr(Path, "samefile", alike)
    with pytest.raises(ConfigurationInvalid, match="own data or configuration"):
        keep_apart(tmp_path / root, settings)
    keep_apart(tmp_path / "workspace", settings)


def test_processes_that_start_a_new_installation_together_make_one_organisation_and_one_key(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", config=shipped("demo"), root=tmp_path / "workspace")
    start, found = threading.Barrier(4), []

    def open_() -> None:
        start.wait()
        product = Embedded.open(settings)
        found.append((product.app.org, product.app.first_key is not None))
        product.close()

    threads = [threading.Thread(target=open_) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len({org for org, _ in found}) == 1
    assert sum(made for _, made in found) == 1
    assert {path.name for path in (settings.data / KEYS).iterdir()} == {f"{purpose}.key" for purpose in PURPOSES}


def test_the_organisation_of_a_new_installation_follows_from_its_name(opened: Embedded) -> None:
    assert opened.app.org == str(uuid5(UUID(opened.core.installation), "organisation"))


def test_a_process_with_another_folder_follows_the_one_that_holds_the_configuration(tmp_path: Path) -> None:
    data, root = tmp_path / "data", tmp_path / "workspace"
    old = Settings(data=data, config=folder(tmp_path, "old", ("decision: allow", "decision: deny")), root=root)
    new = Settings(data=data, config=shipped("demo"), root=root)
    with Embedded.open(new) as first:
        with Embedded.open(old) as second:
            assert second.app.activated is None
            assert not second.app.holds
            assert not second.run(second.app.renew())
        assert first.run(first.app.renew())
    with Embedded.open(old) as third:
        assert third.app.activated is not None
        assert third.app.activated.release.number == 2


def test_a_start_follows_what_was_activated_while_it_compiled_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, root = tmp_path / "data", tmp_path / "workspace"
    changed = read_folder(folder(tmp_path, "by-hand", ("decision: allow", "decision: deny")))
    with Embedded.open(Settings(data=data, root=root)) as first:

        class Slow(InPlace):
            async def load(self, files: Mapping[str, bytes], /) -> Configuration:
                core, org, by = first.core, first.app.org, ManagedBy.API
                work = activate(
                    core.store, core.ids, InPlace(), org=org, files=changed, author="x", message="", managed_by=by
                )
                first.run(work)
                return await super().load(files)

        monkeypatch.setattr(starting, "loader_of", lambda **_: Slow())
        with Embedded.open(Settings(data=data, config=shipped("demo"), root=root)) as second:
            assert second.app.ignored
            assert not second.app.holds
            active = second.run(second.core.store.release(second.app.org))
            assert active is not None
            assert (active.number, active.managed_by) == (2, ManagedBy.API)


def test_nothing_is_activated_at_a_start_in_recovery(tmp_path: Path) -> None:
    data, root = tmp_path / "data", tmp_path / "workspace"
    with Embedded.open(Settings(data=data, config=shipped("demo"), root=root)) as product:
        product.run(product.core.store.set_recovering("test"))
    changed = folder(tmp_path, "new", ("decision: allow", "decision: deny"))
    with Embedded.open(Settings(data=data, config=changed, root=root)) as product:
        assert product.app.activated is None
        assert product.app.recovering == "test"
        files = read_folder(changed)
        with pytest.raises(StoreFailed) as caught:
            product.run(
                activate(
                    product.core.store,
                    product.core.ids,
                    product.core.loader,
                    org=product.app.org,
                    files=files,
                    author="a",
                    message="",
                )
            )
        assert caught.value.code is Code.RECOVERING


def test_of_two_processes_that_make_the_same_key_the_first_ones_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = os.urandom
    first: list[str] = []

    def urandom(count: int) -> bytes:
        if not first:
            first.append("under way")
            first[0] = KeyRing.open(tmp_path, create=True).signer("log").public_key.hex()
        return random(count)

    monkeypatch.setattr(os, "urandom", urandom)
    second = KeyRing.open(tmp_path, create=True)
    assert second.signer("log").public_key.hex() == first[0]
    assert {path.name for path in tmp_path.iterdir()} == {f"{purpose}.key" for purpose in PURPOSES}


def test_the_doctor_says_that_what_was_signed_before_can_not_be_read(settings: Settings) -> None:
    Embedded.open(settings).close()
    (settings.data / ANCHORS).write_text("{")
    assert {one.name for one in inspect(settings) if one.ok is False} == {"rolled back"}
    with Embedded.open(settings) as product:
        assert product.app.recovering is not None
