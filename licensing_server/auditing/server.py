"""A log and its server over HTTP, with nothing but the standard library."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from licensing_protocol.canonical import decode_object
from licensing_protocol.errors import InterlockError
from licensing_server.auditing.connection import connected, ending, is_this_machine, parts_of
from licensing_server.auditing.errors import Discrepancy, SourceUnreachable
from licensing_server.auditing.source import MOST_BYTES, Source

_WHOLE_S: Final = 120.0
_ATTEMPTS: Final = 3
_FIRST_WAIT_S: Final = 0.2
_LONGEST_WAIT_S: Final = 10
_MOST_DIGITS: Final = 9
_LATER: Final = frozenset({429, 502, 503, 504})
_OK: Final = 200
_NONE: Final = frozenset({404, 410})
_REFUSED: Final = frozenset({401, 403})
_MOST_SHOWN: Final = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Server:
    """One server, asked over one connection. The token goes to it and nowhere else: no redirection is followed.

    An answer that has not ended after ``longest_s`` seconds is none: a server that drips could else hold us for ever.
    """

    def __init__(
        self,
        address: str,
        token: str | None = None,
        *,
        context: ssl.SSLContext | None = None,
        longest_s: float = _WHOLE_S,
    ) -> None:
        parts = parts_of(address)
        if parts is None or parts.scheme not in {"http", "https"}:
            raise SourceUnreachable(f"{address!r} is no address such as https://licensing.example.")
        if parts.scheme == "http" and token is not None and not is_this_machine(parts.hostname or ""):
            raise SourceUnreachable("A token is not sent over http to another machine; use the https address.")
        self.address = address.rstrip("/")
        self._prefix = parts.path.rstrip("/")
        self._token = token
        self._context = context
        self._longest_s = longest_s
        self._connection: http.client.HTTPConnection | None = None

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request that may be repeated, and return the answer, whatever its status.

        Raises:
            SourceUnreachable: no answer came.
        """
        sent = {"Accept-Encoding": "identity", "User-Agent": "interlock-audit"} | dict(headers or {})
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token}"
        wait, failure = _FIRST_WAIT_S, "it is busy"
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(min(wait, _LONGEST_WAIT_S))
                wait *= 4
            try:
                reply = self._once(method, self._prefix + path, body, sent)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                failure = str(error) or type(error).__name__
                continue
            if reply.status not in _LATER:
                return reply
            failure = f"it answers {reply.status}"
            wait = max(wait, _seconds(reply.headers.get("retry-after")))
        raise SourceUnreachable(f"{self.address} does not answer: {failure}.")

    def get(self, path: str, **query: Any) -> Reply:
        """Read something; SourceUnreachable also where the server refuses."""
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        reply = self.send("GET", quote(path) + (f"?{asked}" if asked else ""))
        if reply.status != _OK and reply.status not in _NONE:
            raise SourceUnreachable(refusal(self.address, reply))
        return reply

    def get_object(self, path: str, **query: Any) -> dict[str, Any]:
        """Read a JSON object; SourceUnreachable where there is none."""
        reply = self.get(path, **query)
        if reply.status != _OK:
            raise SourceUnreachable(refusal(self.address, reply))
        try:
            return decode_object(reply.body)
        except InterlockError as error:
            raise SourceUnreachable(f"{self.address} did not answer as a licensing server.") from error

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        if self._connection is None:
            self._connection = connected(self.address, self._context)
        self._connection.request(method, target, body, dict(headers))
        with ending(self._connection.sock, self._longest_s):
            response = self._connection.getresponse()
            read = response.read(MOST_BYTES + 1)
        if len(read) > MOST_BYTES:
            self.close()
            raise Discrepancy(f"{target} is larger than any file of a log.", code="audit.oversized", place=target)
        if response.length:
            # The connection broke off: what came is no file that the log shows.
            raise http.client.IncompleteRead(read, response.length)
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, read)


class TileServer(Source):
    """A log below an address: the address of its ``checkpoint`` without that word."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def find(self, path: str) -> bytes | None:
        """Fetch a file."""
        reply = self._server.get(f"/{path}")
        return None if reply.status in _NONE else reply.body


def _seconds(value: str | None) -> int:
    return int(value[:_MOST_DIGITS]) if value is not None and value.isdecimal() else 0


def refusal(address: str, reply: Reply) -> str:
    """Return why a server did not do what it was asked."""
    if reply.status in _REFUSED:
        return f"{address} asks for a token of somebody who may audit: --token-file FILE, or INTERLOCK_TOKEN_FILE."
    try:
        told = str(decode_object(reply.body).get("detail", ""))[:_MOST_SHOWN]
    except InterlockError:
        told = ""
    return f"{address} answered {reply.status}{': ' + told.rstrip('.') if told else ''}."
