"""Turns what a room raises into a failure of the command, with advice; a person never sees a traceback for these."""

from __future__ import annotations

from typing import Any

from licensing_protocol.errors import InterlockError
from licensing_server.cli.exits import (
    DEBUG,
    ExtraMissing,
    Failure,
    Fault,
    Misused,
    Refused,
    Unreachable,
    is_ours,
    missing_extra,
)
from licensing_server.problem import Problem, in_plain_words

# By code where one is known, else by the HTTP status.
_ADVICE: dict[str | int, str] = {
    "token.missing": "Give the file with your token: --token-file FILE, or INTERLOCK_TOKEN_FILE.",
    "token.refused": "An administrator makes a new one with: interlock people token PERSON",
    "token.expired": "An administrator makes a new one with: interlock people token PERSON",
    "role.missing": "An administrator gives roles with: interlock people roles PERSON --role ROLE",
    "restore.waiting": "See what was lost with: interlock restoration show",
    "device.unknown": "See the devices with: interlock devices list",
    "product.unknown": "See the products with: interlock products list",
    "party.unknown": "See the parties with: interlock parties list",
    "order.unknown": "See the orders with: interlock orders list",
    "order.matches_nothing": "See whom a scope reaches with: interlock orders preview",
    "order.waiting": "See the orders that wait with: interlock orders list --state waiting",
    "order.followers": "See how far it has come with: interlock orders follow ORDER --once",
    "four_eyes.same_person": "See who can: interlock people list",
    "four_eyes.too_new": "See who can: interlock people list",
    "four_eyes.of_the_first": "See who can: interlock people list",
    "case.unknown": "See the cases with: interlock alerts list",
    "proviso.unknown": "See the provisos with: interlock provisos list",
    "region.unknown": "See the regions with: interlock regions list",
    "manifest.capability": "Add it with: interlock capabilities add ID --family … --description … --misuse …",
    "route.unknown": "Look at --server: this address does not answer as a licensing server.",
    412: "Read it again, then repeat the edit.",
    429: "Wait a moment, then repeat the command.",
    500: "Give the request id to whoever runs the server; their log has the cause.",
}
_LOOK_AT_DATABASE = "Look at INTERLOCK_DATABASE_URL, and whether the database runs."
_NO_DATABASE = {
    "database.unavailable": _LOOK_AT_DATABASE,
    "database.full": "Free space on the disk of the database, then repeat the command.",
    "server.busy": "Wait a moment, then repeat the command.",
}
_SETTINGS = "settings."
# What somebody named is not there, or is something else; of a full or broken disk the command line is not to blame.
_WRONG_FILE = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)


def refused_by_server(document: dict[str, Any]) -> Refused:
    """Return the failure for an RFC 9457 problem document."""
    code = str(document.get("code", "request.refused"))
    advice = _ADVICE.get(code) or _ADVICE.get(int(document.get("status", 0)), "")
    return Refused(code, str(document.get("detail", document.get("title", ""))), advice=advice, members=document)


def failure_of(error: Exception) -> Failure:
    """Return the failure that an exception means; one that nobody foresaw is a fault of ours."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, Problem) and error.code in _NO_DATABASE:
        return Unreachable(error.code, error.detail, advice=_NO_DATABASE[error.code])
    if isinstance(error, Problem) and error.code.startswith(_SETTINGS):
        return Misused(error.code, error.detail)
    if isinstance(error, Problem):
        return Refused(error.code, error.detail, advice=_ADVICE.get(error.code, ""))
    if isinstance(error, InterlockError):
        return Refused(error.code, str(error))
    if isinstance(error, ModuleNotFoundError) and not is_ours(error):
        return ExtraMissing("extra.missing", missing_extra(error))
    if isinstance(error, OSError):
        return _of_file(error)
    return _of_library(error) or _fault(error)


def _fault(error: Exception) -> Fault:
    advice = f"Set {DEBUG}=1 and run it again to see where, and send that to whoever makes this program."
    return Fault("command.fault", f"A fault of this program ({type(error).__name__}).", advice=advice)


def _of_file(error: OSError) -> Failure:
    what = error.filename or "A file"
    reason = (error.strerror or "cannot be used").lower()
    if isinstance(error, _WRONG_FILE):
        return Misused("file.unusable", f"{what}: {reason}.")
    return Unreachable("file.failed", f"{what}: {reason}.")


def _of_library(error: Exception) -> Failure | None:
    # By name: a client's machine need not have these libraries.
    library = type(error).__module__.partition(".")[0]
    if library == "sqlalchemy" and type(error).__name__ in {"OperationalError", "InterfaceError", "DatabaseError"}:
        cause = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        return Unreachable("database.unreachable", f"The database does not answer: {cause}", advice=_LOOK_AT_DATABASE)
    if library.startswith("pydantic") and type(error).__name__ == "ValidationError":
        return Misused("settings.malformed", _malformed_settings(error))
    return None


def _malformed_settings(error: Any) -> str:
    # Where and what, but not the value: it may be a secret.
    told = [
        f"INTERLOCK_{'_'.join(map(str, found['loc'])).upper()} {in_plain_words(found['msg'])}."
        for found in error.errors()
    ]
    return " ".join(told)
