"""A witness in this process, and a log that it knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from licensing_server.witness import Witness, begin, create_app, open_witness
from tests.witness.logs import NOW, SimulatedLog

NAME = "witness.example.org/1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a new witness."""
    begin(tmp_path / "witness", NAME)
    return tmp_path / "witness"


@pytest.fixture
def witness(folder: Path) -> Iterator[Witness]:
    """A witness that knows nobody yet."""
    opened = open_witness(folder)
    yield opened
    opened.close()


@pytest.fixture
def log(witness: Witness) -> SimulatedLog:
    """A log of ten entries that the witness knows."""
    made = SimulatedLog().grow(10)
    witness.trust(made.vkey, NOW)
    return made


@pytest.fixture
def client(witness: Witness) -> Iterator[TestClient]:
    """The witness over HTTP."""
    with TestClient(create_app(witness, rate=10_000), raise_server_exceptions=False) as client:
        yield client
