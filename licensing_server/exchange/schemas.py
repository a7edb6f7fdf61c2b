"""The bodies of the exchange as the API's description shows them; what is in them is read by the protocol itself."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from licensing_server.web import Body, Reply

Document = Annotated[str, Field(min_length=1, max_length=65_536, description="compact JWS")]


class TrustHeldBody(Body):
    """How far the device has walked in the root of trust; 0 for none."""

    root: int = Field(ge=0)
    targets: int = Field(ge=0)


class TrustUpdateReply(Reply):
    """The roots after the one that the device holds, and the newest Targets."""

    roots: list[dict[str, Any]]
    targets: dict[str, Any] | None = None


class EnrollmentBody(Body):
    """``enrollment+jwt`` by the new device key."""

    enrollment: Document
    trust: TrustHeldBody | None = None


class EvidenceBody(Body):
    """``eat+jwt`` by the device's key, the last ``receipt+jwt``, and the ``refusal+jwt`` that came after it, if any."""

    evidence: Document
    receipt: Document
    refusal: Document | None = None
    trust: TrustHeldBody | None = None


class AnswerReply(Reply):
    """A receipt or a refusal, and the entitlement where it is newer than the one that the device holds."""

    receipt: str | None = None
    refusal: str | None = None
    entitlement: str | None = None
    notices: list[str] = Field(default_factory=list)
    trust: TrustUpdateReply | None = None


class ChallengeReply(Reply):
    """A nonce for the next evidence."""

    nonce: str
