"""Every example in YAML and Rego on a page is loaded as what it is, or says why it is none: an example that doesn't load helps nobody."""

from pathlib import Path

import pytest

from aaf.adapters.folder import read_folder, shipped
from aaf.adapters.loading import compiled
from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.cases_reading import read_cases
from aaf.policy.positioned import Faults, parse
from aaf.policy.rego.testing import read_tests, whole
from tests.docs.blocks import DOCS, Block, blocks
from tests.policy.rego.engine import InProcess
from tests.policy.samples import PAY_SEND

PAGES = [*sorted(DOCS.glob("*.md")), DOCS.parent / "README.md"]
EXAMPLES = [one for page in PAGES for one in blocks(page) if one.language in ("rego", "yaml") and not one.elsewhere]
MAIN = b"version: 1\nlimits: {agent: {rate: 60/m, burst: 30, enforce: policy}}\nconnectors: {http: {allow: []}}\n"


def around(block: Block) -> dict[str, bytes]:
    """A configuration in which a block is one file, or the rest of one."""
    files = {name: data for name, data in read_folder(shipped("rego")).items() if name.startswith("actions/")}
    files |= {"actions/pay.yaml": PAY_SEND, "aaf.yaml": MAIN}
    data = block.text.encode()
    if block.language == "rego":
        return {**files, "policies/example.rego": data}
    keys = keys_of(block)
    if "class" in keys:
        return {"aaf.yaml": b"version: 1\n", "actions/example.yaml": data}
    # What an example leaves out is what a file may leave out too.
    head = b"" if "version" in keys else b"version: 1\n"
    needed = b"" if "connectors" in keys else b"connectors: {http: {allow: []}}\n"
    typed = {name: one for name, one in files.items() if name.startswith("actions/") and "http" in name}
    siblings = neighbours(block) if "rules" in keys else {}
    if siblings:
        needed, typed = b"", {}
    return {**typed, **siblings, **handles(data), "aaf.yaml": head + data + needed}


def handles(data: bytes) -> dict[str, bytes]:
    """An action type that declares the credentials of an example."""
    if b"orders_key" not in data:
        return {}
    entry = read_folder(shipped("rego"))["actions/http_proxy.get.yaml"].replace(b"http_proxy.get", b"orders.get")
    return {"actions/orders.get.yaml": entry + b"secrets: [orders_key]\n"}


def neighbours(block: Block) -> dict[str, bytes]:
    """The action types that the same page puts beside a main file."""
    found = [one for one in EXAMPLES if one.page == block.page and "/actions/" in one.file]
    return {f"actions/{one.file.rpartition('/')[2]}": one.text.encode() for one in found}


def keys_of(block: Block) -> set[str]:
    faults = Faults(block.page)
    root = parse(block.text.encode(), faults)
    assert root is not None, [str(one) for one in faults.problems]
    assert isinstance(root.value, dict)
    return set(root.value)


def test_there_are_examples_on_the_pages_that_are_about_them() -> None:
    for page in ("rego.md", "http.md", "policy-tests.md", "quickstart.md"):
        assert any(one.page == page for one in EXAMPLES), page
    fragments = {one.page for one in EXAMPLES if one.fragment}
    assert fragments == {"configuration.md", "dry-run.md", "explain.md", "limits.md", "metrics.md", "policies.md"}


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("block", EXAMPLES, ids=lambda one: one.place)
def test_an_example_loads_as_what_it_is(block: Block) -> None:
    if block.fragment:
        assert len(block.fragment.split()) > 2
        return
    if block.file.endswith("_test.rego"):
        files = read_folder(shipped("rego"))
        faults = Faults("")
        found = read_tests(
            {block.file: block.text.encode()}, whole(compiled(files).modules, files), InProcess(), faults
        )
        assert [str(one) for one in faults.problems] == []
        assert found[0].tests
        assert block.text.encode() == (shipped("rego") / Path(*Path(block.file).parts[1:])).read_bytes()
        return
    if block.language == "yaml" and "cases" in keys_of(block):
        faults = Faults("")
        assert read_cases(block.text.encode(), faults)
        assert faults.problems == []
        return
    compiled(around(block))


@pytest.mark.requirement("R18")
@pytest.mark.requirement("R19")
def test_the_examples_of_the_page_about_rego_are_those_that_are_shipped() -> None:
    page = [one.text for one in EXAMPLES if one.page == "rego.md"]
    for name in ("trusted-api", "write-operations", "rate-limit"):
        text = (shipped("rego") / "policies" / f"{name}.rego").read_text(encoding="utf-8")
        assert text[text.index("package ") :] in page


def test_an_example_that_is_wrong_is_found() -> None:
    for text in ("package aaf.policies\n\nallow = true\n", "package aaf.policies\n\ndecision = x\n"):
        with pytest.raises(ConfigurationInvalid):
            compiled(around(Block("page.md", 1, "rego", text)))
    with pytest.raises(ConfigurationInvalid):
        compiled(around(Block("page.md", 1, "yaml", "connectors: {http: {alow: []}}\n")))
