"""The root of trust as a running server has it at hand: read again when a commit changed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject
from licensing_protocol.exchange import MOST_ROOTS, TrustHeld, TrustUpdate
from licensing_protocol.trust import NOBODY, RootOfTrust, Trusted
from licensing_server.database import table_of
from licensing_server.signing import Custody
from licensing_server.trust import publish
from licensing_server.trust.tables import PublishedRoot, PublishedTargets


@dataclass(frozen=True, slots=True)
class _Published:
    versions: tuple[int | None, int | None] = (None, None)
    trusted: Trusted | None = None
    roots: Mapping[int, JsonObject] = field(default_factory=dict)
    targets: JsonObject | None = None


_NOTHING: Final = _Published()
# Written once, because to compose a statement costs more than to run it.
_VERSIONS: Final = select(
    select(func.max(table_of(PublishedRoot).c.version)).scalar_subquery(),
    select(func.max(table_of(PublishedTargets).c.version)).scalar_subquery(),
)


class Newest:
    """What is published, and with it the keys that this process signs with."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        self._published = _NOTHING

    @property
    def root(self) -> RootOfTrust:
        """Who may sign what."""
        return self._published.trusted or NOBODY

    def refresh(self, session: Session) -> None:
        """Read what was published since; from then on the newest keys that it names sign."""
        found = session.connection().execute(_VERSIONS).one()
        versions = (found[0], found[1])
        if versions == self._published.versions:
            return
        trusted, targets = publish.trusted(session), publish.newest_targets(session)
        self._published = _Published(versions, trusted, publish.roots(session), targets)
        self._custody.follow(self.root)

    def after(self, held: TrustHeld | None) -> TrustUpdate | None:
        """Return what a device that walked so far has to be sent; ``None`` where that is nothing, or it did not say."""
        published = self._published
        if held is None or published.trusted is None:
            return None
        later = [version for version in sorted(published.roots) if version > held.root]
        if not later and held.targets >= published.trusted.targets:
            return None
        return TrustUpdate(tuple(published.roots[version] for version in later[:MOST_ROOTS]), published.targets)
