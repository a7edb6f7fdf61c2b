"""A running server's log over HTTP, read by those who do not know that there is a licensing server behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from licensing_protocol.log.checkpoint import Checkpoint, verify
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteKey
from licensing_protocol.log.tlog_proof import TlogProof
from licensing_server.config import Settings
from licensing_server.setup import initialise, open_server
from tests.interoperation.others import Others
from tests.interoperation.sumdb import Sumdb
from tests.server.conftest import AT_HAND
from tests.server.log_reader import fill
from tests.server.process import running
from tests.server.witnessing.test_processes import until

SIZE = 300


@dataclass(frozen=True)
class Served:
    """The address of a log, and its key."""

    address: str
    vkey: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    settings = Settings(data_dir=folder / "data", log_public=True, **AT_HAND)
    token = initialise(settings, "Ada Admin").token_file.read_text().strip()
    database, _ = open_server(settings)
    fill(database, SIZE)
    database.close()
    with running(settings, folder) as server:
        key = httpx2.get(f"{server.url}/v1/log/key", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        made = Served(f"{server.url}/log", key.text.strip())
        until(lambda: head(made) is not None)
        yield made


def head(served: Served) -> Checkpoint | None:
    """Return the newest checkpoint once it covers what was done."""
    answer = httpx2.get(f"{served.address}/checkpoint", trust_env=False)
    if answer.status_code != 200:
        return None
    found = verify(Note.parse(answer.content), [NoteKey.parse(served.vkey)])
    return found if found.size > SIZE else None


def test_go_s_checksum_database_follows_it(sumdb: Sumdb, served: Served) -> None:
    told = sumdb.ask("follow", base=served.address, vkey=served.vkey, sizes=[1, 256, SIZE])
    assert told["error"] == ""
    assert Checkpoint.parse(told["text"]) == head(served)
    assert len(told["inclusion"]) > SIZE


def test_tlog_scales_carries_a_proof_out_of_it(others: Others, served: Served) -> None:
    entry = others.run("-m", "tlog_scales.cli", "get-leaf", served.address, "-1")
    carried = TlogProof.parse(others.run("-m", "tlog_scales.cli", "gen-proof", served.address, "-1"))
    assert carried.verify(entry, lambda note: verify(note, [NoteKey.parse(served.vkey)])) == head(served)
