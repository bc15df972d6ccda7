from collections.abc import Mapping

import pytest

from tests.tools.conftest import Copy, Run, rows

CARRIES = """
import pytest

@pytest.mark.requirement({ids})
def test_it():
    pass
"""


def _file(*ids: str) -> dict[str, str]:
    return {"tests/test_it.py": CARRIES.format(ids=", ".join(repr(id_) for id_ in ids))}


def _list(claims: Mapping[str, str]) -> dict[str, str]:
    return {"docs/requirements.md": rows("R", 79, claims)}


CASES = [
    pytest.param({**_list({"R01": "claimed"}), **_file("R01")}, 0, "1 whole", id="a claimed id with a test is clean"),
    pytest.param(
        {**_list({"R01": "claimed"}), **_file("R02")}, 1, "R01 is claimed and no test", id="a removed test fails"
    ),
    pytest.param(
        {**_list({"R01": "part: x"}), **_file("R02")}, 1, "R01 is claimed and no test", id="a part needs a test too"
    ),
    pytest.param({**_list({}), **_file("R99")}, 1, "R99 is in no list", id="a test with an unknown id fails"),
    pytest.param(
        {"docs/requirements.md": rows("R", 79, {}).replace("| R40 |", "| Q40 |"), **_file("R01")},
        1,
        "R40 is missing",
        id="a deleted id fails",
    ),
    pytest.param(
        {"docs/requirements.md": rows("R", 78, {}), **_file("R01")}, 1, "R79 is missing", id="a shortened list fails"
    ),
    pytest.param({**_list({"R01": "done"}), **_file("R01")}, 1, "ends in 'done'", id="an unknown claim fails"),
    pytest.param({**_list({"R80": "claimed"}), **_file("R80")}, 1, "R80 is in no list", id="a claim needs its row"),
]


@pytest.mark.parametrize(("files", "code", "said"), CASES)
def test_claims_are_held_to_the_tests(files: dict[str, str], code: int, said: str, copy: Copy, run: Run) -> None:
    done = run(copy(files), "-m", "tools.claims")
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout + done.stderr


def test_an_attack_that_is_proven_in_part_only_is_not_claimed_whole(copy: Copy, run: Run) -> None:
    test = '@pytest.mark.attack("G01", part="half of it")\ndef test_it():\n    pass\n'
    files = {"docs/attacks.md": rows("G", 40, {"G01": "claimed"}), "tests/test_it.py": f"import pytest\n{test}"}
    done = run(copy(files), "-m", "tools.claims")
    assert done.returncode == 1
    assert "G01 is claimed whole" in done.stdout


def test_open_ids_are_printed(copy: Copy, run: Run) -> None:
    done = run(copy({**_list({"R01": "claimed"}), **_file("R01")}), "-m", "tools.claims")
    assert "open R02, R03" in done.stdout
