"""Settings are read once and strictly."""

from pathlib import Path
from typing import Any

import pytest

from aaf.domain.errors import Code, InputRefused
from aaf.settings import Settings


def test_defaults_environment_and_flags_come_in_this_order() -> None:
    environ = {"AAF_PORT": "1", "AAF_DATA": "/a", "AAF_API_KEY": "x", "AAF_URL": "y", "HOME": "/h", "PORT": "9"}
    settings = Settings.read(environ, port=2, host=None)
    assert (settings.port, settings.data, settings.host, settings.store) == (2, Path("/a"), "127.0.0.1", "sqlite")


@pytest.mark.parametrize(("key", "hint"), [("AAF_PORTT", "AAF_PORT"), ("AAF_QQQQQQQQQQQQ", "Known are")])
def test_an_unknown_key_is_an_error_with_a_hint(key: str, hint: str) -> None:
    with pytest.raises(InputRefused) as caught:
        Settings.read({key: "1"})
    assert (caught.value.code, hint in caught.value.hint) == (Code.UNKNOWN_FIELD, True)


@pytest.mark.parametrize(
    "flags",
    [
        {"port": "x"},
        {"port": "65536"},
        {"port": "-1"},
        {"store": "redis"},
        {"host": " "},
        {"log": "loud"},
        {"metrics": "all"},
    ],
)
def test_a_value_that_is_not_what_its_key_wants_is_refused(flags: dict[str, Any]) -> None:
    with pytest.raises(InputRefused) as caught:
        Settings.read({}, **flags)
    assert caught.value.code is Code.WRONG_TYPE
