"""The journal: numbered, chained, folded, bounded, and nothing in it lost before a receipt covers it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent import journal
from device_agent.errors import JournalFull, StoreFull, StoreUnreadable
from device_agent.journal.chain import MAX_BYTES, RESERVE_BYTES
from device_agent.store import Connection, Store
from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.journal import Event, EventType, first_head, follow
from licensing_protocol.time_bounds import TimeBounds
from tests.simulators.memory import memory

KEY = "A" * 43
NOW = TimeBounds(1_800_000_000, 1_800_000_010, None)
HOUR = TimeBounds(NOW.lower + 3600)
DENIAL: JsonObject = {"capability": "av.record", "reason": "schedule.closed"}


@pytest.fixture
def connection() -> Iterator[Connection]:
    made = memory()
    journal.begin(made, KEY)
    yield made
    made.close()


def add(connection: Connection, type: str, data: JsonObject, bounds: TimeBounds = NOW) -> Event:
    return journal.append(connection, type, data, bounds, "boot-1")


def send(connection: Connection, last: int) -> None:
    """Let evidence be under way that carries the events up to ``last``."""
    connection.execute("INSERT INTO outbox VALUES (1, 'id', 'text', 'receipt', ?, x'00', '{}', 'boot-1', 0)", (last,))


def test_an_event_carries_its_number_its_time_and_its_boot(connection: Connection) -> None:
    add(connection, EventType.CAPABILITY_USED, {"capability": "av.record"})
    event = add(connection, "vendor.lens_removed", {"count": 2})
    assert event == Event(2, "vendor.lens_removed", NOW.lower, NOW.upper, "boot-1", {"count": 2})
    assert list(journal.unreceipted(connection))[1] == event


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(EventType)), st.integers(0, 3)), max_size=30), st.integers(0, 30))
def test_the_chain_is_the_protocols_and_survives_what_a_receipt_lets_go(
    acts: list[tuple[EventType, int]], covered: int
) -> None:
    connection = memory()
    journal.begin(connection, KEY)
    for type, number in acts:
        add(connection, type, {"number": number})
    events = list(journal.unreceipted(connection))
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    pairs = list(journal.heads(connection))
    assert [head for _, head in pairs] == [follow(first_head(KEY), 1, events[: n + 1]) for n in range(len(events))]
    last = min(covered, len(events))
    head = pairs[last - 1][1] if last else first_head(KEY)
    journal.covered(connection, last, head)
    assert list(journal.unreceipted(connection)) == events[last:]
    assert list(journal.heads(connection)) == pairs[last:]
    chain = journal.Chain.read(connection)
    assert (chain.last, chain.covered, chain.head) == (len(events), last, head)
    assert chain.bytes == sum(len(event.to_bytes()) for event in events[last:])
    connection.close()


def test_like_denials_fold_and_others_do_not(connection: Connection) -> None:
    for _ in range(3):
        add(connection, EventType.CAPABILITY_DENIED, DENIAL)
        add(connection, EventType.CAPABILITY_DENIED, DENIAL | {"reason": "area.outside"})
        add(connection, EventType.CAPABILITY_USED, {"capability": "av.record"})
    journal.append(connection, EventType.CAPABILITY_DENIED, DENIAL, TimeBounds(NOW.lower + 9), "boot-1", 40)
    events = list(journal.unreceipted(connection))
    assert [event.type for event in events] == ["capability.denied"] * 2 + ["capability.used"] * 3
    assert events[0].data == DENIAL | {"count": 43, "until": NOW.lower + 9}
    assert events[1].data["count"] == 3
    assert (events[0].lower, events[0].upper) == (NOW.lower, NOW.upper)


def test_what_a_clock_did_folds_and_the_farthest_is_kept(connection: Connection) -> None:
    for seconds in (90, -7200, 300):
        add(connection, EventType.CLOCK_JUMPED, {"seconds": seconds})
    for against in ("boot", "schedule", "boot"):
        add(connection, EventType.CLOCK_ROLLED_BACK, {"against": against, "seconds": 400})
    told = [(event.type, event.data) for event in journal.unreceipted(connection)]
    until = {"until": NOW.lower}
    assert told == [
        ("clock.jumped", {"seconds": -7200, "count": 3} | until),
        ("clock.rolled_back", {"against": "boot", "seconds": 400, "count": 2} | until),
        ("clock.rolled_back", {"against": "schedule", "seconds": 400, "count": 1}),
    ]


def test_denials_of_another_hour_are_another_event(connection: Connection) -> None:
    add(connection, EventType.CAPABILITY_DENIED, DENIAL)
    add(connection, EventType.CAPABILITY_DENIED, DENIAL, HOUR)
    assert [event.data["count"] for event in journal.unreceipted(connection)] == [1, 1]


def test_an_event_that_evidence_carries_is_never_changed(connection: Connection) -> None:
    add(connection, EventType.CAPABILITY_DENIED, DENIAL)
    before = list(journal.unreceipted(connection))
    send(connection, 1)
    add(connection, EventType.CAPABILITY_DENIED, DENIAL)
    add(connection, EventType.CAPABILITY_DENIED, DENIAL)
    events = list(journal.unreceipted(connection))
    assert events[0] == before[0]
    assert [event.data["count"] for event in events] == [1, 2]


@pytest.mark.parametrize(
    ("data", "code"),
    [({"speed": 1.5}, "event.float"), ({"x": "y" * 4096}, "event.oversized"), ({"x": {1, 2}}, "json.unencodable")],
)
def test_what_cannot_be_reported_is_not_journalled(connection: Connection, data: JsonObject, code: str) -> None:
    with pytest.raises(MalformedDocument) as caught:
        add(connection, "vendor.event", data)
    assert caught.value.code == code
    assert list(journal.unreceipted(connection)) == []
    assert journal.Chain.read(connection).last == 0


def test_the_longest_prefix_that_fits(connection: Connection) -> None:
    events = [add(connection, "vendor.event", {"n": "x" * n}) for n in range(20)]
    size = sum(len(event.to_bytes()) + 1 for event in events[:7])
    assert journal.prefix(connection, size, 100) == (tuple(events[:7]), follow(first_head(KEY), 1, events[:7]))
    assert journal.prefix(connection, size - 1, 100)[0] == tuple(events[:6])
    assert journal.prefix(connection, size, 3)[0] == tuple(events[:3])
    assert journal.prefix(connection, 0, 100) == ((), first_head(KEY))


def fill(connection: Connection) -> int:
    """Record uses until there is no room, and return how many there was room for."""
    data = {"capability": "av.record", "authority": "x" * 3900}
    for number in range(MAX_BYTES // 3900 + 2):
        try:
            add(connection, EventType.CAPABILITY_USED, data)
        except JournalFull:
            return number
    raise AssertionError("the journal has no bound")


def test_a_full_journal_says_so_once_and_refuses_what_must_be_recorded(connection: Connection) -> None:
    fitted = fill(connection)
    events = list(journal.unreceipted(connection))
    assert len(events) == fitted + 1
    assert (events[-1].type, events[-1].data) == ("journal.full", {"events": fitted})
    assert journal.Chain.read(connection).bytes < MAX_BYTES - RESERVE_BYTES + 4096
    with pytest.raises(JournalFull) as caught:
        add(connection, EventType.CAPABILITY_DENIED, DENIAL)
    assert caught.value.reason.code == "journal.full"
    with pytest.raises(JournalFull):
        add(connection, "vendor.event", {})
    assert journal.Chain.read(connection).last == fitted + 1


def test_what_the_agent_must_say_has_room_in_a_full_journal_and_even_that_has_an_end(connection: Connection) -> None:
    fill(connection)
    assert add(connection, EventType.CONFIGURATION_CHANGED, {"component": "rules"}).type == "configuration.changed"
    rounds = 0
    while journal.note(connection, EventType.CONFIGURATION_CHANGED, {"x": "y" * 3900}, NOW, "boot-1"):
        rounds += 1
    assert 10 < rounds < 20
    assert journal.Chain.read(connection).bytes <= MAX_BYTES


def test_a_denial_that_folds_needs_no_room(connection: Connection) -> None:
    add(connection, EventType.CAPABILITY_DENIED, DENIAL)
    fill(connection)
    assert add(connection, EventType.CAPABILITY_DENIED, DENIAL).data["count"] == 2


def test_a_receipt_makes_room_again(connection: Connection) -> None:
    fitted = fill(connection)
    half = fitted // 2
    head = {event.sequence: head for event, head in journal.heads(connection)}[half]
    journal.covered(connection, half, head)
    assert not journal.Chain.read(connection).is_full
    assert add(connection, EventType.CAPABILITY_USED, {"capability": "av.record"}).sequence == fitted + 2
    assert fill(connection) in range(half - 1, half + 1)
    fulls = [event for event in journal.unreceipted(connection) if event.type == EventType.JOURNAL_FULL]
    assert len(fulls) == 2


def test_a_store_without_a_journal_says_so() -> None:
    with pytest.raises(StoreUnreadable):
        add(memory(), "vendor.event", {})


def test_a_full_disk_loses_nothing_that_was_journalled(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with store.write() as connection:
        journal.begin(connection, KEY)
        for number in range(5):
            add(connection, "vendor.event", {"number": number})
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFull):
        add_many(store)
    with store.read() as connection:
        events = list(journal.unreceipted(connection))
        assert [event.data["number"] for event in events] == list(range(5))
        assert journal.Chain.read(connection).last == 5
    store.close()


def add_many(store: Store) -> None:
    with store.write() as connection:
        for _ in range(100):
            add(connection, "vendor.event", {"text": "x" * 2000})


def test_what_was_journalled_is_durable_when_the_process_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, signal, sys\n"
        "from device_agent import journal\n"
        "from device_agent.store import Store\n"
        "from licensing_protocol.time_bounds import TimeBounds\n"
        "store = Store.open(pathlib.Path(sys.argv[1]))\n"
        "with store.write() as c: journal.begin(c, 'A' * 43)\n"
        "for number in range(20):\n"
        "    with store.write() as c: journal.append(c, 'vendor.event', {'number': number}, TimeBounds(1), 'b')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == -9
    store = Store.open(tmp_path)
    with store.read() as connection:
        assert [event.data["number"] for event in journal.unreceipted(connection)] == list(range(20))
    store.close()
