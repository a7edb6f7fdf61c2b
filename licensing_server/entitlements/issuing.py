"""Issuing and renewing: fresh indices in one shard, versions that never fall, older grants ended (protocol §3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from licensing_protocol import token
from licensing_protocol.canonical import JsonObject
from licensing_protocol.grant import StatusReference
from licensing_protocol.status_list import Status
from licensing_protocol.token import TokenType
from licensing_server import accounts, audit_log, catalogue, status_lists, witnessing
from licensing_server.config import Settings
from licensing_server.database import new_id
from licensing_server.devices.tables import Device
from licensing_server.entitlements import restrictions
from licensing_server.entitlements.amendments import amend
from licensing_server.entitlements.anchors import anchors_of, keep_anchors
from licensing_server.entitlements.compose import Numbers, Subject, compose
from licensing_server.entitlements.restrictions import Held, Kind
from licensing_server.entitlements.tables import (
    DevicePlan,
    GrantedIndex,
    PlannedGrant,
    PlannedProviso,
    SignedEntitlement,
)
from licensing_server.problem import Conflict
from licensing_server.signing import Signatory

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs entitlements, on which terms."""

    signatory: Signatory
    settings: Settings


def adopt_plan(session: Session, device: str, plan: JsonObject, *, actor: str, now: int) -> DevicePlan:
    """Make a settled plan the approved one of a device; it is signed by :func:`issue` or when the device next asks."""
    restrictions.lock_for_issuing(session)
    row = session.get(DevicePlan, device)
    if row is None:
        row = DevicePlan(device=device, plan=plan, revision=0, signed_revision=0, approved_by=actor, approved_at=now)
        session.add(row)
    row.plan, row.approved_by, row.approved_at = plan, actor, now
    row.revision += 1
    _note_grants(session, device, plan)
    session.flush()
    return row


def issue(session: Session, issuer: Issuer, device: Device, *, actor: str, now: int) -> SignedEntitlement:
    """Sign a new version of a device's approved plan. The caller holds the device's lock.

    Where the plan is a new revision, the release another, or the device has come under an order since, all older grants
    become INVALID in this transaction; a mere renewal leaves them to expire.

    Raises:
        Conflict: ``entitlement.no_plan``.
    """
    accounts.refuse_while_waiting(session)
    restrictions.lock_for_issuing(session)
    # Read behind the lock: an order may have asked for a new version meanwhile.
    plan = session.get(DevicePlan, device.id, populate_existing=True)
    if plan is None:
        raise Conflict("entitlement.no_plan", "Nothing was approved for this device yet.")
    previous = newest(session, device.id)
    narrows = restrictions.join(session, device, plan.plan)
    renewal = previous is not None and not narrows and not _differs(plan, previous, device)
    holds = restrictions.held(session, device, plan.plan)
    forbidden = restrictions.forbidden(holds)
    row = _sign(
        session, issuer, device, amend(plan.plan, holds, anchors_of(session, device.id)), previous, forbidden, now
    )
    data = {"entitlement": row.jti, "identity": row.identity, "version": row.version, "renewal": renewal}
    data |= {"expires": row.expires, "end_user": device.end_user, "authorisation": device.authorisation}
    queued = audit_log.record(session, "entitlement.issued", time=now, actor=actor, subject=device.id, data=data)
    row.entry = queued.id
    if not renewal:
        _invalidate_older(session, device.id, row.jti, queued.id, now)
    _suspend_new(session, device.id, row.jti, forbidden, queued.id)
    plan.signed_revision = plan.revision
    session.flush()
    return row


def current(
    session: Session, issuer: Issuer, device: Device, held: int | None, lists: Mapping[str, int], now: int
) -> str | None:
    """Return the entitlement where it is newer than the version ``held``, signing one that is due first.

    Due is a revision not signed yet, another release, a share of the old one's life that has passed, or another key
    that signs now. ``lists`` are the ``seq`` of the status lists that the device holds, by URI: one that is suspended
    in part waits for them.
    """
    plan = session.get(DevicePlan, device.id)
    if plan is None:
        return None
    row = newest(session, device.id)
    due = (
        row is None
        or _differs(plan, row, device)
        or _ages(row, issuer.settings.renewal_share, now)
        or issuer.signatory.must_renew(row.text, TokenType.ENTITLEMENT)
    )
    if due and accounts.waiting(session) is not None:
        # Issuing is closed: a check-in is still answered, with what was signed before.
        due = False
    if due:
        row = issue(session, issuer, device, actor=SYSTEM, now=now)
    if row is None or (held is not None and row.version <= held) or waits_for_witnesses(session, issuer, row, now):
        return None
    holds = restrictions.held(session, device, plan.plan)
    return None if _waits_for_lists(session, row, holds, lists) else row.text


def version_of(session: Session, device: str, identity: str) -> SignedEntitlement:
    """Return the version for a device that has this identity."""
    rows = select(SignedEntitlement).where(SignedEntitlement.device == device, SignedEntitlement.identity == identity)
    return session.scalars(rows).one()


