"""Ledger exports: every way of tampering is found, and the entry or the range is named."""

import io
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aaf_verify
from tests.verify import forge
from tests.verify.conftest import Verdict, Verify

STORY, EVENTS, _ = forge.history()
SIZE = len(STORY.bodies)
SIZES = [5, 9, SIZE]
NOTES = [STORY.note(size) for size in SIZES]
EXPORT = STORY.export(SIZES)
HEADER, *LINES = EXPORT.splitlines(keepends=True)
HELD = EVENTS[0]


def named(verdict: Verdict) -> tuple[int, str, int | None, int | None]:
    """Return exit status, check and the entries that are named."""
    false = verdict.false
    return verdict.status, false["check"], false.get("seq"), false.get("last")


def rewritten(seq: int, **members: Any) -> forge.Log:
    """Return a ledger in which one body was changed and the chain recomputed."""
    log = STORY.copy()
    log.edit(seq, **members)
    return log


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[str], str]:
    """Return a call that keeps a checkpoint in a file."""

    def keep(note: str) -> str:
        file = tmp_path / f"checkpoint-{len(list(tmp_path.iterdir()))}"
        file.write_text(note)
        return str(file)

    return keep


@pytest.mark.requirement("R26")
def test_a_good_export_is_proven(verify: Verify, kept: Callable[[str], str]) -> None:
    since = ["--since", kept(STORY.note(7)), "--since", kept(STORY.note(0)), "--since", kept(NOTES[1])]
    verdict = verify(EXPORT, "--canonical", "--org", forge.ORG, *since)
    assert verdict.status == 0
    assert [(line["check"], line["result"]) for line in json.loads(verdict.out)["checks"]] == [
        ("checkpoints", "proved"),
        ("chain", "proved"),
        ("root", "proved"),
        ("bodies", "proved"),
        ("since", "proved"),
    ]
    assert verdict.sentence.startswith(f"Proven up to entry {SIZE}, the last: the ledger of {forge.ORG} is the one")


def test_what_was_not_asked_is_said(verify: Verify) -> None:
    lines = json.loads(verify(EXPORT).out)["checks"]
    assert [line["check"] for line in lines if line["result"] == "not asked"] == ["bodies", "since"]


@pytest.mark.parametrize("size", range(20))
def test_a_ledger_of_every_size_is_proven_with_a_checkpoint_at_every_size(verify: Verify, size: int) -> None:
    log = forge.Log()
    for number in range(size):
        log.add(forge.occurrence(number))
    assert verify(log.export(range(size + 1)), "--canonical").status == 0
    assert verify(log.export([size])).status == 0


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._broken")
@pytest.mark.requirement("R26")
@pytest.mark.parametrize("seq", range(1, SIZE + 1))
def test_a_rewritten_entry_is_named(verify: Verify, seq: int) -> None:
    lines = list(LINES)
    lines[seq - 1] = lines[seq - 1].replace(b'"v":1', b'"v":2')
    assert named(verify(HEADER + b"".join(lines))) == (1, "chain", seq, None)


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._compare")
def test_a_rewritten_verdict_is_named_where_its_own_chain_value_was_recomputed(verify: Verify) -> None:
    """The entry fits its own chain value, the next does not: the line says from where on an entry may have been changed."""
    denied = HELD + 1
    lines = list(LINES)
    lines[denied - 1] = rewritten(denied, state="allowed", type="action.allowed", final=False).lines()[denied - 1]
    verdict = verify(HEADER + b"".join(lines))
    assert named(verdict) == (1, "root", 1, 5) if denied == 5 else (1, "chain", denied + 1, None)


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._compare")
@pytest.mark.parametrize(
    ("seq", "first", "last"), [(1, 1, 5), (5, 1, 5), (6, 6, 9), (9, 6, 9), (10, 10, SIZE), (SIZE, 10, SIZE)]
)
def test_a_whole_chain_that_was_recomputed_is_found_between_two_checkpoints(
    verify: Verify, seq: int, first: int, last: int
) -> None:
    log = rewritten(seq, ts=1)
    assert named(verify(log.header(NOTES) + b"".join(log.lines()))) == (1, "root", first, last)


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._ended")
@pytest.mark.parametrize("left", [0, 1, 9, SIZE - 1])
def test_a_cut_tail_is_named(verify: Verify, left: int) -> None:
    assert named(verify(HEADER + b"".join(LINES[:left]))) == (1, "chain", left + 1, SIZE)


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._cut")
@pytest.mark.parametrize("left", [0, 1, 9, SIZE - 1])
def test_a_cut_tail_is_named_where_the_header_counts_no_more_than_is_left(verify: Verify, left: int) -> None:
    verdict = verify(STORY.header(NOTES, left) + b"".join(LINES[:left]))
    assert named(verdict)[:3] == (1, "checkpoints", left + 1)


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger.since")
def test_a_tail_cut_with_its_checkpoints_is_found_by_a_kept_one(verify: Verify, kept: Callable[[str], str]) -> None:
    """Without a kept checkpoint a ledger that ends at an earlier checkpoint is a ledger of that time."""
    cut = STORY.header(NOTES[:2], 9) + b"".join(LINES[:9])
    assert verify(cut).status == 0
    verdict = verify(cut, "--since", kept(NOTES[2]))
    assert named(verdict) == (1, "since", 10, SIZE)
    assert f"entries 10..{SIZE} are missing" in verdict.false["text"]


