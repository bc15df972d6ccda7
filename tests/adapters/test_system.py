"""Ids and randomness."""

import os
import threading
import uuid

from aaf.adapters.system import SystemIds, random_bytes


def test_an_id_is_a_uuid_of_version_7_and_later_ones_are_greater() -> None:
    ids = SystemIds()
    made = [ids.new() for _ in range(500)]
    assert {(uuid.UUID(one).version, uuid.UUID(one).variant, str(uuid.UUID(one)) == one) for one in made} == {
        (7, uuid.RFC_4122, True)
    }
    assert [one[:18] for one in made] == sorted(one[:18] for one in made)
    assert len(set(made)) == 500


def test_random_bytes_are_given_out_once_whatever_the_thread() -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.extend(random_bytes(16) for _ in range(1_000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 4_000
    assert {len(one) for one in (random_bytes(1), random_bytes(4_097))} == {1, 4_097}
    assert len(SystemIds().salt()) == 32


def test_a_forked_child_gives_out_other_bytes_than_its_parent() -> None:
    random_bytes(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random_bytes(32))
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    assert os.read(reading, 32) != random_bytes(32)
    os.close(reading)
