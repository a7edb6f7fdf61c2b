"""Writes a command line's reference from its Typer application: what ``--help`` says, as a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from inspect import cleandoc
from typing import Any

from typer.main import get_command


@dataclass(frozen=True, slots=True)
class Command:
    """One command: ``path`` as it is typed, its help, its arguments and options."""

    path: str
    help: str
    parameters: tuple[tuple[str, str], ...]
    leaf: bool


def commands(target: str, program: str) -> list[Command]:
    """Return the commands of ``module:application``, the program first, in the order of its help."""
    module, _, name = target.partition(":")
    return list(_walk(get_command(getattr(import_module(module), name)), program))


def to_markdown(target: str, program: str) -> str:
    """Return the reference as Markdown."""
    return "\n\n".join(_section(command) for command in commands(target, program))


def _walk(command: Any, path: str) -> Iterator[Command]:
    children = getattr(command, "commands", {})
    yield Command(path, cleandoc(command.help or ""), tuple(map(_parameter, _shown(command))), not children)
    for name, child in children.items():
        if not child.hidden:
            yield from _walk(child, f"{path} {name}")


def _shown(command: Any) -> list[Any]:
    internal = {"help", "install_completion", "show_completion"}
    return [found for found in command.params if found.name not in internal and not getattr(found, "hidden", False)]


def _parameter(found: Any) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in (*found.opts, *found.secondary_opts))
    if found.param_type_name == "argument":
        names = f"`{found.metavar or found.human_readable_name}`"
    help_text = " ".join((getattr(found, "help", None) or "").split())
    notes = ["required"] if found.required else []
    environment = getattr(found, "envvar", None)
    if environment:
        notes.append(f"or `{environment}`")
    if not found.required and isinstance(found.default, str | int | float) and not isinstance(found.default, bool):
        notes.append(f"default `{found.default}`")
    return names, help_text + (f" ({'; '.join(notes)})" if notes else "")


def _section(command: Command) -> str:
    lines = [f"{'##' if command.leaf else '#'}# `{command.path}`" if " " in command.path else "", command.help]
    if command.parameters:
        lines += ["", "| argument or option | meaning |", "|---|---|"]
        lines += [f"| {names} | {_cell(text)} |" for names, text in command.parameters]
    return "\n".join(_unwrapped(lines))


def _unwrapped(lines: list[str]) -> Iterator[str]:
    # Typer marks paragraphs that keep their line breaks with a backspace; here they become blocks.
    for line in lines:
        yield line.replace("\b\n", "").replace("\b", "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
