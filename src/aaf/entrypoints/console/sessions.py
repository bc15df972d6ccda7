"""Who is signed in, in the memory of this process: the browser holds a random token, and this table its hash.

A session is found by its token and by the path that it lives beneath, together: the token on any other path is the token of no session.

The key that was pasted is never kept. A session ends by itself, by signing out, or with its key at the next request; a restart of the
server ends all of them. Nothing here says what a person may do: that is asked anew at each request.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from aaf.domain.digests import keyed_hash
from aaf.services.core import Caller

IDLE = 2 * 3_600_000_000
"""Microseconds without a page after which a session ends; looking for news is no page."""
LIFETIME = 12 * 3_600_000_000
"""Microseconds after which it ends anyhow."""
EACH, ALL = 20, 10_000
"""Sessions of one key, and of everybody; the oldest makes room."""
SPENT = 100
"""Refused forms that a session remembers one by one; every form before them is taken for refused too."""


@dataclass(slots=True)
class Session:
    """One browser; `secret` makes its form tokens and never leaves."""

    caller: Caller
    secret: bytes
    opened_at: int
    used_at: int
    forms: int = 0
    """How many forms it was given."""
    spent: list[int] = field(default_factory=list)
    """The numbers of those whose answer was refused."""

    def is_live(self, now: int) -> bool:
        """Whether it is good at `now`, in microseconds."""
        return now < self.opened_at + LIFETIME and now < self.used_at + IDLE

    def number(self) -> int:
        """The number of a new form."""
        self.forms += 1
        return self.forms

    def spend(self, number: int) -> None:
        """The answer of this form was refused: sent once more, as a reload does, it must not count after all."""
        self.spent = sorted({*self.spent, number})[-SPENT:]

    def is_spent(self, number: int) -> bool:
        """Whether the form of this number can't be answered any more."""
        return number in self.spent or (len(self.spent) == SPENT and number < self.spent[0])

    def token(self, *bound: str) -> str:
        """The token of a form for exactly this purpose and these values."""
        return keyed_hash(self.secret, "\0".join(bound).encode()).hex()


@dataclass(slots=True)
class Sessions:
    """All sessions of this process."""

    _open: dict[bytes, Session] = field(default_factory=dict)

    def begin(self, caller: Caller, *, token: bytes, root: str, secret: bytes, now: int) -> str:
        """Keep a new session under 32 random bytes and the path `root`; return what the browser gets."""
        self._open = {key: one for key, one in self._open.items() if one.is_live(now)}
        same = [key for key, one in self._open.items() if _credential(one) == caller.principal.credential]
        for key in same[: max(0, len(same) - EACH + 1)]:
            del self._open[key]
        for key in list(self._open)[: max(0, len(self._open) - ALL + 1)]:
            del self._open[key]
        self._open[_key(token.hex(), root)] = Session(caller, secret, now, now)
        return token.hex()

    def find(self, token: str, *, root: str, now: int) -> Session | None:
        """The session of this token beneath `root`, if it is still good."""
        found = self._open.get(_key(token, root))
        if found is not None and not found.is_live(now):
            self.end(token, root=root)
            return None
        return found

    def end(self, token: str, *, root: str) -> None:
        """Forget it."""
        self._open.pop(_key(token, root), None)


def _key(token: str, root: str) -> bytes:
    """A dump of the table, or the time that a look-up takes, gives no token away."""
    return sha256(f"{root}/{token}".encode()).digest()


def _credential(session: Session) -> str:
    return session.caller.principal.credential
