"""Changes of the root of trust as this server proposes them: what the holders of the root keys are asked to sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject
from licensing_protocol.keys import KeySet, VerificationKey
from licensing_protocol.trust import Delegation, Trusted
from licensing_protocol.trust.compose import RootKey
from licensing_server import audit_log
from licensing_server.problem import Conflict, not_found
from licensing_server.signing import Custody
from licensing_server.trust.compose import ROOT_DAYS, TARGETS_DAYS, next_root, next_targets
from licensing_server.trust.publish import newest_root, trusted

_ACTOR = "system"


@dataclass(frozen=True, slots=True)
class Terms:
    """When a proposal is made (seconds), and for how many days Targets and root are to stand."""

    now: int
    targets_days: int = TARGETS_DAYS
    root_days: int = ROOT_DAYS


def rotation(session: Session, custody: Custody, purposes: Sequence[Delegation], terms: Terms) -> JsonObject:
    """Make a new key for each purpose, and return the Targets that name it beside the old ones.

    Raises:
        Conflict: ``targets.absent`` before the first Targets were signed.
    """
    held = _held(session)
    made = {purpose: KeySet(_make(session, custody, purpose, terms.now)) for purpose in purposes}
    return next_targets(held, terms.now, add=made, without=(), days=terms.targets_days)


def retirement(session: Session, custody: Custody, terms: Terms) -> JsonObject:
    """Return the Targets that name only the key with which this server signs for each purpose.

    Raises:
        Conflict: ``targets.absent``, ``keys.single`` where no purpose has more than one key.
        Unavailable: ``signing.not_delegated``.
    """
    retiring = {kid for kids in retired(session, custody).values() for kid in kids}
    if not retiring:
        raise Conflict("keys.single", "No purpose has an older key beside the one that signs; nothing is left to end.")
    return next_targets(_held(session), terms.now, add={}, without=retiring, days=terms.targets_days)


def retired(session: Session, custody: Custody) -> dict[Delegation, list[str]]:
    """Return for each purpose the keys that are named still and sign no more; raises as :func:`retirement`."""
    held = _held(session)
    return {
        name: sorted(key.thumbprint for key in held.keys(name) if key != custody.signer(name).key)
        for name in Delegation
    }


def revocation(
    session: Session, custody: Custody, kid: str, terms: Terms, replacement: RootKey | None = None
) -> list[JsonObject]:
    """Return what removes a key at once, for compromise: Targets, and a root before them for the key of a holder.

    Where no other key would be left for a purpose, a new one is made. ``replacement`` is another holder's key.

    Raises:
        NotFound: ``key.unknown``; Conflict: ``targets.absent``, ``root.too_few``.
    """
    held, root = _held(session), newest_root(session).document
    if kid in root["signed"]["roles"]["root"]["keyids"]:
        added = [] if replacement is None else [replacement]
        following = next_root(root, terms.now, add=added, without={kid}, days=terms.root_days)
        return [following, next_targets(held, terms.now, add={}, without=(), days=terms.targets_days)]
    named = [name for name in Delegation if held.keys(name).get(kid) is not None]
    if not named:
        raise not_found("key", kid)
    alone = [name for name in named if len(held.keys(name)) == 1]
    made = {name: KeySet(_make(session, custody, name, terms.now)) for name in alone}
    return [next_targets(held, terms.now, add=made, without={kid}, days=terms.targets_days)]


def renewal(session: Session, terms: Terms, *, root: bool) -> list[JsonObject]:
    """Return the Targets as they are with a later end, and ``root`` likewise before them.

    Raises:
        Conflict: ``targets.absent``.
    """
    targets = next_targets(_held(session), terms.now, add={}, without=(), days=terms.targets_days)
    following = [next_root(newest_root(session).document, terms.now, days=terms.root_days)] if root else []
    return [*following, targets]


def _held(session: Session) -> Trusted:
    held = trusted(session)
    if held is None:
        raise Conflict(
            "targets.absent", "The first Targets are not signed yet; let the holders of the root keys do that."
        )
    return held


def _make(session: Session, custody: Custody, purpose: Delegation, now: int) -> VerificationKey:
    key = custody.make(purpose).key
    data = {"purpose": str(purpose)}
    audit_log.record(session, "key.made", time=now, actor=_ACTOR, subject=key.thumbprint, data=data)
    return key
