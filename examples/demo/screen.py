"""What the demonstration shows: panels and tables in a terminal, plain lines anywhere else."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_LONG = 90
_LINES = 70
_TELLING = ("index", "sequence", "type", "kind", "state", "actor", "subject", "component", "text")


class Screen:
    """Writes the story to one stream."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, soft_wrap=not stream.isatty())
        self._rich = self._console.is_terminal

    def chapter(self, title: str, about: str) -> None:
        """Begin a chapter."""
        if self._rich:
            self._console.print(Panel(escape(about), title=f"[bold]{escape(title)}", border_style="cyan"))
        else:
            self._line("", f"== {title}", f"   {about}")

    def step(self, number: int, title: str) -> None:
        """Begin a step."""
        self._line("", Text(f"{number}. {title}", style="bold"))

    def command(self, words: Sequence[str], answer: Any) -> None:
        """Show a command as a person types it, and what it answered."""
        self._line(Text(f"  $ {shown_command(words)}", style="cyan"), *_indented(answer))

    def asked(self, who: str, request: str, answer: Any) -> None:
        """Show what somebody asked a running process, and its answer."""
        self._line(Text(f"  {who}> {request}", style="magenta"), *_indented(answer))

    def did(self, what: str) -> None:
        """Show something done to the world, such as an edited file."""
        self._line(Text(f"  * {what}", style="yellow"))

    def outcome(self, expected: str, came: str, *, true: bool) -> None:
        """End a step."""
        if true:
            self._line(Text(f"  ok: {came}", style="green"))
        else:
            self._line(
                Text("  NOT TRUE", style="bold red"), f"    expected: {expected}", f"    came:     {came or 'nothing'}"
            )

    def summary(self, rows: Iterable[tuple[str, str, str, str]], ending: str, *, true: bool) -> None:
        """Show all steps in one table, and how it ended."""
        rows = list(rows)
        if self._rich:
            table = Table(box=box.ROUNDED, title="What came true")
            for heading in ("step", "what came", "seconds", ""):
                table.add_column(heading, overflow="fold", justify="right" if heading == "seconds" else "left")
            for row in rows:
                table.add_row(*map(Text, row))
            self._console.print("", table)
        else:
            self._line("", "What came true", *(f"  {mark:4} {title}: {came} ({s} s)" for title, came, s, mark in rows))
        self._line("", Text(ending, style="bold green" if true else "bold red"))

    def _line(self, *lines: str | Text) -> None:
        for line in lines:
            self._console.print(line if isinstance(line, Text) else Text(line))


def shown_command(words: Sequence[str]) -> str:
    """Return a command line that a shell would read as these words, long ones cut in the middle."""
    return " ".join(shlex.quote(_short(word)) for word in words)


def _indented(answer: Any) -> list[str]:
    if answer is None:
        return []
    lines = _members(answer) if isinstance(answer, dict) else [_compact(answer)]
    left = len(lines) - _LINES
    shown = lines[:_LINES] + ([f"… {left} more lines"] if left > 0 else [])
    return [f"    {line}" for line in shown]


def _members(answer: dict[str, Any]) -> list[str]:
    lines = []
    for name, member in answer.items():
        if isinstance(member, list) and member and all(isinstance(item, dict) for item in member):
            lines += [f"{name}:", *(f"  - {_row(item)}" for item in member)]
        else:
            lines.append(f"{name}: {_compact(member)}")
    return lines


def _row(item: dict[str, Any]) -> str:
    # Of an entry of a list only what tells it from its neighbours; everything of it where that is unknown.
    telling = {name: item[name] for name in _TELLING if name in item}
    return "  ".join(map(_compact, telling.values())) if telling else _compact(item)


def _compact(value: Any) -> str:
    return _short(value) if isinstance(value, str) else json.dumps(_shorten(value), ensure_ascii=False)


def _shorten(value: Any) -> Any:
    if isinstance(value, str):
        return _short(value)
    if isinstance(value, list):
        return [_shorten(member) for member in value]
    if isinstance(value, dict):
        return {name: _shorten(member) for name, member in value.items()}
    return value


def _short(text: str) -> str:
    # Keys and signed documents only: what a person reads has spaces in it.
    return text if len(text) <= _LONG or " " in text else f"{text[:24]}…{text[-8:]}"
