"""Building evidence: once, together with what it carries, under the store's lock."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from device_agent import journal
from device_agent.clock import Reading
from device_agent.errors import StoreUnreadable
from device_agent.store import Connection, facts
from device_agent.store.facts import Fact
from device_agent.trusted_state import Created, State, records
from device_agent.trusted_state.records import Kind
from licensing_protocol import token
from licensing_protocol.canonical import decode_object, encode, from_base64url
from licensing_protocol.evidence import FRESH_BYTES, Evidence, Platform, Usage
from licensing_protocol.keys import Signer
from licensing_protocol.measurement import Measurement
from licensing_protocol.token import TokenType

_MOST_EVENTS: Final = 10_000
_MOST_USAGES: Final = 100
# What the header, the signature and the two dots take of a compact JWS; and base64url writes 3 bytes as 4.
_AROUND_PAYLOAD: Final = 300


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What evidence says of the machine: who made the product (``oem``), and on what it runs (``model``)."""

    oem: str
    model: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A document under way: ``text`` goes out with ``receipt`` until ``identity`` is answered.

    ``refusal`` goes with them where one came after the receipt: then it names the parent.
    """

    identity: str
    text: str
    receipt: str
    refusal: str | None
    last: int
    head: bytes
    usage: Mapping[str, Usage]
    created: Created


def waiting(connection: Connection) -> Outgoing | None:
    """Return the document that is under way, or ``None``."""
    row = connection.execute("SELECT identity, text, receipt, last, head, usage, boot, boottime FROM outbox").fetchone()
    if row is None:
        return None
    identity, text, receipt, last, head, usage, start, boottime = row
    refusal = _refusal(connection)
    return Outgoing(identity, text, receipt, refusal, last, head, _usage_from(usage), Created(start, boottime))


def build(
    connection: Connection, state: State, signer: Signer, surroundings: Surroundings, reading: Reading
) -> Outgoing:
    """Return the document that is under way; only where there is none is a new one built, inside ``store.write()``.

    So of several processes that report at once one builds, and all send the same.

    Raises:
        StoreUnreadable: the device is not enrolled, so that there is no receipt to continue from.
        OversizedDocument: the product measures more than one document can carry.
    """
    under_way = waiting(connection)
    if under_way is not None:
        return under_way
    state = state.observe(connection, reading)
    evidence = _with_events(connection, _without_events(connection, state, surroundings, reading))
    text = evidence.sign(signer)
    outgoing = Outgoing(
        identity=token.identity(text),
        text=text,
        receipt=records.documents(connection, Kind.RECEIPT)[0].text,
        refusal=_refusal(connection),
        last=evidence.last,
        head=evidence.head,
        usage=evidence.usage,
        created=Created(state.time.start, int(reading.boottime)),
    )
    _keep(connection, outgoing)
    return outgoing


def _without_events(connection: Connection, state: State, surroundings: Surroundings, reading: Reading) -> Evidence:
    ratchet, nonce = (facts.read(connection, fact) for fact in (Fact.RATCHET, Fact.NONCE))
    if ratchet is None or nonce is None:
        raise StoreUnreadable("the device is not enrolled")
    chain = journal.Chain.read(connection)
    bounds = state.time.bounds(reading)
    manifest, held = state.subject.manifest, state.entitlement
    return Evidence(
        issued_at=bounds.latest,
        device=state.subject.device,
        nonces=(nonce,),
        platform=Platform(
            oem=surroundings.oem,
            model=surroundings.model,
            product=manifest.product,
            release=manifest.release,
            boot_count=state.time.boot_count,
            uptime=int(reading.boottime),
        ),
        measurements=_measurements(connection),
        fresh=secrets.token_bytes(FRESH_BYTES),
        manifest=manifest.identity,
        parent=from_base64url(ratchet),
        first=chain.covered + 1,
        head=chain.head,
        events=(),
        entitlement=None if held is None else (held.id, held.version),
        status={uri: document.sequence for uri, document in state.lists.items()},
        clock=bounds,
        usage=_usage(connection),
    )


def _with_events(connection: Connection, evidence: Evidence) -> Evidence:
    payload = (token.size_limit(TokenType.EVIDENCE) - _AROUND_PAYLOAD) * 3 // 4
    events, head = journal.prefix(connection, payload - len(encode(evidence.to_claims())), _MOST_EVENTS)
    return replace(evidence, events=events, head=head)


def _refusal(connection: Connection) -> str | None:
    return next((kept.text for kept in records.documents(connection, Kind.REFUSAL)), None)


def _measurements(connection: Connection) -> tuple[Measurement, ...]:
    rows = connection.execute("SELECT name, digest FROM component ORDER BY name")
    return tuple(Measurement(name, digest) for name, digest in rows)


def _usage(connection: Connection) -> dict[str, Usage]:
    # What does not fit stays counted and goes with the next.
    rows = connection.execute(
        "SELECT capability, uses, denials FROM usage WHERE uses > 0 OR denials > 0 ORDER BY capability LIMIT ?",
        (_MOST_USAGES,),
    )
    return {capability: Usage(uses, denials) for capability, uses, denials in rows}


def _keep(connection: Connection, outgoing: Outgoing) -> None:
    usage = {name: [count.uses, count.denials] for name, count in outgoing.usage.items()}
    connection.execute(
        "INSERT INTO outbox VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(outgoing.identity, outgoing.text, outgoing.receipt, outgoing.last, outgoing.head),
            *(encode(usage).decode("utf-8"), outgoing.created.start, outgoing.created.boottime),
        ),
    )


def _usage_from(text: str) -> dict[str, Usage]:
    return {name: Usage(*counts) for name, counts in decode_object(text.encode("utf-8")).items()}
