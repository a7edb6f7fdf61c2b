"""Asks one witness over HTTP, within bounds: seconds, bytes, no detours."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

import httpx2

from licensing_server import clock
from licensing_server.witnessing.outcome import Failed, Heard

_STEP_S: Final = 3.0
_WHOLE_S: Final = 8.0
_MOST_BYTES: Final = 64 * 1024
_LONGEST_WAIT_S: Final = 3_600


class Asker:
    """Keeps the connection to one witness open between the questions of one round."""

    def __init__(self, url: str) -> None:
        self._address = f"{url.rstrip('/')}/add-checkpoint"
        # A proxy of the network is never asked about this machine.
        self._http = httpx2.Client(timeout=_STEP_S, follow_redirects=False, trust_env=not _is_local(url))

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def ask(self, body: bytes) -> Heard | Failed:
        """Send ``add-checkpoint``, and return the answer, or that none came."""
        end = clock.monotonic() + _WHOLE_S
        try:
            with self._http.stream("POST", self._address, content=body) as response:
                heard = bytearray()
                for part in response.iter_bytes():
                    heard += part
                    if len(heard) > _MOST_BYTES:
                        return Failed("its answer is too long")
                    if clock.monotonic() > end:
                        return Failed("its answer does not end")
                media_type = response.headers.get("content-type", "")
                later = _seconds(response.headers.get("retry-after", ""))
                return Heard(response.status_code, media_type, bytes(heard), later)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Failed(f"it does not answer ({type(error).__name__})")


def _seconds(text: str) -> int | None:
    return min(int(text[:9]), _LONGEST_WAIT_S) if text.isascii() and text.isdecimal() else None


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
