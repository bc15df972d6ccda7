"""Bytes put together from canonical parts are the canonical bytes of the whole."""

from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.canonical import canonical
from aaf.domain.fragments import items, members, text

_LEAVES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(st.text(), _VALUES, max_size=5))
def test_an_object_of_canonical_members_is_canonical(value: dict[str, object]) -> None:
    parts = {name: canonical(item) for name, item in value.items()}  # type: ignore[arg-type]
    assert members(parts) == canonical(value)  # type: ignore[arg-type]


@given(st.lists(_VALUES, max_size=4))
def test_a_list_of_canonical_items_is_canonical(value: list[object]) -> None:
    assert items([canonical(item) for item in value]) == canonical(value)  # type: ignore[arg-type]


@given(st.none() | st.text())
def test_a_text_or_null_is_canonical(value: str | None) -> None:
    assert text(value) == canonical(value)


def test_names_are_ordered_by_utf_16_units() -> None:
    assert (
        members({"\ufb33": b"1", "\U0001f600": b"2", "\u20ac": b"3"})
        == '{"\u20ac":3,"\U0001f600":2,"\ufb33":1}'.encode()
    )
