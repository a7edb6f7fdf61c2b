"""A document in and a document out: the bodies of an exchange before anything is verified (§6, §9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from licensing_protocol import token
from licensing_protocol.canonical import JsonObject
from licensing_protocol.fields import Fields
from licensing_protocol.token import TokenType


@dataclass(frozen=True, slots=True)
class EnrollmentRequest:
    """``{enrollment}``: a device asks to be known."""

    enrollment: str

    @classmethod
    def parse(cls, value: Any) -> EnrollmentRequest:
        """Read the body of a request to enrol."""
        fields = Fields(value, "request")
        request = cls(_document(fields, "enrollment", TokenType.ENROLLMENT))
        fields.end()
        return request

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {"enrollment": self.enrollment}


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """``{evidence, receipt}``: evidence, and the last receipt, so that a server that lost its state can see it."""

    evidence: str
    receipt: str

    @classmethod
    def parse(cls, value: Any) -> EvidenceRequest:
        """Read the body of a check-in."""
        fields = Fields(value, "request")
        request = cls(
            _document(fields, "evidence", TokenType.EVIDENCE), _document(fields, "receipt", TokenType.RECEIPT)
        )
        fields.end()
        return request

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {"evidence": self.evidence, "receipt": self.receipt}


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back: a receipt or a refusal, and the entitlement where it is newer than the one the device holds.

    ``notices`` are for the device's operator: why a capability was taken, and where to appeal.
    """

    receipt: str | None = None
    refusal: str | None = None
    entitlement: str | None = None
    notices: tuple[str, ...] = ()

    @classmethod
    def parse(cls, value: Any) -> Answer:
        """Read the answer; members that are unknown are ignored."""
        fields = Fields(value, "answer")
        return cls(
            receipt=fields.optional("receipt", lambda name: _document(fields, name, TokenType.RECEIPT)),
            refusal=fields.optional("refusal", lambda name: _document(fields, name, TokenType.REFUSAL)),
            entitlement=fields.optional("entitlement", lambda name: _document(fields, name, TokenType.ENTITLEMENT)),
            notices=fields.optional("notices", lambda name: fields.texts(name, most=64)) or (),
        )

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        answer: JsonObject = {"notices": list(self.notices)}
        for name in ("receipt", "refusal", "entitlement"):
            document = getattr(self, name)
            if document is not None:
                answer[name] = document
        return answer


def _document(fields: Fields, name: str, typ: TokenType) -> str:
    return fields.text(name, longest=token.size_limit(typ))
