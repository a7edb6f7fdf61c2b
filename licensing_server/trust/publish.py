"""Publishing a root, and reading the newest."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from licensing_protocol.canonical import digest, encode, to_base64url
from licensing_protocol.keys import KeySet
from licensing_protocol.trust import Delegation, PinnedKeys
from licensing_server import audit_log
from licensing_server.problem import NotFound
from licensing_server.trust.tables import PublishedRoot

_LIFE_S = 10 * 365 * 86_400


def publish(session: Session, keys: dict[Delegation, KeySet], *, actor: str, now: int) -> PinnedKeys:
    """Publish the first root: it names the keys of this server for every purpose, for ten years."""
    root = PinnedKeys(1, now, now + _LIFE_S, keys)
    session.add(PublishedRoot(version=root.version, document=root.to_json(), published_at=now))
    data = {"version": root.version, "digest": to_base64url(digest(encode(root.to_json())))}
    audit_log.record(session, "root.published", time=now, actor=actor, subject="root", data=data)
    return root


def current_root(session: Session) -> PinnedKeys:
    """Return the newest root.

    Raises:
        NotFound: ``root.unknown`` before ``interlock init``.
    """
    row = session.scalar(select(PublishedRoot).order_by(PublishedRoot.version.desc()).limit(1))
    if row is None:
        raise NotFound("root.unknown", "No root of trust was published yet; run: interlock init")
    return PinnedKeys.parse(row.document)
