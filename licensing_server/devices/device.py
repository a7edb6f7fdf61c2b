"""Finding, locking and tagging devices."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.orm import Session

from licensing_protocol.keys import VerificationKey
from licensing_server import audit_log
from licensing_server.catalogue.tables import Release
from licensing_server.database import Database, changed_one, table_of
from licensing_server.devices.tables import Device, DeviceTag
from licensing_server.problem import PreconditionFailed, not_found
from licensing_server.web import Act

# Each takes about 1 KiB.
_MOST_KEYS = 10_000
_DEVICE, _RELEASE = table_of(Device), table_of(Release)
# Written once, because to compose a statement costs more than to run it.
_KEY = select(_DEVICE.c.key).where(_DEVICE.c.id == bindparam("of_device"))
_SHOWN = and_(_RELEASE.c.manifest == bindparam("shown"), _RELEASE.c.product == _DEVICE.c.product)
_REPORTING = (
    select(_DEVICE.c.manifest, _RELEASE.c.text)
    .select_from(_DEVICE)
    .outerjoin(_RELEASE, _SHOWN)
    .where(_DEVICE.c.id == bindparam("of_device"))
    .with_for_update(of=_DEVICE)
)


class Reporting(NamedTuple):
    """A device whose row is locked while its report is taken in; ``manifest`` is that of the release it last showed.

    ``release`` is the text of the manifest that it shows now, ``None`` where its product has no such release.
    """

    id: str
    manifest: str
    release: str | None


class Keys:
    """The keys of the devices that were heard last. A device's id is made from its key, so neither ever changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._of = lru_cache(_MOST_KEYS)(self._read)

    def of(self, device_id: str) -> VerificationKey:
        """Return the key with which a device signs.

        Raises:
            NotFound: ``device.unknown``.
        """
        return self._of(device_id)

    def _read(self, device_id: str) -> VerificationKey:
        with self._database.read() as session:
            jwk = session.connection().execute(_KEY, {"of_device": device_id}).scalar_one_or_none()
        if jwk is None:
            raise not_found("device", device_id)
        return VerificationKey.from_jwk(jwk, kept=True)


def device_of(session: Session, device_id: str) -> Device:
    """Return a device.

    Raises:
        NotFound: ``device.unknown``.
    """
    device = session.get(Device, device_id)
    if device is None:
        raise not_found("device", device_id)
    return device


def lock(session: Session, device_id: str) -> Device:
    """Return a device with its row locked: issuing, ordering and check-in of one device happen one after another.

    Raises:
        NotFound: ``device.unknown``.
    """
    device = session.scalar(select(Device).where(Device.id == device_id).with_for_update())
    if device is None:
        raise not_found("device", device_id)
    return device


def lock_reporting(session: Session, device_id: str, shown: str) -> Reporting:
    """As :func:`lock`, for the device's own report, which shows the manifest ``shown``: only what that needs is read.

    Raises:
        NotFound: ``device.unknown``.
    """
    row = session.connection().execute(_REPORTING, {"of_device": device_id, "shown": shown}).first()
    if row is None:
        raise not_found("device", device_id)
    return Reporting(device_id, row.manifest, row.text)


def set_tags(act: Act, device_id: str, tags: Iterable[str], version: int) -> Device:
    """Give a device exactly these tags.

    Raises:
        NotFound, PreconditionFailed.
    """
    expected = (Device.id == device_id, Device.version == version)
    if not changed_one(act.session.execute(update(Device).where(*expected).values(version=version + 1))):
        device_of(act.session, device_id)
        raise PreconditionFailed("edit.conflict", "Somebody changed this meanwhile; read it again.")
    device = act.session.get_one(Device, device_id, populate_existing=True)
    wanted = sorted(set(tags))
    device.tags = [DeviceTag(device=device_id, tag=tag) for tag in wanted]
    audit_log.record(
        act.session, "device.tagged", time=act.now, actor=act.actor, subject=device_id, data={"tags": wanted}
    )
    act.session.flush()
    return device
