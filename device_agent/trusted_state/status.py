"""The status lists that the device holds: for each exact URI the number never falls (protocol §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from device_agent.trusted_state.subject import Mark, Subject, newest
from licensing_protocol.errors import Equivocation, RolledBack, WrongDocument
from licensing_protocol.status_list import StatusList
from licensing_protocol.token import TokenType
from licensing_protocol.trust import Delegation


@dataclass(frozen=True, slots=True)
class HeldList:
    """One status list, and the key that signed it."""

    document: StatusList
    kid: str

    @classmethod
    def read(cls, text: str, subject: Subject, uri: str) -> HeldList:
        """Verify the list of one shard.

        Raises:
            TrustError, DocumentError: it is none of this exporter; ``status_list.uri`` where it is another shard.
        """
        verified = subject.verify(text, TokenType.STATUS_LIST)
        document = StatusList.parse(verified.claims, verified.identity)
        subject.refuse_if_foreign(document.issuer)
        if document.uri != uri:
            raise WrongDocument("This list is another shard.", code="status_list.uri")
        return cls(document, verified.key.thumbprint)


@dataclass(frozen=True, slots=True)
class HeldLists:
    """Lists by URI, and for each URI the highest number that each key has set."""

    lists: Mapping[str, HeldList] = field(default_factory=dict)
    marks: Mapping[str, Mapping[str, Mark]] = field(default_factory=dict)

    def accept(self, text: str, subject: Subject, uri: str, now: int) -> HeldLists:
        """Take the list of one shard in the place of the one held; ``now`` is the lower bound of time, in seconds.

        Raises:
            TrustError, DocumentError: as :meth:`HeldList.read`, or ``status_list.expired``.
            RolledBack: its number is lower than one that was held.
            Equivocation: another list of the same number was held first.
        """
        taken = HeldList.read(text, subject, uri)
        document, marks = taken.document, self.marks.get(uri, {})
        if now >= document.expires:
            raise WrongDocument("This status list has expired; fetch it again.", code="status_list.expired")
        mark = newest(marks, subject.root.keys(Delegation.STATUS))
        if document.sequence < mark.value:
            raise RolledBack(f"Status list {document.sequence} is older than {mark.value}.")
        if document.sequence == mark.value and document.identity != mark.identity:
            raise Equivocation(f"Two different status lists carry the number {mark.value}.")
        raised = dict(marks) | {taken.kid: Mark(document.sequence, document.identity)}
        return HeldLists(dict(self.lists) | {uri: taken}, dict(self.marks) | {uri: raised})

    def only(self, uris: frozenset[str]) -> HeldLists:
        """Let go of the lists that no grant refers to; their marks stay."""
        return replace(self, lists={uri: held for uri, held in self.lists.items() if uri in uris})
