"""A person's key at the console's door: who it belongs to, or why it lets nobody in.

Wrong keys are counted per source and minute like every failed authentication; beyond a number of them nothing more is recorded and
nothing but a key that is good is looked at. A right key always gets in: a flood of wrong ones must not keep the people out. A program's key
at this door is an event about that program.
"""

from aaf.domain.api_key import well_formed
from aaf.domain.errors import Code, NotPermitted, TooMany
from aaf.domain.principal import Kind
from aaf.services.access import authenticate
from aaf.services.core import Caller, Core
from aaf.services.refusals import MINUTE, count_refusal

TRIES = 20
"""Wrong keys that one source may send in a minute."""
_COUNTED = (Code.EXPIRED_CREDENTIAL, Code.INVALID_CREDENTIAL, Code.MISSING_CREDENTIAL, Code.REVOKED_CREDENTIAL)


async def sign_in(core: Core, *, key: str, source: str) -> Caller:
    """Return whose `key` this is; `source` is where the call came from.

    Raises:
        NotAuthenticated: it is no key, or one that isn't good any more.
        NotPermitted: it belongs to a program.
        TooMany: too many wrong keys from this source in this minute.
    """
    left = await _wait(core, source)
    if left and not await _is_good(core, key):
        raise TooMany(
            Code.RATE_LIMITED,
            "Too many wrong keys came from this address.",
            retry_after=left,
            hint="Wait a minute; the right key is taken at any time.",
        )
    caller = await authenticate(core, key=key, agent=None, source=source)
    if caller.principal.kind is not Kind.USER:
        await count_refusal(core, org=caller.principal.org, code=Code.PERMISSION_DENIED, source=caller.principal.id)
        raise NotPermitted(
            Code.PERMISSION_DENIED,
            "This key belongs to a program; the console is for people.",
            hint="Sign in with the key of a person.",
        )
    return caller


async def _wait(core: Core, source: str) -> int:
    """Seconds until another wrong key is looked at; 0 while there were few."""
    now = await core.store.now()
    minute = now - now % MINUTE
    counts = [await core.store.aggregate(core.installation, str(code), source, minute) for code in _COUNTED]
    tried = sum(count + 1 for count in counts if count is not None)  # the first of a minute is an event and not counted
    return 0 if tried < TRIES else (minute + MINUTE - now) // 1_000_000 + 1


async def _is_good(core: Core, key: str) -> bool:
    """Whether this is a key that was made here and is still good."""
    found = await core.store.key_by_mac(core.secrets.key_mac(key)) if well_formed(key) else None
    return found is not None and found[0].is_live(await core.store.now())
