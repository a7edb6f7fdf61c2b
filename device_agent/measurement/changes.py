"""What changed between two measurements, small enough for one event of the journal (protocol §6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from device_agent.measurement.measure import Measured
from licensing_protocol.canonical import JsonObject, to_base64url

MAX_PATHS: Final = 32
# With names and digests the event stays well under its 4 KiB.
_MAX_PATH_BYTES: Final = 2048


@dataclass(frozen=True, slots=True)
class Change:
    """One component that is not what it was. ``changed`` names the first of ``total`` changed paths of a tree."""

    component: str
    before: bytes
    after: bytes
    changed: tuple[str, ...] = ()
    total: int = 0

    def to_data(self) -> JsonObject:
        """Return the data of the event ``configuration.changed``."""
        data: JsonObject = {
            "component": self.component,
            "before": to_base64url(self.before),
            "after": to_base64url(self.after),
        }
        return data | {"changed": list(self.changed), "total": self.total} if self.total else data


def changes(before: Iterable[Measured], after: Iterable[Measured]) -> tuple[Change, ...]:
    """Return the components of both measurements that differ; what is measured for the first time has not changed."""
    known = {measured.name: measured for measured in before}
    pairs = ((known[measured.name], measured) for measured in after if measured.name in known)
    return tuple(_change(old, new) for old, new in pairs if old.digest != new.digest)


def _change(old: Measured, new: Measured) -> Change:
    paths = sorted(path for path in old.leaves.keys() | new.leaves.keys() if _differ(old.leaves, new.leaves, path))
    return Change(new.name, old.digest, new.digest, _within_bounds(paths), len(paths))


def _differ(old: Mapping[str, str], new: Mapping[str, str], path: str) -> bool:
    return old.get(path) != new.get(path)


def _within_bounds(paths: list[str]) -> tuple[str, ...]:
    kept, left = [], _MAX_PATH_BYTES
    for path in paths[:MAX_PATHS]:
        left -= len(path)
        if left >= 0:
            kept.append(path)
    return tuple(kept)
