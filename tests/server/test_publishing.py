"""Lists and trust documents as files: what the server serves, replaced in one step, good enough for an agent."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from device_agent import Agent
from device_agent.exchange import Arriving, HttpTransport, Request
from licensing_protocol.canonical import decode_object, encode, to_base64url
from licensing_protocol.status_list import SHARD_ENTRIES, verify
from licensing_server.audit_log.tables import LogCheckpoint
from licensing_server.auditing.source import Folder
from licensing_server.auditing.verify import verify_log
from licensing_server.problem import Conflict, Problem
from licensing_server.publishing import Published, publish
from licensing_server.status_lists.tables import Shard
from tests.agent.bench import denial
from tests.server.exporter import CAPABILITY, Exporter
from tests.server.log_reader import believing, grow, newest
from tests.simulators.device import payload
from tests.simulators.shelf import serving_files
from tests.simulators.transport import SimulatedNetwork

LIST = "v1/status/1"


@dataclass
class Split(SimulatedNetwork):
    """Leads documents to the server, and whoever fetches a list to a shelf of files."""

    shelf: str = ""

    @contextmanager
    def open(self, request: Request) -> Iterator[Arriving]:
        """Send a request and give its answer as it arrives."""
        if request.method != "GET":
            with super().open(request) as arriving:
                yield arriving
            return
        there = replace(request, url=request.url.replace("https://exporter.example", self.shelf))
        with HttpTransport().open(there) as arriving:
            self.sent.append(request)
            yield arriving


def test_the_files_are_what_the_server_serves_and_are_left_alone_while_it_is_the_same(
    exporter: Exporter, tmp_path: Path
) -> None:
    exporter.device()
    assert put(exporter, tmp_path) == Published(3, 0)
    served = exporter.ask("GET", f"/{LIST}", None)
    path = tmp_path / LIST
    assert path.read_text() == served.text
    assert gzip.decompress(path.with_name("1.gz").read_bytes()) == served.content
    assert path.stat().st_mtime == payload(served.text)["iat"] == path.with_name("1.gz").stat().st_mtime
    root = decode_object((tmp_path / "v1/trust/1.root.json").read_bytes())
    assert root == exporter.get("/v1/trust/1.root.json", None)
    before = path.stat().st_ino
    assert put(exporter, tmp_path) == Published(0, 0)
    assert path.stat().st_ino == before
    files = {"v1/status/1", "v1/trust/1.root.json", "v1/trust/targets.json"}
    assert names(tmp_path) == files | {f"{name}.gz" for name in files}
    assert path.stat().st_mode & 0o777 == 0o644


def test_whoever_reads_meanwhile_reads_a_whole_list(sqlite_exporter: Exporter, tmp_path: Path) -> None:
    exporter = sqlite_exporter
    exporter.device()
    put(exporter, tmp_path)
    root, stop, numbers = exporter.trusted(), threading.Event(), list[int]()

    def read() -> None:
        while not stop.is_set():
            texts = [(tmp_path / LIST).read_text(), gzip.decompress((tmp_path / f"{LIST}.gz").read_bytes()).decode()]
            numbers.extend(
                verify(text, root, uri="https://exporter.example/v1/status/1", now=0).sequence for text in texts
            )

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(20):
        exporter.settle(now=exporter.settings.status_resign + payload((tmp_path / LIST).read_text())["iat"])
        assert put(exporter, tmp_path) == Published(1, 0)
    stop.set()
    for reader in readers:
        reader.join()
    assert len(set(numbers)) > 1
    assert not [name for name in names(tmp_path) if "/." in name]


def test_an_agent_lives_on_files(sqlite_exporter: Exporter, tmp_path: Path) -> None:
    exporter, shelf = sqlite_exporter, tmp_path / "shelf"
    exporter.settle()
    put(exporter, shelf)
    manifest = exporter.product_manifest("2.0", measure=()).sign(exporter.vendor)
    exporter.release("2.0", measure=())
    with serving_files(shelf) as address:
        network = Split(exporter.client, shelf=address)
        agent = Agent.open(
            tmp_path / "agent",
            manifest=manifest,
            vendor_key=exporter.vendor.key.jwk,
            transport=network,
            sync_every=None,
        )
        with agent:
            agent.enroll(exporter.token())
            assert denial(agent) is None
            exporter.order("suspend", scope={"device": agent.device_id, "capability": CAPABILITY})
            assert agent.sync().problems == ()
            assert denial(agent) is None
            put(exporter, shelf)
            assert agent.sync().lists == 1
            assert denial(agent) == "status.suspended"
            assert agent.sync().lists == 0


def test_a_newer_list_is_never_replaced_by_an_older_one(sqlite_exporter: Exporter, tmp_path: Path) -> None:
    sqlite_exporter.device()
    put(sqlite_exporter, tmp_path)
    path = tmp_path / LIST
    newer = ".".join(["e30", to_segment({"seq": 2**40}), "x"])
    path.write_text(newer)
    with pytest.raises(Conflict) as refused:
        put(sqlite_exporter, tmp_path)
    assert refused.value.code == "publish.older"
    assert path.read_text() == newer


@pytest.mark.parametrize("rubbish", [b"", b"\xff\xfe", b"a.b.c", b"e30.e30.x", b'{"seq": 1}'])
def test_what_is_no_list_is_replaced(sqlite_exporter: Exporter, tmp_path: Path, rubbish: bytes) -> None:
    sqlite_exporter.device()
    (tmp_path / "v1/status").mkdir(parents=True)
    (tmp_path / LIST).write_bytes(rubbish)
    put(sqlite_exporter, tmp_path)
    assert (tmp_path / LIST).read_text() == sqlite_exporter.ask("GET", f"/{LIST}", None).text


def test_a_retired_list_goes_and_a_folder_that_cannot_be_written_is_said(
    sqlite_exporter: Exporter, tmp_path: Path
) -> None:
    exporter = sqlite_exporter
    end = (exporter.device().entitlement or {})["exp"] + exporter.settings.status_lifetime + 1
    put(exporter, tmp_path)
    with exporter.database.write() as session:
        session.execute(update(Shard).where(Shard.id == 1).values(next_index=SHARD_ENTRIES))
    exporter.settle(now=end)
    assert put(exporter, tmp_path) == Published(1, 1)
    assert {name for name in names(tmp_path) if "status" in name} == {"v1/status/2", "v1/status/2.gz"}
    (tmp_path / "file").touch()
    with pytest.raises(Problem) as refused:
        put(exporter, tmp_path / "file")
    assert refused.value.code == "publish.unwritable"


def test_a_public_log_is_there_as_files_that_an_auditor_verifies(exporter: Exporter, tmp_path: Path) -> None:
    assert put(exporter, tmp_path).removed == 0
    assert not (tmp_path / "log").exists()
    grow(exporter, (100,))
    put(exporter, tmp_path, with_log=True)
    first = verify_log(Folder(tmp_path / "log"), believing(exporter)).checkpoint
    assert first == newest(exporter)[1]
    assert put(exporter, tmp_path, with_log=True) == Published(0, 0)
    grow(exporter, (400, 1))
    put(exporter, tmp_path, with_log=True)
    second = verify_log(Folder(tmp_path / "log"), believing(exporter)).checkpoint
    assert second.size == first.size + 401
    # Parts of a tile that is whole by now are gone.
    assert not (tmp_path / "log/tile/0/000.p").exists()
    assert (tmp_path / "log/tile/0/000.gz").exists()
    with exporter.database.write() as session:
        session.execute(delete(LogCheckpoint).where(LogCheckpoint.size == second.size))
    with pytest.raises(Conflict) as refused:
        put(exporter, tmp_path, with_log=True)
    assert refused.value.code == "publish.older"


def put(exporter: Exporter, folder: Path, *, with_log: bool = False) -> Published:
    with exporter.database.read() as session:
        return publish(session, folder, with_log=with_log)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in (folder / "v1").rglob("*") if path.is_file()}


def to_segment(claims: dict[str, int]) -> str:
    return to_base64url(encode(claims))
