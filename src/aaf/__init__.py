"""Agent Action Firewall: stands between an agent and its act.

`from aaf import Firewall` opens one in process; it is imported when it is asked for, so that a server and a terminal don't pay for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aaf.embedded import Firewall, Reviewer

__all__ = ["Firewall", "Reviewer"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a module's attribute is
    """Import what `__all__` names, once."""
    if name in __all__:
        found = globals()[name] = getattr(import_module("aaf.embedded"), name)
        return found
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
