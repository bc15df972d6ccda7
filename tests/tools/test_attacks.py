from tests.tools.conftest import Copy, Run, rows

GUARDED = {
    "docs/attacks.md": rows("G", 40, {"G14": "claimed"}),
    "src/aaf/guards.py": """
def check(value):
    if value == "evil":
        raise ValueError(value)

def idle(value):
    return None

async def allowed(value):
    return value != "evil"

class Gate:
    LIMIT = 3

    @staticmethod
    def is_open(value):
        return value != "evil"

    def clean(self, value):
        return "clean"
""",
    "src/aaf/use.py": """
from aaf.guards import Gate, allowed, check, idle

def use(value):
    idle(value)
    check(value)
    return value

async def use_later(value):
    return value if await allowed(value) else None

def use_gate(value):
    return value if Gate.is_open(value) else None

def use_clean(value):
    return Gate().clean(value)

def use_limit(values):
    return values[:Gate.LIMIT]
""",
}


def _test(mark: str, body: str) -> dict[str, str]:
    head = "import asyncio\nimport pytest\nfrom aaf.use import *\n"
    return {**GUARDED, "tests/attacks/test_it.py": f"{head}\n@pytest.mark.attack({mark})\ndef test_it():\n    {body}\n"}


RAISES = 'with pytest.raises(ValueError):\n        use("evil")'


def test_a_guard_that_refuses_the_attack_is_found_when_it_is_out(copy: Copy, run: Run) -> None:
    done = run(copy(_test('"G14", guard="aaf.guards:check"', RAISES)), "-m", "tools.attacks")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1" in done.stdout


def test_a_guard_that_is_not_needed_is_reported(copy: Copy, run: Run) -> None:
    done = run(copy(_test('"G14", guard="aaf.guards:idle"', RAISES)), "-m", "tools.attacks")
    assert done.returncode == 1
    assert "without aaf.guards:idle, passes without it" in done.stdout


def test_an_attack_that_is_not_refused_is_reported(copy: Copy, run: Run) -> None:
    done = run(copy(_test('"G14", guard="aaf.guards:check"', 'use("evil")')), "-m", "tools.attacks")
    assert done.returncode == 1
    assert "not refused (ValueError)" in done.stdout


def test_a_guard_that_does_not_exist_is_reported(copy: Copy, run: Run) -> None:
    done = run(copy(_test('"G14", guard="aaf.guards:gone"', RAISES)), "-m", "tools.attacks")
    assert done.returncode == 1
    assert "was not run" in done.stdout
    assert "no gone" in done.stdout


def test_a_stand_in_that_makes_the_caller_crash_proves_nothing(copy: Copy, run: Run) -> None:
    body = 'assert len(use_clean("evil")) == 5'
    done = run(copy(_test('"G14", guard="aaf.guards:Gate.clean"', body)), "-m", "tools.attacks")
    assert done.returncode == 1
    assert "crashed (TypeError)" in done.stdout


def test_a_claimed_attack_without_any_guarded_test_is_reported(copy: Copy, run: Run) -> None:
    done = run(copy(_test('"G14"', RAISES)), "-m", "tools.attacks")
    assert done.returncode == 1
    assert "no test names a guard" in done.stdout


def test_coroutines_methods_and_constants_can_be_taken_out(copy: Copy, run: Run) -> None:
    without = "tests.attacks.without"
    marks = [
        (
            f'"G14", guard="aaf.guards:allowed", without="{without}:returns_true"',
            'asyncio.run(use_later("evil")) is None',
        ),
        (f'"G14", guard="aaf.guards:Gate.is_open", without="{without}:returns_true"', 'use_gate("evil") is None'),
        (f'"G14", guard="aaf.guards:Gate.clean", without="{without}:second_argument"', 'use_clean("evil") == "clean"'),
        (f'"G14", guard="aaf.guards:Gate.LIMIT", without="{without}:huge"', "use_limit([1] * 9) == [1] * 3"),
    ]
    tests = "".join(
        f"@pytest.mark.attack({mark})\ndef test_{number}():\n    assert {claim}\n\n"
        for number, (mark, claim) in enumerate(marks)
    )
    head = "import asyncio\nimport pytest\nfrom aaf.use import *\n\n"
    done = run(copy({**GUARDED, "tests/attacks/test_it.py": head + tests}), "-m", "tools.attacks")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 4" in done.stdout
