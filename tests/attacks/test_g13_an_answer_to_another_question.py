"""G13: what was typed for one question never answers the next one."""

import io
import os
import pty
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from aaf.domain.errors import Code, StateConflict
from aaf.domain.states import State
from aaf.entrypoints.cli.terminal import prompts
from aaf.entrypoints.cli.terminal.output import console
from aaf.entrypoints.cli.terminal.stopping import Stopped
from tests.services.world import World, refused

QUESTION = "Approve this?"


@contextmanager
def keyboard(*, before: str, then: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A terminal on which `before` was typed before the question, and `then` once it stands there."""
    ours, theirs = pty.openpty()
    os.write(ours, before.encode())
    asked = threading.Event()

    class Screen(io.StringIO):
        def write(self, text: str) -> int:
            if QUESTION in text:
                asked.set()
            return super().write(text)

    def answer() -> None:
        if asked.wait(30):
            os.write(ours, then.encode())

    person = threading.Thread(target=answer)
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        monkeypatch.setattr(sys, "stderr", Screen())
        monkeypatch.setattr(prompts, "on_terminal", lambda: True)
        console.cache_clear()
        person.start()
        try:
            yield
        finally:
            asked.set()
            person.join()
            console.cache_clear()
            os.close(ours)


@pytest.mark.attack("G13", guard="aaf.entrypoints.cli.terminal.prompts:_forget_typed")
@pytest.mark.parametrize("before", ["y\n", "yes\n", "y\ny\ny\n"])
def test_what_was_typed_ahead_approves_nothing(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with keyboard(before=before, then="n\n", monkeypatch=monkeypatch), pytest.raises(Stopped) as stopped:
        prompts.confirm(risk="low", digest="abcd")
    assert stopped.value.code == "not_approved"


@pytest.mark.attack("G13", guard="aaf.services.review:same_digest", without="tests.attacks.without:returns_true")
@pytest.mark.parametrize("part", ["digest", "view"])
def test_an_answer_to_one_request_is_none_to_another(world: World, part: str) -> None:
    first = world.write("rm -rf /\n")
    second = world.write("hello\n")
    digest, view = (second.digest, None) if part == "digest" else (None, second.view_digest)
    with refused(Code.DIGEST_MISMATCH if part == "digest" else Code.VIEW_CHANGED, StateConflict):
        world.answer(first, digest=digest, view=view)
    assert world.record(first).state is State.PENDING_APPROVAL
