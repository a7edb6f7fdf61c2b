"""The newest receipt: the exporter's word that it has heard from this device (protocol §7)."""

from __future__ import annotations

from dataclasses import dataclass

from device_agent.trusted_state.subject import Subject
from licensing_protocol.receipt import Receipt, Refusal
from licensing_protocol.token import TokenType


@dataclass(frozen=True, slots=True)
class HeldReceipt:
    """A verified receipt for this device, as it came, and the key that signed it."""

    document: Receipt
    text: str
    kid: str

    @classmethod
    def read(cls, text: str, subject: Subject) -> HeldReceipt:
        """Verify a receipt.

        Raises:
            TrustError, DocumentError: it is none of this exporter, or not for this device.
        """
        verified = subject.verify(text, TokenType.RECEIPT)
        document = Receipt.parse(verified.claims, verified.identity)
        subject.refuse_if_foreign(document.issuer, document.device)
        return cls(document, text, verified.key.thumbprint)


def read_refusal(text: str, subject: Subject) -> Refusal:
    """Verify a refusal; raises as :meth:`HeldReceipt.read`."""
    verified = subject.verify(text, TokenType.REFUSAL)
    document = Refusal.parse(verified.claims, verified.identity)
    subject.refuse_if_foreign(document.issuer, document.device)
    return document
