"""An export from a server begins there: who takes what out is in the log before anything of it is written here.

A folder, a plain web server and a log that is open to everybody are read by nobody in particular: that leaves no entry.
"""

from __future__ import annotations

import argparse
import secrets
from typing import Any, Final
from urllib.parse import quote

from licensing_protocol.canonical import decode_object, encode
from licensing_protocol.errors import InterlockError
from licensing_server.auditing.commands.output import Output
from licensing_server.auditing.commands.parser import log_address, server_of, token_of
from licensing_server.auditing.errors import SourceUnreachable
from licensing_server.auditing.records import Query
from licensing_server.auditing.server import Reply, Server, refusal

_EXPORTS: Final = "/v1/log/exports"
_LOG: Final = "/log"
_BEGUN: Final = 201
# What a web server answers that knows files only.
_KNOWS_NONE: Final = frozenset({404, 405, 501})


def enter_export(
    arguments: argparse.Namespace, output: Output, form: str, query: Query, begin: int = 0, end: int | None = None
) -> None:
    """Have the server that entries come from enter that they are taken out, by whoever the token belongs to.

    Raises:
        SourceUnreachable: it did not; then nothing may be taken out.
    """
    if token_of(arguments) is None or not arguments.source.startswith(("http://", "https://")):
        return
    log = log_address(arguments.source)
    if not log.endswith(_LOG):
        return
    server = server_of(arguments, log.removesuffix(_LOG))
    reply = _ask(server, form, query, begin, end)
    if reply.status in _KNOWS_NONE:
        output.note(f"{server.address} is no licensing server: that you took entries out is in no log.")
    elif reply.status != _BEGUN:
        raise SourceUnreachable(refusal(server.address, reply))


def begin_export(server: Server, form: str, query: Query) -> str:
    """Begin an export of what a query finds, and return the path of its entries; SourceUnreachable."""
    reply = _ask(server, form, query, 0, None)
    if reply.status != _BEGUN:
        raise SourceUnreachable(refusal(server.address, reply))
    try:
        export = str(decode_object(reply.body)["id"])
    except (InterlockError, KeyError) as error:
        raise SourceUnreachable(f"{server.address} did not answer as a licensing server.") from error
    return f"{_EXPORTS}/{quote(export, safe='')}/entries"


def asked(query: Query) -> dict[str, Any]:
    """Return a query as the server reads it, to which ``until`` is the last instant that is."""
    given = query.to_json()
    return given if query.until is None else given | {"until": query.until - 1}


def _ask(server: Server, form: str, query: Query, begin: int, end: int | None) -> Reply:
    body = {"form": form, "begin": begin, "end": end} | asked(query)
    headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_urlsafe(18)}
    return server.send("POST", _EXPORTS, encode(body), headers)
