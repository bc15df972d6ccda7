"""Files that a command makes: new ones, for this user only, and none where the command failed half-way."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from aaf.entrypoints.cli.terminal.stopping import Stopped


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that wasn't there, with mode 0600; removed again if what writes it fails.

    Raises:
        Stopped: it is there already, or can't be made.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Stopped(
            "file_unusable",
            f"{path} can't be written: {error.strerror}.",
            hint="Name a file that isn't there yet, in a folder of yours.",
        ) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise
