"""Using a capability: context managers, functions, records on disk, and what a disk that fails means."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from device_agent import Agent, CapabilityDenied, Granted, journal
from device_agent.errors import StoreFull
from device_agent.store import Store
from licensing_protocol.journal import EventType
from licensing_protocol.status_list import Status
from licensing_protocol.time_bounds import TimeBounds
from tests.agent.bench import Bench, denial
from tests.simulators.exporter import CAPABILITY, grant


def rows(bench: Bench, query: str) -> list[Any]:
    """Read the store as another process would: only what is on disk is there."""
    connection = sqlite3.connect(bench.folder / "agent" / "agent.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def uses(bench: Bench) -> dict[str, tuple[int, int]]:
    return {name: (used, denied) for name, used, denied in rows(bench, "SELECT capability, uses, denials FROM usage")}


def events(bench: Bench, type: str) -> list[str]:
    return [data for (data,) in rows(bench, f"SELECT data FROM event WHERE type = '{type}' ORDER BY seq")]


class Broken(Exception):
    """The product's own."""


def test_the_body_gets_the_grant_and_keeps_its_own_exceptions(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(obligations=["blur bystanders"])}
    agent = bench.enrolled()
    raised = Broken()
    with agent.use(CAPABILITY) as granted:
        assert isinstance(granted, Granted)
        assert granted.obligations == ("blur bystanders",)
    with pytest.raises(Broken) as caught, agent.use(CAPABILITY):
        raise raised
    assert caught.value is raised
    assert caught.value.__context__ is None


def test_a_denied_body_never_begins(bench: Bench) -> None:
    agent, begun = bench.enrolled(), False
    with pytest.raises(CapabilityDenied) as refused, agent.use("av.record"):
        begun = True
    assert not begun
    assert refused.value.denied.capability == "av.record"
    assert refused.value.code == refused.value.denied.reason.code == "capability.stripped"
    assert refused.value.denied.reason.sentence in str(refused.value)


def test_both_kinds_of_function_are_guarded(bench: Bench) -> None:
    agent = bench.enrolled()

    @agent.requires(CAPABILITY)
    def match(one: int, *, other: int) -> int:
        """Match."""
        return one + other

    @agent.requires("av.record")
    def record() -> None:
        raise AssertionError("not granted")

    assert match(1, other=2) == 3
    assert (match.__name__, match.__doc__) == ("match", "Match.")
    with pytest.raises(CapabilityDenied):
        record()


def test_asynchronous_uses_and_functions_are_guarded(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(audit="each"), "av.record": grant(index=1)}
    agent = bench.enrolled()

    @agent.requires(CAPABILITY, authority="W-1")
    async def match(one: int) -> int:
        await asyncio.sleep(0)
        return one

    @agent.requires("face.unknown")
    async def unknown() -> None:
        raise AssertionError("not granted")

    async def product() -> None:
        assert await asyncio.gather(*(match(number) for number in range(5))) == list(range(5))
        async with agent.use("av.record") as granted:
            assert granted.capability == "av.record"
        with pytest.raises(CapabilityDenied):
            await unknown()
        with pytest.raises(Broken):
            async with agent.use("av.record"):
                raise Broken

    asyncio.run(product())
    assert len(events(bench, EventType.CAPABILITY_USED)) == 5


def test_a_generator_cannot_be_guarded_by_its_call(bench: Bench) -> None:
    agent = bench.open()

    def frames() -> Iterator[int]:
        yield 1

    async def stream() -> AsyncIterator[int]:
        yield 1

    for function in (frames, stream):
        with pytest.raises(TypeError, match="generator"):
            agent.requires(CAPABILITY)(function)


def test_a_gate_that_is_kept_does_not_stay_open(bench: Bench) -> None:
    agent = bench.granting(period={"nbf": 0, "exp": int(bench.clock.read().wall) + 10})
    with agent.use(CAPABILITY):
        pass
    kept = agent.use(CAPABILITY)
    with kept:
        pass
    bench.clock.pass_time(10)
    with pytest.raises(CapabilityDenied), kept:
        pass
    agent.close()
    with pytest.raises(CapabilityDenied), kept:
        pass


def test_a_gate_says_the_same_of_its_use_after_the_grant_has_changed(bench: Bench) -> None:
    agent = bench.enrolled()
    assert denial(agent) is None
    said = agent.use(CAPABILITY, authority="W-1")
    bench.server.grants = {CAPABILITY: grant(index=1, limits={"authority": {"required": True}})}
    agent.sync()
    bench.clock.pass_time(1)
    with said:
        pass
    assert denial(agent) == "authority.missing"


def test_a_gate_whose_use_the_product_changes_is_decided_anew(bench: Bench) -> None:
    agent = bench.granting(parameters={"properties": {"targets": {"maxItems": 1}}})
    targets = [1]
    gate = agent.use(CAPABILITY, targets=targets)
    with gate:
        targets.append(2)
    with pytest.raises(CapabilityDenied), gate:
        pass


