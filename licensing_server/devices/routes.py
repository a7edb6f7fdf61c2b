"""Reading and tagging devices, reading and ending enrolment tokens (they are made where plans are understood)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import select

from licensing_server.devices import device as devices
from licensing_server.devices import enrolment
from licensing_server.devices.schemas import DeviceReply, EnrolmentTokenReply, Tag, Tags
from licensing_server.devices.tables import Device, DeviceTag, EnrolmentToken
from licensing_server.diligence.tables import Party
from licensing_server.web import Access, Cursor, Identifier, Page, Role, page_of, requires

router = APIRouter(prefix="/v1", tags=["devices"])
Reader = Annotated[Access, requires(Role.COMPLIANCE, Role.APPROVER, Role.AUDITOR)]
Writer = Annotated[Access, requires(Role.COMPLIANCE)]


@router.get("/devices")
def list_devices(
    access: Reader,
    cursor: Cursor,
    tag: Tag | None = None,
    end_user: Identifier | None = None,
    product: Identifier | None = None,
    country: Annotated[str | None, Query(pattern="^[A-Z]{2}$")] = None,
    silent_since: Annotated[int | None, Query(ge=0, le=2**53 - 1, description="seconds since the epoch")] = None,
) -> Page[DeviceReply]:
    """List devices. ``country`` is the destination of the registered end-user."""
    rows = select(Device)
    if tag is not None:
        rows = rows.where(Device.id.in_(select(DeviceTag.device).where(DeviceTag.tag == tag)))
    for column, value in ((Device.end_user, end_user), (Device.product, product)):
        rows = rows if value is None else rows.where(column == value)
    if country is not None:
        rows = rows.where(Device.end_user.in_(select(Party.id).where(Party.country == country)))
    if silent_since is not None:
        rows = rows.where(Device.last_seen < silent_since)
    with access.read() as act:
        found, following = page_of(act.session, rows, (Device.enrolled_at, Device.id), cursor)
        return Page(items=[DeviceReply.of(device) for device in found], next=following)


@router.get("/devices/{device}")
def read_device(access: Reader, response: Response, device: Identifier) -> DeviceReply:
    """Read a device; its ETag is what an edit must name."""
    with access.read() as act:
        found = DeviceReply.of(devices.device_of(act.session, device))
        response.headers["ETag"] = f'"{found.version}"'
        return found


@router.put("/devices/{device}/tags", response_model=DeviceReply)
def set_tags(access: Writer, device: Identifier, body: Tags) -> Response:
    """Give a device exactly these tags."""
    version = access.expected_version()
    return access.change(lambda act: DeviceReply.of(devices.set_tags(act, device, body.tags, version)))


@router.get("/enrolment-tokens")
def list_enrolment_tokens(access: Reader, cursor: Cursor) -> Page[EnrolmentTokenReply]:
    """List enrolment tokens, without their secrets."""
    with access.read() as act:
        found, following = page_of(
            act.session, select(EnrolmentToken), (EnrolmentToken.created_at, EnrolmentToken.id), cursor
        )
        return Page(items=[EnrolmentTokenReply.model_validate(token) for token in found], next=following)


@router.delete("/enrolment-tokens/{token}", response_model=EnrolmentTokenReply)
def revoke_enrolment_token(access: Writer, token: Identifier) -> Response:
    """End a token that was not used yet."""
    return access.change(lambda act: EnrolmentTokenReply.model_validate(enrolment.revoke_token(act, token)))
