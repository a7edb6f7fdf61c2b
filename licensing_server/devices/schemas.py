"""Devices on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from licensing_server.devices.tables import Device
from licensing_server.web import Body, Reply

Tag = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$")]


class DeviceReply(Reply):
    """A device. ``last_seen`` is when its newest evidence was taken, in seconds since the epoch."""

    id: str
    product: str
    end_user: str
    authorisation: str
    manifest: str
    tags: list[str]
    enrolled_at: int
    last_seen: int
    version: int

    @classmethod
    def of(cls, device: Device) -> DeviceReply:
        """Show one row."""
        return cls(
            id=device.id,
            product=device.product,
            end_user=device.end_user,
            authorisation=device.authorisation,
            manifest=device.manifest,
            tags=sorted(row.tag for row in device.tags),
            enrolled_at=device.enrolled_at,
            last_seen=device.last_seen,
            version=device.version,
        )


class Tags(Body):
    """The tags that a device shall have."""

    tags: list[Tag]


class EnrolmentTokenReply(Reply):
    """An enrolment token, without its secret."""

    id: str
    product: str
    end_user: str
    authorisation: str
    created_at: int
    expires_at: int
    revoked_at: int | None
    redeemed_at: int | None
    device: str | None
