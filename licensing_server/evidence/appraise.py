"""Holds evidence against what is known: pure, before anything is stored (protocol §6)."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from licensing_protocol.canonical import JsonObject, to_base64url
from licensing_protocol.errors import BrokenChain
from licensing_protocol.evidence import Evidence
from licensing_protocol.journal import follow


@dataclass(frozen=True, slots=True)
class Known:
    """What the server held before: journal head and number, digests by component, and the nonces it gave.

    ``challenged_at`` is when it gave a challenge that the evidence answers beside the nonce of the last receipt.
    """

    head: bytes
    last: int
    components: Mapping[str, bytes]
    nonce: bytes
    nonce_issued_at: int
    challenged_at: int | None


@dataclass(frozen=True, slots=True)
class Appraisal:
    """``anomalies`` are stable codes; ``changed`` names components with another digest, or none any more."""

    fresh: bool
    anomalies: tuple[str, ...]
    changed: tuple[str, ...]

    def to_json(self) -> JsonObject:
        """Return what is stored and logged."""
        return {"fresh": self.fresh, "anomalies": list(self.anomalies), "changed": list(self.changed)}


def appraise(evidence: Evidence, known: Known, fresh_seconds: int, now: int, *, measured: Set[str] | None) -> Appraisal:
    """Appraise evidence of a used-once parent. Nothing here refuses: anomalies are reported, never repaired.

    ``measured`` names the components of the release that the device runs, ``None`` where that is not registered.
    """
    anomalies = []
    if evidence.first != known.last + 1:
        anomalies.append("journal.gap")
    elif _head(evidence, known.head) != evidence.head:
        anomalies.append("journal.head")
    nonce_fits = evidence.nonces[0] == to_base64url(known.nonce)
    if not nonce_fits:
        anomalies.append("evidence.nonce")
    if measured is None:
        anomalies.append("manifest.unknown")
    changed = [
        measurement.name
        for measurement in evidence.measurements
        if known.components.get(measurement.name, measurement.digest) != measurement.digest
    ]
    expected = known.components.keys() if measured is None else known.components.keys() & measured
    missing = expected - {measurement.name for measurement in evidence.measurements}
    asked_at = max(known.nonce_issued_at, known.challenged_at or 0)
    fresh = nonce_fits and now - asked_at <= fresh_seconds
    return Appraisal(fresh, tuple(anomalies), tuple(sorted({*changed, *missing})))


def _head(evidence: Evidence, head: bytes) -> bytes | None:
    try:
        return follow(head, evidence.first, evidence.events)
    except BrokenChain:
        return None
