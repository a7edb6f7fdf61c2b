"""``interlock serve``: the API, and with it the background work."""

from __future__ import annotations

from typing import Annotated

import typer

from licensing_server.cli.command import Machine, machine
from licensing_server.cli.exits import Refused


@machine
def serve(
    desk: Machine,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of the setting.")] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port to listen on, instead of the setting; 0 for any free one.", min=0, max=65535),
    ] = None,
    jobs: Annotated[bool, typer.Option(help="Run background work here too; without it run: interlock work")] = True,
) -> None:
    """Serve the API until SIGTERM or Ctrl+C.

    Once it answers, it writes one line to standard output: INTERLOCK_SERVER=http://127.0.0.1:8470, or with --json
    {"server": …}. Logs go to standard error.

    Example:  interlock serve --data-dir /srv/interlock --port 0 --json
    """
    settings = desk.settings(host=host, port=port)
    if settings.binds_publicly:
        sentence = f"{settings.host} can be reached by others, and nothing here encrypts what they would send."
        advice = "Put a proxy that ends TLS in front and set INTERLOCK_BEHIND_TLS=true, or listen on 127.0.0.1."
        raise Refused("serve.insecure", sentence, advice=advice)
    from licensing_server import logs, serving

    logs.configure(as_json=settings.log_json)

    def announce(server: str) -> None:
        if desk.output.as_json:
            desk.output.json({"server": server})
        else:
            typer.echo(f"INTERLOCK_SERVER={server}")

    serving.serve(settings, announce, with_jobs=jobs)
