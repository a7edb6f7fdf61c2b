"""The store: one file, several processes, and plain words for whatever is wrong with it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from device_agent.errors import StoreFull, StoreLocked, StoreNewer, StoreUnreadable
from device_agent.store import Connection, Store, facts
from device_agent.store.facts import Fact
from device_agent.store.store import FILE


def count(connection: Connection) -> int:
    (number,) = connection.execute("SELECT count(*) FROM usage").fetchone()
    return int(number)


def add(connection: Connection, capability: str) -> None:
    connection.execute("INSERT INTO usage VALUES (?, 1, 0)", (capability,))


def test_a_new_store_is_for_its_owner_only_and_is_durable(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "store"
    store = Store.open(folder)
    with store.write() as connection:
        settings = {
            pragma: connection.execute(f"PRAGMA {pragma}").fetchone()[0]
            for pragma in ("journal_mode", "synchronous", "foreign_keys", "user_version")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "user_version": 1}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    store.close()


def test_an_open_folder_is_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Store.open(tmp_path).close()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_what_a_block_wrote_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with store.write() as connection:
        add(connection, "a")
    with pytest.raises(ZeroDivisionError), store.write() as connection:
        connection.executemany("INSERT INTO usage VALUES (?, 1, 0)", ((str(1 // left),) for left in (1, 0)))
    with store.read() as connection:
        assert count(connection) == 1
    store.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(StoreUnreadable), store.read() as connection:
        add(connection, "a")
    with store.write() as connection:
        add(connection, "a")
    store.close()


def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    raw = sqlite3.connect(tmp_path / FILE)
    raw.execute("PRAGMA user_version = 2")
    raw.close()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(StoreNewer) as caught:
        Store.open(tmp_path)
    assert caught.value.reason.code == "store.newer"
    assert (tmp_path / FILE).read_bytes() == before


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / FILE)
    raw.execute("PRAGMA application_id = 7")
    raw.execute("CREATE TABLE recipe (name TEXT)")
    raw.close()
    with pytest.raises(StoreUnreadable):
        Store.open(tmp_path)


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_damaged_file_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(StoreUnreadable) as caught:
        Store.open(tmp_path)
    assert caught.value.code == "store.unreadable"


def test_damage_that_comes_later_is_unreadable_and_heals_with_the_file(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with store.write() as connection:
        for number in range(2000):
            add(connection, f"capability.{number}")
    store.close()
    sound = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(sound[:4096] + os.urandom(len(sound) - 4096))
    store = Store(tmp_path)
    with pytest.raises(StoreUnreadable), store.read() as connection:
        connection.execute("SELECT * FROM usage").fetchall()
    (tmp_path / FILE).write_bytes(sound)
    with store.read() as connection:
        assert count(connection) == 2000
    store.close()


def test_places_that_cannot_hold_a_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file where a folder should be")
    with pytest.raises(StoreUnreadable):
        Store.open(tmp_path / "file" / "store")
    (tmp_path / "taken" / FILE).mkdir(parents=True)
    with pytest.raises(StoreUnreadable):
        Store.open(tmp_path / "taken")


def test_a_folder_that_belongs_to_another_user(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    code = (
        "import os, sys, pathlib; from device_agent.store import Store; from device_agent.errors import StoreError\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "else: os.chmod(sys.argv[1], 0o500)\n"
        "try: Store.open(pathlib.Path(sys.argv[1]) / 'store')\n"
        "except StoreError as error: print(error.code)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "store.unreadable"


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with store.write() as connection:
        add(connection, "kept")
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFull) as caught, store.write() as connection:
        connection.executemany("INSERT INTO usage VALUES (?, 1, 0)", ((str(number),) for number in range(10_000)))
    assert caught.value.reason.code == "store.full"
    with store.read() as connection:
        assert count(connection) == 1
    store.close()


def test_a_write_that_the_system_refuses_counts_as_a_full_disk(tmp_path: Path) -> None:
    code = (
        "import pathlib, resource, signal, sys\n"
        "from device_agent.store import Store; from device_agent.errors import StoreError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "store = Store.open(pathlib.Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "try:\n"
        "    for block in range(1000):\n"
        "        with store.write() as connection:\n"
        "            rows = [(f'{block}.{n}', 1, 0) for n in range(500)]\n"
        "            connection.executemany('INSERT INTO usage VALUES (?, ?, ?)', rows)\n"
        "except StoreError as error:\n"
        "    with store.read() as connection: (left,) = connection.execute('SELECT count(*) FROM usage').fetchone()\n"
        "    print(error.code, left > 0 and left % 500)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["store.full", "0"]


def test_another_process_that_holds_the_store_is_waited_for_but_not_for_ever(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    raw = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with pytest.raises(StoreLocked) as caught, store.write():
        pass
    assert time.monotonic() - begun < 5
    assert caught.value.reason.code == "store.locked"
    with store.read() as connection:
        assert count(connection) == 0
    raw.execute("ROLLBACK")
    with store.write() as connection:
        add(connection, "a")
    raw.close()
    store.close()


def test_a_store_that_another_program_holds_while_it_is_opened(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    raw.execute("BEGIN EXCLUSIVE")
    begun = time.monotonic()
    with pytest.raises(StoreLocked):
        Store.open(tmp_path)
    assert time.monotonic() - begun < 5
    raw.execute("ROLLBACK")
    raw.close()
    Store.open(tmp_path).close()


def test_another_thread_that_holds_the_store_is_waited_for_but_not_for_ever(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with store.write() as connection:
            add(connection, "a")
            held.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    with pytest.raises(StoreLocked), store.read():
        pass
    release.set()
    thread.join()
    with store.read() as connection:
        assert count(connection) == 1
    store.close()


def test_the_version_tells_what_others_committed(tmp_path: Path) -> None:
    one, other = Store.open(tmp_path), Store.open(tmp_path)
    before = one.data_version()
    with one.write() as connection:
        add(connection, "own")
    assert one.data_version() == before
    with other.write() as connection:
        add(connection, "other")
    assert one.data_version() != before
    one.close()
    other.close()


def test_closing_twice_is_once_and_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.close()
    store.close()
    with pytest.raises(StoreUnreadable, match="closed"), store.read():
        pass


def test_the_salt_is_made_once_and_is_the_devices_own(tmp_path: Path) -> None:
    salts = set()
    for name in ("one", "other"):
        store = Store.open(tmp_path / name)
        with store.write() as connection:
            salt = facts.salt(connection)
            assert facts.salt(connection) == salt
            assert facts.read(connection, Fact.SALT) is not None
        salts.add(salt)
        store.close()
    assert len(salts) == 2