def test_each_use_is_on_disk_before_its_body_begins(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(audit="each")}
    agent = bench.enrolled()
    for number in range(3):
        with agent.use(CAPABILITY, authority="W-2026/0412", operators=("ana", "bo")):
            assert len(events(bench, EventType.CAPABILITY_USED)) == number + 1
            assert uses(bench) == {CAPABILITY: (number + 1, 0)}


def test_an_authority_leaves_the_device_only_as_a_hash_that_nobody_can_guess(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(audit="each")}
    agent = bench.enrolled()
    for authority in ("W-1", "W-1", "W-2"):
        with agent.use(CAPABILITY, authority=authority, operators=("ana",)):
            pass
    agent.sync()
    told = bench.server.events("capability.used")
    hashes = [event["authority"] for event in told]
    assert hashes[0] == hashes[1] != hashes[2]
    (salt,) = rows(bench, "SELECT value FROM fact WHERE name = 'salt'")[0]
    sent = str([report.to_claims() for report in bench.server.received])
    assert all(secret not in sent for secret in ("W-1", "W-2", "ana", salt))
    assert told[0]["operators"] == 1


def test_counts_reach_the_disk_by_the_uses_and_at_the_end(bench: Bench) -> None:
    agent = bench.enrolled()
    for _ in range(5):
        assert denial(agent) is None
    bench.clock.pass_time(3)
    assert denial(agent) is None
    assert uses(bench) == {CAPABILITY: (5, 0)}
    assert denial(agent) is None
    agent.close()
    assert uses(bench) == {CAPABILITY: (7, 0)}


def test_counting_writes_seldom_however_often_a_capability_is_used(bench: Bench) -> None:
    agent = bench.enrolled()
    other = Store.open(bench.folder / "agent")
    versions = set()
    for _ in range(100):
        bench.clock.pass_time(0.1)
        for _ in range(20):
            assert denial(agent) is None
        versions.add(other.data_version())
    other.close()
    # Ten seconds, and counts go to the disk every two.
    assert 3 <= len(versions) <= 7
    agent.close()
    assert uses(bench) == {CAPABILITY: (2000, 0)}


