"""The API as the command line sees it: one person's token, one answer for each request, retries that never double."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from licensing_protocol import canonical
from licensing_protocol.errors import MalformedDocument
from licensing_server.cli.exits import Misused, Refused, Unreachable
from licensing_server.cli.failures import refused_by_server

_TIMEOUT_S = 30.0
_ATTEMPTS = 3
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 5
_PAGE = 200
_LATER = frozenset({429, 503})
_REFUSED = 400
_LINES = "application/x-ndjson"
_EVENTS = "text/event-stream"


class Client:
    """Speaks with one server. ``token_file`` holds the API token of the person who acts."""

    def __init__(self, server: str, token_file: Path | None) -> None:
        self.server = server.rstrip("/")
        self._token_file = token_file
        local = _refuse_unsafe(self.server)
        # A proxy of the network is never asked about this machine.
        self._http = httpx2.Client(base_url=self.server, timeout=_TIMEOUT_S, trust_env=not local)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """Read something."""
        return self._send("GET", path, query=query)[0]

    def read(self, path: str) -> tuple[Any, str]:
        """Read something that can be edited: the value, and the ETag that the edit must name."""
        value, headers = self._send("GET", path)
        return value, headers.get("etag", f'"{value["version"]}"')

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, etag: str | None = None) -> Any:
        """Do something once, however often it has to be sent."""
        return self._send("POST", path, body=body, etag=etag, headers={"Idempotency-Key": secrets.token_urlsafe(18)})[0]

    def post_long(self, path: str, body: Mapping[str, Any] | None, tell: Callable[[str, int, int], None]) -> Any:
        """As :meth:`post`, for work that may take long: ``tell`` hears each step, how much is done and of how much."""
        headers = self._authorization() | {"Idempotency-Key": secrets.token_urlsafe(18), "Accept": _LINES}
        options: dict[str, Any] = {"headers": headers}
        if body is not None:
            headers["Content-Type"] = "application/json"
            options["content"] = canonical.encode(dict(body))
        for last in (False, True):
            try:
                with self._http.stream("POST", path, **options) as response:
                    return _last_line(response, self.server, tell)
            except httpx2.TransportError as error:
                # The work goes on where it is; the same key gets its answer.
                if last:
                    raise _unreachable(self.server, error) from error
        raise AssertionError("unreachable")

    def events(self, path: str) -> Iterator[Any]:
        """Yield the data of server-sent events until the server ends the stream."""
        headers = self._authorization() | {"Accept": _EVENTS}
        try:
            with self._http.stream("GET", path, headers=headers) as response:
                if not response.headers.get("content-type", "").startswith(_EVENTS):
                    response.read()
                    _value(response, self.server)
                for line in response.iter_lines():
                    if line.startswith("data: "):
                        yield canonical.decode(line.removeprefix("data: ").encode())
        except httpx2.TransportError as error:
            raise _unreachable(self.server, error) from error

    def put(self, path: str, body: Mapping[str, Any], etag: str) -> Any:
        """Edit the version that was read."""
        return self._send("PUT", path, body=body, etag=etag)[0]

    def delete(self, path: str) -> Any:
        """End something."""
        return self._send("DELETE", path)[0]

    def items(
        self, path: str, *, most: int | None, cursor: str | None = None, **query: Any
    ) -> tuple[list[Any], str | None]:
        """Follow a list's cursor for at most ``most`` items; return them and the cursor of what is left."""
        found: list[Any] = []
        while True:
            limit = _PAGE if most is None else min(_PAGE, most - len(found))
            page = self.get(path, cursor=cursor, limit=limit, **query)
            found += page["items"]
            cursor = page["next"]
            if cursor is None or (most is not None and len(found) >= most):
                return found, cursor

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        etag: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Any, Any]:
        sent = dict(headers or {}) | self._authorization()
        if etag is not None:
            sent["If-Match"] = etag
        options: dict[str, Any] = {"headers": sent}
        if query:
            options["params"] = {name: value for name, value in query.items() if value is not None}
        if body is not None:
            sent["Content-Type"] = "application/json"
            options["content"] = canonical.encode(dict(body))
        again = method == "GET" or "Idempotency-Key" in sent
        response = self._attempt(method, path, options, attempts=_ATTEMPTS if again else 1)
        return _value(response, self.server), response.headers

    def _attempt(self, method: str, path: str, options: Mapping[str, Any], attempts: int) -> Any:
        for attempt, wait in zip(range(attempts), _waits(), strict=False):
            last = attempt == attempts - 1
            try:
                response = self._http.request(method, path, **options)
            except httpx2.TransportError as error:
                if last:
                    raise _unreachable(self.server, error) from error
                time.sleep(wait)
                continue
            later = _seconds(response.headers.get("retry-after"))
            if response.status_code not in _LATER or last or later > _LONGEST_WAIT_S:
                return response
            time.sleep(later)
        raise AssertionError("unreachable")

    def _authorization(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        return {"Authorization": f"Bearer {read_token(self._token_file)}"}


def read_token(path: Path) -> str:
    """Return the API token in a file.

    Raises:
        Misused: ``token.file`` where there is none in it.
    """
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misused("token.file", f"The token file {path} cannot be read; look at --token-file.") from error
    if not token or any(character.isspace() for character in token):
        raise Misused("token.file", f"The token file {path} holds no token: it is one line, as it was shown.")
    return token


def segment(name: str) -> str:
    """Return an id as one segment of a path: whatever it holds, it cannot lead elsewhere."""
    return quote(name, safe="")


def _waits() -> Iterator[float]:
    return (_FIRST_WAIT_S * 4**attempt for attempt in count())


def _refuse_unsafe(server: str) -> bool:
    parts = urlsplit(server)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Misused(
            "server.address", f"--server must be an address such as https://licensing.example, not {server!r}."
        )
    local = _is_this_machine(parts.hostname)
    if parts.scheme == "http" and not local:
        sentence = "A token is not sent over http to another machine; use the https address of the server."
        raise Misused("server.insecure", sentence)
    return local


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unreachable(server: str, error: Exception) -> Unreachable:
    advice = "Look at --server (or INTERLOCK_SERVER), and whether the server runs: interlock serve"
    reason = str(error) or type(error).__name__
    return Unreachable("server.unreachable", f"{server} does not answer: {reason}", advice=advice)


def _seconds(value: str | None) -> int:
    return int(value) if value is not None and value.isdigit() else 1


def _value(response: Any, server: str) -> Any:
    media = response.headers.get("content-type", "").partition(";")[0]
    if response.status_code == 204:
        return None
    if media in {"application/json", "application/problem+json"}:
        try:
            value = canonical.decode(response.content)
        except MalformedDocument as error:
            raise _not_ours(server) from error
        if response.is_success:
            return value
        if isinstance(value, dict) and "code" in value:
            raise refused_by_server(value)
    raise _not_ours(server)


def _last_line(response: Any, server: str, tell: Callable[[str, int, int], None]) -> Any:
    if not response.headers.get("content-type", "").startswith(_LINES):
        response.read()
        return _value(response, server)
    line: Any = {}
    for text in response.iter_lines():
        line = canonical.decode(text.encode())
        if "step" in line:
            tell(line["step"], line["done"], line["total"])
    if "status" not in line:
        raise httpx2.RemoteProtocolError("the answer ended before its last line")
    if line["status"] >= _REFUSED:
        raise refused_by_server(line["body"])
    return line["body"]


def _not_ours(server: str) -> Refused | Unreachable:
    advice = "Look at --server: something else may answer there, or a proxy in front of it failed."
    return Unreachable("server.foreign", f"{server} did not answer as a licensing server.", advice=advice)
