"""Writes a command line's reference from its Typer application: what ``--help`` says, as a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from inspect import cleandoc
from typing import Any

from typer.main import get_command

# What (nearly) every command of a program has; the page says so once.
COMMON = {
    "interlock": frozenset({"--json", "--server", "--token-file"}),
    "interlock-agent": frozenset({"--json", "--folder", "--manifest", "--vendor-key", "--product-folder"}),
}


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
    yield Command(path, cleandoc(command.help or ""), tuple(map(_parameter, _shown(command, path))), not children)
    for name, child in children.items():
        if not child.hidden:
            yield from _walk(child, f"{path} {name}")


def _shown(command: Any, path: str) -> list[Any]:
    common = COMMON[path.partition(" ")[0]]
    return [found for found in command.params if not found.hidden and not common & set(found.opts)]


def _parameter(found: Any) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in (*found.opts, *found.secondary_opts))
    if found.param_type_name == "argument":
        names = f"`{found.name.upper()}`"
    notes = ["required"] if found.required else []
    if found.envvar:
        notes.append(f"or `{found.envvar}`")
    if isinstance(found.default, str | int | float) and not isinstance(found.default, bool):
        notes.append(f"default `{found.default}`")
    kind = found.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        notes.append("one of " + ", ".join(f"`{choice.value}`" for choice in kind))
    help_text = " ".join((found.help or "").split())
    return names, help_text + (f" ({'; '.join(notes)})" if notes else "")


def _section(command: Command) -> str:
    words = command.path.split()
    heading = f"{'#' * len(words)} {command.path}" if len(words) > 1 else ""
    parts = [heading, *map(_paragraph, command.help.split("\n\n"))]
    if command.parameters:
        rows = [f"| {names} | {_cell(text)} |" for names, text in command.parameters]
        parts.append("\n".join(["| argument or option | meaning |", "|---|---|", *rows]))
    return "\n\n".join(part for part in parts if part)


def _paragraph(text: str) -> str:
    # Typer marks a paragraph that keeps its line breaks with a backspace.
    text = text.replace("\b\n", "").strip()
    label, colon, rest = text.partition(":")
    if colon and label in {"Example", "Examples"}:
        return f"```text\n{rest.strip()}\n```"
    return text.replace("<", "\\<")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")