@pytest.mark.attack("G19")
def test_a_line_cut_in_its_middle_is_named(verify: Verify) -> None:
    for cut in (1, 2, 30, len(LINES[-1]) - 3):
        assert named(verify(EXPORT[:-cut])) == (1, "chain", SIZE, None)


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._misplaced")
@pytest.mark.parametrize("seq", range(1, SIZE))
def test_a_dropped_entry_is_named(verify: Verify, seq: int) -> None:
    assert named(verify(HEADER + b"".join(LINES[: seq - 1] + LINES[seq:]))) == (1, "chain", seq, seq)


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._misplaced")
def test_a_dropped_range_is_named(verify: Verify) -> None:
    verdict = verify(HEADER + b"".join(LINES[:3] + LINES[8:]))
    assert named(verdict) == (1, "chain", 4, 8)
    assert "entries 4..8 are missing: after 3 comes 9" in verdict.false["text"]


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._compare")
def test_a_dropped_entry_is_found_where_all_was_renumbered(verify: Verify) -> None:
    log = STORY.copy()
    del log.bodies[6]
    log.add(forge.occurrence(999))
    assert named(verify(log.header(NOTES) + b"".join(log.lines()))) == (1, "root", 6, 9)


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._misplaced")
@pytest.mark.parametrize("seq", range(1, SIZE))
def test_reordered_entries_are_named(verify: Verify, seq: int) -> None:
    lines = [*LINES[: seq - 1], LINES[seq], LINES[seq - 1], *LINES[seq + 1 :]]
    verdict = verify(HEADER + b"".join(lines))
    assert named(verdict) == (1, "chain", seq, None)
    assert f"reordered: {seq + 1} stands before {seq}" in verdict.false["text"]


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._misplaced")
@pytest.mark.parametrize("seq", range(1, SIZE))
def test_a_duplicated_entry_is_named(verify: Verify, seq: int) -> None:
    verdict = verify(HEADER + b"".join(LINES[:seq] + LINES[seq - 1 :]))
    assert named(verdict) == (1, "chain", seq + 1, None)
    assert f"entry {seq} stands again" in verdict.false["text"]


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._misplaced")
def test_entries_after_the_end_are_found(verify: Verify) -> None:
    longer = STORY.copy()
    longer.add(forge.occurrence(999))
    assert named(verify(HEADER + b"".join(longer.lines()))) == (1, "chain", SIZE + 1, None)
    assert named(verify(EXPORT + LINES[-1]))[:2] == (1, "chain")
    assert named(verify(EXPORT + b"\n")) == (1, "chain", SIZE + 1, None)


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger.since")
def test_a_fork_by_the_holder_of_the_key_is_found_by_a_kept_checkpoint(
    verify: Verify, kept: Callable[[str], str]
) -> None:
    """A fork that is whole in itself verifies: only what left the machine before can show it."""
    fork = rewritten(8, ts=1)
    assert verify(fork.export(SIZES), "--canonical").status == 0
    earlier, later = kept(STORY.note(7)), kept(STORY.note(10))
    assert named(verify(fork.export(SIZES), "--since", later)) == (1, "since", 1, 10)
    verdict = verify(fork.export(SIZES), "--since", later, "--since", earlier)
    assert named(verdict) == (1, "since", 8, 10)
    assert "one or more of entries 8..10 were forked or rewritten" in verdict.false["text"]


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._compare")
def test_two_trees_of_one_size_are_found(verify: Verify, kept: Callable[[str], str]) -> None:
    other = rewritten(2, ts=1).note(5)
    assert named(verify(EXPORT, "--since", kept(other))) == (1, "since", 1, 5)
    assert named(verify(STORY.header([other, NOTES[2]]) + b"".join(LINES))) == (1, "root", 1, 5)
    empty = forge.note(forge.ORIGIN, 0, bytes(32), forge.key())
    assert named(verify(STORY.header([empty, NOTES[2]]) + b"".join(LINES)))[:2] == (1, "root")


