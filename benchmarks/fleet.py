"""An exporter's server with a fleet of any size: one device is enrolled by the API, the others copy its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import Integer, Table, bindparam, insert, literal_column, select, text, update
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject
from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.database import Base
from licensing_server.status_lists.tables import Shard
from tests.server.exporter import CAPABILITY, Exporter
from tests.simulators.device import SimulatedDevice

PLAN: Final[JsonObject] = {"grants": {CAPABILITY: {}}, "valid_for": 30 * 86_400}
# Whoever orders for the whole fleet needs no second person here: one commit is measured.
_BOUNDLESS: Final = {"order_devices": 10**7, "order_grants": 10**7, "device_rate": 10**9, "address_rate": 10**9}
_COPIED: Final = ("device", "device_plan", "plan_grant", "entitlement", "granted_index", "journal_state")
_BULKY: Final = ("text",)


@contextmanager
def exporter(folder: Path, **settings: Any) -> Iterator[Exporter]:
    """Give a server in this process whose background work is done when it is asked for."""
    # Its log would land in what the benchmark prints.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    made = Exporter.begin(Settings(data_dir=folder, **_BOUNDLESS | settings))
    try:
        yield made
    finally:
        made.end()


def populate(exporter: Exporter, count: int) -> SimulatedDevice:
    """Enrol one device, and give the fleet ``count`` devices of one grant each in all."""
    model = exporter.device(PLAN)
    with exporter.database.write() as session:
        first = session.execute(select(Shard.next_index).where(Shard.id == 1)).scalar_one()
        _number(session, count - 1)
        for name in _COPIED:
            _copy(session, Base.metadata.tables[name], model.id, first)
        session.execute(update(Shard).where(Shard.id == 1).values(next_index=first + count - 1))
        session.execute(text("DROP TABLE fleet_number"))
    _analyse(exporter)
    return model


def revoke_share(exporter: Exporter, bits: bytes) -> None:
    """Let the first shard have these bits, as after many orders."""
    with exporter.database.write() as session:
        session.execute(update(Shard).where(Shard.id == 1).values(bits=bits, signed_at=0))
    exporter.settle(clock.now())


def _number(session: Session, count: int) -> None:
    session.execute(text("CREATE TABLE fleet_number (i INTEGER PRIMARY KEY)"))
    numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count) SELECT i FROM n"
    if count:
        session.execute(text(f"INSERT INTO fleet_number {numbers}"), {"count": count})


def _copy(session: Session, table: Table, model: str, first_index: int) -> None:
    number = literal_column("fleet_number.i", Integer)
    named: Any = literal_column("'fleet' || fleet_number.i")
    changed: Mapping[str, Any] = {
        "id": named,
        "key_thumbprint": named,
        "device": named,
        "jti": named,
        "entitlement": named,
        "identity": named,
        "index": number + first_index,
    }
    columns = [
        bindparam("empty", "") if column.name in _BULKY else changed.get(column.name, column) for column in table.c
    ]
    owner = table.c.id if table.name == "device" else table.c.device
    rows = select(*columns).select_from(table).join(text("fleet_number"), text("true")).where(owner == model)
    session.execute(insert(table).from_select([column.name for column in table.c], rows))


def _analyse(exporter: Exporter) -> None:
    with exporter.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
