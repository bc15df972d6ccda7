"""The fuzzer finds what is planted, makes it small, and can do it again."""

import ipaddress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aaf.domain.canonical import Json
from aaf.policy.configuration import Configuration
from aaf.policy.editing import Path as Steps
from aaf.policy.editing import set_value
from tools.fuzz import configuration, drawing, urls
from tools.fuzz.harness import MOST_FINDINGS, Report, Wrong, run, save, smaller
from tools.fuzz.modules import CORPUS, Modules
from tools.fuzz.mutation import changed
from tools.fuzz.urls import Urls, generated


class Planted:
    """A gate that can't bear one byte after another."""

    name = "planted"

    def make(self, random: Random) -> bytes:
        return bytes(random.choices(b"abcdefgh", k=30))

    def check(self, data: bytes) -> str:
        if b"ab" in data:
            raise Wrong("ab")
        if b"cd" in data:
            raise ZeroDivisionError
        return "fine"

    def after(self) -> None:
        """Nothing more."""


class Leaking(Planted):
    """One that is wrong as a whole."""

    def check(self, data: bytes) -> str:
        return "fine"

    def after(self) -> None:
        raise Wrong("grew")


def test_what_is_planted_is_found_made_small_and_saved(tmp_path: Path) -> None:
    report = run(Planted(), count=10_000, seed=1)
    assert len(report.findings) == MOST_FINDINGS
    assert {data for _, data in report.findings} == {b"ab", b"cd"}
    assert {why for why, _ in report.findings} == {"ab", "ZeroDivisionError: "}
    written = save(report, tmp_path / "fuzz")
    assert len(written) == MOST_FINDINGS
    assert "seed 1" in written[0].read_text()
    assert "FINDING" in report.text()


def test_the_same_seed_makes_the_same_inputs() -> None:
    first, second, other = (run(Planted(), count=50, seed=seed) for seed in (3, 3, 4))
    assert first.findings == second.findings
    assert (first.outcomes, first.findings) != (other.outcomes, other.findings)


def test_what_only_shows_at_the_end_is_a_finding_too() -> None:
    assert run(Leaking(), count=5, seed=1).findings == [("grew", b"")]


def test_a_finding_gets_as_small_as_it_can_within_its_tries() -> None:
    assert smaller(b"x" * 1_000 + b"needle" + b"y" * 1_000, lambda data: b"needle" in data) == b"needle"
    assert len(smaller(b"x" * 1_000, lambda _: True, tries=3)) < 1_000
    assert smaller(b"", lambda _: True) == b""


def test_progress_is_one_line_that_ends(capsys: pytest.CaptureFixture[str]) -> None:
    run(Leaking(), count=5, seed=1, show=True)
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "5 of 5" in shown


def test_an_empty_report_is_readable() -> None:
    assert "0 findings" in Report("x", 1).text()


@pytest.mark.parametrize("seed", range(20))
def test_changes_make_bytes_of_any_kind_from_any_others(seed: int) -> None:
    random = Random(seed)
    data = b""
    for _ in range(50):
        data = changed(random, data, [b"x", b"yy"], [b"", b"corpus"])
        assert len(data) <= 32_768


@pytest.mark.attack("G31", part="made-up URLs and lying name servers: nothing but a global address is dialled")
@pytest.mark.attack("G30", part="other readers of URLs see the same host, or refuse it")
def test_a_thousand_urls_in_a_world_that_lies_dial_nothing_inside() -> None:
    report = run(Urls(), count=1_000, seed=5)
    assert report.findings == []
    assert sum(report.outcomes.values()) == 1_000
    assert any("dialled" in name and "nobody" not in name for name in report.outcomes)


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "64:ff9b::808:808", "::ffff:8.8.8.8", "224.0.0.1", "x"])
def test_the_fuzzers_own_opinion_finds_an_address_that_was_let_through(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aaf.adapters.egress.client.vet", lambda *_: (address,))
    target = Urls()
    with pytest.raises(Wrong, match="dialled"):
        target.check(b"https://api.example.com/")


def test_half_of_the_made_up_urls_are_well_formed_and_literals_are_in_every_notation() -> None:
    random = Random(1)
    made = [generated(random) for _ in range(2_000)]
    assert sum("://" in text for text in made) > 1_500
    assert {"0x7f000001", "2130706433", "017700000001"} <= {
        host for text in made for host in ("0x7f000001", "2130706433", "017700000001") if host in text
    }
    assert all(ipaddress.ip_address(urls._v6(random)).version == 6 for _ in range(100))


@pytest.mark.requirement("R18")
def test_a_few_hundred_modules_are_published_or_refused_and_nothing_breaks() -> None:
    report = run(Modules(), count=300, seed=5)
    assert report.findings == []
    assert any(name.startswith("published") for name in report.outcomes)
    assert any(name.startswith("refused") for name in report.outcomes)


def test_every_module_of_the_corpus_is_published() -> None:
    target = Modules()
    assert [target.check(text).partition(",")[0] for text in CORPUS] == ["published"] * len(CORPUS)
    target.after()


def test_every_folder_that_is_fed_first_is_compiled_and_asked() -> None:
    target = configuration.Folders()
    assert [target.check(folder)[:8] for folder in configuration.CORPUS] == ["compiled"] * len(configuration.CORPUS)
    assert all(configuration.folded(configuration.unfolded(one)) == one for one in configuration.CORPUS[1:])
    assert run(target, count=150, seed=7).findings == []


def test_a_configuration_that_decides_otherwise_after_it_was_stored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Configuration.from_stored

    def loose(document: dict[str, Any]) -> Configuration:
        return replace(start(document), rules=())

    monkeypatch.setattr(Configuration, "from_stored", staticmethod(loose))
    with pytest.raises(Wrong, match=r"isn't the same|before it was stored"):
        configuration.Folders().check(configuration.CORPUS[0])


def test_an_edit_that_loses_a_comment_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def losing(text: str, path: Steps, value: Json) -> str:
        return set_value(text, path, value).replace("# kept\n", "")

    monkeypatch.setattr(drawing, "set_value", losing)
    found = set()
    for seed in range(200):
        try:
            drawing.edited({"aaf.yaml": b"# kept\nversion: 1\nredact: [a]\n"}, Random(seed))
        except Wrong as wrong:
            found.add(str(wrong))

    assert found == {"an edit lost a comment"}


@pytest.mark.parametrize("odd", [{"a": (1,)}, {1: "a"}, [{"a": frozenset[str]()}]])
def test_what_is_no_json_is_found_in_what_is_stored(odd: object) -> None:
    configuration._is_json({"a": [1, "x", None, True, 2.5]}, "it")
    with pytest.raises(Wrong):
        configuration._is_json(odd, "it")
