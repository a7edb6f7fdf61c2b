"""Waits for the witnesses of a head that was just shown: those of the reader's policy may be the last to answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from licensing_server.auditing.errors import Discrepancy
from licensing_server.auditing.server import TileServer
from licensing_server.auditing.source import CHECKPOINT, Source

T = TypeVar("T")
_PAUSE_S: Final = 0.5
_TRIES: Final = 10
_TOO_FEW: Final = "policy.quorum"


def patiently(source: Source, do: Callable[[], T]) -> T:
    """Do what begins with a log's newest head, and again a little later while too few witnesses have seen that.

    A server's log gains a head each second while it is busy. What lies in a folder changes no more.

    Raises:
        Discrepancy: as ``do``; ``policy.quorum`` after some five seconds.
    """
    for _ in range(_TRIES if isinstance(source, TileServer) else 0):
        try:
            return do()
        except Discrepancy as error:
            if (error.code, error.place) != (_TOO_FEW, CHECKPOINT):
                raise
            time.sleep(_PAUSE_S)
    return do()
