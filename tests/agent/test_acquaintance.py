"""For how long a device knows the people behind its uses, and that it tells no more of them than that."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from device_agent.enforcement.acquaintance import MOST_KNOWN, Acquaintance, meet
from device_agent.store import Connection, facts
from device_agent.store.facts import Fact
from tests.simulators.memory import memory

DAY_S = 86_400
NOW = 1_800_000_000


@pytest.fixture
def store() -> Iterator[Connection]:
    with closing(memory()) as connection:
        yield connection


def test_days_count_from_the_first_use(store: Connection) -> None:
    assert meet(store, ["ana", "ben", "ana"], NOW) == Acquaintance(2, 0, 0)
    assert meet(store, ["ana"], NOW + DAY_S - 1) == Acquaintance(1, 0, 0)
    assert meet(store, ["cleo", "ben"], NOW + 3 * DAY_S) == Acquaintance(2, 3, 3)
    assert meet(store, ["cleo"], NOW + 5 * DAY_S) == Acquaintance(1, 2, 5)
    assert meet(store, ["dora"], NOW + 5 * DAY_S) == Acquaintance(1, 0, 5)


def test_whoever_is_not_named_is_nobody(store: Connection) -> None:
    assert meet(store, ["", "ana"], NOW) == Acquaintance(1, 0, 0)
    assert meet(store, ["", "ben"], NOW + DAY_S) == Acquaintance(1, 0, 1)


def test_a_time_that_is_behind_counts_no_days(store: Connection) -> None:
    meet(store, ["ana"], NOW)
    assert meet(store, ["ana"], NOW - 9 * DAY_S) == Acquaintance(1, 0, 0)


def test_those_who_were_there_first_are_not_forgotten_for_newcomers(store: Connection) -> None:
    meet(store, ["ana"], NOW)
    meet(store, [f"somebody {number}" for number in range(MOST_KNOWN - 1)], NOW + DAY_S)
    for day in (2, 9):
        assert meet(store, ["late"], NOW + day * DAY_S) == Acquaintance(1, 0, day)
    assert meet(store, ["ana"], NOW + 9 * DAY_S) == Acquaintance(1, 9, 9)


def test_a_name_is_kept_as_a_hash_that_another_device_does_not_have(store: Connection) -> None:
    with closing(memory()) as other:
        kept = [_kept(connection) for connection in (store, other)]
    assert "ana" not in kept[0]
    assert kept[0] != kept[1]


def _kept(connection: sqlite3.Connection) -> str:
    meet(connection, ["ana"], NOW)
    return facts.read(connection, Fact.OPERATORS) or ""
