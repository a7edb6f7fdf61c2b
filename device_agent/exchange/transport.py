"""The port to the network. The base class keeps the limits; an implementation only moves bytes."""

from __future__ import annotations

import ipaddress
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from device_agent.errors import TransportError
from device_agent.exchange.patience import Patience

NOT_MODIFIED: Final = 304
_REDIRECTS: Final = range(300, 400)
_GZIP: Final = 31


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. With ``patience`` the server may keep it until there is news."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    patience: Patience | None = None


@dataclass(frozen=True, slots=True)
class Arriving:
    """An answer whose body is still arriving. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whole and within its limits, its content decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(ABC):
    """Port to the network: one request, one answer."""

    @abstractmethod
    def open(self, request: Request) -> AbstractContextManager[Arriving]:
        """Send a request and give its answer as it arrives; let go of the connection at the end of the block.

        Whatever this raises counts as a failure of the network. It follows no redirect and gives up on a server that
        says nothing for ten seconds, or as many more as the request's ``patience`` has; that wait it lets be ended
        where it can (:meth:`Patience.depends_on`).
        """

    def send(self, request: Request, most: int) -> Response:
        """Send a request, and read an answer of at most ``most`` bytes after decoding.

        Raises:
            TransportError: no answer; one that is too long or a redirect; or the address is not https, where only
                this machine itself may be reached without it.
        """
        _refuse_in_the_clear(request.url)
        _refuse_if_ended(request)
        try:
            with self.open(request) as arriving:
                if arriving.status in _REDIRECTS and arriving.status != NOT_MODIFIED:
                    raise TransportError(f"The server answered with a redirect ({arriving.status}); none is followed.")
                chunks = _decoded(arriving, most)
                response = Response(arriving.status, arriving.headers, _bounded(chunks, most))
            # What was cut off can look whole: HTTP lets a body run to the end of the line.
            _refuse_if_ended(request)
            return response
        except TransportError:
            raise
        # A port: nothing is known of what stands behind it, and the network must never break a product.
        except Exception as error:
            raise TransportError(f"No answer from {urlsplit(request.url).netloc}: {error}.") from error


def _refuse_in_the_clear(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise TransportError(f"{parts.netloc} must be reached by https; only this machine itself may be without.")


def _refuse_if_ended(request: Request) -> None:
    if request.patience is not None and request.patience.ended:
        raise TransportError("The wait for news was ended.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _decoded(arriving: Arriving, most: int) -> Iterator[bytes]:
    encoding = arriving.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        return arriving.chunks
    if encoding == "gzip":
        return _inflated(arriving.chunks, most)
    raise TransportError(f"The server's content encoding {encoding!r} was not asked for.")


def _inflated(chunks: Iterator[bytes], most: int) -> Iterator[bytes]:
    # Never more than the limit and one byte at a time, so that a bomb costs no memory.
    inflater = zlib.decompressobj(_GZIP)
    for chunk in chunks:
        yield inflater.decompress(chunk, most + 1)
        if inflater.unconsumed_tail:
            raise _too_long(most)
    if not inflater.eof:
        raise TransportError("The server's compressed answer ends early.")


def _bounded(chunks: Iterator[bytes], most: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > most:
            raise _too_long(most)
    return bytes(body)


def _too_long(most: int) -> TransportError:
    return TransportError(f"The server's answer is longer than {most} bytes.")
