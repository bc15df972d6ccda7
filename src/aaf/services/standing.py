"""How an organisation's configuration stands, for people: what is active, what was refused since, and which process watches which folder."""

from aaf.domain.errors import Code, NotFound
from aaf.domain.principal import Permission
from aaf.services.access import require
from aaf.services.core import Caller, Core
from aaf.services.watching import Standing, standing


async def read_standing(core: Core, caller: Caller) -> Standing:
    """How the caller's own organisation stands; any process tells the same, because all of it lies in the store.

    Raises:
        NotPermitted: the caller may not.
        NotFound: there is no configuration.
    """
    require(caller, Permission.ORG_CONFIGURATION_READ)
    found = await standing(core.store, caller.principal.org)
    if found is None:
        raise NotFound(Code.EMPTY_POLICY, "There is no configuration.")
    return found
