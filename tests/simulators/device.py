"""A device as the server sees it: a key that signs enrolments and evidence, and remembers the last receipt."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from licensing_protocol.canonical import JsonObject, decode_object, from_base64url, to_base64url
from licensing_protocol.enrollment import Enrollment
from licensing_protocol.evidence import Evidence, Platform, Usage
from licensing_protocol.exchange import EnrollmentRequest, EvidenceRequest
from licensing_protocol.journal import Event, first_head, follow
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.measurement import Measurement
from licensing_protocol.receipt import Receipt
from licensing_protocol.time_bounds import TimeBounds
from licensing_protocol.ueid import device_id


@dataclass
class SimulatedDevice:
    """Builds what a device sends and follows what it gets; it verifies nothing, the agent does that."""

    manifest: str
    signer: SoftwareSigner = field(default_factory=SoftwareSigner.generate)
    receipt_text: str = ""
    receipt: Receipt | None = None
    next_event: int = 1
    head: bytes = b""
    entitlement: JsonObject | None = None

    def __post_init__(self) -> None:
        """Begin with the head of an empty journal."""
        self.head = first_head(self.signer.key.thumbprint)

    @property
    def id(self) -> str:
        """The device's id."""
        return device_id(self.signer.key)

    def enrollment(self, token: str, now: int) -> JsonObject:
        """Return the body of an enrolment."""
        fresh = secrets.token_bytes(16)
        document = Enrollment(now, token, self.manifest, fresh, self.signer.key).sign(self.signer)
        return EnrollmentRequest(document).to_json()

    def evidence(
        self,
        now: int,
        events: list[tuple[str, JsonObject]] | None = None,
        components: dict[str, bytes] | None = None,
        status: dict[str, int] | None = None,
        **changes: Any,
    ) -> JsonObject:
        """Return the body of a check-in; the journal grows by ``events``."""
        assert self.receipt is not None
        told = [
            Event(self.next_event + offset, type, now, None, "boot-1", data)
            for offset, (type, data) in enumerate(events or [])
        ]
        values: dict[str, Any] = {
            "issued_at": now,
            "device": self.id,
            "nonces": (to_base64url(self.receipt.nonce),),
            "platform": Platform("vendor", "model", "camera", "1.0", 1, 60),
            "measurements": tuple(Measurement(name, digest) for name, digest in (components or {}).items()),
            "fresh": secrets.token_bytes(16),
            "manifest": self.manifest,
            "parent": self.receipt.ratchet,
            "first": self.next_event,
            "head": follow(self.head, self.next_event, told),
            "events": tuple(told),
            "entitlement": self.held,
            "status": status or {},
            "clock": TimeBounds(now, None, now),
            "usage": {"face.verify_1to1": Usage(1, 0)},
        }
        evidence = Evidence(**values | changes)
        return EvidenceRequest(evidence.sign(self.signer), self.receipt_text).to_json()

    def take(self, answer: JsonObject) -> None:
        """Follow an answer: receipt or refusal give the next parent."""
        if "receipt" in answer:
            self.receipt_text = answer["receipt"]
            self.receipt = Receipt.parse(payload(answer["receipt"]))
            self.head, self.next_event = self.receipt.head, self.receipt.sequence + 1
        if "entitlement" in answer:
            self.entitlement = payload(answer["entitlement"])

    @property
    def held(self) -> tuple[str, int] | None:
        """The id and version of the entitlement held."""
        return None if self.entitlement is None else (self.entitlement["jti"], self.entitlement["ver"])


def payload(text: str) -> JsonObject:
    """Return the claims of a compact JWS, without looking at its signature."""
    return decode_object(from_base64url(text.split(".")[1]))
