"""``interlock work``: background work alone."""

from __future__ import annotations

import typer

from licensing_server.cli.command import Machine, machine


@machine
def work(desk: Machine) -> None:
    """Run background work alone, beside servers that run with --no-jobs, until SIGTERM or Ctrl+C.

    Each job runs once however many processes offer to run it. Once it works, it writes one line to standard output.

    Example:  interlock work --data-dir /srv/interlock
    """
    from licensing_server import logs, serving

    settings = desk.settings()
    logs.configure(as_json=settings.log_json)

    def announce() -> None:
        if desk.output.as_json:
            desk.output.json({"working": True})
        else:
            typer.echo("Working.")

    serving.work(settings, announce)
