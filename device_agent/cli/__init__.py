"""The command ``interlock-agent``: look into a device, enrol it, let it report. No part of a product needs it."""

from __future__ import annotations

import sys

from device_agent.cli.exits import ExitCode, missing_extra


def main() -> None:
    """Run the command line and exit with one of :class:`~device_agent.cli.exits.ExitCode`.

    What the commands need is imported only here, so that an install without the extra is told in one sentence.
    """
    try:
        from device_agent.cli.application import application
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{missing_extra(error)}\n")
        sys.exit(ExitCode.EXTRA_MISSING)
    application()
