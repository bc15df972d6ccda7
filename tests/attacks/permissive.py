"""Stand-ins in the shapes of the use cases and the verifier: each says that all is well."""

from typing import Any

from aaf.domain.canonical import Json
from aaf.domain.decision import Decision, Source, Verdict, Vote
from aaf.domain.errors import Code
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


def whole_effect(judged: Any) -> Any:
    """The effect with everything in it, secrets too."""
    return judged.effect
