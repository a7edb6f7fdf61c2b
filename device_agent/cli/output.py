"""What a command shows: tables for people, one JSON value for programs; failures and remarks go to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from device_agent.cli.exits import Failure

_WIDE = 4_000
"""Where nobody looks at a terminal nothing is cut or folded."""


class Output:
    """Writes to ``stdout`` what was asked for, to ``stderr`` the rest."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._out = _console(sys.stdout)
        self._err = _console(sys.stderr)

    def json(self, value: Any) -> None:
        """Write one JSON value on one line."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n")

    def record(self, value: Mapping[str, Any]) -> None:
        """Show one thing: its members below each other."""
        if self.as_json:
            self.json(value)
            return
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, member in value.items():
            table.add_row(name.replace("_", " "), Text(readable(member)))
        self._out.print(table)

    def rows(self, items: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
        """Show a list; for programs every member of each item, for people the columns."""
        if self.as_json:
            self.json({"items": list(items)})
            return
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name in columns:
            table.add_column(name.replace("_", " "), overflow="fold")
        for item in items:
            table.add_row(*(Text(readable(item.get(name))) for name in columns))
        self._out.print(table)

    def say(self, sentence: str) -> None:
        """Write a sentence for people; nothing with ``--json``."""
        if not self.as_json:
            self._out.print(Text(plain(sentence)))

    def note(self, sentence: str) -> None:
        """Write a remark for people beside the result."""
        if not self.as_json:
            self._err.print(Text(plain(sentence)))

    def fail(self, failure: Failure) -> None:
        """Write why the command did not do its work."""
        if self.as_json:
            sys.stderr.write(json.dumps(failure.to_json(), ensure_ascii=False, sort_keys=True) + "\n")
            return
        self._err.print(Text(plain(failure.sentence), style="bold red"))
        self._err.print(Text(plain(f"  code: {failure.code}")))


def readable(value: Any) -> str:
    """Return a value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(member, str | int) for member in value):
        return plain(", ".join(map(str, value))) or "-"
    if isinstance(value, list | dict):
        return plain(json.dumps(value, ensure_ascii=False))
    return plain(str(value))


def plain(text: str) -> str:
    """Return text that cannot steer a terminal: what is not printable is spelt out."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\u{ord(char):04x}" for char in text)


def _console(file: TextIO) -> Console:
    return Console(file=file, highlight=False, width=None if file.isatty() else _WIDE)
