"""The tree over the entries, as it is stored: roots, proofs and tiles, each from one query (protocol §8; RFC 6962)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from licensing_protocol.log.merkle import (
    Frontier,
    Range,
    Subtree,
    consistency_ranges,
    hashes_of,
    inclusion_ranges,
    stored_at,
    subtrees,
)
from licensing_protocol.log.tiles import Tile, bundle
from licensing_server.audit_log.tables import LogEntry, LogHash
from licensing_server.database import Base
from licensing_server.problem import NotFound

_ENTRIES, _HASHES = (Base.metadata.tables[kind.__tablename__] for kind in (LogEntry, LogHash))
# Written once, because to compose a statement costs more than to run it.
_AT_PLACES = select(_HASHES).where(_HASHES.c.place.in_(bindparam("places", expanding=True)))
_LEVEL_BITS = 8


def frontier(session: Session, size: int) -> Frontier:
    """Return the edge of the tree over the first ``size`` entries, from where it grows; NotFound ``log.too_small``."""
    edge = list(subtrees(0, size))
    found = _hashes(session, edge)
    return Frontier(size, [found[subtree] for subtree in edge])


def root(session: Session, size: int) -> bytes:
    """Return the root over the first ``size`` entries; NotFound ``log.too_small``."""
    return frontier(session, size).root


def prove(session: Session, index: int, size: int) -> list[bytes]:
    """Return the hashes that prove that entry ``index`` is among the first ``size``; NotFound ``log.too_small``."""
    if not 0 <= index < size:
        raise _too_small(size)
    return _roots(session, inclusion_ranges(index, size))


def prove_growth(session: Session, old: int, size: int) -> list[bytes]:
    """Return the hashes that prove that the first ``size`` entries begin with the first ``old``.

    Raises:
        NotFound: ``log.too_small``.
    """
    if not 0 <= old <= size:
        raise _too_small(size)
    return _roots(session, consistency_ranges(old, size))


def tile(session: Session, tile: Tile) -> bytes:
    """Return the bytes of a tile: hashes, or entries each after its length; NotFound ``log.too_small``."""
    numbers = range(tile.first, tile.first + tile.width)
    if tile.level is not None:
        wanted = [(tile.level * _LEVEL_BITS, number) for number in numbers]
        found = _hashes(session, wanted)
        return b"".join(found[subtree] for subtree in wanted)
    bodies = select(_ENTRIES.c.body).where(_ENTRIES.c.position.between(numbers[0], numbers[-1]))
    entries = session.scalars(bodies.order_by(_ENTRIES.c.position)).all()
    if len(entries) != tile.width:
        raise _too_small(numbers[-1] + 1)
    return bundle(entries)


def _roots(session: Session, ranges: list[Range]) -> list[bytes]:
    found = _hashes(session, [subtree for leaves in ranges for subtree in subtrees(*leaves)])
    return hashes_of(ranges, found.__getitem__)


def _hashes(session: Session, wanted: Iterable[Subtree]) -> Mapping[Subtree, bytes]:
    places = {stored_at(*subtree): subtree for subtree in wanted}
    rows = session.connection().execute(_AT_PLACES, {"places": list(places)}).all()
    if len(rows) != len(places):
        raise _too_small(max((index + 1) << level for level, index in places.values()))
    return {places[row.place]: row.hash for row in rows}


def _too_small(size: int) -> NotFound:
    return NotFound("log.too_small", f"The log has no tree of {size} entries in which this is; take a smaller size.")
