"""How a process begins with its folder, and which configurations it would not run with."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aaf.adapters.folder import read_folder, shipped
from aaf.adapters.loading import InPlace
from aaf.bootstrap import CONFIGURATION, SHIPPED, build, drive, inspect
from aaf.bootstrap.connectors import Checking, Configured
from aaf.domain.errors import ConfigurationInvalid
from aaf.domain.record import ManagedBy
from aaf.embedded import Embedded
from aaf.services.releases import activate
from aaf.services.standing import standing
from aaf.settings import Settings

MAIN = "version: 1\n"
FILES = """version: 1
connectors:
  files: {{root: {root}}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    config = tmp_path / "config"
    config.mkdir()
    (config / "aaf.yaml").write_text(MAIN)
    return Settings(data=tmp_path / "data", config=config)


@pytest.fixture
def product(settings: Settings) -> Iterator[Embedded]:
    with Embedded.open(settings) as opened:
        yield opened


def save(settings: Settings, text: str) -> None:
    assert settings.config is not None
    (settings.config / "aaf.yaml").write_text(text)


def configured(product: Embedded) -> Configured:
    connectors = product.core.connectors
    assert isinstance(connectors, Configured)
    return connectors


def load(product: Embedded, root: str) -> None:
    drive(Checking(InPlace(), configured(product)).load({"aaf.yaml": FILES.format(root=root).encode()}))


@pytest.mark.requirement("R38")
@pytest.mark.attack("G34", guard="aaf.bootstrap.connectors:Configured.check_candidate")
@pytest.mark.parametrize(
    ("root", "message"),
    [
        ("../data", "own data"),
        ("..", "own data"),
        ("./none/inner", "No such file"),
        ("./aaf.yaml", "Not a directory"),
    ],
)
def test_a_release_whose_connectors_can_not_be_used_safely_is_refused_like_any_other_problem(
    product: Embedded, root: str, message: str
) -> None:
    with pytest.raises(ConfigurationInvalid, match=message) as caught:
        product.run(
            activate(
                product.core.store,
                product.core.ids,
                product.core.loader,
                org=product.app.org,
                files={"aaf.yaml": FILES.format(root=root).encode()},
                author="system",
                message="test",
            )
        )
    assert caught.value.problems[0].file == "aaf.yaml"
    assert caught.value.problems[0].hint
    release = product.run(product.core.store.release(product.app.org))
    assert release is not None
    assert release.number == 1


def test_looking_at_a_candidate_makes_nothing(product: Embedded, settings: Settings) -> None:
    assert settings.config is not None
    load(product, "./workspace")
    assert not (settings.config / "workspace").exists()
    (settings.config / "workspace").mkdir()
    load(product, "./workspace")


def test_a_root_that_could_not_be_made_is_a_problem(product: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(ConfigurationInvalid, match="Permission denied") as caught:
        load(product, "./workspace")
    assert "look at" in caught.value.problems[0].hint


def test_a_candidate_with_requests_takes_the_library_for_them(
    product: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(product).check_candidate({"http": {}, "shell": {}})
    monkeypatch.setattr("aaf.bootstrap.connectors.find_spec", lambda name: None)
    with pytest.raises(ConfigurationInvalid, match="library that isn't there"):
        configured(product).check_candidate({"http": {}})


@pytest.mark.requirement("R38")
def test_what_the_system_refuses_a_connector_at_the_start_is_a_problem_and_no_crash(settings: Settings) -> None:
    save(settings, FILES.format(root="./none/inner"))
    with pytest.raises(ConfigurationInvalid, match=r"config/aaf\.yaml: connectors\.files can't be used"):
        Embedded.open(settings)
    save(settings, MAIN)
    Embedded.open(settings).close()
    save(settings, FILES.format(root="./none/inner"))
    with Embedded.open(settings) as later:
        assert later.app.refused is not None
        assert later.app.began_with == 1


def test_a_file_where_a_connector_of_the_active_release_has_its_root_is_a_problem_of_it(settings: Settings) -> None:
    save(settings, FILES.format(root="./workspace"))
    Embedded.open(settings).close()
    assert settings.config is not None
    (settings.config / "workspace").rmdir()
    (settings.config / "workspace").touch()
    with pytest.raises(ConfigurationInvalid, match=r"connectors\.files can't be used"):
        Embedded.open(settings)


@pytest.mark.requirement("R38")
def test_what_was_refused_at_the_start_is_in_the_store_for_every_process(settings: Settings) -> None:
    Embedded.open(settings).close()
    save(settings, "version: 1\nextra: 1\n")
    for _ in range(2):
        with Embedded.open(settings) as later:
            told = later.run(standing(later.core.store, later.app.org))
            events = later.run(later.core.store.events(later.app.org))
    assert told is not None
    assert told.refused
    assert told.watch is not None
    assert [(one.file, one.line) for one in told.watch.problems] == [("aaf.yaml", 2)]
    assert [event.type for event in events].count("configuration.refused") == 1
    (seen,) = [one for one in inspect(settings) if one.name == "watched folder"]
    assert seen.ok is not True
    assert "aaf.yaml:2:1" in seen.text
    assert "release 1 stays active" in seen.text
    assert "Correct the file" in seen.fix


def test_the_doctor_says_who_watches(settings: Settings) -> None:
    app = drive(build(settings, asynchronous=False))
    (seen,) = [one for one in inspect(settings) if one.name == "watched folder"]
    assert seen.ok
    assert str(settings.config) in seen.text
    drive(app.core.store.take_lease(CONFIGURATION, app.core.process, 0))
    save(settings, "version: 1\nextra: 1\n")
    with Embedded.open(settings) as other:
        (seen,) = [one for one in inspect(settings) if one.name == "watched folder"]
        assert (seen.ok, "aaf.yaml:2:1" in seen.text) == (False, True)
        made = activate(
            other.core.store,
            other.core.ids,
            InPlace(),
            org=other.app.org,
            files={"aaf.yaml": b"version: 1\n# another\n"},
            author="user:x",
            message="by hand",
        )
        other.run(made)
        (seen,) = [one for one in inspect(settings) if one.name == "watched folder"]
        assert (seen.ok, "isn't what is active" in seen.text) == (False, True)
    drive(app.close())


def test_a_server_that_watches_nothing_keeps_nobody_from_importing(settings: Settings) -> None:
    with Embedded.open(replace(settings, config=None, root=settings.data.parent / "w")) as first:
        assert first.app.activated is not None
        assert first.app.activated.release.message == SHIPPED
        assert not first.app.holds
        with Embedded.open(settings) as second:
            assert second.app.holds
            assert second.app.activated is not None
            assert second.app.activated.release.number == 2


@pytest.mark.requirement("R38")
def test_a_folder_is_only_the_seed_of_what_the_api_manages(settings: Settings) -> None:
    with Embedded.open(settings) as product:
        files = read_folder(shipped("safe"))
        made = activate(
            product.core.store,
            product.core.ids,
            InPlace(),
            org=product.app.org,
            files=files,
            author="user:x",
            message="by hand",
            managed_by=ManagedBy.API,
        )
        product.run(made)
    save(settings, "version: 1\nextra: 1\n")
    with Embedded.open(settings) as later:
        assert (later.app.activated, later.app.refused, later.app.ignored) == (None, None, False)
        assert later.app.began_with == 2


@pytest.mark.requirement("R38")
def test_a_folder_that_says_that_it_counts_takes_over_from_the_api(settings: Settings) -> None:
    with Embedded.open(settings) as product:
        made = activate(
            product.core.store,
            product.core.ids,
            InPlace(),
            org=product.app.org,
            files=read_folder(shipped("safe")),
            author="user:x",
            message="by hand",
            managed_by=ManagedBy.API,
        )
        product.run(made)
    save(settings, "version: 1\nmanaged_by: file\n")
    with Embedded.open(settings) as later:
        assert later.app.activated is not None
        assert (later.app.activated.release.number, later.app.activated.release.managed_by) == (3, ManagedBy.FILE)


@pytest.mark.requirement("R38")
def test_a_folder_that_says_that_the_api_counts_is_its_beginning(settings: Settings) -> None:
    save(settings, "version: 1\nmanaged_by: api\n")
    with Embedded.open(settings) as product:
        assert product.app.activated is not None
        assert product.app.activated.release.managed_by is ManagedBy.API
    save(settings, "version: 1\nmanaged_by: api\nuse_within: 5m\n")
    with Embedded.open(settings) as later:
        assert (later.app.activated, later.app.seed) == (None, True)
