"""Every way in which a document or a rule can refuse, in one tree.

::

    InterlockError
    ├── DocumentError        the sender wrote bytes that cannot be accepted
    │   ├── MalformedDocument, OversizedDocument, UnsupportedDocument
    │   └── WrongDocument    right bytes, wrong place: another type, subject or issuer
    ├── TrustError           nothing that we trust stands behind the bytes
    │   ├── UnknownKey, BadSignature, BelowThreshold, UntrustedTime
    ├── ContinuityError      a document older than, or in conflict with, what is held
    │   ├── RolledBack, Equivocation, BrokenChain
    └── Unavailable          a thing this installation lacks (an optional library)

Each instance carries a stable ``code`` (for machines, never reworded) and a sentence (for people).
"""

from __future__ import annotations

from typing import ClassVar


class InterlockError(Exception):
    """Root of all refusals of the protocol.

    ``code`` is stable: programs may compare it. ``str(error)`` is a sentence for people.
    """

    default_code: ClassVar[str] = "interlock.error"

    def __init__(self, sentence: str, *, code: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code or self.default_code


class DocumentError(InterlockError):
    """The sender's fault: what was sent is not a document that we take."""

    default_code = "document.refused"


class MalformedDocument(DocumentError):
    """Bytes or fields that do not have the shape that the protocol defines."""

    default_code = "document.malformed"


class OversizedDocument(DocumentError):
    """Longer than the protocol's bound for its type (protocol §1)."""

    default_code = "document.oversized"


class WrongDocument(DocumentError):
    """Well-formed and perhaps well signed, but not what was asked for: another type, issuer, subject or URI."""

    default_code = "document.wrong"


class TrustError(InterlockError):
    """No key that we trust for this purpose stands behind the document."""

    default_code = "trust.refused"


class UnknownKey(TrustError):
    """The ``kid`` names no key that may sign this type of document."""

    default_code = "trust.unknown_key"


class BadSignature(TrustError):
    """The signature does not verify under the key that the document names."""

    default_code = "trust.bad_signature"


class BelowThreshold(TrustError):
    """Too few of the keys that the root of trust asks for have signed (protocol §2)."""

    default_code = "trust.threshold"


class UntrustedTime(TrustError):
    """Signed at a time for which the root of trust does not vouch (protocol §2)."""

    default_code = "trust.expired"


class ContinuityError(InterlockError):
    """In conflict with what is already held."""

    default_code = "continuity.refused"


class RolledBack(ContinuityError):
    """Older than what is already held: a replay, or a sender that lost its state."""

    default_code = "continuity.rolled_back"


class Equivocation(ContinuityError):
    """Two different documents under one number: the signer contradicts itself."""

    default_code = "continuity.equivocation"


class BrokenChain(ContinuityError):
    """Events whose numbers or heads do not follow (protocol §6)."""

    default_code = "continuity.broken_chain"


class Unavailable(InterlockError):
    """This installation lacks an optional library that the document needs."""

    default_code = "installation.incomplete"
