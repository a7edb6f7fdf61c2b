"""What a command shows: sentences for people or one JSON value for programs; progress and failures on stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

from licensing_protocol.canonical import encode
from licensing_server.auditing.errors import Discrepancy

_STEPS = 200


class Output:
    """Writes to ``stdout`` what was asked for, to ``stderr`` the rest."""

    def __init__(self, *, as_json: bool, stdout: TextIO | None = None, stderr: TextIO | None = None) -> None:
        self.as_json = as_json
        self.stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr
        self._shown = -1

    def result(self, value: Mapping[str, Any], sentences: Sequence[str]) -> None:
        """Write what was found."""
        lines = [_json(dict(value))] if self.as_json else map(plain, sentences)
        self.stdout.write("".join(f"{line}\n" for line in lines))
        self.stdout.flush()

    def note(self, sentence: str) -> None:
        """Write a remark for people beside the result."""
        if not self.as_json:
            self._stderr.write(f"{plain(sentence)}\n")

    def told(self, done: int, of: int) -> None:
        """Show how far long work is, where somebody looks at a terminal."""
        if self.as_json or not self._stderr.isatty():
            return
        step = done * _STEPS // of
        if step != self._shown:
            self._shown = step
            self._stderr.write(f"\r{done:,} of {of:,} entries" + ("\r\x1b[K" if done == of else ""))
            self._stderr.flush()

    def fail(self, error: Exception, code: str, exit_code: int) -> None:
        """Write why a command failed: the sentence, and the code, file and entry at fault."""
        told: dict[str, Any] = {"code": code, "detail": str(error), "exit": exit_code}
        if isinstance(error, Discrepancy):
            told |= {"place": error.place, "index": error.index}
        if self.as_json:
            self._stderr.write(f"{_json(told)}\n")
            return
        self._stderr.write(f"{plain(str(error))}\n  code: {code}\n")
        if isinstance(error, Discrepancy):
            if error.index is not None:
                self._stderr.write(f"  first entry at fault: {error.index}\n")
            if error.place:
                self._stderr.write(f"  file: {plain(error.place)}\n")


def _json(value: dict[str, Any]) -> str:
    return encode(
        {name: _text(member) if isinstance(member, str) else member for name, member in value.items()}
    ).decode()


def _text(text: str) -> str:
    """Return text that can be written: octets of a file's name that are none are spelt out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def instant(seconds: int) -> str:
    """Return an instant in UTC, with its zone."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s since 1970 UTC"


def plain(text: str) -> str:
    """Return text that cannot steer a terminal, whoever wrote it: what is not printable is spelt out."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
