"""Syslog: a message for each entry (RFC 5424), counted and sent over TLS (RFC 5425)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from licensing_protocol.log.lines import to_base64
from licensing_server.auditing.errors import SourceUnreachable
from licensing_server.auditing.formats import Provenance, timestamp
from licensing_server.auditing.records import Record

PORT: Final = 6514
# Facility 13 (log audit), severity 5 (notice).
_PRIORITY: Final = 13 * 8 + 5
_TIMEOUT_S: Final = 30.0
# In which the end of a connection is heard that was already over: syslog's receivers say nothing else.
_LISTEN_S: Final = 0.2
_LONGEST_HOST: Final = 255
_LONGEST_ID: Final = 32
_NIL: Final = "-"
_STRUCTURED: Final = "interlock@32473"


def message(record: Record, provenance: Provenance, text: str) -> bytes:
    """Return the message about an entry, with where it stands as structured data and ``text`` as its content."""
    host = _printable(provenance.origin.partition("/")[0], _LONGEST_HOST)
    known = {
        "origin": provenance.origin,
        "index": str(record.index),
        "leaf": to_base64(record.leaf),
        "size": str(provenance.size),
    }
    structured = "".join(f' {name}="{_quoted(value)}"' for name, value in known.items())
    kind = _printable(record.type, _LONGEST_ID)
    head = f"<{_PRIORITY}>1 {timestamp(record.time)} {host} interlock {_NIL} {kind} [{_STRUCTURED}{structured}] "
    return head.encode() + b"\xef\xbb\xbf" + text.rstrip("\n").encode()


def send(host: str, port: int, messages: Iterable[bytes], context: ssl.SSLContext) -> None:
    """Send messages, and wait until the receiver has seen the end of them.

    Syslog has no word for "received"; the answer to TLS's own closing is what there is: it comes only from a receiver
    that has read everything before it.

    Raises:
        SourceUnreachable: they may not have arrived.
    """
    try:
        plain = socket.create_connection((host, port), timeout=_TIMEOUT_S)
        with plain, context.wrap_socket(plain, server_hostname=host) as secure:
            for found in messages:
                secure.sendall(f"{len(found)} ".encode() + found)
            _refuse_ended(secure)
            _close(secure)
    except OSError as error:
        raise SourceUnreachable(f"{host}:{port} did not take the messages: {error}.") from error


def _refuse_ended(secure: ssl.SSLSocket) -> None:
    """Refuse a receiver that ended the connection before our goodbye: it may have read nothing."""
    secure.settimeout(_LISTEN_S)
    with suppress(TimeoutError):
        if not secure.recv(1):
            raise ConnectionError("it hung up before the end")
    secure.settimeout(_TIMEOUT_S)


def _close(secure: ssl.SSLSocket) -> None:
    try:
        secure.unwrap().close()
    except ssl.SSLEOFError:
        # It closed the connection without TLS's own goodbye, but after it had seen ours.
        return


def _printable(text: str, longest: int) -> str:
    kept = "".join(char for char in text if "!" <= char <= "~")[:longest]
    return kept or _NIL


def _quoted(text: str) -> str:
    return "".join(f"\\{char}" if char in '"\\]' else char if char.isprintable() else " " for char in text)
