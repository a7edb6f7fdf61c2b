"""The command ``interlock``, for the exporter's people."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from licensing_server.cli.exits import ExitCode, Misused, missing_extra

if TYPE_CHECKING:
    from typer import Typer


def main() -> None:
    """Run the command line and exit with one of :class:`~licensing_server.cli.exits.ExitCode`.

    What the commands need is imported only here, so that an install without the extra is told in one sentence. The
    auditor's commands need no extra, and nothing of the server.
    """
    sys.stdout, sys.stderr = _writable(sys.stdout), _writable(sys.stderr)
    if sys.argv[1:2] == ["audit"]:
        from licensing_server.auditing.commands import main as audit

        sys.exit(audit(sys.argv[2:]))
    try:
        from licensing_server.cli.application import application
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{missing_extra(error)}\n")
        sys.exit(ExitCode.EXTRA_MISSING)
    if "--json" in sys.argv[1:]:
        sys.exit(_run_for_a_machine(application))
    application()


def _writable(stream: TextIO | None) -> TextIO:
    """Return a stream that writes UTF-8 on every system, as JSON and exports have to be."""
    if stream is None:
        # Whoever started us has closed it, and wants the exit code only.
        return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    return stream


def _run_for_a_machine(application: Typer) -> int:
    """Run it so that a command line which is wrong ends in one JSON object too, as every other failure does."""
    from typer import Abort
    from typer.exceptions import TyperException

    from licensing_protocol.canonical import encode

    try:
        return int(application(standalone_mode=False) or ExitCode.DONE)
    except Abort:
        failure = Misused("command.unanswered", "The command asks something, and nobody answers: give it as an option.")
    except TyperException as error:
        told = getattr(error, "format_message", error.__str__)()
        failure = Misused("command.usage", told)
    sys.stderr.write(encode(failure.to_json()).decode() + "\n")
    return failure.exit_code
