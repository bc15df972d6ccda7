"""Keys of the context that assert an authority which only the firewall has: the door refuses them, and no rule may ask about them.

The list is asked wherever such a key could come in; what stands deeper in a claim is only a claim, and is not looked at.
"""

RESERVED = ("pre_approved", "owner")
RESERVED_PREFIXES = ("approved", "role", "aaf")


def asserts_authority(key: str) -> bool:
    """Whether a top-level key of the context claims approval, a role or ownership, in any case of its letters."""
    folded = key.casefold()
    return folded in RESERVED or folded.startswith(RESERVED_PREFIXES)
