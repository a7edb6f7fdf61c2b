"""Enrolment: the device's key asks to be known, and the first receipt starts its chain (protocol §7, §9)."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final, NamedTuple

from device_agent.exchange import trust
from device_agent.exchange.device import Device, Work, take_rest
from device_agent.exchange.report import SyncReport
from device_agent.store import Connection
from device_agent.trusted_state import Created, take_receipt
from device_agent.trusted_state.receipt import HeldReceipt
from licensing_protocol import token
from licensing_protocol.canonical import digest, to_base64url
from licensing_protocol.enrollment import Enrollment
from licensing_protocol.errors import MalformedDocument, WrongDocument
from licensing_protocol.evidence import FRESH_BYTES
from licensing_protocol.exchange import Answer, EnrollmentRequest
from licensing_protocol.journal import first_head

_LONGEST_TOKEN: Final = 200


class _Asked(NamedTuple):
    identity: str
    text: str
    created: Created


def request(device: Device, secret: str) -> EnrollmentRequest:
    """Return the request to enrol with a one-time token: the same document for the same token, stored before it goes.

    Raises:
        MalformedDocument: the token is empty, or too long to be one.
    """
    if not 1 <= len(secret) <= _LONGEST_TOKEN:
        raise MalformedDocument("An enrolment token from the exporter is needed here.", code="enrolment.token")
    with device.writing() as work:
        name = to_base64url(digest(secret.encode("utf-8", "surrogatepass")))
        asked = _find(work.connection, "token", name)
        if asked is None:
            asked = _make(device, work, secret)
            values = (name, asked.identity, asked.text, asked.created.start, asked.created.boottime)
            work.connection.execute("INSERT INTO enrolment VALUES (?, ?, ?, ?, ?)", values)
    return EnrollmentRequest(asked.text, trust.walked(device))


def accept(device: Device, answer: Answer) -> SyncReport:
    """Take the answer to any enrolment that this device asked for.

    Raises:
        InterlockError: it brings no receipt of this exporter for such an enrolment; of the rest nothing was changed.
    """
    if answer.receipt is None:
        raise WrongDocument("The answer to an enrolment brings a receipt.", code="enrolment.receipt")
    report = trust.accept(device, answer.trust, SyncReport())
    with device.writing() as work:
        if work.state.enrolled:
            # Another process enrolled meanwhile, with the same key.
            return report
        receipt = HeldReceipt.read(answer.receipt, work.state.subject)
        asked = _find(work.connection, "identity", receipt.document.evidence)
        promised = (0, first_head(device.subject.key))
        if asked is None or (receipt.document.sequence, receipt.document.head) != promised:
            raise WrongDocument("The receipt is not for an enrolment of this device.", code="enrolment.receipt")
        state = take_receipt(work.connection, work.state, receipt, asked.created, work.reading)
        work.connection.execute("DELETE FROM enrolment")
        return take_rest(work, state, answer, replace(report, receipts=1))


def _make(device: Device, work: Work, secret: str) -> _Asked:
    state = work.state.observe(work.connection, work.reading)
    now = state.time.bounds(work.reading).latest
    fresh = secrets.token_bytes(FRESH_BYTES)
    enrollment = Enrollment(now, secret, device.subject.manifest.identity, fresh, device.signer.key)
    text = enrollment.sign(device.signer)
    created = Created(state.time.start, int(work.reading.boottime))
    return _Asked(token.identity(text), text, created)


def _find(connection: Connection, column: str, value: str) -> _Asked | None:
    query = f"SELECT identity, text, boot, boottime FROM enrolment WHERE {column} = ?"
    row = connection.execute(query, (value,)).fetchone()
    return None if row is None else _Asked(row[0], row[1], Created(row[2], row[3]))
