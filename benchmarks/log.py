"""What the log costs: from queued acts to a signed checkpoint, proofs at any size, verifying all of it.

Beside it in the same run: what hashing the same bytes costs at least, and pymerkle, a tree that keeps leaves only and
comes to its nodes by hashing again, with what it remembers of that taken away (``cold``).
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Final

from pymerkle import BaseMerkleTree, InmemoryTree, SqliteTree

from benchmarks.log_forest import Grown, bodies_of, postgresql
from benchmarks.measure import QUICK, Effort, percentile
from benchmarks.report import Report, Target, ratio, run
from licensing_protocol.canonical import JsonObject
from licensing_protocol.log.checkpoint import verify
from licensing_server import audit_log
from licensing_server.auditing.source import Folder
from licensing_server.auditing.verify import verify_log

_BATCHES: Final = (1, 100, 1_000)
_SIZES: Final = (10_000, 100_000, 1_000_000)
_QUICK_SIZES: Final = (200, 500, 1_000)
_NS_PER_S: Final = 10**9
_PROOFS: Final = 400
_PEER_PROOFS: Final = 3
_PASSES: Final = 3
_SIZE_NAMES: Final = {10_000: "10k", 100_000: "100k", 1_000_000: "1m"}


def measure(effort: Effort) -> Report:
    """Measure everything."""
    sizes = _QUICK_SIZES if effort is QUICK else _SIZES
    rows: list[JsonObject] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for engine, log in _engines(folder):
            rows += [row for batch in _BATCHES for row in _append(engine, log, batch, effort)]
            log.database.close()
        log = Grown(f"sqlite:///{folder / 'large.db'}", folder)
        for size in sizes:
            log.fill_to(size)
            rows += _proofs(log, size, _PROOFS if effort is not QUICK else 20)
        bodies = bodies_of(log)
        rows += _verify(log, bodies, folder / "files")
        rows += _peers(folder / "peer.db", bodies)
        log.database.close()
    return Report("log", rows, _targets({str(row["case"]): row for row in rows}, sizes[-1]))


def _engines(folder: Path) -> Iterator[tuple[str, Grown]]:
    for engine in ("sqlite", "postgres"):
        (folder / engine).mkdir()
        with ExitStack() as stack:
            is_sqlite = engine == "sqlite"
            url = f"sqlite:///{folder / 'small.db'}" if is_sqlite else stack.enter_context(postgresql())
            yield engine, Grown(url, folder / engine)


def _append(engine: str, log: Grown, batch: int, effort: Effort) -> list[JsonObject]:
    """From queued acts to their signed checkpoint; and the same with queueing, as the transaction of an act does it."""
    integrated, whole = list[int](), list[int]()
    end = time.perf_counter_ns() + int(effort.seconds * _NS_PER_S)
    while not integrated or time.perf_counter_ns() < end:
        began = time.perf_counter_ns()
        log.queue(batch)
        queued = time.perf_counter_ns()
        log.integrate()
        done = time.perf_counter_ns()
        integrated.append(done - queued)
        whole.append(done - began)
    return [
        _row(f"{engine}, append, batch {batch}", integrated, batch),
        _row(f"{engine}, queue and append, batch {batch}", whole, batch),
    ]


def _proofs(log: Grown, size: int, count: int) -> list[JsonObject]:
    """Each in a transaction of its own, at a place of its own; nothing is remembered from one to the next."""
    chosen = random.Random(size)

    def inclusion() -> None:
        with log.database.read() as session:
            audit_log.prove(session, chosen.randrange(size), size)

    def consistency() -> None:
        with log.database.read() as session:
            audit_log.prove_growth(session, chosen.randrange(1, size), size)

    name = _named(size)
    return [
        _row(f"inclusion proof, {name}", _timed(inclusion, count)),
        _row(f"consistency proof, {name}", _timed(consistency, count)),
    ]


def _verify(log: Grown, bodies: Sequence[bytes], folder: Path) -> list[JsonObject]:
    """Verify the whole log from its files, and hash the same bytes and nothing else, turn by turn."""
    log.write_to(folder)
    floor, verified = list[int](), list[int]()
    for _ in range(_PASSES):
        floor += _timed(lambda: [sha256(found).digest() for found in bodies], 1)
        verified += _timed(lambda: verify_log(Folder(folder), lambda note: verify(note, [log.key])), 1)
    name = _named(len(bodies))
    return [
        _row(f"floor: hashing, {name}", floor, len(bodies)),
        _row(f"verify, {name}", verified, len(bodies)),
    ]


def _peers(path: Path, bodies: Sequence[bytes]) -> Iterator[JsonObject]:
    batch = bodies[: _BATCHES[-1]]
    with _kept(path.with_name("append.db")) as tree:
        yield _row(
            "peer: pymerkle SQLite, append, batch 1000", _timed(lambda: tree.append_entries(batch), 5), len(batch)
        )
    with _kept(path) as tree:
        tree.append_entries(bodies)
        yield from _peer_proofs("SQLite", tree, len(bodies))
    memory = InmemoryTree()
    yield _row("peer: pymerkle in memory, append", _timed(lambda: memory.append_entries(bodies), 1), len(bodies))
    yield from _peer_proofs("in memory", memory, len(bodies))


def _peer_proofs(kind: str, tree: BaseMerkleTree, size: int) -> Iterator[JsonObject]:
    chosen, name = random.Random(size), _named(size)

    def inclusion() -> None:
        tree.cache_clear()
        tree.prove_inclusion(chosen.randrange(1, size + 1))

    def consistency() -> None:
        tree.cache_clear()
        tree.prove_consistency(chosen.randrange(1, size), size)

    yield _row(f"peer: pymerkle {kind}, inclusion proof, cold, {name}", _timed(inclusion, _PEER_PROOFS))
    yield _row(f"peer: pymerkle {kind}, consistency proof, cold, {name}", _timed(consistency, _PEER_PROOFS))


@contextmanager
def _kept(path: Path) -> Iterator[SqliteTree]:
    with closing(SqliteTree(str(path))) as tree:
        yield tree


def _timed(call: Callable[[], object], count: int) -> list[int]:
    samples = []
    for _ in range(count):
        began = time.perf_counter_ns()
        call()
        samples.append(time.perf_counter_ns() - began)
    return samples


def _row(case: str, samples: Sequence[int], each: int = 1) -> JsonObject:
    """Return the row of a case whose every call did ``each`` things: a call in milliseconds, things in a second."""
    figures = {
        f"{name}_ms": round(percentile(samples, share) / 10**6, 3) for name, share in (("p50", 0.5), ("p99", 0.99))
    }
    return {"case": case, **figures, "per_s": round(each * _NS_PER_S / median(samples)), "calls": len(samples)}


def _named(size: int) -> str:
    return _SIZE_NAMES.get(size, str(size))


def _targets(rows: dict[str, JsonObject], largest: int) -> list[Target]:
    name = _named(largest)
    sqlite, postgres = (rows[f"{engine}, append, batch 1000"]["per_s"] for engine in ("sqlite", "postgres"))
    verified, floor = rows[f"verify, {name}"]["p50_ms"], rows[f"floor: hashing, {name}"]["p50_ms"]
    return [
        Target("sqlite_append_batch_1000_per_s", sqlite, 20_000, at_least=True),
        Target("postgres_append_batch_1000_per_s", postgres, 10_000, at_least=True),
        Target("proof_1m_cold_p50_ms", rows[f"inclusion proof, {name}"]["p50_ms"], 1),
        Target("verify_1m_over_hashing_floor", ratio(verified, floor), 4),
    ]


if __name__ == "__main__":
    sys.exit(run("log", "What the log costs, from a queued act to a verified proof.", measure))
