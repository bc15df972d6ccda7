"""Settings of one process: read once, frozen; an unknown key is an error, so that a misspelt one can't be ignored.

The environment is read here and nowhere else, and only keys that begin with `AAF_`. Nothing read here reaches a policy, a prompt or a log.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from aaf.domain.errors import Code, InputRefused

_PREFIX = "AAF_"
_OTHERS = frozenset({"AAF_API_KEY", "AAF_URL"})
"""Keys of the client commands, which are no settings of a server."""
_SECRETS = "AAF_SECRET_"
"""Keys of credentials (`adapters/secrets`): no settings, so their values are not even looked at here."""
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things lie and where the server listens.

    `data` is the folder of database and keys; `config` the folder of `aaf.yaml` and `actions/`, or None for the shipped safe catalogue;
    `root` overrides the root of the files connector; `write_key` is a file for the first key, or None to print it only. `log` is how urgent
    a line on standard error has to be: None is `info` for a server, and in process leaves lines to the host program's log. `metrics` is who may
    read them.
    """

    data: Path = Path(".aaf")
    config: Path | None = None
    root: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8700
    write_key: Path | None = None
    store: str = "sqlite"
    log: str | None = None
    metrics: str = "key"

    @classmethod
    def read(cls, environ: Mapping[str, str], **flags: object) -> Self:
        """Take `AAF_<NAME>` from `environ`, then every flag that isn't None.

        Raises:
            InputRefused: a key is unknown, or a value isn't what its key wants.
        """
        names = {f"{_PREFIX}{field.name.upper()}": field.name for field in fields(cls)}
        settings = cls()
        for key, text in sorted(environ.items()):
            if not key.startswith(_PREFIX) or key in _OTHERS or key.startswith(_SECRETS):
                continue
            if key not in names:
                near = difflib.get_close_matches(key, [*names, *_OTHERS], n=1)
                hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(sorted(names))}."
                raise InputRefused(Code.UNKNOWN_FIELD, f"{key} is no setting.", hint=hint)
            read: dict[str, Any] = {names[key]: _value(names[key], text)}
            settings = replace(settings, **read)
        given: dict[str, Any] = {name: _value(name, value) for name, value in flags.items() if value is not None}
        return replace(settings, **given)


def _value(name: str, value: object) -> Any:  # noqa: ANN401 - each field has a type of its own
    """A setting's value from text or a flag."""
    match name:
        case "data" | "config" | "root" | "write_key":
            return Path(str(value)).expanduser()
        case "port":
            text = str(value)
            if not text.isascii() or not text.isdigit() or int(text) > MAX_PORT:
                raise InputRefused(
                    Code.WRONG_TYPE, f"A port is a number from 0 to {MAX_PORT}.", hint="0 takes a free one."
                )
            return int(text)
        case "store":
            if value not in {"sqlite", "memory"}:
                raise InputRefused(
                    Code.WRONG_TYPE, "The store is `sqlite` or `memory`.", hint="Leave it out for sqlite."
                )
            return value
        case "log":
            if value not in {"info", "warning", "error", "off"}:
                raise InputRefused(
                    Code.WRONG_TYPE,
                    "The log is `info`, `warning`, `error` or `off`.",
                    hint="Leave it out for the default.",
                )
            return value
        case "metrics":
            if value not in {"key", "open"}:
                raise InputRefused(
                    Code.WRONG_TYPE,
                    "Metrics are `key` or `open`.",
                    hint="`open` lets anybody who reaches the server read them.",
                )
            return value
        case _:
            if not str(value).strip():
                raise InputRefused(Code.WRONG_TYPE, f"{name} is empty.", hint="Leave it out for the default.")
            return str(value)
