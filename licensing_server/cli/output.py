"""What a command shows: tables for people, one JSON value for programs; progress and failures go to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from licensing_server.cli.exits import Failure

_WIDE = 4_000
"""Where nobody looks at a terminal nothing is cut or folded, so that ids can be searched for."""
_INSTANTS = frozenset({"expires", "last_seen", "lower", "time", "upper"})


@dataclass(frozen=True, slots=True)
class Bar:
    """How far a long work is."""

    _progress: Progress
    _task: TaskID

    def begin(self, total: int) -> Callable[[int], None]:
        """Say how much there is to do; what is returned is called as it is done."""
        self._progress.update(self._task, total=total)
        return lambda done: self._progress.advance(self._task, done)

    def show(self, what: str, done: int, total: int) -> None:
        """Say what is done, how much of it and of how much."""
        self._progress.update(self._task, description=what, completed=done, total=total)


class Output:
    """Writes to ``stdout`` what was asked for, to ``stderr`` the rest."""

    def __init__(self, *, as_json: bool, stdout: TextIO | None = None, stderr: TextIO | None = None) -> None:
        self.as_json = as_json
        self._stdout = stdout or sys.stdout
        self._out = _console(self._stdout)
        self._err = _console(stderr or sys.stderr)

    def json(self, value: Any) -> None:
        """Write one JSON value on one line, at once."""
        self._stdout.write(json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n")
        self._stdout.flush()

    def record(self, value: Mapping[str, Any], sentence: str = "", *, without: Sequence[str] = ()) -> None:
        """Show one thing, its members below each other; people are not shown those of ``without``."""
        if self.as_json:
            self.json(value)
            return
        if sentence:
            self.say(sentence)
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name in (name for name in value if name not in without):
            member = value[name]
            table.add_row(_label(name), Text(readable(name, member)))
        self._print(table)

    def rows(self, items: Sequence[Mapping[str, Any]], columns: Sequence[str], following: str | None = None) -> None:
        """Show a list; ``following`` is the cursor of what is left."""
        if self.as_json:
            self.json({"items": list(items), "next": following})
            return
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name in columns:
            table.add_column(_label(name), overflow="fold")
        for item in items:
            table.add_row(*(Text(readable(name, item.get(name))) for name in columns))
        self._print(table)
        if not items:
            self.note("Nothing found.")
        if following is not None:
            self.note(f"There is more: repeat with --all, or with --cursor {following}")

    def say(self, sentence: str) -> None:
        """Write a sentence for people; nothing with ``--json``."""
        if not self.as_json:
            self._print(Text(plain(sentence)))

    def note(self, sentence: str) -> None:
        """Write a remark for people beside the result."""
        if not self.as_json:
            self._err.print(Text(plain(sentence)))

    def _print(self, shown: Table | Text) -> None:
        if self._out.is_terminal:
            self._out.print(shown)
            return
        with self._out.capture() as capture:
            self._out.print(shown)
        # Whatever reads this as a file has no use for the blanks that fill a table's last column.
        self._stdout.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())

    def fail(self, failure: Failure) -> None:
        """Write a failure: sentence, code, what to do next."""
        if self.as_json:
            self._err.file.write(json.dumps(failure.to_json(), ensure_ascii=False, sort_keys=True) + "\n")
            return
        self._err.print(Text(plain(failure.sentence), style="bold red"))
        request = failure.members.get("request_id")
        self._err.print(Text(plain(f"  code: {failure.code}" + (f", request: {request}" if request else ""))))
        if failure.advice:
            self._err.print(Text(plain(f"  next: {failure.advice}")))

    @contextmanager
    def progress(self, what: str) -> Iterator[Bar]:
        """Show a bar while long work runs; nothing where nobody looks."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        hidden = self.as_json or not self._err.is_terminal
        with Progress(*columns, console=self._err, disable=hidden, transient=True) as bar:
            yield Bar(bar, bar.add_task(what, total=None))


def readable(name: str, value: Any) -> str:
    """Return a member as people read it: instants in UTC with the zone, lists with commas."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and (name.endswith("_at") or name in _INSTANTS):
        return instant(value)
    if isinstance(value, list) and all(isinstance(member, str | int) for member in value):
        return plain(", ".join(map(str, value))) or "-"
    if isinstance(value, list | dict):
        return plain(json.dumps(value, ensure_ascii=False, indent=2))
    return plain(str(value))


def instant(seconds: int) -> str:
    """Return an instant in UTC, with its zone."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s since 1970 UTC"


def plain(text: str) -> str:
    """Return text that cannot steer a terminal, whoever sent it: what is not printable is spelt out."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\u{ord(char):04x}" for char in text)


def _label(name: str) -> str:
    return name.removesuffix("_at").replace("_", " ")


def _console(file: TextIO) -> Console:
    return Console(file=file, highlight=False, width=None if file.isatty() else _WIDE)
