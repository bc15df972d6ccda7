"""Looking up the firewall's name with an end, which the platform's own call doesn't have: it runs in a thread of its own, and is waited for.

Where nobody answers, the thread stays until the resolver gives up; there is one at a time, and whoever asks meanwhile waits for the same.
"""

import socket
import threading
from concurrent.futures import Future
from ipaddress import ip_address


class Lookup:
    """The addresses of one name, for any number of threads."""

    def __init__(self) -> None:
        """Nothing is looked up yet."""
        self._starting = threading.Lock()
        self._running: Future[list[str]] | None = None

    def addresses(self, host: str, port: int, *, seconds: float) -> list[str]:
        """The addresses of `host`, in the order in which to try them; never none.

        Raises:
            OSError: there is no such name, or nobody can say.
            TimeoutError: nobody has said in `seconds`.
        """
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        with self._starting:
            running = self._running
            if running is None or running.done():
                running = Future()
                try:
                    threading.Thread(target=_look, args=(running, host, port), name="aaf-lookup", daemon=True).start()
                except RuntimeError as full:
                    raise OSError("There is no thread to look a name up with.") from full
                self._running = running
        return running.result(seconds)


def _look(found: "Future[list[str]]", host: str, port: int) -> None:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found.set_result(list(dict.fromkeys(str(row[4][0]) for row in rows)))
    except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
        found.set_exception(error)
