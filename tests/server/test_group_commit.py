"""How soon an act has its index: the commit itself wakes the work in the background, whoever commits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import pytest

from licensing_protocol.log.checkpoint import Checkpoint
from licensing_server import audit_log
from licensing_server.audit_log.sequence import look
from licensing_server.config import Settings
from licensing_server.web import Role
from tests.server.exporter import Exporter
from tests.server.process import running

WITHIN_S = 0.25
PATIENCE_S = 10.0
ACTS = 5
# The machine that runs the tests does other things too: of some rounds one must show what the server can.
ROUNDS = 4
PARTY = {"name": "Harbour Office", "country": "PT"}


@dataclass
class Clerk:
    """Acts at a server in a process of its own, or beside it, and looks there for the index of the act."""

    exporter: Exporter
    http: httpx2.Client

    def act(self) -> str:
        """Act at the server, and return whom the entry is about."""
        return self._id(self.http.post("/v1/parties", json=PARTY, headers=self._as(Role.COMPLIANCE)))

    def act_twice(self) -> str:
        """Act, and once more while the first act is being followed."""
        self.act()
        return self.act()

    def act_elsewhere(self) -> str:
        """Act in this process, where nothing works in the background."""
        return self._id(self.exporter.ask("POST", "/v1/parties", json=PARTY))

    def waits(self, act: Callable[[], str]) -> list[float]:
        """Return of some acts, the first from rest, the seconds from the acknowledgement to an index."""
        until(self._is_at_rest)
        return [self._waited(act) for _ in range(ACTS)]

    def _waited(self, act: Callable[[], str]) -> float:
        subject, begun = act(), time.monotonic()
        path, headers = f"/v1/log/entries?subject={subject}", self._as(Role.AUDITOR)
        until(lambda: bool(self.http.get(path, headers=headers).json()["items"]))
        return time.monotonic() - begun

    def _is_at_rest(self) -> bool:
        with self.exporter.database.read() as session:
            note = audit_log.checkpoint(session)
            size = None if note is None else Checkpoint.parse(note.text).size
            return look(session, 0) is None and size == audit_log.size(session)

    def _as(self, role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.exporter.tokens[role]}"}

    def _id(self, made: Any) -> str:
        assert made.status_code == 201, made.text
        found: str = made.json()["id"]
        return found


@pytest.fixture
def clerk(exporter: Exporter, settings: Settings, tmp_path: Path) -> Iterator[Clerk]:
    with running(settings, tmp_path) as server, httpx2.Client(base_url=server.url, trust_env=False) as http:
        yield Clerk(exporter, http)


def test_an_act_has_its_index_a_quarter_of_a_second_after_it_was_acknowledged(clerk: Clerk) -> None:
    for act in (clerk.act, clerk.act_twice, clerk.act_elsewhere):
        rounds = [clerk.waits(act)]
        while median(rounds[-1]) > WITHIN_S:
            assert len(rounds) < ROUNDS, (act.__name__, rounds)
            rounds.append(clerk.waits(act))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)
