"""docs/cli.md says what there is, and nothing else."""

import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

from typer import main

from aaf.entrypoints.cli.app import COMMANDS, app
from aaf.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
SOURCE = Path(import_module("aaf.entrypoints.cli").__path__[0])


def _commands() -> Iterator[tuple[str, Any]]:
    root: Any = main.get_command(app)
    for name in COMMANDS:
        yield from _beneath(f"aaf {name}", root.get_command(None, name))


def _beneath(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """The command itself, or those of a group, however deep."""
    if not hasattr(command, "list_commands"):
        yield name, command
        return
    for part in command.list_commands(None):
        yield from _beneath(f"{name} {part}", command.get_command(None, part))


def _section(title: str) -> str:
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^### |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert re.findall(r"^### (aaf .*)$", PAGE, re.MULTILINE) == [name for name, _ in _commands()]


def test_every_option_stands_in_its_commands_section_with_its_help() -> None:
    for name, command in _commands():
        section = _section(name)
        documented = set(
            re.findall(r"(?<![\w-])--[a-z][a-z-]*", " ".join(re.findall(r"^\| `([^`]*)`", section, re.MULTILINE)))
        )
        options = {each for one in command.params for each in (*one.opts, *one.secondary_opts) if each.startswith("--")}
        assert documented == options - {"--help"}, name
        for one in command.params:
            assert one.name == "help" or (one.help or "") in section, (name, one.name)


def test_every_command_has_examples_in_its_help_and_on_the_page() -> None:
    for name, command in _commands():
        examples = [line.strip() for line in command.help.partition("Examples:\n")[2].splitlines() if line.strip()]
        assert examples, name
        assert all(line in _section(name) for line in examples), name


def test_every_setting_of_the_server_is_named_and_nothing_else() -> None:
    section = re.search(r"^## Settings of the server\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    assert section is not None
    named = set(re.findall(r"`(AAF_[A-Z_]+)`", section[1]))
    assert named == {f"AAF_{one.name.upper()}" for one in fields(Settings)}


def test_every_code_of_the_command_itself_is_described() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    used = set(re.findall(r'Stopped\(\s*"([a-z_]+)"', text))
    assert used == set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE))
