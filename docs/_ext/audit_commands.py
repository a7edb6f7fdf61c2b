"""Writes the reference of the auditor's commands from their own help."""

from __future__ import annotations

import argparse

from licensing_server.auditing.commands.parser import PROGRAM, Command, Parser
from licensing_server.auditing.commands.run import COMMANDS


def options(command: Command) -> list[tuple[str, str]]:
    """Return the arguments and options of one command, but for its help, with what each means."""
    parser = Parser(prog=f"{PROGRAM} {command.name}", add_help=False)
    command.configure(parser)
    return [(_names(found), _meaning(found)) for found in parser._actions]


def to_markdown() -> str:
    """Return the reference as Markdown."""
    return "\n\n".join(map(_section, COMMANDS))


def _section(command: Command) -> str:
    rows = [f"| {names} | {meaning} |" for names, meaning in options(command)]
    table = "\n".join(["| argument or option | meaning |", "|---|---|", *rows])
    return f"## {PROGRAM} {command.name}\n\n{command.help}\n\n```text\n{command.example}\n```\n\n{table}"


def _names(found: argparse.Action) -> str:
    names = found.option_strings or [str(found.metavar or found.dest).upper()]
    shown = ", ".join(f"`{name}`" for name in names)
    return shown.replace("|", "\\|")


def _meaning(found: argparse.Action) -> str:
    choices = ", one of " + ", ".join(f"`{choice}`" for choice in found.choices) if found.choices else ""
    return ((found.help or "") + choices).replace("|", "\\|").replace("<", "\\<")