@pytest.mark.attack("G19", guard="aaf_verify:_expect_ascending")
@pytest.mark.parametrize("sizes", [[9, 5], [5, 5, SIZE], [5, 9, 9], [SIZE, SIZE], [0, 0, SIZE]], ids=str)
def test_checkpoints_that_do_not_ascend_are_false(verify: Verify, sizes: list[int]) -> None:
    verdict = verify(STORY.export(sizes))
    assert named(verdict)[:2] == (1, "checkpoints")
    assert "stands after" in verdict.false["text"]


@pytest.mark.attack("G19", guard="aaf_verify:verify_signature", without="tests.attacks.without:returns_true")
def test_a_signature_of_another_key_under_the_name_of_yours_is_found(verify: Verify) -> None:
    forged = rewritten(4, ts=1)
    notes = [forge.under_the_name_of(forged.private, forged.note(size), forge.key(2)) for size in SIZES]
    verdict = verify(forged.header(notes) + b"".join(forged.lines()))
    assert named(verdict)[:2] == (1, "checkpoints")
    assert "of size 5 carries a bad signature" in verdict.false["text"]


@pytest.mark.attack("G19")
def test_a_swapped_signing_key_is_found(verify: Verify) -> None:
    swapped = STORY.copy()
    swapped.private = forge.key(2)
    verdict = verify(swapped.export(SIZES))
    assert named(verdict)[:2] == (1, "checkpoints")
    assert "a checkpoint of size 5 is not signed by a key that you trust" in verdict.false["text"]
    later = STORY.header([*NOTES[:2], swapped.note()]) + b"".join(LINES)
    assert f"of size {SIZE} is not signed" in verify(later).false["text"]
    rotated = verify(later, keys=[f"{STORY.vkey()} 1-9", f"{swapped.vkey()} 10-"])
    assert rotated.status == 0
    assert verify(later, keys=[f"{STORY.vkey()} 1-9", f"{swapped.vkey()} {SIZE + 1}-"]).status == 1


def test_a_checkpoint_that_was_kept_must_be_signed_and_of_this_ledger(
    verify: Verify, kept: Callable[[str], str]
) -> None:
    other = STORY.copy()
    other.private = forge.key(2)
    elsewhere = forge.Log(org=forge.OTHER_ORG, origin=f"aaf/{forge.INSTALLATION}/org/{forge.OTHER_ORG}")
    for note in (other.note(5), elsewhere.note(), "", "x"):
        assert named(verify(EXPORT, "--since", kept(note)))[:2] == (1, "since")


