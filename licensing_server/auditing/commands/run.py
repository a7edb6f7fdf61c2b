"""Runs one command, and turns what it raises into an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from licensing_protocol.errors import InterlockError
from licensing_server.auditing.commands import bundle, export, follow, forward, prove, report, search, verify
from licensing_server.auditing.commands.output import Output
from licensing_server.auditing.commands.parser import EXIT_CODES, PROGRAM, Command, ExitCode, Misused, Parser
from licensing_server.auditing.errors import SourceUnreachable, StandsStill

COMMANDS: Final[tuple[Command, ...]] = (
    verify.VERIFY,
    prove.PROVE,
    prove.VERIFY_PROOF,
    bundle.BUNDLE,
    search.SEARCH,
    export.EXPORT,
    follow.FOLLOW,
    forward.FORWARD,
    report.REPORT,
)
_DESCRIPTION: Final = """\
Prove that nothing in a log was changed or dropped, without trusting whoever keeps it.

These commands believe signatures and hashes only. They run on a machine of your own, offline if you like, with nothing
installed but the package interlock."""


def parser() -> Parser:
    """Return the command line."""
    made = Parser(
        prog=PROGRAM,
        description=_DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = made.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    return made


def main(argv: Sequence[str]) -> int:
    """Run ``interlock audit`` with these arguments and return its exit code."""
    output = Output(as_json="--json" in argv)
    try:
        arguments = parser().parse_args(argv)
        with ExitStack() as arguments.open:
            code: int = arguments.run(arguments, output)
    except Misused as error:
        return _fail(output, error, error.code, ExitCode.USAGE)
    except SourceUnreachable as error:
        return _fail(output, error, error.code, ExitCode.UNREACHABLE)
    except StandsStill as error:
        return _fail(output, error, error.code, ExitCode.STILL)
    except InterlockError as error:
        return _fail(output, error, error.code, ExitCode.REFUSED)
    except BrokenPipeError:
        # Whoever reads our output has seen enough.
        sys.stderr.close()
        return ExitCode.DONE
    except OSError as error:
        where = error.filename or "What was to be written"
        told = OSError(f"{where}: {(error.strerror or 'cannot be used').lower()}.")
        return _fail(output, told, "file.unusable", ExitCode.UNREACHABLE)
    except KeyboardInterrupt:
        return 130
    return code


def _fail(output: Output, error: Exception, code: str, exit_code: ExitCode) -> int:
    output.fail(error, code, exit_code)
    return exit_code
