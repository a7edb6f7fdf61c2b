"""A server whose log asks two witnesses that answer over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from licensing_protocol.log.note import Note
from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.web import Role
from tests.server.conftest import AT_HAND
from tests.server.exporter import Exporter
from tests.simulators.witness import SimulatedWitness, answering

FIRST, SECOND = "first.example/w", "second.example/w"
Both: TypeAlias = tuple[SimulatedWitness, SimulatedWitness]


def policy_of(*witnesses: SimulatedWitness) -> str:
    """Return the policy that asks for all of them."""
    names = [f"w{number}" for number in range(len(witnesses))]
    lines = [f"witness {name} {found.vkey} {found.url}" for name, found in zip(names, witnesses, strict=True)]
    return "\n".join([*lines, f"group all_of_them all {' '.join(names)}", "quorum all_of_them", ""])


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[Both]:
    """Two witnesses that know no log yet."""
    with answering(tmp_path / "first", FIRST) as first, answering(tmp_path / "second", SECOND) as second:
        yield first, second


@pytest.fixture
def policy(tmp_path: Path, witnesses: Both) -> Path:
    """The file of whom the log asks."""
    path = tmp_path / "policy"
    path.write_text(policy_of(*witnesses))
    return path


@pytest.fixture
def settings(database_url: str, tmp_path: Path, policy: Path) -> Settings:
    """The settings of a server whose log asks both."""
    return Settings(data_dir=tmp_path / "data", database_url=database_url, log_policy=policy, **AT_HAND)


@pytest.fixture
def exporter(settings: Settings, witnesses: Both) -> Iterator[Exporter]:
    """A server whose log both witnesses know, and whose first checkpoint is signed."""
    exporter = begin(settings, witnesses)
    yield exporter
    exporter.end()


@pytest.fixture
def sqlite_exporter(tmp_path: Path, policy: Path, witnesses: Both) -> Iterator[Exporter]:
    """As ``exporter``, on SQLite only."""
    exporter = begin(Settings(data_dir=tmp_path / "data", log_policy=policy, **AT_HAND), witnesses)
    yield exporter
    exporter.end()


def begin(settings: Settings, witnesses: Both) -> Exporter:
    """Begin a server whose log both witnesses know."""
    exporter = Exporter.begin(settings)
    for found in witnesses:
        found.witness.trust(vkey_of(exporter), clock.now())
    exporter.settle()
    return exporter


def vkey_of(exporter: Exporter) -> str:
    """Return the log's verifier key."""
    key: str = exporter.ask("GET", "/v1/log/key", Role.AUDITOR).text.strip()
    return key


def ask_all(exporter: Exporter) -> int | None:
    """Let the log ask whoever is due, as time goes on."""
    exporter.ahead += 400
    runner = exporter.app.state.outward
    due: int | None = runner.run_once(clock.now() + exporter.ahead)
    assert runner.failures == {}
    return due


def head_of(exporter: Exporter) -> Note:
    """Return the newest checkpoint that is signed, though its witnesses have not seen it."""
    return Note.parse(exporter.all("/v1/log/checkpoints", Role.AUDITOR)[-1]["note"].encode())


def shown_by(exporter: Exporter) -> Note:
    """Return the newest checkpoint that is shown."""
    answer = exporter.ask("GET", "/log/checkpoint", Role.AUDITOR)
    assert answer.status_code == 200, answer.text
    return Note.parse(answer.content)


def standing(exporter: Exporter) -> Any:
    """Return what the witnesses answer, by their names."""
    found = exporter.get("/v1/log/witnesses", Role.AUDITOR)
    return {witness["name"]: witness["state"] for witness in found["witnesses"]}
