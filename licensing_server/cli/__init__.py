"""The command ``interlock``, for the exporter's people."""

from __future__ import annotations

import sys

from licensing_server.cli.exits import ExitCode, missing_extra


def main() -> None:
    """Run the command line and exit with one of :class:`~licensing_server.cli.exits.ExitCode`.

    What the commands need is imported only here, so that an install without the extra is told in one sentence.
    """
    try:
        from licensing_server.cli.application import application
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{missing_extra(error)}\n")
        sys.exit(ExitCode.EXTRA_MISSING)
    application()
