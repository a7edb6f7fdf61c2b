"""``interlock audit``: the command line of the auditor, which needs the base install only."""

from licensing_server.auditing.commands.run import main

__all__ = ["main"]
