"""Putting an order in force: targets, bits, memory and log entry in one transaction, set by set and never row by row.

The log holds the count of, and the RFC 6962 root over, the sorted ``uri#idx`` that the order changes (protocol §8).
"""

from __future__ import annotations

from typing import Final, TypeAlias

from sqlalchemy import String, cast, func, select, update
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject, to_base64url
from licensing_protocol.log.merkle import leaf_hash, root_hash
from licensing_protocol.status_list import Status
from licensing_server import audit_log, status_lists
from licensing_server.database import changed_one
from licensing_server.entitlements import Scope, restrictions, scope
from licensing_server.orders.kinds import LIVE, Kind, State
from licensing_server.orders.reach import count_targets
from licensing_server.orders.tables import Order
from licensing_server.problem import Conflict
from licensing_server.web.lines import Told, silent

Indices: TypeAlias = dict[str, list[str]]
"""The indices that an order changes, in decimal, by shard URI."""

_BATCH: Final = 50_000
_SEPARATOR: Final = ","
_SUSPENSIONS: Final = frozenset({Kind.SUSPEND, Kind.QUARANTINE})
_WAIT_FOR_WITNESSES: Final = frozenset({Kind.REVOKE, Kind.LIMIT, Kind.REINSTATE})
_RESTRICTS: Final = {
    Kind.SUSPEND: restrictions.Kind.SUSPENDED,
    Kind.QUARANTINE: restrictions.Kind.SUSPENDED,
    Kind.REVOKE: restrictions.Kind.REVOKED,
    Kind.LIMIT: restrictions.Kind.LIMITED,
}
_STATUS: Final = {
    Kind.SUSPEND: Status.SUSPENDED,
    Kind.QUARANTINE: Status.SUSPENDED,
    Kind.REVOKE: Status.INVALID,
    # New limits narrow, in doubt: the old grant ends at once, the new one is signed when the device next asks.
    Kind.LIMIT: Status.INVALID,
}


def put_in_force(session: Session, order: Order, actor: str, now: int, told: Told = silent) -> None:
    """Put an order in force, because of ``actor``. The caller holds the lock for ordering.

    Raises:
        Conflict: ``order.undone`` where what it undoes is over already, ``order.confirmed`` where that was confirmed
            since, which one person does not undo.
    """
    if order.undoes is None:
        _restrict(session, order, actor, now, told)
    else:
        _lift(session, order, order.undoes, actor, now, told)


def take_force(
    session: Session, order: Order, entry: int, witness_s: int | None, *, actor: str, now: int, told: Told = silent
) -> None:
    """Put an order in force whose time has come, unless it waits for witnesses first: to see ``entry``, which says so.

    What takes away at once and can be given back never waits: whoever it protects would be harmed by waiting. Nor does
    what ends an order that is not in force.
    """
    if witness_s is not None and _may_wait(session, order):
        order.witness_entry, order.witness_until = entry, max(now, order.effective_at) + witness_s
    elif order.effective_at <= now:
        put_in_force(session, order, actor, now, told)


def _may_wait(session: Session, order: Order) -> bool:
    if order.undoes is not None and session.get_one(Order, order.undoes).state != State.IN_FORCE:
        return False
    return order.kind in _WAIT_FOR_WITNESSES


def _restrict(session: Session, order: Order, actor: str, now: int, told: Told) -> None:
    kind, aim = Kind(order.kind), Scope.parse(order.scope)
    restrictions.add_targets(session, order.id, aim.targets())
    indices = _read(session, aim.indices(now), order.grants, told)
    entry = _record(session, order, indices, actor, now, told)
    restrictions.begin(session, order.id, _RESTRICTS[kind], aim, order.terms, now)
    if kind is Kind.LIMIT:
        restrictions.ask_for_new_versions(session, order.id)
    _set(session, indices, _STATUS[kind], entry)


def _lift(session: Session, order: Order, undoes: str, actor: str, now: int, told: Told) -> None:
    undone = _end(session, order, undoes)
    kind, ruled = Kind(undone.kind), undone.in_force_at is not None
    restrictions.end(session, undoes, now)
    if ruled:
        restrictions.add_targets(session, order.id, restrictions.targets_of(undoes))
    indices: Indices = {}
    if kind in _SUSPENSIONS:
        indices = _read(session, restrictions.free_indices(undoes, now), order.grants, told)
    elif kind is Kind.LIMIT:
        indices = _read(session, restrictions.indices_of_targets(undoes, now), order.grants, told)
    entry = _record(session, order, indices, actor, now, told)
    if kind not in _SUSPENSIONS:
        # What was revoked, or granted on other terms, comes back as a new version.
        restrictions.ask_for_new_versions(session, undoes)
    _set(session, indices, Status.VALID if kind in _SUSPENSIONS else Status.INVALID, entry)


def _end(session: Session, order: Order, undoes: str) -> Order:
    live = (Order.id == undoes, Order.state.in_(LIVE))
    values = {"state": str(State.UNDONE), "undone_by": order.id, "lapses_at": None}
    if not changed_one(session.execute(update(Order).where(*live).values(values))):
        raise Conflict("order.undone", "This order was undone already, or never took force.")
    undone = session.get_one(Order, undoes, populate_existing=True)
    if undone.confirmed_by is not None and not order.devices:
        # Planned while it would have let go by itself, so by one person.
        raise Conflict("order.confirmed", "This order was confirmed since; place the reinstatement again.")
    return undone


def _read(session: Session, selection: scope.Indices, expected: int, told: Told) -> Indices:
    # One row for a shard: a million rows would each become an object.
    chosen = selection.subquery()
    numbers = func.aggregate_strings(cast(chosen.c.index, String), _SEPARATOR)
    found: Indices = {}
    done = 0
    for uri, text in session.execute(select(chosen.c.uri, numbers).group_by(chosen.c.uri)):
        found[uri] = text.split(_SEPARATOR)
        done += len(found[uri])
        told("grants", done, max(done, expected))
    return found


def _set(session: Session, indices: Indices, status: Status, entry: int) -> None:
    status_lists.set_many(session, {uri: map(int, found) for uri, found in indices.items()}, status, entry)


def _record(session: Session, order: Order, indices: Indices, actor: str, now: int, told: Told) -> int:
    names = sorted([f"{uri}#{index}".encode() for uri, found in indices.items() for index in found])
    leaves = []
    for first in range(0, len(names), _BATCH):
        leaves += [leaf_hash(name) for name in names[first : first + _BATCH]]
        told("log", len(leaves), len(names))
    data: JsonObject = {"count": len(names), "root": to_base64url(root_hash(leaves))}
    data["devices"] = order.targeted = count_targets(session, order.id)
    queued = audit_log.record(session, "order.in_force", time=now, actor=actor, subject=order.id, data=data)
    order.entry, order.in_force_at, order.state = queued.id, now, str(State.IN_FORCE)
    session.flush()
    return queued.id
