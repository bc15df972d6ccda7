"""Asks the operating system for a name's addresses, under a deadline that `getaddrinfo` itself doesn't have.

Questions wait for one of a bounded number of threads, of which one name gets only some, so that slow name servers can neither fill the process nor
keep others from their answers. Whoever waits too long leaves; the thread stays until the system has answered. The answers are judged elsewhere.
"""

import queue
import socket
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aaf.adapters.egress.failures import failed
from aaf.domain.errors import Code, ConnectorFailed

Lookup = Callable[[str, int], Sequence[str]]
Found = Sequence[str] | Exception

MOST_THREADS = 32
MOST_OF_ONE_NAME = 8
MOST_WAITING = 1024
"""Questions that wait for a thread."""


def look_up(host: str, port: int) -> Sequence[str]:
    """Every address that the system knows, each once, in its order.

    Raises:
        OSError: it knows none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One name that somebody waits for; `answer` is called on the thread that asked."""

    host: str
    port: int
    answer: Callable[[Found], None]


class Asking:
    """Puts questions to the system, a bounded number at a time."""

    def __init__(
        self,
        lookup: Lookup = look_up,
        *,
        threads: int = MOST_THREADS,
        each: int = MOST_OF_ONE_NAME,
        waiting: int = MOST_WAITING,
    ) -> None:
        self._lookup = lookup
        self._most = threads
        self._each = each
        self._most_waiting = waiting
        self._lock = threading.Lock()
        self._threads = 0
        self._waiting: list[Question] = []
        self._asked: Counter[str] = Counter()

    def start(self, host: str, port: int, answer: Callable[[Found], None]) -> Question:
        """Ask as soon as a thread is free.

        Raises:
            ConnectorFailed: too many questions wait, or the system has no thread left.
        """
        question = Question(host, port, answer)
        with self._lock:
            if len(self._waiting) >= self._most_waiting:
                raise failed(Code.EGRESS_DNS_FAILED, "too many questions wait")
            self._waiting.append(question)
            if self._threads == self._most:
                return question
            self._threads += 1
        try:
            threading.Thread(target=self._work, name="aaf-resolve", daemon=True).start()
        except RuntimeError:
            self.drop(question)
            with self._lock:
                self._threads -= 1
            raise failed(Code.EGRESS_DNS_FAILED, "no thread left") from None
        return question

    def drop(self, question: Question) -> None:
        """Nobody waits for it any more; one that is under way stays so."""
        with self._lock:
            if question in self._waiting:
                self._waiting.remove(question)

    def _work(self) -> None:
        """Ask one question after the other until there is none."""
        while (question := self._next()) is not None:
            found: Found
            try:
                found = self._lookup(question.host, question.port)
            except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for the answer and others for the thread
                found = error
            with self._lock:
                self._asked[question.host] -= 1
                self._asked += Counter()  # without names that nobody asks for
            question.answer(found)

    def _next(self) -> Question | None:
        """The question that has waited longest, but for names with enough threads: those threads take theirs."""
        with self._lock:
            for question in self._waiting:
                if self._asked[question.host] < self._each:
                    self._waiting.remove(question)
                    self._asked[question.host] += 1
                    return question
            self._threads -= 1
            return None


SHARED = Asking()
"""The questions of the whole process."""


def addresses_of(found: Found) -> Sequence[str]:
    """The addresses, or the failure that stands in their place."""
    if isinstance(found, Exception):
        raise failed(Code.EGRESS_DNS_FAILED, type(found).__name__)
    return found


def late() -> ConnectorFailed:
    """No answer in time."""
    return failed(Code.EGRESS_DNS_FAILED, "out of time")


class SystemResolver:
    """Blocks the calling thread, at most as long as it may."""

    def __init__(self, asking: Asking | None = None) -> None:
        self._asking = asking or SHARED

    async def resolve(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Ask and wait; never suspends."""
        answers: queue.SimpleQueue[Found] = queue.SimpleQueue()
        question = self._asking.start(host, port, answers.put)
        try:
            found = answers.get(timeout=seconds)
        except queue.Empty:
            raise late() from None
        finally:
            self._asking.drop(question)
        return addresses_of(found)