def test_an_entry_of_another_ledger_does_not_fit(verify: Verify) -> None:
    other = forge.Log(bodies=list(STORY.bodies), org=forge.OTHER_ORG)
    lines = [*LINES[:3], other.lines()[3], *LINES[4:]]
    assert named(verify(HEADER + b"".join(lines))) == (1, "chain", 4, None)


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger.coverage")
@pytest.mark.parametrize("sizes", [[], [0]], ids=str)
@pytest.mark.parametrize("options", [(), ("--allow-uncovered",), ("--allow-uncovered", "--canonical")], ids=" ".join)
def test_a_forged_ledger_that_nobody_signed_is_never_proven(
    verify: Verify, sizes: list[int], options: tuple[str, ...]
) -> None:
    """Whoever writes the bodies can write the chain: without a signed root of entries nothing is proven, whatever is allowed."""
    forged = rewritten(HELD, ts=1)
    verdict = verify(forged.export(sizes), *options)
    assert named(verdict) == (1, "root", 1, SIZE)
    assert f"entries 1..{SIZE} are not covered by a signed checkpoint" in verdict.false["text"]
    said = [line["result"] for line in json.loads(verdict.out)["checks"] if line["check"] == "checkpoints"]
    assert said == ["proved" if sizes else "not checked"]


def test_a_forged_empty_ledger_that_nobody_signed_is_never_proven(verify: Verify) -> None:
    for options in ((), ("--allow-uncovered",)):
        verdict = verify(forge.Log().export([]), *options)
        assert (verdict.status, verdict.false["check"]) == (1, "root")
        assert "the empty ledger is not covered" in verdict.false["text"]
    assert "is empty, as it was signed" in verify(forge.Log().export([0])).sentence


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger.coverage")
@pytest.mark.parametrize("sizes", [[9], [5, 9]], ids=str)
def test_entries_after_the_last_checkpoint_are_not_proven(verify: Verify, sizes: list[int]) -> None:
    verdict = verify(rewritten(SIZE, ts=1).export(sizes))
    assert named(verdict) == (1, "root", 10, SIZE)
    assert f"entries 10..{SIZE} are not covered by a signed checkpoint" in verdict.false["text"]


def test_where_uncovered_entries_are_allowed_it_is_said_up_to_which_entry_the_ledger_is_proven(verify: Verify) -> None:
    for sizes in ([9], [5, 9], [0, 9]):
        verdict = verify(STORY.export(sizes), "--allow-uncovered")
        assert verdict.status == 0
        assert verdict.sentence.startswith("Proven up to entry 9: ")
        assert f"entries 10..{SIZE} are not signed and not proven" in verdict.sentence
        roots = [line for line in json.loads(verdict.out)["checks"] if line["check"] == "root"]
        assert [(line["result"], line["seq"], line["last"]) for line in roots] == [
            ("proved", 1, 9),
            ("not checked", 10, SIZE),
        ]
    damaged = rewritten(9, ts=1)
    data = damaged.header(NOTES[:2]) + b"".join(damaged.lines())
    assert named(verify(data, "--allow-uncovered")) == (1, "root", 6, 9)


def test_a_checkpoint_that_was_kept_covers_entries_too(verify: Verify, kept: Callable[[str], str]) -> None:
    nothing = STORY.export([])
    assert verify(nothing, "--since", kept(NOTES[2])).status == 0
    assert verify(nothing, "--since", kept(NOTES[1])).status == 1
    verdict = verify(nothing, "--since", kept(NOTES[1]), "--allow-uncovered")
    assert (verdict.status, "Proven up to entry 9: " in verdict.sentence) == (0, True)


def test_checkpoints_of_another_origin_are_false(verify: Verify) -> None:
    twin = STORY.copy()
    twin.origin = f"aaf/{forge.ident(5)}/org/{forge.ORG}"
    assert "not of" in verify(STORY.header([twin.note()]) + b"".join(LINES)).false["text"]
    foreign = STORY.copy()
    foreign.origin = f"aaf/{forge.INSTALLATION}/org/{forge.OTHER_ORG}"
    assert "is not the origin" in verify(foreign.export(SIZES)).false["text"]
    assert "not of" in verify(EXPORT, "--org", forge.OTHER_ORG).false["text"]


