"""The grants of the entitlement in force, each compiled when it is first asked for."""

from __future__ import annotations

from device_agent.enforcement import answer
from device_agent.enforcement.answer import Answer
from licensing_protocol.decision import CompiledGrant, document_reason
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.manifest import Manifest
from licensing_protocol.reasons import Reason


class Grants:
    """Compiled grants of one entitlement: borders and schemas are made ready once, and only those that are used."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._identity: str | None = None
        self._compiled: dict[str, CompiledGrant] = {}

    def find(self, entitlement: Entitlement | None, capability: str) -> CompiledGrant | Answer:
        """Return the grant of a capability, or the answer that there is none to look at."""
        reason = document_reason(entitlement, self._manifest, capability)
        if entitlement is None or reason is not None:
            return answer.refused(capability, reason or Reason("entitlement.absent"))
        # The document is read again with every receipt and list; borders are made ready once for each entitlement.
        if self._identity != entitlement.identity:
            self._identity, self._compiled = entitlement.identity, {}
        if capability not in self._compiled:
            self._compiled[capability] = CompiledGrant(entitlement, capability)
        return self._compiled[capability]
