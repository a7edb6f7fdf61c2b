"""An exporter that signs what a test asks for: no server, no database, no rules."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from device_agent.trusted_state import Subject
from licensing_protocol import manifest as manifests
from licensing_protocol.canonical import JsonObject
from licensing_protocol.keys import KeySet, SoftwareSigner
from licensing_protocol.manifest import Component, ComponentKind, Manifest
from licensing_protocol.receipt import Receipt, Refusal
from licensing_protocol.status_list import SHARD_BYTES, LogPosition, Status, StatusList, write_status
from licensing_protocol.token import TokenType, sign
from licensing_protocol.trust import Delegation, PinnedKeys

ISSUED = 1_800_000_000
URI = "https://exporter.example/v1/status/1"
CAPABILITY = "face.verify_1to1"


@dataclass
class SimulatedExporter:
    """One key for each purpose; ``issuer`` is the name in every document."""

    issuer: str = "exporter"
    signers: dict[Delegation, SoftwareSigner] = field(
        default_factory=lambda: {delegation: SoftwareSigner.generate() for delegation in Delegation}
    )
    vendor: SoftwareSigner = field(default_factory=SoftwareSigner.generate)

    def root(self, **changes: Any) -> PinnedKeys:
        """Return the root of trust that names this exporter's keys."""
        keys = {delegation: KeySet(signer.key) for delegation, signer in self.signers.items()}
        values: dict[str, Any] = {"version": 1, "issued": ISSUED, "expires": ISSUED + 10**9, "delegations": keys}
        return PinnedKeys(**values | changes)

    def manifest(self, **changes: Any) -> Manifest:
        """Return a verified manifest of the product."""
        values: dict[str, Any] = {
            "issuer": self.issuer,
            "product": "camera",
            "release": "1.0",
            "capabilities": frozenset({CAPABILITY, "av.record"}),
            "safety": frozenset({"safety.tamper_alarm"}),
            "root": self.root(),
            "servers": ("https://exporter.example",),
            "measure": (Component("rules", ComponentKind.FILE, "rules.json"),),
        }
        return manifests.verify(Manifest(**values | changes).sign(self.vendor), self.vendor.key)

    def entitlement(self, subject: Subject, version: int, **changes: Any) -> str:
        """Sign an entitlement of one plain grant."""
        claims: JsonObject = {
            "iss": self.issuer,
            "iat": ISSUED,
            "nbf": ISSUED,
            "exp": ISSUED + 10**8,
            "jti": f"entitlement-{version}-{secrets.token_hex(4)}",
            "sub": subject.device,
            "cnf": {"jkt": subject.key},
            "ver": version,
            "product": "camera",
            "releases": ["1.0"],
            "manifest": subject.manifest.identity,
            "authorisation": {"reference": "EX-1", "end_user": "party-1"},
            "zones": {},
            "grants": {CAPABILITY: grant()},
        }
        return sign(claims | changes, TokenType.ENTITLEMENT, self.signers[Delegation.ENTITLEMENT])

    def status_list(
        self, sequence: int, statuses: Mapping[int, Status] | None = None, uri: str = URI, **changes: Any
    ) -> str:
        """Sign a status list; every index not named is VALID."""
        bits = bytearray(SHARD_BYTES)
        for index, status in (statuses or {}).items():
            write_status(bits, index, status)
        values: dict[str, Any] = {
            "issuer": self.issuer,
            "uri": uri,
            "issued_at": ISSUED,
            "expires": ISSUED + 10**8,
            "ttl": 300,
            "sequence": sequence,
            "log": LogPosition(self.issuer, 1),
            "bits": bytes(bits),
        }
        return StatusList(**values | changes).sign(self.signers[Delegation.STATUS])

    def receipt(self, subject: Subject, evidence: str, head: bytes, sequence: int, **changes: Any) -> str:
        """Sign a receipt for a document."""
        values: dict[str, Any] = {
            "issuer": self.issuer,
            "issued_at": ISSUED,
            "device": subject.device,
            "evidence": evidence,
            "head": head,
            "sequence": sequence,
            "ratchet": secrets.token_bytes(32),
            "nonce": secrets.token_bytes(32),
            "origin": self.issuer,
            "leaf": bytes(32),
        }
        return Receipt(**values | changes).sign(self.signers[Delegation.RECEIPT])

    def refusal(self, subject: Subject, evidence: str, **changes: Any) -> str:
        """Sign a refusal of a document."""
        values: dict[str, Any] = {
            "issuer": self.issuer,
            "issued_at": ISSUED,
            "device": subject.device,
            "evidence": evidence,
            "code": "evidence.fork",
            "ratchet": secrets.token_bytes(32),
            "nonce": secrets.token_bytes(32),
        }
        return Refusal(**values | changes).sign(self.signers[Delegation.RECEIPT])


def grant(index: int = 0, uri: str = URI, **changes: Any) -> JsonObject:
    """Return the claims of a plain grant."""
    claims: JsonObject = {
        "status": {"uri": uri, "idx": index},
        "freshness": {"max_offline": 86_400, "max_silent": 86_400, "per_boot": False},
        "limits": {},
        "on_unknown": "deny",
        "audit": "count",
        "obligations": [],
    }
    return claims | changes
