"""Stand-ins for the client's guards: each binds or believes as a careless client would."""

from collections.abc import Mapping
from typing import Any

from aaf_client.binding import Binder, Bound
from aaf_client.models import Json


def only_keywords(binder: Binder, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Bound:
    """Judge what was given by name; positions and defaults go to the function unseen."""
    return Bound(dict(kwargs), args)


def whatever_was_decided(binder: Binder, params: Mapping[str, Json]) -> Any:
    """Take what fits and leave the rest to the function's defaults."""
    return binder.signature.bind_partial(**params)
