"""Stand-ins in the shapes of the use cases and the verifier: each says that all is well."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from aaf.analysis.addresses import AddressClass
from aaf.domain.canonical import Json
from aaf.domain.decision import Decision, Source, Verdict, Vote
from aaf.domain.errors import Code, ConfigurationInvalid
from aaf.domain.record import Release
from aaf.policy.configuration import Configuration, load
from aaf.services.rejudge import Again


class Everything(frozenset[str]):
    """A set in which everything is."""

    def __contains__(self, _: object) -> bool:
        return True


def all_of_them(value: object) -> Everything:
    """Replace a constant set of allowed names by one that allows every name."""
    return Everything()


def runs_it(*args: object, **kwargs: object) -> tuple[Again, Code]:
    """A second judgement that always finds the same as the first."""
    return Again.RUN, Code.OK


def as_given(schema: object, params: dict[str, Json]) -> dict[str, Json]:
    """A schema that fills in nothing."""
    return params


def allows(*args: object, **kwargs: object) -> Decision:
    """A policy that allows whatever it is asked."""
    return Decision(Verdict.ALLOW, (Vote(Verdict.ALLOW, Source.RULE, Code.RULE, "all"),))


def recorded(store: object, *args: object, **kwargs: object) -> None:
    """A store that takes everything at any time."""


def whole_effect(judged: Any, **_: object) -> Any:
    """The effect with everything in it, secrets too."""
    return judged.effect


def host_before_the_at(text: str, default_port: int) -> tuple[str, int]:
    """A reader of URLs that takes a user name for the host."""
    return text.partition("@")[0].partition(":")[0], default_port


def calls_it_global(address: str) -> AddressClass:
    """A table of addresses without a special one."""
    return AddressClass.GLOBAL


def metadata_again(*args: object, **kwargs: object) -> tuple[str, ...]:
    """A second question to the resolver, after the check."""
    return ("169.254.169.254",)


def no_objection(*args: object, **kwargs: object) -> Vote:
    """A vote that stands in nobody's way."""
    return Vote(Verdict.ALLOW, Source.GUARD, Code.OK, "none")


def untouched(text: str) -> list[tuple[None, str, int]]:
    """A text as one plain piece, whatever it holds."""
    return [(None, text, len(text))] if text else []


def as_they_come(segments: Any) -> list[tuple[str, str, str | None]]:
    """Segments as they were stored."""
    return [(one[0], one[1], one[2]) for one in segments]


def everywhere(*args: object) -> str:
    """A path of a session that every address is beneath."""
    return ""


def whatever_the_path(token: str, root: str) -> bytes:
    """A session that is found by its token alone."""
    return token.encode()


def members_by_name(value: dict[str, Any], change: Any) -> dict[str, Any]:
    """Names that become the same overwrite each other."""
    return {change(name): item for name, item in value.items()}


def last_word(*, pool: Iterable[Vote], defaults: Iterable[Vote] = (), guards: Iterable[Vote] = ()) -> Decision:
    """Votes of which the last one wins, as hooks that run one after the other have it."""
    *_, last = [*defaults, *pool, *guards]
    return Decision(last.verdict, (last,))


def whatever_loads(files: Mapping[str, bytes], *, parser: object = None) -> Configuration:
    """A loader that takes of a broken aaf.yaml as many lines from its beginning as make sense, as one does that reads while somebody writes."""
    lines = files["aaf.yaml"].splitlines(keepends=True)
    connectors = b"version: 1\nconnectors:\n  files: {root: ./workspace, max_bytes: 1048576, protect: []}\n"
    for kept in range(len(lines), 1, -1):
        with suppress(ConfigurationInvalid):
            main = b"".join(lines[:kept])
            needed = b"" if b"connectors:" in main else connectors.removeprefix(b"version: 1\n")
            return load({**files, "aaf.yaml": main + needed})
    return load({**files, "aaf.yaml": connectors})


_SEEN: dict[str, Configuration] = {}


def first_seen(knowledge: object, release: Release) -> Configuration:
    """Knows a release's number and judges by the configuration of another one."""
    return _SEEN.setdefault(f"{id(knowledge)}", Configuration.from_stored(json.loads(release.document)))
