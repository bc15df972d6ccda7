"""Tests of one rule that can't be true together: `gt: 10` beside `lt: 5`, two hosts, a value that another test excludes.

Only what is proven is a problem. Tool, operation, class and risk are left to `checking`, which knows what the catalogue has of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TypeAlias

from aaf.policy.conditions import AllOf, Condition, Not, Probe
from aaf.policy.implying import Test, a_test, inner_tests, is_empty, never_together
from aaf.policy.operators import Op
from aaf.policy.positioned import Faults
from aaf.policy.relations import Kinds

_ELSEWHERE = frozenset({"class", "operation", "risk", "tool"})
_MOST = 64
"""Tests of one field in one conjunction that are compared with each other."""

_MOST_KNOWN = 256
"""Tests of one conjunction that are kept for what stands inside it."""

_MOST_COMPARED = 10_000
"""Pairs that are compared for one rule."""

_Demanded: TypeAlias = Mapping[str, Sequence[tuple[Probe, Test]]]


@dataclass(slots=True)
class Contradictions:
    """Finds them in one rule, which `what` names."""

    kinds: Kinds
    faults: Faults
    what: str
    left: int = _MOST_COMPARED

    def find(self, condition: Condition, around: _Demanded = MappingProxyType({}), *, positive: bool = True) -> None:
        """Walk down; what a conjunction demands, each of its alternatives has to live with."""
        match condition:
            case Probe():
                self._alone(condition, positive=positive)
                self._beside(condition, around, positive=positive)
                return
            case Not(part):
                self.find(part, around, positive=not positive)
                return
        demanded = {name: [*tests] for name, tests in around.items()}
        room = _MOST_KNOWN - sum(map(len, demanded.values()))
        for part in condition.parts:
            self.find(part, demanded, positive=positive)
            if isinstance(condition, AllOf) is positive:
                for probe, test in islice(self._demanded(part, positive=positive), max(0, room)):
                    demanded.setdefault(probe.field, []).append((probe, test))
                    room -= 1

    def _demanded(self, part: Condition, *, positive: bool) -> Iterator[tuple[Probe, Test]]:
        """The tests that a part demands plainly."""
        match part:
            case Probe():
                yield part, self._test(part, positive=positive)
            case Not(inner):
                yield from self._demanded(inner, positive=not positive)
            case _ if isinstance(part, AllOf) is positive or len(part.parts) == 1:
                for one in part.parts:
                    yield from self._demanded(one, positive=positive)

    def _test(self, probe: Probe, *, positive: bool) -> Test:
        return a_test(probe.field, self.kinds.of(probe.field), probe.op, probe.value, positive=positive)

    def _alone(self, probe: Probe, *, positive: bool) -> None:
        """What one operator asks of the items of a list, or of their number."""
        test = self._test(probe, positive=positive)
        if probe.op is Op.SIZE and test.range and is_empty(test.range) and positive:
            self.faults.add(probe.place, f"`{probe.field}`: no number of items is so", "look at the bounds of `size`")
        if probe.op in (Op.EVERY, Op.SOME):
            inner = inner_tests(test)[:_MOST]
            if any(never_together(one, other) for place, one in enumerate(inner) for other in inner[:place]):
                self.faults.add(
                    probe.place, f"`{probe.field}`: no item can be so", f"look at the operators of `{probe.op}`"
                )

    def _beside(self, probe: Probe, around: _Demanded, *, positive: bool) -> None:
        if probe.field in _ELSEWHERE:
            return
        test = self._test(probe, positive=positive)
        for other, demanded in around.get(probe.field, ())[:_MOST]:
            self.left -= 1
            if self.left < 0:
                return
            if never_together(test, demanded):
                line, column = other.place
                what = f"{self.what} can never match: this test of `{probe.field}` contradicts another"
                self.faults.add(probe.place, what, f"the other is `{other.op}` at {line}:{column}")
                return
