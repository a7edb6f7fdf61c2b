"""A server and two witnesses, each a process of its own: killed, set back, and made to show another past."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from licensing_protocol.canonical import encode
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.merkle import Frontier, leaf_hash
from licensing_protocol.log.note import Note
from licensing_protocol.log.policy import Policy
from licensing_protocol.log.witness import AddCheckpoint
from licensing_server.config import Settings
from licensing_server.setup import initialise
from tests.server.conftest import AT_HAND
from tests.server.process import ServerProcess, free_port
from tests.witness.process import WitnessProcess

PATIENCE_S = 40.0


@dataclass
class Exporter:
    """A server process that asks witnesses, and its administrator's token."""

    server: ServerProcess
    token: str

    def get(self, path: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx2.get(f"{self.server.url}{path}", headers=headers, timeout=20, trust_env=False)

    def act(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        body = {"name": "Harbour Office", "country": "PT"}
        made = httpx2.post(f"{self.server.url}/v1/parties", json=body, headers=headers, timeout=20, trust_env=False)
        assert made.status_code == 201, made.text

    def head(self) -> Note:
        """Return the newest checkpoint that is signed; it is shown once the quorum has seen it."""
        page = self.get("/v1/log/checkpoints").json()
        while page["next"] is not None:
            page = self.get(f"/v1/log/checkpoints?cursor={page['next']}").json()
        return Note.parse(page["items"][-1]["note"].encode())

    def cosigned(self, count: int = 2) -> Note:
        """Return the newest checkpoint once so many witnesses have cosigned it."""
        found: list[Note] = []

        def is_there() -> bool:
            found.append(self.head())
            return len(found[-1].signatures) == 1 + count

        until(is_there)
        return found[-1]

    def shown(self) -> Note:
        """Return the newest checkpoint that is shown."""
        return Note.parse(self.get("/log/checkpoint").content)

    def refusing(self) -> Any:
        return httpx2.get(f"{self.server.url}/readyz", timeout=20, trust_env=False).json()["refusing_witnesses"]


@contextmanager
def exporter(folder: Path, *witnesses: WitnessProcess) -> Iterator[Exporter]:
    """Begin a server whose log these witnesses know."""
    names = [f"w{number}" for number in range(len(witnesses))]
    lines = [f"witness {name} {found.vkey} {found.address}" for name, found in zip(names, witnesses, strict=True)]
    (folder / "policy").write_text("\n".join([*lines, f"group both all {' '.join(names)}", "quorum both", ""]))
    settings = Settings(data_dir=folder / "data", log_policy=folder / "policy", **AT_HAND)
    token = initialise(settings, "Ada Admin").token_file.read_text().strip()
    server = ServerProcess(settings, free_port(), folder / "server.log")
    server.start()
    made = Exporter(server, token)
    for found in witnesses:
        found.trust(made.get("/v1/log/key").text.strip())
    try:
        yield made
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def rewrite_the_past(data_dir: Path) -> None:
    """Change an entry as somebody would who holds the server: everything that could tell is made to fit."""
    (data_dir / "log.head").unlink()
    with closing(sqlite3.connect(data_dir / "interlock.db")) as database:
        body = encode({"v": 1, "type": "person.added", "time": 1, "actor": "system", "subject": "nobody", "data": {}})
        database.execute("UPDATE log_entry SET body = ?, leaf = ? WHERE position = 2", (body, leaf_hash(body)))
        for table in ("log_quorum", "log_cosignature", "log_checkpoint", "log_witness", "log_hash"):
            database.execute(f"DELETE FROM {table}")
        leaves = [leaf for (leaf,) in database.execute("SELECT leaf FROM log_entry ORDER BY position")]
        database.executemany("INSERT INTO log_hash VALUES (?, ?)", enumerate(Frontier().grow(leaves)))
        database.commit()


def test_a_log_is_cosigned_and_another_past_is_refused(tmp_path: Path) -> None:
    first, second = (WitnessProcess.begin(tmp_path / name, f"{name}.example/w") for name in ("first", "second"))
    with first, second, exporter(tmp_path, first, second) as made:
        made.act()
        earlier = made.cosigned()
        policy = f"log {made.get('/v1/log/key').text}{(tmp_path / 'policy').read_text()}"
        seen = Policy.parse(policy.encode()).verify(earlier)

        # A witness that is killed is no loss, and forgets nothing.
        first.kill()
        made.act()
        made.cosigned(1)
        assert made.refusing() == []
        assert made.shown().text == earlier.text
        first.__enter__()
        newest = made.cosigned()
        assert made.shown().text == newest.text
        assert Checkpoint.parse(newest.text).size > seen.size

        # An older checkpoint, sent again by whoever kept it.
        replayed = AddCheckpoint(0, (), Note(earlier.text, earlier.signatures[:1])).to_bytes()
        size = Checkpoint.parse(newest.text).size
        assert [found.add(replayed) for found in (first, second)] == [(409, f"{size}\n")] * 2

        # Whoever holds the server rewrites the past, and makes everything in it fit.
        made.server.kill()
        second.kill()
        rewrite_the_past(made.server.settings.data_dir)
        second.__enter__()
        made.server.start()
        until(lambda: bool(made.refusing() == [f"{name}.example/w" for name in ("first", "second")]))
        assert len(made.head().signatures) == 1
        assert made.get("/v1/log/witnesses").json()["quorum_size"] == 0
        for found in (first, second):
            (log,) = found.show()["logs"]
            assert log["size"] == size
            assert log["refused"]


def test_a_server_with_witnesses_that_never_answer_works_and_ends_when_asked(tmp_path: Path) -> None:
    nobody = WitnessProcess.begin(tmp_path / "nobody", "nobody.example/w")
    nobody.address = f"http://127.0.0.1:{free_port()}"
    with exporter(tmp_path, nobody) as made:
        made.act()
        until(lambda: bool(made.get("/v1/log/witnesses").json()["witnesses"][0]["state"] == "failed"))
        assert made.server.ready()
        assert made.refusing() == []
        assert made.server.stop() == 0
