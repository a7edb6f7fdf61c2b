"""Every document is read back from its own canonical bytes as what it was (protocol §1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol import enrollment
from licensing_protocol.canonical import decode, encode
from licensing_protocol.enrollment import Enrollment
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.evidence import Evidence
from licensing_protocol.exchange import Answer, EnrollmentRequest, EvidenceRequest
from licensing_protocol.journal import Event
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.limits import Authority, Fix
from licensing_protocol.manifest import Manifest
from licensing_protocol.measurement import Measurement
from licensing_protocol.receipt import Receipt, Refusal
from licensing_protocol.status_list import SHARD_BYTES, SHARD_ENTRIES, LogPosition, Status, StatusList, write_status
from tests.protocol import strategies

REQUESTS = st.fixed_dictionaries({"enrollment": strategies.NAMES})
CHECK_INS = st.fixed_dictionaries(
    {"evidence": strategies.NAMES, "receipt": strategies.NAMES}, optional={"refusal": strategies.NAMES}
)
DEVICE = SoftwareSigner.generate()


@pytest.mark.parametrize(
    ("claims", "parse", "write"),
    [
        pytest.param(strategies.manifests(), lambda c: Manifest.parse(c, ""), Manifest.to_claims, id="manifest"),
        pytest.param(strategies.entitlements(), Entitlement.parse, Entitlement.to_claims, id="entitlement"),
        pytest.param(strategies.EVENTS, Event.parse, Event.to_json, id="event"),
        pytest.param(strategies.EVIDENCE, Evidence.parse, Evidence.to_claims, id="evidence"),
        pytest.param(strategies.MEASUREMENTS, Measurement.parse, Measurement.to_claims, id="measurement"),
        pytest.param(strategies.RECEIPTS, Receipt.parse, Receipt.to_claims, id="receipt"),
        pytest.param(strategies.REFUSALS, Refusal.parse, Refusal.to_claims, id="refusal"),
        pytest.param(strategies.ANSWERS, Answer.parse, Answer.to_json, id="answer"),
        pytest.param(REQUESTS, EnrollmentRequest.parse, EnrollmentRequest.to_json, id="enrolment request"),
        pytest.param(CHECK_INS, EvidenceRequest.parse, EvidenceRequest.to_json, id="evidence request"),
        pytest.param(strategies.FIXES, Fix.parse, Fix.to_json, id="fix"),
    ],
)
@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_parsing_undoes_writing(
    claims: st.SearchStrategy[Any], parse: Callable[[Any], Any], write: Callable[[Any], Any], data: st.DataObject
) -> None:
    written = data.draw(claims)
    parsed = parse(decode(encode(written)))
    assert write(parsed) == written
    assert parse(decode(encode(write(parsed)))) == parsed


@given(
    st.lists(st.tuples(st.integers(0, SHARD_ENTRIES - 1), st.sampled_from(Status)), max_size=20),
    st.integers(1, 2**50),
)
@settings(deadline=None, max_examples=30)
def test_a_status_list_is_read_back_with_every_bit(changes: list[tuple[int, Status]], sequence: int) -> None:
    bits = bytearray(SHARD_BYTES)
    for index, status in changes:
        write_status(bits, index, status)
    written = StatusList("exporter", "uri", 5, 9, 1, sequence, LogPosition("log", 3), bytes(bits))
    read = StatusList.parse(decode(encode(written.to_claims())))
    assert read == written
    assert [read.status(index) for index, _ in changes] == [dict(changes)[index] for index, _ in changes]


@given(st.integers(0, 2**50), strategies.NAMES, strategies.DIGESTS, st.binary(min_size=16, max_size=16))
@settings(deadline=None, max_examples=30)
def test_an_enrolment_is_read_back_from_its_signature(issued_at: int, secret: str, manifest: str, fresh: bytes) -> None:
    written = Enrollment(issued_at, secret, manifest, fresh, DEVICE.key)
    read = enrollment.verify(written.sign(DEVICE))
    assert read.to_claims() == written.to_claims()
    assert read.key.thumbprint == DEVICE.key.thumbprint
    assert read.identity


@pytest.mark.parametrize("claims", [{"required": True}, {"required": False, "pattern": "DE/[0-9]{4}"}])
def test_an_authority_is_written_with_the_members_it_was_read_with(claims: dict[str, Any]) -> None:
    assert Authority.parse(claims).to_claims() == claims
