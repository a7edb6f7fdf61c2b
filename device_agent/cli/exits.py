"""How a command can end: its exit code, and what each kind of error means for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from device_agent.errors import AgentError, OtherDocument, ServerRefused, StoreError, TransportError
from licensing_protocol.errors import InterlockError

_OURS = ("device_agent", "licensing_protocol")


class ExitCode(IntEnum):
    """What a script learns."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    EXTRA_MISSING = 4
    FAULT = 5


EXIT_CODES = (
    "Exit codes: 0 done or granted, 1 refused or denied, 2 the command line is wrong, "
    "3 the server or the device's store cannot be reached, 4 an optional package is missing, "
    "5 a fault of this program."
)
DEBUG = "INTERLOCK_AGENT_DEBUG"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a command did not do its work: a stable code and a sentence."""

    code: str
    sentence: str
    exit_code: ExitCode = ExitCode.REFUSED

    def to_json(self) -> dict[str, Any]:
        """Return what is written with ``--json``."""
        return {"code": self.code, "detail": self.sentence, "exit": int(self.exit_code)}


class CommandError(Exception):
    """A command that cannot do its work as it was given."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Refused(CommandError):
    """The device is not in a state to do it."""


class Misused(CommandError):
    """The command was not given what it needs."""


def failure_of(error: Exception) -> Failure:
    """Return what an exception means; one that nobody foresaw is a fault of ours."""
    if isinstance(error, Misused):
        return Failure(error.code, str(error), ExitCode.USAGE)
    if isinstance(error, Refused | ServerRefused | OtherDocument):
        return Failure(error.code, str(error))
    if isinstance(error, StoreError | TransportError):
        return Failure(error.code, str(error), ExitCode.UNREACHABLE)
    if isinstance(error, AgentError | InterlockError):
        return Failure(error.code, str(error))
    if isinstance(error, ModuleNotFoundError) and not _is_ours(error):
        return Failure("extra.missing", missing_extra(error), ExitCode.EXTRA_MISSING)
    if isinstance(error, OSError):
        reason = (error.strerror or "cannot be used").lower()
        return Failure("file.unusable", f"{error.filename or 'A file'}: {reason}.", ExitCode.UNREACHABLE)
    hint = f"Set {DEBUG}=1 and run it again to see where, and send that to whoever made the product."
    return Failure("command.fault", f"A fault of this program ({type(error).__name__}). {hint}", ExitCode.FAULT)


def missing_extra(error: ModuleNotFoundError) -> str:
    """Return the one sentence about a package that is not installed.

    Raises:
        ModuleNotFoundError: the same one, where the missing module is ours: that is a fault.
    """
    if _is_ours(error):
        raise error
    package = (error.name or "").partition(".")[0]
    return f"This command needs the package {package!r}: install it with  pip install 'interlock[cli]'"


def _is_ours(error: ModuleNotFoundError) -> bool:
    package = (error.name or "").partition(".")[0]
    return not package or package in _OURS
