"""Server-sent events, read as they arrive (WHATWG HTML, section 9.2.6), within limits. What is no event stream is `Garbled`."""

import codecs
from dataclasses import dataclass
from typing import Final

MAX_EVENT: Final = 4 * 1024 * 1024
"""Characters of one event at most."""

_MAX_RETRY = 30.0


class Garbled(Exception):
    """This is no stream of events."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name, its data, and the id to go on from."""

    name: str
    data: str
    id: str


class Reader:
    """Turns bytes into events. `last_id` and `retry`, in seconds, are what the stream last said."""

    def __init__(self, last_id: str = "") -> None:
        """Start before the first byte; `last_id` is the last event of an earlier stream."""
        self.last_id = last_id
        self.retry = 2.0
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._begun = False
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes.

        Raises:
            Garbled: it isn't UTF-8, or one event is beyond every limit.
        """
        try:
            text = self._decode.decode(data)
        except UnicodeDecodeError:
            raise Garbled from None
        if text and not self._begun:
            self._begun, text = True, text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        self._text += text
        if len(self._text) + self._size > MAX_EVENT:
            raise Garbled
        lines = self._lines()
        return [event for event in map(self._line, lines) if event is not None]

    def _lines(self) -> list[str]:
        """Whole lines; a CR at the end may be half of a CRLF and waits."""
        held = "\r" if self._text.endswith("\r") else ""
        text = self._text.removesuffix(held) if held else self._text
        *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._text = rest + held
        return lines

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
                self._size += len(value)
            case "id" if "\0" not in value:
                self.last_id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry = min(int(value[:9]) / 1000, _MAX_RETRY)
            case _:
                pass  # a comment, which is the heartbeat, or a field of another version
        return None

    def _dispatch(self) -> Event | None:
        name, data = self._name or "message", self._data
        self._name, self._data, self._size = "", [], 0
        return Event(name, "\n".join(data), self.last_id) if data else None
