"""Several processes and forks on one store."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

from device_agent.errors import StoreError
from device_agent.store import Store, facts


def _count_up(folder: Path, times: int) -> None:
    store = Store.open(folder)
    for _ in range(times):
        with store.write() as connection:
            facts.raise_revision(connection)
    store.close()


def test_four_processes_that_begin_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_count_up, args=(tmp_path / "new", 25)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    store = Store.open(tmp_path / "new")
    with store.read() as connection:
        assert facts.revision(connection) == 100
    store.close()


def test_parent_and_children_go_on_with_the_store_after_a_fork(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with store.write() as connection:
        facts.raise_revision(connection)
    children = [_fork(store) for _ in range(4)]
    for _ in range(10):
        with store.write() as connection:
            facts.raise_revision(connection)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0, 0]
    with store.read() as connection:
        assert facts.revision(connection) == 51
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()


def test_a_fork_waits_for_a_transaction_that_logs(tmp_path: Path) -> None:
    code = f"""
import os, threading
from pathlib import Path
from device_agent.store import Store
import logging

store, begun, forking = Store.open(Path({str(tmp_path)!r})), threading.Event(), threading.Event()
# After our hooks: what is registered later comes first before a fork.
os.register_at_fork(before=forking.set)

def write():
    with store.write():
        begun.set()
        forking.wait()
        logging.getLogger("product").setLevel(logging.INFO)

thread = threading.Thread(target=write)
thread.start()
begun.wait()
child = os.fork()
if child == 0:
    with store.read():
        os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_fork_in_the_middle_of_a_transaction_leaves_it_to_the_parent(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with store.write() as connection:
        facts.raise_revision(connection)
        child = os.fork()
        if child == 0:
            os._exit(_refused_as_unreadable(store))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with store.read() as connection:
        assert facts.revision(connection) == 1
    store.close()


def test_a_writer_killed_in_the_middle_leaves_what_was_durable(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, signal, sys; from device_agent.store import Store, facts\n"
        "store = Store.open(pathlib.Path(sys.argv[1]))\n"
        "with store.write() as connection: facts.raise_revision(connection)\n"
        "with store.write() as connection:\n"
        "    facts.raise_revision(connection); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == -9
    store = Store.open(tmp_path)
    with store.read() as connection:
        assert facts.revision(connection) == 1
    store.close()


def _fork(store: Store) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for _ in range(10):
                with store.write() as connection:
                    facts.raise_revision(connection)
            status = 0
        finally:
            os._exit(status)
    return child


def _refused_as_unreadable(store: Store) -> int:
    try:
        with store.read():
            return 1
    except StoreError as error:
        return 0 if "forked" in str(error) else 1
