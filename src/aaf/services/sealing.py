"""Values that somebody sent lie sealed beside the record: under one data key for each agent, found by owner and name.

Names in use: `input` (the exact decision input, salts, faults), `view` (what approvers are shown), `effect` (what the dry run found),
`review:<round>:<ordinal>` and `resolution` (people's reasons), and `result`.
"""

from aaf.domain.canonical import MAX_DEPTH, Json, canonical, parse
from aaf.domain.errors import Code, Unavailable
from aaf.domain.record import DataKey
from aaf.ports import InsertDataKey, InsertSealed, Write
from aaf.services.core import Core, Known

STORED_DEPTH = MAX_DEPTH + 8


async def data_key(core: Core, known: Known, subject: str) -> tuple[DataKey, tuple[Write, ...]]:
    """The subject's data key, and the write that makes it where there was none."""
    found = known.data_keys.get(subject) or await core.store.data_key_of(known.org, subject)
    if found is not None:
        known.data_keys[subject] = found
        return found, ()
    made = core.vault.new_data_key(known.org, core.ids.new(), subject)
    return made, (InsertDataKey(made),)


def seal(core: Core, key: DataKey, *, owner: str, name: str, value: bytes) -> InsertSealed:
    """The write that keeps `value` sealed."""
    return InsertSealed(core.vault.seal(key, owner=owner, name=name, plaintext=value))


async def unseal(core: Core, org: str, owner: str, name: str) -> Json:
    """Open a sealed JSON value.

    Raises:
        Unavailable: it isn't there, its key was erased, or it is not what was sealed.
    """
    sealed = await core.store.sealed(org, owner, name)
    key = await core.store.data_key(org, sealed.key_id) if sealed else None
    if sealed is None or key is None:
        raise Unavailable(
            Code.STORE_UNAVAILABLE,
            "The values of this action are not there any more.",
            hint="They were erased, or the store lost them; `aaf doctor` tells.",
            detail=f"sealed {name} of {owner}",
        )
    return parse(core.vault.unseal(key, sealed), max_depth=STORED_DEPTH)


async def unseal_object(core: Core, org: str, owner: str, name: str) -> dict[str, Json]:
    """Open a sealed JSON object.

    Raises:
        Unavailable: as `unseal`, or it is no object.
    """
    value = await unseal(core, org, owner, name)
    if not isinstance(value, dict):
        raise Unavailable(Code.STORE_UNAVAILABLE, "A sealed value has the wrong form.", detail=f"{name} of {owner}")
    return value


def stored_bytes(value: Json) -> bytes:
    """Canonical bytes of something that wraps a caller's value, which may itself be as deep as the door allows."""
    return canonical(value, max_depth=STORED_DEPTH)