@pytest.mark.parametrize(
    "members",
    [
        {"format": "aaf-ledger/2"}, {"first": 2}, {"first": True}, {"size": -1}, {"size": "13"}, {"size": True}, {"org": "x"},
        {"origin": "x"}, {"checkpoints": {}}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_header_of_another_shape_is_unusable(verify: Verify, members: dict[str, Any]) -> None:
    data = forge.jcs({**json.loads(HEADER), **members}) + b"\n" + b"".join(LINES)
    assert verify(data).status == 2


def test_a_header_that_is_no_line_of_canonical_json_is_unusable(verify: Verify) -> None:
    for data in (b"{}\n", b"{", HEADER[:-1], b" ".join([HEADER[:-2], b"}\n"]), b'{"a":1,"a":1}\n', b'{"a":' * 100_000):
        assert verify(data).status == 2


def test_a_header_longer_than_its_limit_is_unusable(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = aaf_verify.MAX_HEADER
    assert limit == 8 << 20
    verdict = verify(b"{" + b" " * limit + b"\n")
    assert (verdict.status, f"first line is longer than {limit} bytes" in verdict.sentence) == (2, True)
    monkeypatch.setattr(aaf_verify, "MAX_HEADER", len(HEADER))
    assert verify(EXPORT).status == 0
    monkeypatch.setattr(aaf_verify, "MAX_HEADER", len(HEADER) - 1)
    assert verify(EXPORT).status == 2


def test_a_header_of_very_many_values_is_unusable_before_it_is_decoded(verify: Verify) -> None:
    for value in (b"[]", b"{}", b"0"):
        verdict = verify(b'{"action":[' + b",".join([value] * (aaf_verify.MAX_LISTED + 1)) + b"]}\n")
        assert (verdict.status, "a text of more than 100000 values" in verdict.sentence) == (2, True)


def test_a_signature_is_verified_once_wherever_its_checkpoint_stands(
    verify: Verify, kept: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    aaf_verify._is_signed.cache_clear()
    verified: list[bytes] = []
    plain = aaf_verify.verify_signature

    def counted(public: bytes, text: bytes, signature: bytes) -> bool:
        verified.append(text)
        return plain(public, text, signature)

    monkeypatch.setattr(aaf_verify, "verify_signature", counted)
    since = [word for _ in range(5) for note in NOTES for word in ("--since", kept(note))]
    assert verify(EXPORT, *since, keys=[f"{STORY.vkey()} {n}-" for n in range(3)]).status == 0
    assert len(verified) == len(set(verified)) == len(SIZES)


def test_a_checkpoint_longer_than_its_limit_is_false(verify: Verify) -> None:
    long = NOTES[2] + "".join(forge.signature_line("x", f"witness.example/{n}", forge.key(5)) for n in range(600))
    verdict = verify(STORY.header([long]) + b"".join(LINES))
    assert named(verdict)[:2] == (1, "checkpoints")
    assert "longer than 65,536 bytes" in verdict.false["text"]


def test_a_checkpoint_that_is_no_text_is_false(verify: Verify) -> None:
    notes: list[Any] = [1, None, [], "", "\x00"]
    for note in notes:
        data = forge.jcs({**json.loads(HEADER), "checkpoints": [note]}) + b"\n" + b"".join(LINES)
        assert named(verify(data))[:2] == (1, "checkpoints")


@pytest.mark.parametrize(
    "line", [b"", b" ", b"4", b"4 ", b"4 00", b"04 {hash} {}", b"x {hash} {}", b"-4 {hash} {}", b"4" * 9000]
)
def test_a_line_of_another_shape_is_named(verify: Verify, line: bytes) -> None:
    data = HEADER + b"".join(LINES[:3]) + line.replace(b"{hash}", b"0" * 64) + b"\n" + b"".join(LINES[4:])
    assert named(verify(data)) == (1, "chain", 4, None)


def test_a_line_longer_than_a_body_may_be_is_named_before_it_is_read_whole(verify: Verify) -> None:
    data = HEADER + b"".join(LINES[:3]) + b"4 " + b"0" * 64 + b" " + b"x" * 1_000_000 + b"\n"
    assert "cut short, or longer" in verify(data).false["text"]


def test_upper_case_in_a_chain_value_is_another_value(verify: Verify) -> None:
    line = re.sub(rb" [0-9a-f]{64} ", lambda found: found[0].upper(), LINES[3])
    assert named(verify(HEADER + b"".join([*LINES[:3], line, *LINES[4:]]))) == (1, "chain", 4, None)


@pytest.mark.parametrize(
    ("seq", "members"),
    [
        (2, {"org": forge.OTHER_ORG}),
        (2, {"id": forge.ident(0x10000)}),
        (2, {"type": "action.denied"}),
        (2, {"data": {"x": 0.5}}),
        (EVENTS[1], {"action_seq": 3}),
        (EVENTS[1], {"action": forge.OTHER_ACTION}),
        (EVENTS[2], {"data": {"digest": "0" * 64}}),
        (EVENTS[2], {"from": "allowed"}),
    ],
    ids=str,
)
def test_a_body_that_should_not_have_been_recorded_is_named_only_when_asked(
    verify: Verify, seq: int, members: dict[str, Any]
) -> None:
    data = rewritten(seq, **members).export(SIZES)
    assert verify(data).status == 0
    assert named(verify(data, "--canonical")) == (1, "bodies", seq, None)


def test_a_body_longer_than_its_limit_is_named_when_asked(verify: Verify) -> None:
    spare = aaf_verify.MAX_BODY - len(rewritten(2, data={"x": ""}).bodies[1])
    for more, status in ((0, 0), (1, 1)):
        data = rewritten(2, data={"x": "y" * (spare + more)}).export(SIZES)
        assert verify(data, "--canonical").status == status
    assert "longer than 65,536 bytes" in verify(data, "--canonical").false["text"]


def test_signature_lines_of_unknown_keys_are_counted_as_not_checked(verify: Verify) -> None:
    notes = [note + forge.signature_line("x", "witness.example/w", forge.key(5)) for note in NOTES]
    verdict = verify(STORY.header(notes) + b"".join(LINES))
    assert verdict.status == 0
    assert "3 signature lines of keys that your key file does not hold" in verdict.out


def test_progress_is_counted_on_standard_error(
    verify: Verify, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aaf_verify, "TICK", 4)
    shown: list[str] = []
    monkeypatch.setattr("sys.stderr", _Collect(shown))
    assert verify(EXPORT, "--progress", "always").status == 0
    assert f"\r12 of {SIZE} entries" in "".join(shown)
    shown.clear()
    assert verify(EXPORT, "--progress", "never").status == 0
    assert verify(EXPORT).status == 0
    assert not shown


class _Collect:
    """A standard error that is no terminal."""

    def __init__(self, shown: list[str]) -> None:
        self._shown = shown

    def write(self, text: str) -> int:
        self._shown.append(text)
        return len(text)

    def flush(self) -> None:
        return

    def isatty(self) -> bool:
        return False


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(0, len(EXPORT) - 1), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=3
    )
)
def test_no_damage_to_an_export_is_proven_or_a_traceback(edits: Sequence[tuple[int, bytes, int]]) -> None:
    data = EXPORT
    for at, put, cut in edits:
        data = data[:at] + put + data[at + cut :]
    keys, _ = aaf_verify.read_keys(STORY.vkey())
    try:
        aaf_verify.verify_ledger(io.BytesIO(data), keys, aaf_verify.Report())
    except (aaf_verify.Disproved, aaf_verify.Unusable):
        return
    assert data == EXPORT
