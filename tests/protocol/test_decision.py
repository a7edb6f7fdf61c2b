"""Documents round-trip, and the pure decision answers with a reason (protocol §3 to §7)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from licensing_protocol import entitlement, receipt, status_list
from licensing_protocol.canonical import to_base64url
from licensing_protocol.decision import Contact, Denied, Granted, Place, Use, decide
from licensing_protocol.entitlement import Entitlement
from licensing_protocol.errors import MalformedDocument, RolledBack
from licensing_protocol.journal import Event, first_head, follow
from licensing_protocol.keys import KeySet, SoftwareSigner
from licensing_protocol.limits import Fix
from licensing_protocol.receipt import Receipt
from licensing_protocol.status_list import SHARD_BYTES, LogPosition, Status, StatusList, read_status, write_status
from licensing_protocol.time_bounds import TimeBounds
from licensing_protocol.trust import Delegation, Trusted

SIGNER = SoftwareSigner.generate()
ROOT = Trusted(1, 1, "", 0, 2**40, {name: KeySet(SIGNER.key) for name in Delegation})
NOW = 1_790_000_000  # Monday 2026-09-21 14:13:20 UTC
DIGEST = to_base64url(bytes(32))
SQUARE = [[[9.0, 47.0], [11.0, 47.0], [11.0, 49.0], [9.0, 49.0], [9.0, 47.0]]]


def claims(**limits: Any) -> dict[str, Any]:
    grant = {
        "status": {"uri": "https://x.example/1", "idx": 5},
        "freshness": {"max_offline": 1000, "max_silent": 2000, "per_boot": False},
        "limits": limits,
        "on_unknown": "deny",
        "audit": "each",
        "obligations": [],
    }
    zone = {
        "name": "Square",
        "geometry": {"type": "Polygon", "coordinates": SQUARE},
        "source": "test",
        "accuracy_m": 10.0,
        "pov": "none",
    }
    return {
        "iss": "exporter",
        "iat": NOW - 10,
        "nbf": NOW - 10,
        "exp": NOW + 9_000,
        "jti": "e1",
        "sub": "device",
        "cnf": {"jkt": DIGEST},
        "ver": NOW,
        "product": "camera",
        "releases": ["1"],
        "manifest": DIGEST,
        "authorisation": {"reference": "EX-1", "end_user": "party"},
        "zones": {"square": zone},
        "grants": {"face.verify_1to1": grant},
    }


AREA: dict[str, Any] = {"allow": ["square"], "deny": [], "max_age": 60, "max_uncertainty_m": 1000.0}
EVERY_LIMIT = {
    "period": {"nbf": NOW - 5, "exp": NOW + 500},
    "schedule": {"tz": "UTC", "windows": [{"days": ["MON"], "from": "08:00", "to": "18:00"}], "except": []},
    "area": AREA,
    "quota": {"id": "q", "uses": 3, "per": "P1D", "anchor": 0},
    "parameters": {"type": "object", "properties": {"faces": {"maximum": 2}}},
    "authority": {"required": True, "pattern": "DE/[0-9]{4}"},
    "operators": {"distinct": 2},
    "platform": {"max_speed_mps": 50.0},
}
GOOD_USE = Use({"faces": 1}, "DE/2026", ("ada", "bo"))
CONTACT = Contact(Status.VALID, NOW - 1, NOW - 1)
HERE = Place(Fix(48.0, 10.0, 5.0), 1.0)


def outcome(limits: dict[str, Any], **changes: Any) -> str:
    known: dict[str, Any] = {"contact": CONTACT, "time": TimeBounds.exactly(NOW), "place": HERE} | changes
    use = known.pop("use", GOOD_USE)
    decision = decide(Entitlement.parse(claims(**limits)), None, "face.verify_1to1", use, **known)
    return "granted" if isinstance(decision, Granted) else decision.reason.code


def test_an_entitlement_survives_signing() -> None:
    parsed = Entitlement.parse(claims(**EVERY_LIMIT))
    verified = entitlement.verify(parsed.sign(SIGNER), ROOT)
    assert verified.to_claims() == parsed.to_claims() == claims(**EVERY_LIMIT)


def test_an_unknown_claim_in_an_entitlement_is_an_error() -> None:
    with pytest.raises(MalformedDocument):
        Entitlement.parse(claims() | {"extra": 1})


def test_all_limits_kept_is_granted() -> None:
    assert outcome(EVERY_LIMIT) == "granted"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"time": TimeBounds.exactly(NOW + 900)}, "period.over"),
        ({"time": TimeBounds.exactly(NOW - 6), "contact": CONTACT}, "period.not_yet"),
        ({"place": None}, "area.no_position"),
        ({"place": Place(Fix(48.0, 10.0, 5.0), 61.0)}, "area.no_position"),
        ({"place": Place(Fix(50.0, 10.0, 5.0), 1.0)}, "area.outside"),
        ({"place": Place(Fix(48.99999, 10.0, 5.0), 1.0)}, "area.uncertain"),
        ({"used": 3}, "quota.exhausted"),
        ({"use": Use({"faces": 3}, "DE/2026", ("ada", "bo"))}, "parameters.refused"),
        ({"use": Use({}, None, ("ada", "bo"))}, "authority.missing"),
        ({"use": Use({}, "reasons", ("ada", "bo"))}, "authority.refused"),
        ({"use": Use({}, "DE/2026", ("ada", "ada"))}, "operators.too_few"),
        ({"use": Use({}, "DE/2026", ("ada", ""))}, "operators.too_few"),
        ({"use": Use({}, "DE/2026", ("ada", None))}, "operators.too_few"),  # type: ignore[arg-type]  # untyped
        ({"use": Use({}, 2026, ("ada", "bo"))}, "authority.refused"),  # type: ignore[arg-type]  # untyped
        ({"contact": Contact(None)}, "status.absent"),
        ({"contact": Contact(Status.INVALID, NOW, NOW)}, "status.invalid"),
        ({"contact": Contact(Status.SUSPENDED, NOW, NOW)}, "status.suspended"),
        ({"contact": Contact(Status.VALID, NOW - 1000, NOW)}, "status.stale"),
        ({"contact": Contact(Status.VALID, NOW, NOW - 2000)}, "contact.silent"),
        ({"time": TimeBounds(NOW)}, "time.unknown"),
    ],
)
def test_each_thing_that_is_not_kept_has_its_own_reason(changes: dict[str, Any], code: str) -> None:
    assert outcome(EVERY_LIMIT, **changes) == code


def test_a_limit_of_unknown_kind_denies() -> None:
    assert outcome({"telepathy": {}}) == "limit.unsupported"


def test_the_unknown_degrades_where_the_grant_says_so() -> None:
    degraded = copy.deepcopy(claims(area=AREA))
    degraded["grants"]["face.verify_1to1"]["on_unknown"] = {"degrade": {"faces": 0}}
    decision = decide(
        Entitlement.parse(degraded),
        None,
        "face.verify_1to1",
        Use(),
        contact=CONTACT,
        time=TimeBounds.exactly(NOW),
    )
    assert isinstance(decision, Granted)
    assert decision.degraded == {"faces": 0}


def test_a_capability_that_is_absent_is_stripped() -> None:
    decision = decide(
        Entitlement.parse(claims()), None, "face.emotion", Use(), contact=CONTACT, time=TimeBounds.exactly(NOW)
    )
    assert isinstance(decision, Denied)
    assert decision.reason.code == "capability.stripped"


def test_status_lists_round_trip_and_never_go_back() -> None:
    bits = bytearray(SHARD_BYTES)
    write_status(bits, 5, Status.SUSPENDED)
    assert [read_status(bits, index) for index in (4, 5, 6)] == [Status.VALID, Status.SUSPENDED, Status.VALID]
    newer = StatusList("exporter", "u", NOW, NOW + 60, 30, 7, LogPosition("o", 1), bytes(bits))
    verified = status_list.verify(newer.sign(SIGNER), ROOT, uri="u", now=NOW)
    assert verified.status(5) is Status.SUSPENDED
    older = StatusList("exporter", "u", NOW, NOW + 60, 30, 6, LogPosition("o", 1), bytes(bits))
    with pytest.raises(RolledBack):
        older.refuse_if_older_than(verified)


def test_a_receipt_round_trips() -> None:
    given = Receipt("exporter", NOW, "device", DIGEST, bytes(32), 3, b"r" * 32, b"n" * 32, "log", b"l" * 32)
    assert receipt.verify_receipt(given.sign(SIGNER), ROOT).to_claims() == given.to_claims()


def test_a_journal_with_a_gap_is_noticed() -> None:
    events = [Event(number, "agent.started", NOW, None, "boot", {}) for number in (1, 2, 4)]
    start = first_head(SIGNER.key.thumbprint)
    assert follow(follow(start, 1, events[:1]), 2, events[1:2]) == follow(start, 1, events[:2])
    with pytest.raises(Exception, match="missing"):
        follow(start, 1, events)