def waits_for_witnesses(session: Session, issuer: Issuer, row: SignedEntitlement, now: int) -> bool:
    """Tell whether a version is not sent yet because the witnesses of the log have yet to see that it was issued."""
    patience = issuer.settings.quorum_wait if issuer.settings.quorum_issuances else None
    return witnessing.waits(session, row.entry, row.issued_at, patience, now)


def newest(session: Session, device: str) -> SignedEntitlement | None:
    """Return the newest version for a device."""
    rows = select(SignedEntitlement).where(SignedEntitlement.device == device)
    return session.scalar(rows.order_by(SignedEntitlement.version.desc()).limit(1))


def _note_grants(session: Session, device: str, plan: JsonObject) -> None:
    for table in (PlannedProviso, PlannedGrant):
        session.execute(delete(table).where(table.device == device))
    for capability, grant in plan["grants"].items():
        freshness = {name: grant["freshness"][name] for name in ("max_offline", "max_silent")}
        session.add(PlannedGrant(device=device, capability=capability, **freshness))
        session.add_all(
            PlannedProviso(device=device, capability=capability, proviso=proviso)
            for proviso in set(grant.get("provisos", ()))
        )


def _differs(plan: DevicePlan, row: SignedEntitlement, device: Device) -> bool:
    return plan.revision > plan.signed_revision or row.manifest != device.manifest


def _ages(row: SignedEntitlement, share: float, now: int) -> bool:
    return now >= row.issued_at + share * (row.expires - row.issued_at)


def _waits_for_lists(session: Session, row: SignedEntitlement, holds: Sequence[Held], lists: Mapping[str, int]) -> bool:
    """Tell whether a list that the device holds does not know yet what is suspended in a version.

    Fresh indices are VALID in every older list: who takes the new version and keeps newer lists away would have back
    what was suspended, until ``max_offline``.
    """
    forbidden = restrictions.forbidden(holds)
    suspended = {
        reference.uri
        for reference, capability in _indices_of(session, row.jti)
        if restrictions.prohibition_of(forbidden, capability) is Kind.SUSPENDED
    }
    if not suspended & lists.keys():
        return False
    acts = [row.device, *(hold.order for hold in holds if hold.kind is not Kind.LIMITED)]
    needed = status_lists.listed_about(session, suspended, acts)
    return any(sequence is None or lists.get(uri, sequence) < sequence for uri, sequence in needed)


def _sign(
    session: Session,
    issuer: Issuer,
    device: Device,
    plan: JsonObject,
    previous: SignedEntitlement | None,
    forbidden: dict[str, Kind],
    now: int,
) -> SignedEntitlement:
    granted = [
        name for name in sorted(plan["grants"]) if restrictions.prohibition_of(forbidden, name) is not Kind.REVOKED
    ]
    until = now + plan["valid_for"]
    allocated = status_lists.allocate(session, len(granted), issuer.settings.public_url, until) if granted else []
    references = dict(zip(granted, allocated, strict=True))
    version = max((previous.version if previous else 0) + 1, now)
    manifest = catalogue.release_of(session, device.manifest)
    subject = Subject(device.id, device.key_thumbprint, manifest, device.end_user, device.authorisation)
    composed = compose(plan, subject, Numbers(new_id("entitlement"), version, now), references)
    keep_anchors(session, composed)
    text = composed.sign(issuer.signatory.signer)
    row = SignedEntitlement(
        jti=composed.id,
        device=device.id,
        version=version,
        identity=token.identity(text),
        manifest=manifest.identity,
        text=text,
        issued_at=now,
        expires=composed.expires,
        entry=0,
    )
    session.add(row)
    session.flush()
    values: dict[str, Any] = {"entitlement": row.jti, "device": device.id, "expires": row.expires}
    session.add_all(
        GrantedIndex(uri=reference.uri, index=reference.index, capability=capability, **values)
        for capability, reference in references.items()
    )
    session.flush()
    return row


def _invalidate_older(session: Session, device: str, jti: str, entry: int, now: int) -> None:
    older = select(GrantedIndex).where(
        GrantedIndex.device == device, GrantedIndex.entitlement != jti, GrantedIndex.expires > now
    )
    references = [StatusReference(row.uri, row.index) for row in session.scalars(older)]
    status_lists.set_status(session, references, Status.INVALID, entry)


def _suspend_new(session: Session, device: str, jti: str, forbidden: dict[str, Kind], entry: int) -> None:
    suspended = [
        reference
        for reference, capability in _indices_of(session, jti)
        if restrictions.prohibition_of(forbidden, capability) is Kind.SUSPENDED
    ]
    status_lists.set_status(session, suspended, Status.SUSPENDED, entry)


def _indices_of(session: Session, jti: str) -> list[tuple[StatusReference, str]]:
    rows = session.scalars(select(GrantedIndex).where(GrantedIndex.entitlement == jti))
    return [(StatusReference(row.uri, row.index), row.capability) for row in rows]
