"""Publishing roots and Targets: what a device would refuse is refused here."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import TrustError
from licensing_protocol.trust import Delegation, Trusted
from licensing_protocol.trust.chain import VerifiedRoot, refuse_older
from licensing_protocol.trust.pinned import identity_of
from licensing_server import audit_log
from licensing_server.problem import Conflict, NotFound, Unprocessable
from licensing_server.trust.tables import PublishedRoot, PublishedTargets

_SUBJECT = "root"


def publish(session: Session, documents: Sequence[JsonObject], *, actor: str, now: int) -> Trusted | None:
    """Publish signed roots and Targets together, and return what they come to; each enters the log.

    Raises:
        TrustError, DocumentError, ContinuityError: a device would refuse one of them.
        Conflict: ``targets.unsigned`` where the new root leaves the Targets without its threshold, so that devices
            would obey nobody.
        Unprocessable: ``metadata.kind`` for something else.
    """
    for document in sorted(documents, key=_order):
        if _kind(document) == "root":
            _publish_root(session, document, actor, now)
        else:
            _publish_targets(session, document, actor, now)
    return _settled(session)


def newest_root(session: Session) -> VerifiedRoot:
    """Return the newest root.

    Raises:
        NotFound: ``root.unknown`` before ``interlock init``.
    """
    rows = list(session.scalars(select(PublishedRoot).order_by(PublishedRoot.version)))
    if not rows:
        raise NotFound("root.unknown", "No root of trust was published yet; run: interlock init")
    root = VerifiedRoot.pinned(rows[0].document)
    return root.walk(row.document for row in rows[1:])


def roots(session: Session) -> dict[int, JsonObject]:
    """Return every published root by its version."""
    return {row.version: row.document for row in session.scalars(select(PublishedRoot))}


def newest_targets(session: Session) -> JsonObject | None:
    """Return the newest Targets, ``None`` before the first were signed."""
    rows = select(PublishedTargets).order_by(PublishedTargets.version.desc())
    row = session.scalar(rows.limit(1))
    return None if row is None else row.document


def trusted(session: Session) -> Trusted | None:
    """Return what root and Targets come to, ``None`` before the first Targets were signed; NotFound as above."""
    targets = newest_targets(session)
    return None if targets is None else newest_root(session).delegate(targets)


def _publish_root(session: Session, document: JsonObject, actor: str, now: int) -> None:
    published = roots(session)
    if not published:
        root = VerifiedRoot.pinned(document)
    else:
        version = document["signed"].get("version")
        if (
            isinstance(version, int)
            and version in published
            and identity_of(published[version]) == identity_of(document)
        ):
            return
        root = newest_root(session).follow(document)
    root.refuse_expired(now)
    session.add(PublishedRoot(version=root.version, document=document, published_at=now))
    session.flush()
    data = {"version": root.version, "identity": identity_of(document), "expires": root.expires}
    audit_log.record(session, "root.published", time=now, actor=actor, subject=_SUBJECT, data=data)


def _publish_targets(session: Session, document: JsonObject, actor: str, now: int) -> None:
    root = newest_root(session)
    root.refuse_expired(now)
    offered = root.delegate(document, now)
    before = newest_targets(session)
    held = None if before is None else _read(root, before)
    if held is not None:
        if held.identity == offered.identity:
            return
        refuse_older(offered, held)
    session.add(PublishedTargets(version=offered.targets, document=document, published_at=now))
    session.flush()
    data: JsonObject = {"version": offered.targets, "identity": offered.identity, "root": root.version}
    data |= {"expires": offered.expires, "keys": _names(offered)}
    audit_log.record(session, "targets.published", time=now, actor=actor, subject=_SUBJECT, data=data)


def _read(root: VerifiedRoot, targets: JsonObject) -> Trusted | None:
    try:
        return root.delegate(targets)
    except TrustError:
        return None


def _settled(session: Session) -> Trusted | None:
    targets = newest_targets(session)
    if targets is None:
        return None
    settled = _read(newest_root(session), targets)
    if settled is None:
        sentence = "The new root leaves the Targets without enough signatures: bring in newly signed Targets with it."
        raise Conflict("targets.unsigned", sentence)
    return settled


def _names(trusted: Trusted) -> dict[str, list[str]]:
    return {str(name): sorted(key.thumbprint for key in trusted.keys(name)) for name in Delegation}


def _kind(document: JsonObject) -> str:
    signed = document.get("signed")
    kind = signed.get("_type") if isinstance(signed, dict) else None
    if kind not in {"root", "targets"}:
        raise Unprocessable("metadata.kind", "This is neither a root nor Targets.")
    return str(kind)


def _order(document: JsonObject) -> tuple[bool, int]:
    """Roots come before Targets, each kind by its version."""
    kind, version = _kind(document), document["signed"].get("version")
    return kind != "root", version if isinstance(version, int) else 0
