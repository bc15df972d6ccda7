"""One worker for one caller: started when first needed, killed when it is late, breaks off or says anything but the answer."""

from aaf.adapters.driving import drive
from aaf.adapters.rego.conversation import MAX_ANSWER, BrokenError, Conversation
from aaf.adapters.rego.process import Process
from aaf.adapters.rego.waiting import Blocking


class Alone:
    """A worker and what is said to it; times in seconds."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self.process: Process | None = None
        self._conversation = Conversation()
        self._wait = Blocking(1)

    def start(self) -> None:
        """Start it.

        Raises:
            EngineLackingError: there is no engine, or no process can be started.
        """
        self.end()
        self.process = Process()

    def do(self, kind: int, body: bytes, seconds: float, *, most: int = MAX_ANSWER) -> tuple[str, int, bytes]:
        """Have one job done: why there is no answer, how the job ended, the answer. Without an answer the worker is gone afterwards."""
        if self.process is None:
            return "there is no worker", 0, b""
        frame = self._conversation.ask(kind, body, most=most)
        try:
            status, answer = drive(self._wait.exchange(self.process.socket, self._conversation, frame, seconds))
        except TimeoutError:
            why = f"there is no answer within {seconds:g} s"
        except OSError:
            why = self.process.cause()[1]
        except BrokenError as broken:
            why = str(broken)
        else:
            return "", status, answer
        self.end()
        return why, 0, b""

    def end(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.kill()
        self.process, self._conversation = None, Conversation()
