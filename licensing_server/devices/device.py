"""Finding, locking and tagging devices."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from licensing_server import audit_log
from licensing_server.database import changed_one
from licensing_server.devices.tables import Device, DeviceTag
from licensing_server.problem import PreconditionFailed, not_found
from licensing_server.web import Act


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
