"""Plans and entitlements on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from licensing_protocol import canonical
from licensing_server.devices.schemas import EnrolmentTokenReply
from licensing_server.devices.tables import EnrolmentToken
from licensing_server.entitlements.plan import GrantPlan
from licensing_server.entitlements.tables import SignedEntitlement
from licensing_server.web import Body, Identifier, Reply


class NewEnrolmentToken(Body):
    """A one-time token to make, with the plan that is approved by making it. ``days`` until it expires."""

    product: Identifier
    end_user: Identifier
    authorisation: Annotated[str, Field(min_length=1, max_length=200)]
    plan: GrantPlan
    days: Annotated[int | None, Field(ge=1, le=365)] = None


class MadeEnrolmentToken(EnrolmentTokenReply):
    """``token`` is shown this once."""

    token: str

    @classmethod
    def of(cls, row: EnrolmentToken, text: str) -> MadeEnrolmentToken:
        """Show a new token with its text."""
        return cls(**EnrolmentTokenReply.model_validate(row).model_dump(), token=text)


class EntitlementReply(Reply):
    """One signed version: ``text`` is the document itself, ``claims`` what it says."""

    jti: str
    device: str
    version: int
    identity: str
    issued_at: int
    expires: int
    claims: dict[str, Any]
    text: str

    @classmethod
    def of(cls, row: SignedEntitlement) -> EntitlementReply:
        """Show one row."""
        payload = canonical.from_base64url(row.text.split(".")[1])
        return cls(
            jti=row.jti,
            device=row.device,
            version=row.version,
            identity=row.identity,
            issued_at=row.issued_at,
            expires=row.expires,
            claims=canonical.decode_object(payload),
            text=row.text,
        )


class EntitlementPreview(Reply):
    """What an issue would sign, with status indices still to be given out; and what of it is held back by orders."""

    claims: dict[str, Any]
    revoked: list[str]
    suspended: list[str]
