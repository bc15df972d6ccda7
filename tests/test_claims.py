import pytest

from tools import claims


def test_each_claim_has_its_test_and_each_test_carries_known_ids(capsys: pytest.CaptureFixture[str]) -> None:
    code = claims.main()
    assert code == 0, capsys.readouterr().out
