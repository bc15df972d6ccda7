"""How the connector comes about: in process without a loop, without its library, without a place for a file of secrets."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aaf.bootstrap import build, connectors, drive, sealed_secrets
from aaf.domain.errors import ConfigurationInvalid, InputRefused
from aaf.embedded.product import Embedded
from aaf.policy.configuration import Configuration
from aaf.settings import Settings
from tests.adapters.upstream import Says, Upstream, upstream
from tests.outgoing.world import LOGIN, SECRET, write_configuration


@pytest.fixture
def server() -> Iterator[Upstream]:
    with upstream() as listening:
        yield listening


@pytest.fixture
def settings(tmp_path: Path, server: Upstream) -> Settings:
    write_configuration(tmp_path / "configuration", server.port)
    return Settings(data=tmp_path / "data", config=tmp_path / "configuration")


def configuration_of(product: Embedded) -> Configuration:
    return product.run(product.core.knowledge.of(product.app.org, fresh=True)).configuration


def test_in_process_it_runs_without_an_event_loop(
    settings: Settings, server: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AAF_SECRET_BANK_LOGIN", LOGIN)
    sealed_secrets(settings, create=True).put("shop_key", SECRET)
    server.says["/x"] = Says(b"yes")
    with Embedded.open(settings) as product:
        found = configuration_of(product)
        for handle in ("shop_key", "bank_login"):
            made = product.core.connectors.get("http", found.connectors, 30, (handle,))
            assert made is product.core.connectors.get("http", found.connectors, 30, (handle,))
            assert made is not None
            params = {"url": server.url("/x")}
            result = product.run(made.run(operation="get", params={**params}, expected=None))
            assert isinstance(result, dict)
            assert result["body"] == "yes"
    assert [one.headers["authorization"].split()[0] for one in server.heard] == ["Bearer", "Basic"]
    # The program that embeds us keeps its environment.
    assert os.environ["AAF_SECRET_BANK_LOGIN"] == LOGIN


def test_without_its_library_the_start_says_what_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectors, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationInvalid, match=r"agent-action-firewall\[http\]"):
        drive(build(settings, asynchronous=False))


def test_a_store_in_memory_has_secrets_of_the_environment_only(
    settings: Settings, server: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AAF_SECRET_SHOP_KEY", SECRET)
    server.says["/x"] = Says()
    with Embedded.open(Settings(data=settings.data, config=settings.config, store="memory")) as product:
        made = product.core.connectors.get("http", configuration_of(product).connectors, 30, ("shop_key",))
        assert made is not None
        product.run(made.run(operation="get", params={"url": server.url("/x")}, expected=None))
    assert server.heard[0].headers["authorization"] == f"Bearer {SECRET}"
    assert not settings.data.exists()


def test_a_variable_that_is_no_secret_stops_the_start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AAF_SECRET_SHOP_KEY", "short")
    with pytest.raises(InputRefused, match="AAF_SECRET_SHOP_KEY"):
        drive(build(settings, asynchronous=False))


@pytest.mark.requirement("R08")
def test_an_exemption_is_counted_in_the_event_of_the_activation(settings: Settings) -> None:
    with Embedded.open(settings) as product:
        rows = product.run(product.core.store.events(product.app.org))
        assert b'"exemptions":1' in rows[0].body


def test_judging_by_the_letters_loads_no_network_library(settings: Settings) -> None:
    program = f"""
import sys
from pathlib import Path
from aaf.embedded.product import Embedded
from aaf.settings import Settings
with Embedded.open(Settings(data=Path({str(settings.data)!r}), config=Path({str(settings.config)!r}))) as product:
    found = product.run(product.core.knowledge.of(product.app.org, fresh=True)).configuration
    made = product.core.connectors.get("http", found.connectors, 30, ())
    assert made.analyse(operation="get", params={{"url": "https://elsewhere.example.org/"}}).findings
print(sorted(name for name in ("asyncio", "httpcore2", "httpx2", "ssl") if name in sys.modules))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")
