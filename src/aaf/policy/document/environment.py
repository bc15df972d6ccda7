"""No value comes from the environment: what is written as if a variable were put in is a problem, never a literal that surprises later.

Conditions of rules and schemas are left alone: there such text is what an action is compared with.
"""

import re
from collections.abc import Iterator

from aaf.policy.positioned import Faults, Node

_TEMPLATE = re.compile(r"\$\{|\$\(|\{\{|<%|\$[A-Za-z_][A-Za-z0-9_]*|%[A-Za-z_][A-Za-z0-9_]*%")
_IN_PROSE = re.compile(r"\$\{|\{\{|<%")
_PROSE = frozenset({"description", "reason"})
_LITERAL = frozenset({"input", "match", "output"})
_MAX_SHOWN = 64


def refuse_templates(root: Node, faults: Faults) -> None:
    """Note every text that asks for a value from outside of the file."""
    for text, node, pattern in _texts(root):
        found = pattern.search(text)
        if found is not None:
            shown = text[found.start() :][:_MAX_SHOWN]
            hint = "write the value itself; credentials are named by handle, and their values are in the secrets file"
            faults.at(node, f"nothing is filled in here, so `{shown}` would stay as it is", hint)


def _texts(root: Node) -> Iterator[tuple[str, Node, re.Pattern[str]]]:
    """Every text with what is looked for in it, without recursion."""
    queue = [(root, _TEMPLATE)]
    while queue:
        node, pattern = queue.pop()
        if isinstance(node.value, str):
            yield node.value, node, pattern
        elif isinstance(node.value, list):
            queue += [(child, pattern) for child in node.value]
        elif isinstance(node.value, dict):
            for key, child in node.value.items():
                if key not in _LITERAL:
                    queue.append((child, _IN_PROSE if key in _PROSE else pattern))
