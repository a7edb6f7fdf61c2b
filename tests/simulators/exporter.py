"""An exporter that signs what a test asks for: no server, no database, no rules."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from device_agent.clock import Reading
from device_agent.store import Connection, facts
from device_agent.trusted_state import State, Subject
from device_agent.trusted_state.root import Walked, keep, keep_root
from licensing_protocol import manifest as manifests
from licensing_protocol.canonical import JsonObject, encode
from licensing_protocol.exchange import TrustHeld, TrustUpdate
from licensing_protocol.keys import KeySet, Signer, SoftwareSigner, VerificationKey
from licensing_protocol.manifest import Component, ComponentKind, Manifest
from licensing_protocol.receipt import Receipt, Refusal
from licensing_protocol.status_list import SHARD_BYTES, LogPosition, Status, StatusList, write_status
from licensing_protocol.token import TokenType, sign
from licensing_protocol.trust import Delegation, PinnedRoot, Trusted, compose
from licensing_protocol.trust.chain import VerifiedRoot
from licensing_protocol.trust.offline import OfflineKey

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

    holders: list[OfflineKey] = field(default_factory=lambda: [OfflineKey.generate() for _ in range(3)])
    issued: int = ISSUED
    delegated: dict[Delegation, KeySet] = field(init=False)
    """Who may sign by the newest Targets: at first those who do."""
    roots: list[JsonObject] = field(init=False)
    targets_version: int = 1

    def __post_init__(self) -> None:
        """Hold the first ceremony: two of three sign, and the third is on holiday."""
        self.delegated = {delegation: KeySet(signer.key) for delegation, signer in self.signers.items()}
        self.roots = [self.signed(self.write_root(1))]

    def write_root(self, version: int, holders: Sequence[OfflineKey] | None = None) -> JsonObject:
        """Return a root without signatures."""
        keys = [holder.key for holder in holders or self.holders]
        return compose.write_root(compose.RootPlan(version, self.issued + 10**9, keys, 2))

    def write_targets(self, **changes: Any) -> JsonObject:
        """Return the newest Targets without signatures."""
        values: dict[str, Any] = {"version": self.targets_version, "issued": self.issued}
        values |= {"expires": self.issued + 10**9, "delegations": self.delegated}
        return compose.write_targets(**values | changes)

    def signed(self, document: JsonObject, holders: Sequence[OfflineKey] | None = None) -> JsonObject:
        """Return metadata with the signatures of two holders, or of those named."""
        return reduce(lambda so_far, holder: compose.sign(so_far, holder.signer), holders or self.holders[:2], document)

    def targets(self, **changes: Any) -> JsonObject:
        """Return the newest Targets."""
        return self.signed(self.write_targets(**changes))

    def replace_key(self, delegation: Delegation, *, keep: bool = False) -> SoftwareSigner:
        """Sign with a new key from now on; ``keep`` the old one in the Targets beside it. Return the old one."""
        old, new = self.signers[delegation], SoftwareSigner.generate()
        self.signers[delegation] = new
        self.delegated[delegation] = KeySet(new.key, *(self.delegated[delegation] if keep else ()))
        self.targets_version += 1
        return old

    def trust_after(self, held: TrustHeld | None) -> TrustUpdate | None:
        """Return what a device that walked so far has to be sent."""
        if held is None or (held.root >= len(self.roots) and held.targets >= self.targets_version):
            return None
        return TrustUpdate(tuple(self.roots[held.root :]), self.targets())

    @property
    def trusted(self) -> Trusted:
        """What the newest root and Targets come to."""
        return VerifiedRoot.pinned(self.roots[0]).walk(self.roots[1:]).delegate(self.targets())

    def subject(self, key: VerificationKey, **changes: Any) -> Subject:
        """Return a device that trusts this exporter already."""
        return replace(Subject.of(self.manifest(**changes), key), root=self.trusted)

    def provision(self, connection: Connection, subject: Subject, signer: Signer, reading: Reading) -> State:
        """Begin on a device that trusts this exporter already, and has nothing to tell of it."""
        State.begin(connection, subject, reading)
        root = VerifiedRoot.pinned(self.roots[0]).walk(self.roots[1:])
        for document in self.roots[1:]:
            keep_root(connection, document)
        text = encode(self.targets()).decode("utf-8")
        keep(connection, Walked(root, tuple(self.roots), self.trusted, text), subject, signer)
        facts.raise_revision(connection)
        return State.begin(connection, subject, reading)

    def manifest(self, **changes: Any) -> Manifest:
        """Return a verified manifest of the product."""
        values: dict[str, Any] = {
            "issuer": self.issuer,
            "product": "camera",
            "release": "1.0",
            "capabilities": frozenset({CAPABILITY, "av.record"}),
            "safety": frozenset({"safety.tamper_alarm"}),
            "root": PinnedRoot.parse(self.roots[0]),
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
