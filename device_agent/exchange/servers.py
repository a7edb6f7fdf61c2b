"""The exporter's servers, tried in the order of the manifest until one gives an answer that can be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from device_agent.errors import ServerRefused, TransportError
from device_agent.exchange.patience import Patience
from device_agent.exchange.transport import NOT_MODIFIED, Request, Response, Transport
from licensing_protocol import token
from licensing_protocol.canonical import JsonObject, decode_object, encode
from licensing_protocol.errors import InterlockError
from licensing_protocol.exchange import Answer
from licensing_protocol.token import TokenType
from licensing_protocol.trust.pinned import MOST_BYTES

T = TypeVar("T")

_OK: Final = 200
_NOT_FOUND: Final = 404
_PROBLEM: Final = "application/problem+json"
# A receipt, an entitlement, and sentences for the operator.
MOST_ANSWER: Final = 2 * token.size_limit(TokenType.ENTITLEMENT)
_MOST_SHOWN: Final = 300


class Servers:
    """Where documents go. Nothing that comes back is believed here: its signature is looked at by the caller."""

    def __init__(self, transport: Transport, addresses: Sequence[str]) -> None:
        self._transport = transport
        self._addresses = addresses

    def first(self, attempt: Callable[[str], T]) -> T:
        """Return what the first server gives for which ``attempt`` (with its address) does not raise.

        Raises:
            TransportError: none did; it is what the first server that gave a reason said.
        """
        failures: list[TransportError] = []
        for address in self._addresses:
            try:
                return attempt(address)
            except TransportError as failure:
                failures.append(failure)
            except InterlockError as failure:
                failures.append(TransportError(f"{address} did not answer in the exporter's name: {failure}"))
        failures.append(TransportError("The product's manifest names no server that could be asked."))
        raise next((failure for failure in failures if isinstance(failure, ServerRefused)), failures[0])

    def post(self, address: str, path: str, body: JsonObject) -> Answer:
        """Send a document, and read the document that comes back.

        Raises:
            TransportError: anything but an answer came back; :class:`ServerRefused` where the server says why.
        """
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        response = self._transport.send(Request("POST", address + path, headers, encode(body)), MOST_ANSWER)
        if response.status != _OK:
            raise _failure(response)
        try:
            return Answer.parse(decode_object(response.body))
        except InterlockError as error:
            raise TransportError(f"{address} answered with something else than an answer: {error}") from error

    def get_metadata(self, address: str, path: str) -> JsonObject | None:
        """Return a root or Targets; ``None`` where the server has none of this name.

        Raises:
            TransportError: anything else came back.
        """
        request = Request("GET", address + path, {"Accept": "application/json"})
        response = self._transport.send(request, MOST_BYTES)
        if response.status == _NOT_FOUND:
            return None
        if response.status != _OK:
            raise _failure(response)
        try:
            return decode_object(response.body)
        except InterlockError as error:
            raise TransportError(f"{address} answered with something else than metadata: {error}") from error

    def get_status_list(
        self, address: str, path: str, etag: str, patience: Patience | None = None
    ) -> tuple[str, str] | None:
        """Return a status list as text with its ``ETag``; ``None`` where it is still the one of ``etag``.

        With ``patience`` the server is asked to answer only once there is another one (RFC 7240).

        Raises:
            TransportError: anything else came back.
        """
        headers = {"Accept": "application/statuslist+jwt", "Accept-Encoding": "gzip"}
        if etag:
            headers["If-None-Match"] = etag
        if patience is not None:
            headers["Prefer"] = f"wait={patience.seconds}"
        request = Request("GET", address + path, headers, patience=patience)
        response = self._transport.send(request, token.size_limit(TokenType.STATUS_LIST))
        if response.status == NOT_MODIFIED and etag:
            return None
        if response.status != _OK or not response.body.isascii():
            raise _failure(response)
        return response.body.decode("ascii"), response.headers.get("etag", "")


def _failure(response: Response) -> TransportError:
    """Return what an unsigned refusal amounts to: a failure, with the server's word for people to read."""
    if response.headers.get("content-type", "").startswith(_PROBLEM):
        try:
            problem = decode_object(response.body)
        except InterlockError:
            problem = {}
        code, detail = problem.get("code"), problem.get("detail")
        if isinstance(code, str) and isinstance(detail, str):
            return ServerRefused(_shown(detail), code=_shown(code))
    return TransportError(f"The server answered {response.status}, which says nothing to this device.")


def _shown(text: str) -> str:
    return "".join(letter for letter in text[:_MOST_SHOWN] if letter.isprintable())
