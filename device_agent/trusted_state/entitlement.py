"""The entitlement that the device obeys: its version never falls, and the first of two that conflict is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from device_agent.trusted_state.subject import Mark, Subject, newest
from licensing_protocol.entitlement import Entitlement, refuse_if_not_for
from licensing_protocol.errors import Equivocation, RolledBack
from licensing_protocol.token import TokenType
from licensing_protocol.trust import Delegation


@dataclass(frozen=True, slots=True)
class HeldEntitlement:
    """``document`` is what is obeyed, signed by ``kid``; ``marks`` hold the highest version of each key."""

    document: Entitlement | None = None
    kid: str = ""
    marks: Mapping[str, Mark] = field(default_factory=dict)

    def accept(self, text: str, subject: Subject) -> HeldEntitlement:
        """Take an entitlement in the place of the one held; the same one again changes nothing.

        Raises:
            TrustError, DocumentError: it is none of this exporter, or not for this device, product or issuer.
            RolledBack: its version is lower than one that was held.
            Equivocation: another document of the same version was held first.
        """
        taken = self.read(text, subject)
        offered = taken.document
        if offered is None:
            return self
        mark = newest(self.marks, subject.root.keys(Delegation.ENTITLEMENT))
        if offered.version < mark.value:
            raise RolledBack(f"Version {offered.version} of the entitlement is older than version {mark.value}.")
        if offered.version == mark.value and offered.identity != mark.identity:
            raise Equivocation(f"Two different entitlements carry version {mark.value}; the first is obeyed.")
        return replace(taken, marks=dict(self.marks) | {taken.kid: Mark(offered.version, offered.identity)})

    def read(self, text: str, subject: Subject) -> HeldEntitlement:
        """Verify an entitlement and hold it beside the same marks, as when the store gives back what was taken."""
        verified = subject.verify(text, TokenType.ENTITLEMENT)
        document = Entitlement.parse(verified.claims, verified.identity)
        refuse_if_not_for(document, subject.manifest, subject.device, subject.key)
        return replace(self, document=document, kid=verified.key.thumbprint)
