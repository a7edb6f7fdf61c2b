"""From the root that a product pins to the keys that may sign today (protocol §2).

The steps are those of TUF's client workflow (specification 1.0, §5.3 and §5.6); ours are named where they differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tuf.api.metadata import Root

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import ContinuityError, Equivocation, RolledBack, UntrustedTime
from licensing_protocol.trust.metadata import Held, read_root, read_targets, require
from licensing_protocol.trust.pinned import identity_of
from licensing_protocol.trust.trusted import Trusted


@dataclass(frozen=True, slots=True)
class VerifiedRoot:
    """One version of the root, with the signatures that it needs. ``expires`` in seconds."""

    held: Held[Root]

    @property
    def version(self) -> int:
        """Number of this root."""
        return self.held.version

    @property
    def expires(self) -> int:
        """Instant at which it expires."""
        return self.held.expires

    @property
    def document(self) -> JsonObject:
        """The root as it came."""
        return self.held.document

    @classmethod
    def pinned(cls, document: JsonObject) -> VerifiedRoot:
        """Begin with a root that a product pins: it must have the threshold of itself.

        Raises:
            TrustError, DocumentError: as :func:`follow`.
        """
        held = read_root(document)
        require(held, "root", held)
        return cls(held)

    def follow(self, document: JsonObject) -> VerifiedRoot:
        """Take the next version: it needs the threshold of this one and of its own, and an ML-DSA signature of each
        that lists such keys.

        Raises:
            RolledBack: its version is this one's, or a lower.
            ContinuityError: ``continuity.root_skipped`` where a version between is missing.
            BelowThreshold: ``trust.threshold`` or ``trust.post_quantum``.
            DocumentError: it is no root.
        """
        held = read_root(document)
        # §5.3.5 before §5.3.4: what was replayed is called so, whoever signed it.
        if held.version <= self.version:
            raise RolledBack(f"Version {held.version} of the root does not come after version {self.version}.")
        if held.version > self.version + 1:
            sentence = f"Version {held.version} of the root follows version {held.version - 1}, not {self.version}."
            raise ContinuityError(sentence, code="continuity.root_skipped")
        require(self.held, "root", held)
        require(held, "root", held)
        return VerifiedRoot(held)

    def walk(self, documents: Iterable[JsonObject]) -> VerifiedRoot:
        """Take one version after another; raises as :meth:`follow`. Expiry between is of no account (§5.3.4)."""
        root = self
        for document in documents:
            root = root.follow(document)
        return root

    def refuse_expired(self, now: int) -> None:
        """Refuse to go on with a last root whose time is over (§5.3.10); ``now`` in seconds.

        Raises:
            UntrustedTime: ``trust.root_expired``.
        """
        if now >= self.expires:
            sentence = f"Version {self.version} of the root has expired; fetch the next one."
            raise UntrustedTime(sentence, code="trust.root_expired")

    def delegate(self, document: JsonObject, now: int | None = None) -> Trusted:
        """Take the Targets: they need the threshold of this root's ``targets`` role (§5.6.2).

        ``now`` in seconds; Targets that were taken before are read again without it.

        Raises:
            UntrustedTime: ``trust.targets_expired``.
            TrustError, DocumentError: as :func:`follow`; ``root.delegation`` where a purpose is left without a key.
        """
        targets = read_targets(document)
        require(self.held, "targets", targets.held)
        if now is not None and now >= targets.held.expires:
            raise UntrustedTime("The Targets have expired; fetch the next ones.", code="trust.targets_expired")
        return Trusted(
            version=self.version,
            targets=targets.held.version,
            identity=identity_of(document),
            issued=targets.issued,
            expires=min(self.expires, targets.held.expires),
            delegations=targets.delegations,
        )


def refuse_older(offered: Trusted, held: Trusted) -> None:
    """Hold Targets against those that are held and still have their threshold (§5.6.4: no rollback).

    Raises:
        RolledBack: their version is lower.
        Equivocation: other Targets of the same version were held first.
    """
    if offered.targets < held.targets:
        raise RolledBack(f"Version {offered.targets} of the Targets is older than version {held.targets}.")
    if offered.targets == held.targets and offered.identity != held.identity:
        raise Equivocation(f"Two different Targets carry version {held.targets}; the first are obeyed.")
