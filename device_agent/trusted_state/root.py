"""The root of trust as the device holds it: roots and Targets as they came, and what they come to (protocol §2).

They are verified once, when they come. What they come to is kept as a document that the device signed for itself, so
that a start has to verify one signature and to import no TUF library.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from device_agent.store import Connection
from device_agent.trusted_state import records
from device_agent.trusted_state.records import Kept, Kind
from device_agent.trusted_state.subject import Subject
from licensing_protocol import token
from licensing_protocol.canonical import JsonObject, decode_object, encode
from licensing_protocol.errors import ContinuityError, InterlockError
from licensing_protocol.fields import Fields
from licensing_protocol.keys import KeySet, Signer
from licensing_protocol.token import TokenType
from licensing_protocol.trust import NOBODY, RootOfTrust, Trusted
from licensing_protocol.trust.pinned import identity_of

if TYPE_CHECKING:
    from licensing_protocol.exchange import TrustHeld
    from licensing_protocol.trust.chain import VerifiedRoot


@dataclass(frozen=True, slots=True)
class Walked:
    """The newest root with the ``documents`` that lead to it from the pinned one, and the Targets under it."""

    root: VerifiedRoot
    documents: tuple[JsonObject, ...]
    trusted: Trusted | None = None
    targets: str = ""

    @classmethod
    def stored(cls, connection: Connection, subject: Subject) -> Walked:
        """Walk from the pinned root as far as the store goes, and verify all of it.

        What does not verify (the store was tampered with, or the product pins another root now) ends the walk.

        Raises:
            InterlockError: the pinned root is none.
        """
        # The first use of the TUF library, which a start goes without.
        from licensing_protocol.trust.chain import VerifiedRoot

        pinned = subject.manifest.root
        walked = cls(VerifiedRoot.pinned(pinned.document), (pinned.document,))
        stored = {kept.name: kept for kept in records.documents(connection, Kind.ROOT)}
        while (kept := stored.get(str(walked.root.version + 1))) is not None:
            try:
                walked = walked._follow(decode_object(kept.text.encode("utf-8")))
            except InterlockError:
                break
        for targets in records.documents(connection, Kind.TARGETS):
            walked = walked._under(targets.text)
        return walked

    def advance(self, roots: Sequence[JsonObject]) -> tuple[Walked, InterlockError | None]:
        """Take the roots that come next; say why one was refused, which ends the way.

        Those that were walked before are passed over: another process may have been sent them too.
        """
        walked, problem = self, None
        before = {identity_of(document) for document in self.documents}
        for document in roots:
            try:
                if identity_of(document) not in before:
                    walked = walked._follow(document)
            except InterlockError as refused:
                problem = refused
                break
        return replace(walked, trusted=None, targets="")._under(self.targets), problem

    def delegate(self, targets: JsonObject, now: Callable[[RootOfTrust], int]) -> Walked:
        """Take the Targets in the place of those held.

        ``now`` returns the lower bound of time (seconds) by the word of those whom a root of trust names: what a key
        said that these Targets remove must not make them look expired.

        Raises:
            TrustError, DocumentError: they are not signed enough, or expired, or the root is.
            RolledBack: their version is lower; Equivocation: others of the same version were held first.
        """
        from licensing_protocol.trust.chain import refuse_older

        offered = self.root.delegate(targets)
        self.root.refuse_expired(now(offered))
        offered = self.root.delegate(targets, now(offered))
        if self.trusted is not None:
            refuse_older(offered, self.trusted)
        return replace(self, trusted=offered, targets=encode(targets).decode("utf-8"))

    def _follow(self, document: JsonObject) -> Walked:
        return replace(self, root=self.root.follow(document), documents=(*self.documents, document))

    def _under(self, targets: str) -> Walked:
        """Hold Targets against the newest root: without its threshold they count no more."""
        if not targets:
            return self
        try:
            trusted = self.root.delegate(decode_object(targets.encode("utf-8")))
        except InterlockError:
            return self
        return replace(self, trusted=trusted, targets=targets)


def load_walk() -> None:
    """Load the TUF library, which a start goes without, before a walk holds the store with it."""
    importlib.import_module("licensing_protocol.trust.chain")


def believed(connection: Connection, subject: Subject) -> RootOfTrust:
    """Return what the store's roots and Targets come to: on the device's own signature, else walked anew."""
    if not records.documents(connection, Kind.TARGETS):
        return NOBODY
    remembered = recall(connection, subject)
    if remembered is not None:
        return remembered
    try:
        return Walked.stored(connection, subject).trusted or NOBODY
    except InterlockError:
        return NOBODY


def recall(connection: Connection, subject: Subject) -> Trusted | None:
    """Return what was verified before, by the device's own signature for the root that the product pins."""
    for kept in records.documents(connection, Kind.TRUST):
        try:
            return _read(kept.text, subject)
        except InterlockError:
            continue
    return None


def held(connection: Connection, subject: Subject) -> TrustHeld:
    """Return how far the device has walked."""
    # Only an exchange asks, and a start does without what exchanges are made of.
    from licensing_protocol.exchange import TrustHeld

    roots = [int(kept.name) for kept in records.documents(connection, Kind.ROOT)]
    trusted = believed(connection, subject)
    targets = trusted.targets if isinstance(trusted, Trusted) else 0
    return TrustHeld(max([subject.manifest.root.version, *roots]), targets)


def keep(connection: Connection, walked: Walked, subject: Subject, signer: Signer) -> None:
    """Keep what was walked, and what it comes to with the device's own signature."""
    trusted = walked.trusted
    records.drop(connection, Kind.TRUST)
    records.drop(connection, Kind.TARGETS)
    if trusted is None:
        return
    claims = {"pinned": subject.manifest.root.identity, "trusted": trusted.to_json()}
    text = token.sign(claims, TokenType.TRUST, signer)
    records.keep(connection, Kind.TRUST, Kept("", token.identity(text), text))
    records.keep(connection, Kind.TARGETS, Kept("", trusted.identity, walked.targets))


def keep_root(connection: Connection, document: JsonObject) -> None:
    """Keep one version of the root; those before it stay, so that no older release of the product walks less far."""
    name, text = str(document["signed"]["version"]), encode(document).decode("utf-8")
    records.keep(connection, Kind.ROOT, Kept(name, identity_of(document), text))


def _read(text: str, subject: Subject) -> Trusted:
    fields = Fields(token.verify(text, TokenType.TRUST, KeySet(subject.public)).claims, "trust")
    if fields.text("pinned") != subject.manifest.root.identity:
        raise ContinuityError("The product pins another root now.", code="trust.other_pin")
    return Trusted.parse(fields.take("trusted"))
