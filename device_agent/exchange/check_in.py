"""Check-in: what is under way goes out, and only a signed answer for it comes in (protocol §6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from device_agent import journal, outbox
from device_agent.errors import OtherDocument, TransportError
from device_agent.exchange import trust
from device_agent.exchange.device import Device, take_rest
from device_agent.exchange.report import SyncReport
from device_agent.exchange.servers import Servers
from licensing_protocol import token
from licensing_protocol.errors import InterlockError
from licensing_protocol.exchange import Answer, EvidenceRequest

# So many documents take a few seconds; the next sync goes on where this one stops.
MOST_ROUNDS: Final = 32


def request(device: Device) -> EvidenceRequest:
    """Return the evidence that is under way, stored before it goes.

    Raises:
        StoreUnreadable: the device is not enrolled.
    """
    with device.writing() as work:
        outgoing = outbox.build(work.connection, work.state, device.signer, device.surroundings, work.reading)
    return EvidenceRequest(outgoing.text, outgoing.receipt, trust.walked(device), outgoing.refusal)


def accept(device: Device, answer: Answer, report: SyncReport, sent: str | None = None) -> SyncReport:
    """Take the answer to the evidence under way: what it has of the root of trust first, the rest in one transaction.

    ``sent`` is the identity of what this process sent: another may have been answered meanwhile.

    Raises:
        InterlockError: what it brings is not signed by this exporter for this device; nothing was changed.
        OtherDocument: it answers another document, so this one stays under way.
    """
    report = trust.accept(device, answer.trust, report)
    with device.writing() as work:
        if answer.receipt is not None:
            settled = outbox.settle_receipt(work.connection, work.state, answer.receipt, work.reading, sent=sent)
        elif answer.refusal is not None:
            settled = outbox.settle_refusal(work.connection, work.state, answer.refusal, work.reading, sent=sent)
        else:
            raise TransportError("The answer brings neither a receipt nor a refusal.")
        if settled.refused is not None:
            report = replace(report, refused=(*report.refused, settled.refused))
        elif settled.done:
            report = replace(report, receipts=report.receipts + 1)
        if settled.done:
            return take_rest(work, settled.state, answer, report)
    # Raised only now: that such an answer came was journalled, and stays.
    raise OtherDocument("This answer is for another document than the one that this device sent last.")


def check_in(device: Device, servers: Servers, report: SyncReport) -> SyncReport:
    """Report until every event that was there at the beginning is confirmed, or no progress is made.

    Where no server gives a signed answer, that is a problem of the report: what was confirmed before it stays so.
    """
    with device.store.read() as connection:
        goal = journal.Chain.read(connection).last
    covered = -1
    for _ in range(MOST_ROUNDS):
        try:
            report = _once(device, servers, report)
        except (TransportError, InterlockError) as error:
            report = report.with_problem(error)
            break
        with device.store.read() as connection:
            before, covered = covered, journal.Chain.read(connection).covered
        if covered >= goal or covered <= before:
            break
    with device.store.read() as connection:
        return replace(report, backlog=journal.Chain.read(connection).covered < goal)


def _once(device: Device, servers: Servers, report: SyncReport) -> SyncReport:
    path = f"/v1/devices/{device.subject.device}/evidence"
    asked = request(device)
    body, sent = asked.to_json(), token.identity(asked.evidence)
    return servers.first(lambda address: accept(device, servers.post(address, path, body), report, sent))
