"""Opens the next shard before it is needed, and retires those that nothing refers to any more (protocol §3)."""

from __future__ import annotations

from licensing_server import audit_log
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.jobs import ELSEWHERE_S
from licensing_server.status_lists.shards import has_spare, open_shard, retirable_at, retire

_SYSTEM = "system"


class Upkeep:
    """Looks after the shards. A retired one outlives its last entitlement by as long as its last list lives."""

    name = "status-shards"
    pace_s = 1

    def __init__(self, settings: Settings) -> None:
        self._public_url = settings.public_url
        self._grace = settings.status_lifetime

    def run(self, database: Database, now: int) -> int | None:
        """Do what is due; return when a shard can be retired."""
        with database.read() as session:
            spare, retirable = has_spare(session), retirable_at(session)
        if spare and (retirable is None or retirable + self._grace >= now):
            return None if retirable is None else retirable + self._grace + 1
        with database.alone(self.name) as ours:
            return self._mend(database, now) if ours else now + ELSEWHERE_S

    def _mend(self, database: Database, now: int) -> int:
        with database.write() as session:
            if not has_spare(session):
                open_shard(session, self._public_url)
            for shard, uri in sorted(retire(session, now - self._grace, now).items()):
                data = {"uri": uri}
                audit_log.record(session, "shard.retired", time=now, actor=_SYSTEM, subject=f"shard_{shard}", data=data)
        return now
