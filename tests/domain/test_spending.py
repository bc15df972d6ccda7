"""Money is exact, or it is no money."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.spending import MAX_AMOUNT, SCALE, Settlement, decimal_text, is_currency, micros, settlement
from aaf.domain.states import State
from tests.contract.material import action


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("0.00", 0),
        ("0.000001", 1),
        ("1", SCALE),
        ("12.5", 12_500_000),
        ("100.00", 100 * SCALE),
        ("999999999.999999", MAX_AMOUNT - 1),
    ],
)
def test_a_plain_decimal_is_whole_micro_units(text: str, amount: int) -> None:
    assert micros(text) == amount


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    "text",
    ["", " ", "-1", "+1", "1.", ".5", "01", "00", "1e3", "1_0", "1,0", "NaN", "inf", "0x1", "1.0000001", "1000000000",
     "1\n", " 1", "1 ", "\u0661", "\uff11", "1.00 EUR", None, 1, 1.5, True, ["1"]],
)  # fmt: skip
def test_anything_else_is_no_amount(text: object) -> None:
    assert micros(text) is None


@given(st.integers(0, MAX_AMOUNT - 1))
def test_an_amount_is_written_as_it_is_read(amount: int) -> None:
    assert micros(decimal_text(amount)) == amount


def test_an_amount_is_written_with_at_least_two_decimals() -> None:
    assert [decimal_text(one) for one in (0, 1, 10, 1_500_000, 12_345_678)] == [
        "0.00", "0.000001", "0.00001", "1.50", "12.345678",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "is_one"), [("EUR", True), ("eur", False), ("EURO", False), ("", False), (None, False)]
)
def test_a_currency_is_three_capital_letters(text: object, is_one: bool) -> None:
    assert is_currency(text) is is_one


SETTLED = {
    State.ALLOWED: Settlement.KEEP,
    State.APPROVED: Settlement.KEEP,
    State.CANCELLED: Settlement.RELEASE,
    State.DENIED: Settlement.RELEASE,
    State.EXECUTING: Settlement.COMMIT,
    State.EXPIRED: Settlement.RELEASE,
    State.FAILED: Settlement.KEEP,
    State.LAPSED: Settlement.RELEASE,
    State.PENDING_APPROVAL: Settlement.KEEP,
    State.REJECTED: Settlement.RELEASE,
    State.SUBMITTED: Settlement.KEEP,
    State.SUCCEEDED: Settlement.KEEP,
    State.UNKNOWN: Settlement.KEEP,
}


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("state", State)
def test_a_reservation_follows_the_state_of_its_action(state: State) -> None:
    assert settlement(replace(action(state=state), outcome=None)) is SETTLED[state]


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    ("code", "source", "settled"),
    [
        ("connector_failed", "connector", Settlement.RELEASE),
        ("connector_failed", "person", Settlement.RELEASE),
        ("connector_failed", "caller", Settlement.KEEP),
        ("connector_failed", "somebody", Settlement.KEEP),
        ("result_withheld", "connector", Settlement.KEEP),
        ("result_too_large", "connector", Settlement.KEEP),
    ],
)
def test_a_failure_frees_what_it_committed_only_where_nothing_was_done(
    code: str, source: str, settled: Settlement
) -> None:
    record = replace(action(state=State.FAILED), code=code, outcome={"code": code, "source": source})
    assert settlement(record) is settled
    others = replace(record, outcome={"by": "somebody else", "code": code, "source": source})
    assert settlement(others) is settled
    own = replace(record, outcome={"by": record.agent, "code": code, "source": source})
    assert settlement(own) is Settlement.KEEP


@pytest.mark.requirement("R20")
def test_what_recovery_closes_counts_as_spent() -> None:
    assert settlement(replace(action(state=State.LAPSED), code="recovering")) is Settlement.COMMIT
