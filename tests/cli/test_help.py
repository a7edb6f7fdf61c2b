"""Help teaches: every command has a sentence, an example, and what all commands have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from licensing_server.alerts import cases
from licensing_server.cli import alerts, orders, parties, people
from licensing_server.cli.application import application
from licensing_server.cli.exits import EXIT_CODES, ExitCode
from licensing_server.diligence.schemas import NewParty
from licensing_server.orders.kinds import ReasonCode
from licensing_server.web import Role


def _leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from _leaves(child, (*path, name))


# What follows the word audit is the auditor's own command line, whose help its own tests hold.
LEAVES = {path: leaf for path, leaf in _leaves(get_command(application)) if path != ("audit",)}


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_teaches(path: tuple[str, ...]) -> None:
    command = LEAVES[path]
    sentence, *_, example = command.help.split("\n\n")
    assert sentence.endswith(".")
    assert example.startswith(f"Example:  interlock {' '.join(path)}")
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{parameter.name} has no help"
    assert "as_json" in {parameter.name for parameter in command.params}


def test_the_program_tells_its_exit_codes() -> None:
    shown = " ".join(CliRunner().invoke(application, ["--help"], env={"COLUMNS": "200"}).stdout.split())
    assert EXIT_CODES in shown
    assert all(f"{int(code)} " in EXIT_CODES for code in ExitCode)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (people.Role, set(Role)),
        (orders.ReasonCode, set(ReasonCode)),
        (parties.PartyRole, set(NewParty.model_fields["role"].annotation.__args__)),  # type: ignore[union-attr]
        (alerts.State, {cases.OPEN, cases.ACKNOWLEDGED, cases.CLOSED}),
    ],
)
def test_choices_are_those_of_the_server(here: Any, there: set[str]) -> None:
    assert {str(choice) for choice in here} == {str(choice) for choice in there}
