"""``interlock audit`` as the program's own help shows it; what it does is the auditor's room, which needs no extra."""

from __future__ import annotations

import typer

from licensing_server.auditing.commands import main


def audit(context: typer.Context) -> None:
    """Verify, prove, search, watch and export the log, on the auditor's own machine and without trusting the server.

    Example:  interlock audit verify ./log --policy witnesses.policy
    """
    raise typer.Exit(main(context.args))


# All that follows the word belongs to the auditor's own command line, its help too.
SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
