"""A server at which devices wait for the next status list, as they do at the real one."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from device_agent.exchange import Arriving, Patience, Request
from licensing_protocol.status_list import Status
from tests.simulators.responder import Responder


class Newsstand(Responder):
    """Gives the list that was published last, to whoever has another one; ``full`` lets nobody wait.

    ``asked`` keeps the time and the headers of every request for a list.
    """

    full = False
    asked: list[tuple[float, Mapping[str, str]]]

    def __post_init__(self) -> None:
        """Begin with a list on which everything is VALID."""
        super().__post_init__()
        self.asked = []
        self.waiting = 0
        self._news = threading.Condition()
        self._shown = 0
        self._sequence = 0
        self.publish()

    def publish(self, statuses: Mapping[int, Status] | None = None, **changes: Any) -> None:
        """Sign the next list, and give it to everybody who waits."""
        self._sequence = max(self._sequence + 1, self.now())
        self.show(self.exporter.status_list(self._sequence, statuses, **{"issued_at": self.now()} | changes))

    def show(self, text: str) -> None:
        """Give out any text as the list."""
        with self._news:
            self._shown += 1
            self._text = text
            self._news.notify_all()

    @contextmanager
    def open(self, request: Request) -> Iterator[Arriving]:
        """Answer in the same process."""
        if request.method != "GET" or not self.reachable:
            with super().open(request) as arriving:
                yield arriving
            return
        with self._news:
            self.asked.append((time.monotonic(), request.headers))
            self._wait(request.headers, request.patience)
            tag, body = f'W/"{self._shown}"', gzip.compress(self._text.encode())
        if request.headers.get("If-None-Match") == tag:
            yield Arriving(304, {"etag": tag}, iter([]))
        else:
            yield Arriving(200, {"etag": tag, "content-encoding": "gzip"}, iter([body]))

    def _wait(self, headers: Mapping[str, str], patience: Patience | None) -> None:
        if patience is None or self.full:
            return
        assert headers["Prefer"] == f"wait={patience.seconds}"
        patience.depends_on(self._look)
        self.waiting += 1
        held = headers.get("If-None-Match")
        self._news.wait_for(lambda: held != f'W/"{self._shown}"' or patience.ended, patience.seconds)
        self.waiting -= 1

    def _look(self) -> None:
        with self._news:
            self._news.notify_all()
