"""What SQLite says, in the port's words: no error of SQLite leaves this folder.

The extended codes of https://www.sqlite.org/rescode.html are cut to their first byte. Whatever isn't known here is `STORE_UNAVAILABLE`, so a caller denies.
"""

import sqlite3

from aaf.domain.errors import Code, StoreFailed

_MEANS = {
    sqlite3.SQLITE_BUSY: (
        Code.STORE_LOCKED,
        "The database is locked by another process.",
        "Close the other program that holds it, or try again.",
    ),
    sqlite3.SQLITE_LOCKED: (
        Code.STORE_LOCKED,
        "The database is locked.",
        "Try again.",
    ),
    sqlite3.SQLITE_FULL: (
        Code.STORE_FULL,
        "The disk is full, so nothing can be recorded.",
        "Free some space; nothing runs until then.",
    ),
    sqlite3.SQLITE_READONLY: (
        Code.STORE_READ_ONLY,
        "The database cannot be written.",
        "Give this user the right to write the file and its folder.",
    ),
    sqlite3.SQLITE_NOTADB: (
        Code.STORE_UNAVAILABLE,
        "The file is not a database.",
        "Name another file, or restore this one from a backup.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        Code.STORE_UNAVAILABLE,
        "The database is damaged.",
        "Keep a copy of the file, then restore it from a backup.",
    ),
}
_ITEM = frozenset({sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE})


def failure(error: BaseException) -> StoreFailed:
    """Say what `error` means for a caller; the error's own words go into the detail, which only the log gets."""
    if isinstance(error, StoreFailed):
        return StoreFailed(error.code, error.message, hint=error.hint, detail=error.detail)
    detail = f"{type(error).__name__}: {error}"
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _MEANS:
        meaning, message, hint = _MEANS[code & 0xFF]
        return StoreFailed(meaning, message, hint=hint, detail=detail)
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return unavailable(detail)
    if concerns_one_item(error):
        return StoreFailed(Code.INTERNAL_ERROR, "This cannot be recorded, so it cannot run.", detail=detail)
    return unavailable(detail)


def concerns_one_item(error: BaseException) -> bool:
    """Whether the values of one item are at fault: a constraint, or a value that SQLite can't hold."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _ITEM
    return isinstance(
        error, OverflowError | UnicodeError | TypeError | ValueError | sqlite3.InterfaceError | sqlite3.ProgrammingError
    )


def unreadable(what: str, error: Exception) -> StoreFailed:
    """A row that holds something else than what was written: its record can't be used, and the others can."""
    return StoreFailed(
        Code.INTERNAL_ERROR,
        "A record cannot be read, so nothing runs on it.",
        hint="Keep a copy of the database, then look into the server's log.",
        detail=f"{what}: {type(error).__name__}",
    )


def unavailable(detail: str) -> StoreFailed:
    """The store can't be used, and it isn't known what became of work under way."""
    return StoreFailed(
        Code.STORE_UNAVAILABLE,
        "The store cannot be used, so nothing can be recorded.",
        hint="Look into the server's log, then start it again.",
        detail=detail,
    )
