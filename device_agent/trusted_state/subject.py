"""Whom the device obeys and who it is: what every document is held against before it is believed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from licensing_protocol import trust
from licensing_protocol.errors import WrongDocument
from licensing_protocol.keys import KeySet, VerificationKey
from licensing_protocol.manifest import Manifest
from licensing_protocol.token import Token, TokenType
from licensing_protocol.trust import NOBODY, Delegation, RootOfTrust
from licensing_protocol.ueid import device_id

_TIMEKEEPERS = (Delegation.ENTITLEMENT, Delegation.STATUS, Delegation.RECEIPT)


@dataclass(frozen=True, slots=True)
class Subject:
    """The product's manifest, and the device: ``device`` is its id, ``key`` its key's thumbprint.

    ``root`` says who may sign what; until it is read from the store that is nobody.
    """

    manifest: Manifest
    device: str
    key: str
    public: VerificationKey
    root: RootOfTrust = NOBODY

    @classmethod
    def of(cls, manifest: Manifest, key: VerificationKey) -> Subject:
        """Return the subject that a device key makes with a manifest."""
        return cls(manifest, device_id(key), key.thumbprint, key)

    def is_same_device(self, other: Subject) -> bool:
        """Tell whether both are one device with one manifest, whomever they trust."""
        return self.key == other.key and self.manifest == other.manifest

    def verify(self, text: str, typ: TokenType) -> Token:
        """Verify a document of the exporter.

        Raises:
            InterlockError: nobody that the root names signed it.
        """
        return trust.verify(text, typ, self.root)

    def refuse_if_foreign(self, issuer: str, device: str | None = None) -> None:
        """Refuse a document by another exporter, or (where it names one) for another device.

        Raises:
            WrongDocument: ``document.issuer`` or ``document.device``.
        """
        if issuer != self.manifest.issuer:
            raise WrongDocument("Issued by another authority than the manifest names.", code="document.issuer")
        if device is not None and device != self.device:
            raise WrongDocument("Issued to another device.", code="document.device")

    def keeps_time(self, kid: str) -> bool:
        """Tell whether documents signed with this key (a thumbprint) say what time it is."""
        return self._is_named(kid, _TIMEKEEPERS)

    def signs(self, kid: str) -> bool:
        """Tell whether this key may sign anything at all, or whether that is unknown."""
        return self._is_named(kid, Delegation)

    def _is_named(self, kid: str, purposes: Iterable[Delegation]) -> bool:
        # Only Targets remove a key. Whoever delivers a root and keeps its Targets back would else make a device forget
        # what it saw, and then bring older documents.
        return self.root == NOBODY or any(self.root.keys(purpose).get(kid) is not None for purpose in purposes)


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """The highest number that one key has set, and the identity of the document that carried it."""

    value: int
    identity: str


NO_MARK = Mark(0, "")


def newest(marks: Mapping[str, Mark], trusted: KeySet) -> Mark:
    """Return the highest mark among those (by key) that a key set which is trusted still."""
    return max((mark for kid, mark in marks.items() if trusted.get(kid) is not None), default=NO_MARK)
