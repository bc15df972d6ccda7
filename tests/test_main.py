"""Whose an address is."""

import asyncio
from typing import Any

import pytest

from aaf.main import compose


def _names(name: str, asked: list[str]) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        asked.append(name)

    return application


@pytest.mark.parametrize(
    ("path", "whose"),
    [
        ("/v1/actions", "api"),
        ("/v1", "api"),
        ("//v1/actions", "api"),
        ("/openapi.json", "api"),
        ("/healthz", "api"),
        ("/readyz", "api"),
        ("/metrics", "api"),
        ("/", "console"),
        ("", "console"),
        ("/v12", "console"),
        ("/sign-in", "console"),
        ("/approvals/v1", "console"),
    ],
)
def test_the_api_has_its_own_addresses_and_the_console_every_other(path: str, whose: str) -> None:
    asked: list[str] = []
    both = compose(_names("api", asked), _names("console", asked))
    asyncio.run(_call(both, {"type": "http", "path": path}))
    assert asked == [whose]


def test_the_life_of_the_server_is_the_apis() -> None:
    asked: list[str] = []
    asyncio.run(_call(compose(_names("api", asked), _names("console", asked)), {"type": "lifespan"}))
    assert asked == ["api"]


async def _call(application: Any, scope: dict[str, Any]) -> None:
    await application(scope, None, None)
