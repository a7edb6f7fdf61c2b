"""Asks one witness over HTTP, within bounds: seconds, bytes, no detours."""

from __future__ import annotations

import ipaddress
import threading
from typing import Final
from urllib.parse import urlsplit

import httpx2

from licensing_server.witnessing.outcome import Failed, Heard

_STEP_S: Final = 3.0
_WHOLE_S: Final = 8.0
_MOST_BYTES: Final = 64 * 1024
_LONGEST_WAIT_S: Final = 3_600


class Asker:
    """Keeps the connection to one witness open between the questions of one round.

    An answer that has not ended after ``whole_s`` seconds is none.
    """

    def __init__(self, url: str, *, whole_s: float = _WHOLE_S) -> None:
        self._address = f"{url.rstrip('/')}/add-checkpoint"
        self._whole_s = whole_s
        # A proxy of the network is never asked about this machine. What is packed is not asked for, nor unpacked.
        plain = {"Accept-Encoding": "identity"}
        self._http = httpx2.Client(timeout=_STEP_S, follow_redirects=False, trust_env=not _is_local(url), headers=plain)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def ask(self, body: bytes) -> Heard | Failed:
        """Send ``add-checkpoint``, and return the answer, or that none came."""
        if self._http.is_closed:
            return Failed("its answer does not end")
        # Each piece of an answer may come in time, and the pieces for ever: this ends the connection under it.
        timer = threading.Timer(self._whole_s, self._http.close)
        timer.daemon = True
        timer.start()
        try:
            with self._http.stream("POST", self._address, content=body) as response:
                return _heard(response)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Failed(f"it does not answer ({type(error).__name__})")
        finally:
            timer.cancel()


def _heard(response: httpx2.Response) -> Heard | Failed:
    heard = bytearray()
    for part in response.iter_raw():
        heard += part
        if len(heard) > _MOST_BYTES:
            return Failed("its answer is too long")
    later = _seconds(response.headers.get("retry-after", ""))
    return Heard(response.status_code, response.headers.get("content-type", ""), bytes(heard), later)


def _seconds(text: str) -> int | None:
    return min(int(text[:9]), _LONGEST_WAIT_S) if text.isascii() and text.isdecimal() else None


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
