"""What the device believes at one moment, and how it comes back from the store."""

from __future__ import annotations

from dataclasses import dataclass, replace

from device_agent import journal
from device_agent.clock import Reading
from device_agent.errors import StoreUnreadable
from device_agent.store import Connection, facts
from device_agent.store.facts import Fact
from device_agent.trusted_state import records
from device_agent.trusted_state.entitlement import HeldEntitlement
from device_agent.trusted_state.receipt import HeldReceipt
from device_agent.trusted_state.records import Kind
from device_agent.trusted_state.root import believed
from device_agent.trusted_state.status import HeldList, HeldLists
from device_agent.trusted_state.subject import Subject
from device_agent.trusted_state.time import ROOT, TrustedTime
from device_agent.trusted_state.wall import Anomaly
from licensing_protocol.canonical import JsonObject, decode
from licensing_protocol.decision import Contact
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.errors import InterlockError
from licensing_protocol.grant import Grant
from licensing_protocol.journal import EventType
from licensing_protocol.receipt import Receipt
from licensing_protocol.status_list import Status, StatusList


@dataclass(frozen=True, slots=True)
class State:
    """Everything on which a decision rests, except the place.

    ``revision`` changes with the documents, not with the time. ``notices`` are the exporter's sentences for the
    device's operator; they are not signed, and nothing is decided by them. ``enrolled`` stays true where the newest
    receipt counts no more because its key was removed from the root of trust.
    """

    subject: Subject
    revision: int
    held: HeldEntitlement
    status: HeldLists
    held_receipt: HeldReceipt | None
    time: TrustedTime
    notices: tuple[str, ...] = ()
    enrolled: bool = False

    @classmethod
    def begin(cls, connection: Connection, subject: Subject, reading: Reading) -> State:
        """Start on a store, inside ``store.write()``: when that block ends the advanced mark of time is durable.

        Nothing may be decided before that (protocol §5).

        Raises:
            StoreUnreadable: the store belongs to another device key, or holds documents and no time.
        """
        subject = replace(subject, root=believed(connection, subject))
        _bind(connection, subject.key)
        journal.begin(connection, subject.key)
        stored = records.read_time(connection)
        if stored is None:
            if any(records.documents(connection, kind) for kind in Kind):
                # Who removed it would have time begin anew.
                raise StoreUnreadable("what it knew of the time is gone")
            time, anomalies = TrustedTime.first(subject.root.issued, reading)
        else:
            time, anomalies = stored.trusting(subject.keeps_time).observe(reading)
            time = time.accept(subject.root.issued, ROOT, reading)
        time = records.keep_time(connection, time)
        _report(connection, time, anomalies, reading)
        if stored is None or stored.boot != reading.boot:
            data: JsonObject = {"release": subject.manifest.release, "boots": time.boot_count}
            journal.note(connection, EventType.AGENT_STARTED, data, time.bounds(reading), reading.boot)
        return cls.load(connection, subject)

    @classmethod
    def load(cls, connection: Connection, subject: Subject, known: State | None = None) -> State:
        """Read the state back; what is ``known`` and unchanged is not parsed again.

        A document that no longer verifies (its key was removed from the root, or the store was tampered with) is not
        believed any more.

        Raises:
            StoreUnreadable: the store was never begun.
        """
        time = records.read_time(connection)
        if time is None:
            raise StoreUnreadable("it was never begun")
        if known is not None and not known.subject.is_same_device(subject):
            known = None
        if known is not None and known.revision == facts.revision(connection):
            return replace(known, time=known.time.merge(time.trusting(known.subject.keeps_time)))
        subject = replace(subject, root=believed(connection, subject))
        time = time.trusting(subject.keeps_time)
        if known is not None:
            time = known.time.trusting(subject.keeps_time).merge(time)
        return cls(
            subject=subject,
            revision=facts.revision(connection),
            held=_entitlement(connection, subject),
            status=_lists(connection, subject, known),
            held_receipt=_receipt(connection, subject),
            time=time,
            notices=tuple(decode((facts.read(connection, Fact.NOTICES) or "[]").encode("utf-8"))),
            enrolled=bool(records.documents(connection, Kind.RECEIPT)),
        )

    def observe(self, connection: Connection, reading: Reading) -> State:
        """Take a look at the clocks into account, inside ``store.write()``: marks and anomalies become durable."""
        known = State.load(connection, self.subject, self)
        time, anomalies = known.time.observe(reading)
        time = records.keep_time(connection, time)
        _report(connection, time, anomalies, reading)
        return replace(known, time=time)

    @property
    def entitlement(self) -> Entitlement | None:
        """The entitlement that is obeyed."""
        return self.held.document

    @property
    def receipt(self) -> Receipt | None:
        """The newest receipt; ``None`` before enrolment."""
        return None if self.held_receipt is None else self.held_receipt.document

    @property
    def lists(self) -> dict[str, StatusList]:
        """The status lists held, by URI."""
        return {uri: held.document for uri, held in self.status.lists.items()}

    @property
    def shards(self) -> frozenset[str]:
        """The URIs of the status lists to which the entitlement refers."""
        grants = {} if self.entitlement is None else self.entitlement.grants
        return frozenset(grant.status.uri for grant in grants.values())

    @property
    def invalid(self) -> frozenset[str]:
        """The capabilities whose grant was revoked."""
        grants = {} if self.entitlement is None else self.entitlement.grants
        return frozenset(name for name, grant in grants.items() if self.contact(grant).status is Status.INVALID)

    def contact(self, grant: Grant) -> Contact:
        """Return what has come from the exporter for one grant."""
        receipt_issued_at = 0 if self.receipt is None else self.receipt.issued_at
        held = self.status.lists.get(grant.status.uri)
        if held is None:
            return Contact(None, 0, receipt_issued_at)
        return Contact(held.document.status(grant.status.index), held.document.issued_at, receipt_issued_at)


def _bind(connection: Connection, key: str) -> None:
    bound = facts.read(connection, Fact.DEVICE_KEY)
    if bound is None:
        facts.write(connection, Fact.DEVICE_KEY, key)
    elif bound != key:
        raise StoreUnreadable("it belongs to another device key")


def _report(connection: Connection, time: TrustedTime, anomalies: list[Anomaly], reading: Reading) -> None:
    for anomaly in anomalies:
        journal.note(connection, anomaly.type, anomaly.data, time.bounds(reading), reading.boot)


def _entitlement(connection: Connection, subject: Subject) -> HeldEntitlement:
    held = HeldEntitlement(marks=records.entitlement_marks(connection))
    for kept in records.documents(connection, Kind.ENTITLEMENT):
        try:
            held = held.read(kept.text, subject)
        except InterlockError:
            continue
    return held


def _lists(connection: Connection, subject: Subject, known: State | None) -> HeldLists:
    lists = {}
    earlier = known.status.lists if known is not None and known.subject == subject else {}
    for kept in records.documents(connection, Kind.STATUS_LIST):
        same = earlier.get(kept.name)
        if same is not None and same.document.identity == kept.identity:
            lists[kept.name] = same
            continue
        try:
            lists[kept.name] = HeldList.read(kept.text, subject, kept.name)
        except InterlockError:
            continue
    return HeldLists(lists, records.status_marks(connection))


def _receipt(connection: Connection, subject: Subject) -> HeldReceipt | None:
    for kept in records.documents(connection, Kind.RECEIPT):
        try:
            return HeldReceipt.read(kept.text, subject)
        except InterlockError:
            continue
    return None
