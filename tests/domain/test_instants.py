"""Instants are told in UTC, the same everywhere, and read back exactly."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.instants import for_people, instant, moment, read, span, to_second

AT = 1_700_000_000_000_042


def test_an_instant_has_one_form_for_programs_one_to_the_second_and_one_for_people() -> None:
    assert instant(AT) == "2023-11-14T22:13:20.000042Z"
    assert to_second(AT) == "2023-11-14T22:13:20Z"
    assert for_people(AT) == "2023-11-14 22:13:20 UTC"
    assert moment(AT) == datetime(2023, 11, 14, 22, 13, 20, 42, tzinfo=UTC)


@given(st.integers(min_value=-(2**53), max_value=2**53))
def test_an_instant_is_read_back_to_the_microsecond(at: int) -> None:
    assert read(instant(at)) == at
    assert read(to_second(at)) == read(for_people(at).replace(" UTC", "Z")) == at // 1_000_000 * 1_000_000


@pytest.mark.parametrize("text", ["", "now", "2026-01-31", "2026-01-31T12:00:00", "1700000000"])
def test_what_names_no_instant_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"offset|isoformat|month|day"):
        read(text)


@pytest.mark.parametrize(
    ("seconds", "said"), [(-5, "0 s"), (0, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (172_800, "2 days")]
)
def test_a_span_is_said_as_a_person_would(seconds: int, said: str) -> None:
    assert span(seconds * 1_000_000) == said
