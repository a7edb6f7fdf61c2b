"""What it costs to take capabilities away: the order's commit, the signature, the list's bytes, and the way to devices.

Sizes beside which ours stand: those of the Token Status List (draft-ietf-oauth-status-list, appendix "Size comparison":
one bit for each entry, the compressed list alone), and the entropy of so many revoked among so many.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx2
from sqlalchemy import update

from benchmarks import fleet, waiting
from benchmarks.measure import QUICK, Effort, percentile
from benchmarks.report import Report, Target, ratio, run
from licensing_protocol.canonical import JsonObject, from_base64url
from licensing_protocol.status_list import SHARD_BYTES, Status, write_status
from licensing_server import clock
from licensing_server.app import all_jobs
from licensing_server.entitlements.tables import GrantedIndex
from licensing_server.web import Role
from tests.server.exporter import CAPABILITY, Exporter
from tests.server.process import ServerProcess, running
from tests.simulators.device import payload

_SHARE: Final = 0.01
_PUBLISHED: Final = {100_000: 1_400, 1_000_000: 13_700}
_SUSPENDED: Final = "status.suspended"
_REASON: Final = {"reason_code": "contract", "reason_text": "The contract has ended."}
_US: Final = 10**6


@dataclass(frozen=True, slots=True)
class _Extent:
    sizes: Sequence[int]
    rounds: int
    agents: int
    processes: int
    orders: int


_WHOLE: Final = _Extent((1_000, 10_000, 100_000, 1_000_000), 3, 200, 8, 10)
_SMALL: Final = _Extent((1_000,), 1, 6, 2, 2)


def measure(effort: Effort) -> Report:
    """Measure fleets of growing size, then how fast orders reach agents that wait."""
    extent = _SMALL if effort is QUICK else _WHOLE
    rows = [_of_size(size, extent.rounds) for size in extent.sizes]
    largest = rows[-1]
    arrivals = _arrivals(extent)
    p50, p99 = (round(percentile(arrivals, share) / _US, 3) for share in (0.5, 0.99))
    rows.append({"case": f"order to {extent.agents:,} waiting agents", "p50_s": p50, "p99_s": p99})
    # In the quick form the largest fleet is not a million: it shows that it runs, and judges nothing.
    targets = [
        Target("zlib_bytes_1m_1pct", largest["zlib_bytes"], 16_000),
        Target("http_gzip_bytes_1m_1pct", largest["http_gzip_bytes"], 21_000),
        Target("order_1m_over_bare_update", ratio(largest["order_s"], largest["bare_update_s"]), 5),
        Target("propagation_p99_s", p99, 1.5),
    ]
    return Report("revocation", rows, targets)


def _of_size(size: int, rounds: int) -> JsonObject:
    with TemporaryDirectory(prefix="interlock-benchmark-") as folder, fleet.exporter(Path(folder) / "data") as exporter:
        fleet.populate(exporter, size)
        bare, ours, signing = list[float](), list[float](), list[float]()
        for _ in range(rounds):
            bare.append(_bare_update(exporter))
            ours.append(_order(exporter))
            signing.append(_sign(exporter))
        fleet.revoke_share(exporter, _bits(range(size), size))
        return {
            "case": f"{size:,} grants",
            "order_s": round(median(ours), 4),
            "bare_update_s": round(median(bare), 4),
            "sign_s": round(median(signing), 4),
            **_bytes(exporter, size),
        }


def _bare_update(exporter: Exporter) -> float:
    """Return how long it takes to end as many grants by one UPDATE of their table, with its indexes."""
    began = time.perf_counter()
    with exporter.database.write() as session:
        live = (GrantedIndex.capability == CAPABILITY, GrantedIndex.expires > clock.now())
        sooner = update(GrantedIndex).where(*live).values(expires=GrantedIndex.expires - 1)
        session.execute(sooner.execution_options(synchronize_session=False))
    return time.perf_counter() - began


def _order(exporter: Exporter) -> float:
    """Return how long a suspension of a capability everywhere takes at the public door; it is undone afterwards."""
    scope = {"everywhere": True, "capability": CAPABILITY}
    began = time.perf_counter()
    placed = exporter.post("/v1/orders", {"kind": "suspend", "scope": scope} | _REASON)
    took = time.perf_counter() - began
    exporter.post("/v1/orders", {"kind": "reinstate", "undoes": placed["id"]} | _REASON)
    return took


def _sign(exporter: Exporter) -> float:
    """Return how long the signing of the changed list takes, once the sequencer has given its orders an index."""
    *others, signing = all_jobs(exporter.settings, exporter.app.state.custody)
    exporter.ahead += 2
    now = clock.now() + exporter.ahead
    for job in others:
        job.run(exporter.database, now)
    began = time.perf_counter()
    signing.run(exporter.database, now)
    return time.perf_counter() - began


def _bits(among: Sequence[int], size: int) -> bytes:
    """Return the bits of a shard of ``size`` grants whose revoked ones are all ``among`` these indices."""
    bits = bytearray(SHARD_BYTES)
    for index in random.Random(size).sample(among, int(size * _SHARE)):
        write_status(bits, index, Status.INVALID)
    return bytes(bits)


def _bytes(exporter: Exporter, size: int) -> JsonObject:
    answer = exporter.ask("GET", "/v1/status/1", None, headers={"Accept-Encoding": "gzip"})
    return {
        "zlib_bytes": len(from_base64url(payload(answer.text)["status_list"]["lst"])),
        "http_gzip_bytes": int(answer.headers["content-length"]),
        "entropy_bytes": round(size * _entropy(_SHARE) / 8),
        "published_one_bit_bytes": _PUBLISHED.get(size),
    }


def _entropy(share: float) -> float:
    return -share * log2(share) - (1 - share) * log2(1 - share)


def _arrivals(extent: _Extent) -> list[int]:
    """Return, in microseconds, how long after each order was sent each agent denied."""
    with TemporaryDirectory(prefix="interlock-benchmark-") as name, fleet.exporter(Path(name) / "data") as exporter:
        folder = Path(name)
        # The list is that of the largest fleet; how the order's own transaction grows was measured before.
        fleet.populate(exporter, extent.sizes[0])
        # The agents take the indices that follow, and none of theirs may be among the revoked.
        others = [*range(extent.sizes[0]), *range(2 * extent.sizes[0], extent.sizes[-1])]
        fleet.revoke_share(exporter, _bits(others, extent.sizes[-1]))
        tokens = [exporter.token(fleet.PLAN) for _ in range(extent.agents)]
        with running(exporter.settings, folder) as server:
            text = exporter.product_manifest("2.0", servers=(server.url,), measure=()).sign(exporter.vendor)
            exporter.post("/v1/products/camera/releases", {"manifest": text}, Role.VENDOR)
            product = {"manifest": text, "vendor_key": exporter.vendor.key.jwk}
            with waiting.agents(folder, product, CAPABILITY, tokens, extent.processes) as processes:
                _await_waiters(server, extent.agents)
                rounds = [_order_and_undo(exporter, server, extent, processes) for _ in range(extent.orders)]
                return [taken for changes in rounds for taken in changes]


def _order_and_undo(
    exporter: Exporter, server: ServerProcess, extent: _Extent, processes: waiting.Processes
) -> list[int]:
    # A moment within the second that is different each time: a list is signed once in each.
    time.sleep(random.random())
    began = time.monotonic_ns() // 1000
    scope = {"product": "camera", "release": "2.0"}
    placed = _place(exporter, server, {"kind": "suspend", "scope": scope})
    changes = processes.await_changes(extent.agents, _SUSPENDED)
    time.sleep(random.random())
    _place(exporter, server, {"kind": "reinstate", "undoes": placed})
    processes.await_changes(extent.agents, None)
    return [change.at_us - began for change in changes]


def _place(exporter: Exporter, server: ServerProcess, order: dict[str, Any]) -> str:
    headers = {"Authorization": f"Bearer {exporter.tokens[Role.COMPLIANCE]}"}
    answer = httpx2.post(f"{server.url}/v1/orders", json=order | _REASON, headers=headers, timeout=60)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _await_waiters(server: ServerProcess, count: int) -> None:
    while f"interlock_status_waiters {float(count)}" not in httpx2.get(f"{server.url}/metrics").text:
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(run("revocation", "What it costs to take capabilities away.", measure))
