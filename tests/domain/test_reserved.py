import pytest

from aaf.domain.reserved import asserts_authority


@pytest.mark.parametrize(
    ("key", "asserts"),
    [
        ("pre_approved", True),
        ("PRE_Approved", True),
        ("owner", True),
        ("approved", True),
        ("Approved_By", True),
        ("roles", True),
        ("aaf_labels", True),
        ("pre_approved_by", False),
        ("owners", False),
        ("ticket", False),
        ("is_approved", False),
        ("", False),
    ],
)
def test_a_key_asserts_authority_by_its_name_or_its_beginning(key: str, asserts: bool) -> None:
    assert asserts_authority(key) is asserts
