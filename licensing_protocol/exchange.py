"""A document in and a document out: the bodies of an exchange before anything is verified (§6, §9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from licensing_protocol import token
from licensing_protocol.canonical import JsonObject
from licensing_protocol.fields import Fields
from licensing_protocol.token import TokenType

MOST_ROOTS: Final = 64


@dataclass(frozen=True, slots=True)
class TrustHeld:
    """``{root, targets}``: how far a device has walked, so that it is sent what comes after; 0 for none."""

    root: int
    targets: int

    @classmethod
    def parse(cls, value: Any) -> TrustHeld:
        """Read the member ``trust`` of a request."""
        fields = Fields(value, "request.trust")
        held = cls(fields.integer("root"), fields.integer("targets"))
        fields.end()
        return held

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {"root": self.root, "targets": self.targets}


@dataclass(frozen=True, slots=True)
class TrustUpdate:
    """``{roots, targets}``: the roots after the one that a device holds, in order, and the newest Targets."""

    roots: tuple[JsonObject, ...] = ()
    targets: JsonObject | None = None

    @classmethod
    def parse(cls, value: Any) -> TrustUpdate:
        """Read the member ``trust`` of an answer."""
        fields = Fields(value, "answer.trust")
        roots = tuple(
            dict(Fields({"roots": root}, "answer.trust").members("roots", most=2))
            for root in fields.list_of("roots", most=MOST_ROOTS)
        )
        targets = fields.optional("targets", lambda name: dict(fields.members(name, most=2)))
        return cls(roots, targets)

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {"roots": list(self.roots)} | ({} if self.targets is None else {"targets": self.targets})


@dataclass(frozen=True, slots=True)
class EnrollmentRequest:
    """``{enrollment, trust?}``: a device asks to be known."""

    enrollment: str
    trust: TrustHeld | None = None

    @classmethod
    def parse(cls, value: Any) -> EnrollmentRequest:
        """Read the body of a request to enrol."""
        fields = Fields(value, "request")
        request = cls(_document(fields, "enrollment", TokenType.ENROLLMENT), _held(fields))
        fields.end()
        return request

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {"enrollment": self.enrollment} | _held_json(self.trust)


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """``{evidence, receipt, refusal?, trust?}``: evidence, and beside it what a server that lost its state must see.

    That is the last receipt, and the refusal that came after it where one did: it names the parent then.
    """

    evidence: str
    receipt: str
    trust: TrustHeld | None = None
    refusal: str | None = None

    @classmethod
    def parse(cls, value: Any) -> EvidenceRequest:
        """Read the body of a check-in."""
        fields = Fields(value, "request")
        request = cls(
            _document(fields, "evidence", TokenType.EVIDENCE),
            _document(fields, "receipt", TokenType.RECEIPT),
            _held(fields),
            fields.optional("refusal", lambda name: _document(fields, name, TokenType.REFUSAL)),
        )
        fields.end()
        return request

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        body: JsonObject = {"evidence": self.evidence, "receipt": self.receipt} | _held_json(self.trust)
        return body if self.refusal is None else body | {"refusal": self.refusal}


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back: a receipt or a refusal, and the entitlement where it is newer than the one the device holds.

    ``trust`` comes first: the rest may be signed by keys that only it names. ``notices`` are for the device's operator:
    why a capability was taken, and where to appeal.
    """

    receipt: str | None = None
    refusal: str | None = None
    entitlement: str | None = None
    notices: tuple[str, ...] = ()
    trust: TrustUpdate | None = None

    @classmethod
    def parse(cls, value: Any) -> Answer:
        """Read the answer; members that are unknown are ignored."""
        fields = Fields(value, "answer")
        return cls(
            receipt=fields.optional("receipt", lambda name: _document(fields, name, TokenType.RECEIPT)),
            refusal=fields.optional("refusal", lambda name: _document(fields, name, TokenType.REFUSAL)),
            entitlement=fields.optional("entitlement", lambda name: _document(fields, name, TokenType.ENTITLEMENT)),
            notices=fields.optional("notices", lambda name: fields.texts(name, most=64)) or (),
            trust=fields.optional("trust", lambda name: TrustUpdate.parse(fields.take(name))),
        )

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        answer: JsonObject = {"notices": list(self.notices)}
        for name in ("receipt", "refusal", "entitlement"):
            document = getattr(self, name)
            if document is not None:
                answer[name] = document
        return answer if self.trust is None else answer | {"trust": self.trust.to_json()}


def _held(fields: Fields) -> TrustHeld | None:
    return fields.optional("trust", lambda name: TrustHeld.parse(fields.take(name)))


def _held_json(held: TrustHeld | None) -> JsonObject:
    return {} if held is None else {"trust": held.to_json()}


def _document(fields: Fields, name: str, typ: TokenType) -> str:
    return fields.text(name, longest=token.size_limit(typ))
