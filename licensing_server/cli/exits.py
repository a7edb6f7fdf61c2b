"""How a command can end: its exit code, and the failures behind each.

::

    Failure
    ├── Refused        1: the server, or a rule, says no
    ├── Misused        2: the command was not given what it needs
    ├── Unreachable    3: no server, or no database, answered
    ├── ExtraMissing   4: an optional package is not installed
    └── Fault          5: nobody foresaw it
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar

OURS = ("licensing_server", "licensing_protocol")


class ExitCode(IntEnum):
    """What a script learns."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    EXTRA_MISSING = 4
    FAULT = 5


EXIT_CODES = (
    "Exit codes: 0 done, 1 refused, 2 the command line is wrong, 3 the server or database cannot be reached, "
    "4 an optional package is missing, 5 a fault of this program."
)
DEBUG = "INTERLOCK_DEBUG"


class Failure(Exception):
    """A command that did not do its work. ``advice`` tells what to do next, where the sentence does not."""

    exit_code: ClassVar[ExitCode] = ExitCode.REFUSED

    def __init__(self, code: str, sentence: str, *, advice: str = "", members: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.advice = advice
        self.members = members or {}

    def to_json(self) -> dict[str, Any]:
        """Return what is written with ``--json``: a server's problem document keeps all of its members."""
        ours = {"code": self.code, "detail": self.sentence, "exit": int(self.exit_code)}
        return self.members | ours | ({"advice": self.advice} if self.advice else {})


class Refused(Failure):
    """The server, or a rule, says no."""


class Misused(Failure):
    """The command was not given what it needs."""

    exit_code = ExitCode.USAGE


class Unreachable(Failure):
    """No server, or no database, answered."""

    exit_code = ExitCode.UNREACHABLE


class ExtraMissing(Failure):
    """An optional package is not installed."""

    exit_code = ExitCode.EXTRA_MISSING


class Fault(Failure):
    """Nobody foresaw it: it is for whoever makes this program."""

    exit_code = ExitCode.FAULT


def is_ours(error: ModuleNotFoundError) -> bool:
    """Tell whether a missing module is one of our own, which is a fault, and not an optional package."""
    package = (error.name or "").partition(".")[0]
    return not package or package in OURS


def missing_extra(error: ModuleNotFoundError) -> str:
    """Return the one sentence about a package that is not installed; a missing module of our own is a fault.

    Raises:
        ModuleNotFoundError: the same one, where the module is ours.
    """
    if is_ours(error):
        raise error
    package = (error.name or "").partition(".")[0]
    return f"This command needs the package {package!r}: install the server with  pip install 'interlock[server]'"