def test_threads_use_a_capability_while_its_answer_changes_and_every_use_is_counted(bench: Bench) -> None:
    agent, granted, stop = bench.enrolled(), [0] * 2, threading.Event()

    def product(number: int) -> None:
        while not stop.is_set():
            with contextlib.suppress(CapabilityDenied), agent.use(CAPABILITY):
                granted[number] += 1

    threads = [threading.Thread(target=product, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for turn in range(4):
        bench.server.statuses = {0: Status.SUSPENDED} if turn % 2 else {}
        agent.sync()
        bench.clock.pass_time(1)
    stop.set()
    for thread in threads:
        thread.join()
    agent.close()
    told = sum(report.usage[CAPABILITY].uses for report in bench.server.received if CAPABILITY in report.usage)
    assert sum(granted) > 0
    assert told + uses(bench)[CAPABILITY][0] == sum(granted)


def test_the_exporter_is_told_how_often_and_no_more(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(audit="count"), "av.record": grant(index=1, audit="none")}
    agent = bench.enrolled()
    for capability in (CAPABILITY, CAPABILITY, "av.record"):
        assert denial(agent, capability) is None
    agent.sync()
    told = bench.server.received[-1].usage
    assert {name: usage.uses for name, usage in told.items()} == {CAPABILITY: 2}
    assert bench.server.events("capability.used") == []


def test_like_denials_are_one_event_and_a_storm_is_few_writes(bench: Bench) -> None:
    agent = bench.enrolled()
    for _ in range(50):
        assert denial(agent, "av.record") == "capability.stripped"
    (first,) = events(bench, EventType.CAPABILITY_DENIED)
    assert '"count":1' in first
    assert denial(agent, "made.up") == "capability.unknown"
    assert len(events(bench, EventType.CAPABILITY_DENIED)) == 2
    agent.sync()
    told = bench.server.events("capability.denied")
    counts = {event["capability"]: event["count"] for event in told}
    assert counts == {"av.record": 50, "made.up": 1}
    assert bench.server.received[-1].usage["av.record"].denials == 50


def fill_disk(bench: Bench, agent: Agent) -> None:
    """Let the store's file grow no more, and fill what room it has."""
    with agent._store.write() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
    filler = [(str(number), "x" * 3000) for number in range(1000)]
    with contextlib.suppress(StoreFull):
        for values in filler:
            with agent._store.write() as connection:
                connection.execute("INSERT INTO document VALUES ('filler', ?, '', ?, '')", values)


def test_what_cannot_be_recorded_is_not_granted(bench: Bench) -> None:
    grants = {CAPABILITY: grant(audit="each"), "av.record": grant(index=1, audit="none")}
    bench.server.grants = grants
    agent = bench.enrolled()
    fill_disk(bench, agent)
    codes = set()
    for number in range(200):
        try:
            with agent.use(CAPABILITY, authority=f"W-{number}"):
                pass
        except CapabilityDenied as refused:
            codes.add(refused.code)
    assert codes == {"store.full"}
    assert denial(agent, "av.record") is None
    assert denial(agent, "safety.tamper_alarm") is None
    (counted,) = rows(bench, "SELECT uses FROM usage")
    assert counted == (len(events(bench, EventType.CAPABILITY_USED)),)


def test_counted_uses_stop_where_counts_cannot_be_written(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(audit="count"), "av.record": grant(index=1, audit="none")}
    agent = bench.enrolled()
    assert denial(agent) is None
    other = sqlite3.connect(bench.folder / "agent" / "agent.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    bench.clock.pass_time(3)
    assert denial(agent) == "store.locked"
    assert denial(agent, "av.record") is None
    other.execute("ROLLBACK")
    other.close()
    bench.clock.pass_time(3)
    assert denial(agent) is None


def test_a_store_that_was_never_readable_denies_and_heals(bench: Bench) -> None:
    folder = bench.folder / "agent"
    folder.mkdir()
    (folder / "agent.db").write_bytes(b"this is no database, whatever its name says" * 100)
    agent = bench.open()
    assert denial(agent) == "store.unreadable"
    assert denial(agent, "safety.tamper_alarm") is None
    assert agent.status().to_json()["problem"]["code"] == "store.unreadable"
    (folder / "agent.db").unlink()
    bench.clock.pass_time(1)
    assert denial(agent) == "entitlement.absent"
    agent.enroll("token")
    assert denial(agent) is None


def test_a_store_by_a_newer_agent_denies(bench: Bench) -> None:
    bench.enrolled().close()
    connection = sqlite3.connect(bench.folder / "agent" / "agent.db")
    connection.execute("PRAGMA user_version = 1000")
    connection.close()
    agent = bench.open()
    assert denial(agent) == "store.newer"
    assert denial(agent, "safety.tamper_alarm") is None


def test_a_store_that_is_held_by_somebody_else_denies_what_must_be_recorded(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(audit="each"), "av.record": grant(index=1, audit="none")}
    agent = bench.enrolled()
    other = sqlite3.connect(bench.folder / "agent" / "agent.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CapabilityDenied) as refused, agent.use(CAPABILITY):
        pass
    assert refused.value.code == "store.locked"
    assert denial(agent, "av.record") is None
    other.execute("ROLLBACK")
    other.close()
    assert denial(agent) is None


def test_a_full_journal_denies_what_needs_an_event_until_the_exporter_has_it(bench: Bench) -> None:
    bench.server.grants = {CAPABILITY: grant(audit="each"), "av.record": grant(index=1)}
    agent = bench.enrolled()
    bounds, product = TimeBounds(1), Store.open(bench.folder / "agent")
    with product.write() as connection:
        while not journal.Chain.read(connection).is_full:
            journal.append(connection, "product.event", {"text": "x" * 3900}, bounds, "boot-1")
    product.close()
    with pytest.raises(CapabilityDenied) as refused, agent.use(CAPABILITY):
        pass
    assert refused.value.code == "journal.full"
    bench.clock.pass_time(1)
    assert denial(agent) == "journal.full"
    assert denial(agent, "av.record") is None
    assert agent.sync().reached
    assert denial(agent) is None
    with agent.use(CAPABILITY):
        pass


def test_a_damaged_store_while_running_denies(bench: Bench, tmp_path: Path) -> None:
    agent = bench.enrolled()
    assert denial(agent) is None
    for file in (bench.folder / "agent").glob("agent.db*"):
        file.write_bytes(b"\x00" * file.stat().st_size)
    bench.clock.pass_time(1)
    assert denial(agent) == "store.unreadable"
    assert denial(agent, "safety.tamper_alarm") is None


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE quota SET slot = 'soon', used = 'few'",
        "INSERT OR REPLACE INTO fact VALUES ('notices', '[')",
        "UPDATE clock SET boottime = 'late'",
        "UPDATE document SET text = 'gone' WHERE kind = 'status_list'",
        "UPDATE component SET leaves = '['",
        "DELETE FROM mark",
        "DROP TABLE usage",
    ],
)
def test_content_that_nobody_expected_denies_and_never_reaches_the_product(bench: Bench, damage: str) -> None:
    bench.server.grants = {CAPABILITY: grant(audit="each", limits={"quota": {"id": "q", "uses": 9, "anchor": 0}})}
    (bench.folder / "rules.json").write_text("[]")
    agent = bench.enrolled(product_folder=bench.folder)
    assert denial(agent) is None
    agent.close()
    connection = sqlite3.connect(bench.folder / "agent" / "agent.db")
    connection.execute(damage)
    connection.commit()
    connection.close()
    (bench.folder / "rules.json").write_text("[1]")
    again = bench.open(product_folder=bench.folder)
    with contextlib.suppress(CapabilityDenied), again.use(CAPABILITY):
        assert damage.startswith("UPDATE component")
    assert denial(again, "safety.tamper_alarm") is None
    again.status()
