"""Evidence in, receipt out: the same gets the same, a second is a fork, and nothing is repaired in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from licensing_protocol.canonical import from_base64url, to_base64url
from licensing_protocol.evidence import verify
from licensing_protocol.log.merkle import leaf_hash
from licensing_protocol.manifest import Component, ComponentKind
from licensing_protocol.receipt import Receipt, Refusal, verify_receipt, verify_refusal
from licensing_protocol.trust import Trusted
from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.evidence.forks import MOST_PROOFS
from licensing_server.web import Role
from tests.server.exporter import CAPABILITY, Exporter
from tests.simulators.device import SimulatedDevice, payload

HOUR_S = 3600
RULES, MODEL = (Component(name, ComponentKind.FILE, f"{name}.json") for name in ("rules", "model"))


def test_the_same_evidence_gets_the_same_receipt(exporter: Exporter) -> None:
    device = exporter.device()
    body = device.evidence(clock.now(), events=[("agent.started", {})])
    first, again = (exporter.send(device, body)["receipt"] for _ in range(2))
    assert first == again
    assert len(_evidence(exporter, device)) == 1
    assert len(exporter.all(f"/v1/devices/{device.id}/events")) == 1


def test_a_receipt_names_the_leaf_of_its_own_log_entry(exporter: Exporter) -> None:
    device = exporter.device()
    first = device.receipt
    answer = exporter.check_in(device, events=[("agent.started", {"boot": 1})])
    receipt = verify_receipt(answer["receipt"], _root(exporter))
    assert first is not None
    for given in (first, receipt):
        entries = exporter.all("/v1/log/entries", Role.AUDITOR)
        (entry,) = [entry for entry in entries if entry["leaf"] == to_base64url(given.leaf)]
        assert leaf_hash(from_base64url(entry["body"])) == given.leaf
        assert entry["data"]["evidence"] == given.evidence
        assert entry["data"]["ratchet"] == to_base64url(given.ratchet)
    (stored,) = _evidence(exporter, device)
    assert (stored["identity"], stored["last"]) == (receipt.evidence, receipt.sequence)
    assert verify(stored["text"], device.signer.key).identity == receipt.evidence


def test_a_second_evidence_for_one_parent_is_a_fork(exporter: Exporter) -> None:
    device = exporter.device()
    first, second = device.evidence(clock.now()), device.evidence(clock.now(), events=[("agent.started", {})])
    accepted = exporter.send(device, first)
    refused, again = (exporter.send(device, second) for _ in range(2))
    assert refused["refusal"] == again["refusal"]
    refusal = verify_refusal(refused["refusal"], _root(exporter))
    assert (refusal.code, refusal.device) == ("evidence.fork", device.id)
    assert "suspended" in refused["notices"][0]
    assert exporter.send(device, first)["receipt"] == accepted["receipt"]
    exporter.settle()

    (proof,) = exporter.all(f"/v1/devices/{device.id}/forks")
    (kept,) = _evidence(exporter, device)
    assert (proof["first"], proof["text"]) == (kept["identity"], second["evidence"])
    assert kept["text"] == first["evidence"]
    (quarantine,) = exporter.get(f"/v1/orders?device={device.id}")["items"]
    assert (quarantine["kind"], quarantine["actor"]) == ("quarantine", "system")
    assert quarantine["lapses_at"] > clock.now() + HOUR_S
    (case,) = exporter.get(f"/v1/alerts?subject={device.id}")["items"]
    assert case["kind"] == "continuity.fork"
    assert len(exporter.get("/v1/log/entries?type=evidence.fork", Role.AUDITOR)["items"]) == 1


def test_copies_that_both_go_on_are_told_apart_again_and_again(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.check_in(device)
    first, second = device.evidence(clock.now()), device.evidence(clock.now(), events=[("agent.started", {})])
    original = exporter.send(device, first)
    copy = exporter.send(device, second)
    for _ in range(2):
        original = exporter.send(device, device.evidence(clock.now(), parent=_ratchet(original)))
        assert "refusal" in original
        copy = exporter.send(device, device.evidence(clock.now(), parent=_ratchet(copy)))
        assert "refusal" in copy
    assert "receipt" in exporter.send(device, device.evidence(clock.now(), parent=_ratchet(copy)))
    assert len(exporter.all(f"/v1/devices/{device.id}/forks")) == 5


def test_copies_without_end_leave_the_first_proof_and_the_newest(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device()
    exporter.send(device, device.evidence(clock.now()))
    path = f"/v1/devices/{device.id}/forks"
    sent = []
    for number in range(MOST_PROOFS + 5):
        body = device.evidence(clock.now(), events=[("agent.started", {"number": number})])
        assert "refusal" in exporter.send(device, body)
        sent.append(body["evidence"])
        with exporter.database.write() as session:
            session.execute(text("UPDATE fork_proof SET received_at = received_at - 1"))
    kept = [proof["text"] for proof in exporter.all(path)]
    assert kept == [sent[0], *sent[6:]]


def test_a_device_goes_on_from_a_refusal(exporter: Exporter) -> None:
    device = exporter.device()
    refused = Refusal.parse(payload(exporter.fork(device)["refusal"]))
    restored = device.evidence(
        clock.now(), parent=refused.ratchet, nonces=(to_base64url(refused.nonce),), events=[("agent.started", {})]
    )
    answer = exporter.send(device, restored)
    assert verify_receipt(answer["receipt"], _root(exporter)).device == device.id
    assert _newest(exporter, device)["appraisal"]["anomalies"] == []


def test_an_unknown_parent_is_a_conflict_and_nothing_is_kept(exporter: Exporter) -> None:
    device = exporter.device()
    body = device.evidence(clock.now(), parent=bytes(32))
    for receipt in (body["receipt"], "no.such.receipt"):
        answer = exporter.ask("POST", _path(device), None, json=body | {"receipt": receipt})
        assert (answer.status_code, answer.json()["code"]) == (409, "evidence.unknown_parent")
    assert _evidence(exporter, device) == []


def test_a_server_that_lost_its_state_takes_over_what_its_receipt_says(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.check_in(device, events=[("agent.started", {})])
    with exporter.database.write() as session:
        for statement in (
            "DELETE FROM event", "DELETE FROM evidence", "DELETE FROM ratchet WHERE answer IS NULL",
            "UPDATE ratchet SET used_by = NULL, answer = NULL", "UPDATE journal_state SET last = 0",
        ):  # fmt: skip
            session.execute(text(statement))
    answer = exporter.check_in(device, events=[("agent.started", {"again": 1})])
    assert "receipt" in answer
    (entry,) = exporter.get("/v1/log/entries?type=server.restored", Role.AUDITOR)["items"]
    assert entry["subject"] == device.id
    assert _newest(exporter, device)["appraisal"]["anomalies"] == []
    assert exporter.get(f"/v1/orders?device={device.id}")["items"] == []
    (case,) = exporter.get(f"/v1/alerts?subject={device.id}")["items"]
    assert case["kind"] == "server.restored"


def test_a_server_that_lost_its_state_takes_over_what_its_refusal_says(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.check_in(device, events=[("agent.started", {})])
    text_of_refusal = exporter.fork(device)["refusal"]
    refused = Refusal.parse(payload(text_of_refusal))
    with exporter.database.write() as session:
        session.execute(text("DELETE FROM ratchet"))
        session.execute(text("UPDATE journal_state SET last = 0"))
    body = device.evidence(
        clock.now(), parent=refused.ratchet, nonces=(to_base64url(refused.nonce),), events=[("agent.started", {})]
    )
    assert exporter.ask("POST", _path(device), None, json=body).json()["code"] == "evidence.unknown_parent"
    device.take(exporter.send(device, body | {"refusal": text_of_refusal}))
    exporter.settle()
    (entry,) = exporter.all("/v1/log/entries?type=server.restored", Role.AUDITOR)
    assert entry["subject"] == device.id
    assert _newest(exporter, device)["appraisal"]["anomalies"] == []


def test_the_receipt_of_another_device_adopts_nothing(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device, other = exporter.device(), exporter.device()
    assert other.receipt is not None
    body = device.evidence(clock.now(), parent=other.receipt.ratchet) | {"receipt": other.receipt_text}
    assert exporter.ask("POST", _path(device), None, json=body).json()["code"] == "evidence.unknown_parent"


@pytest.mark.parametrize("refusal", ["of another device", "forged"])
def test_a_refusal_that_is_not_this_servers_for_this_device_adopts_nothing(
    sqlite_exporter: Exporter, refusal: str
) -> None:
    exporter = sqlite_exporter
    device, other = exporter.device(), exporter.device()
    given = exporter.fork(other)["refusal"]
    parent = Refusal.parse(payload(given)).ratchet
    if refusal == "forged":
        forged = Refusal(exporter.settings.issuer, clock.now(), device.id, "A" * 43, "evidence.fork", parent, parent)
        given = forged.sign(device.signer)
    body = device.evidence(clock.now(), parent=parent) | {"refusal": given}
    assert exporter.ask("POST", _path(device), None, json=body).json()["code"] == "evidence.unknown_parent"


def test_a_gap_a_wrong_head_and_a_wrong_nonce_are_reported(exporter: Exporter) -> None:
    reports: dict[str, dict[str, Any]] = {
        "journal.gap": {"first": 3},
        "journal.head": {"head": bytes(32)},
        "evidence.nonce": {"nonces": (to_base64url(bytes(32)),)},
        "manifest.unknown": {"manifest": "A" * 43},
    }
    for anomaly, changes in reports.items():
        device = exporter.device()
        exporter.check_in(device, **changes)
        assert _newest(exporter, device)["appraisal"]["anomalies"] == [anomaly]
        (case,) = exporter.get(f"/v1/alerts?subject={device.id}")["items"]
        assert case["kind"] == "continuity.anomaly"
        exporter.check_in(device, events=[("agent.started", {})])
        assert _newest(exporter, device)["appraisal"]["anomalies"] == []


def test_late_evidence_counts_for_continuity_and_a_challenge_makes_it_fresh(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device, late, asked = (exporter.device() for _ in range(3))
    assert asked.receipt is not None
    exporter.check_in(device)
    with exporter.database.write() as session:
        session.execute(text("UPDATE ratchet SET issued_at = issued_at - 200000"))
    exporter.check_in(late, events=[("agent.started", {})])
    nonce = exporter.post(f"/v1/devices/{asked.id}/challenges", None, None)["nonce"]
    foreign = exporter.post(f"/v1/devices/{device.id}/challenges", None, None)["nonce"]
    exporter.check_in(asked, nonces=(to_base64url(asked.receipt.nonce), foreign, nonce))
    assert device.receipt is not None
    exporter.check_in(device, nonces=(to_base64url(device.receipt.nonce), nonce, "A" * 54, "AAAAAAA!"))
    fresh = {each.id: _newest(exporter, each)["appraisal"] for each in (device, late, asked)}
    assert {each: appraisal["fresh"] for each, appraisal in fresh.items()} == {
        device.id: False, late.id: False, asked.id: True,
    }  # fmt: skip
    assert [appraisal["anomalies"] for appraisal in fresh.values()] == [[], [], []]


def test_evidence_of_another_device_is_refused(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device, other = exporter.device(), exporter.device()
    stolen = exporter.ask("POST", _path(other), None, json=device.evidence(clock.now()))
    assert (stolen.status_code, stolen.json()["code"]) == (422, "trust.unknown_key")
    posing = device.evidence(clock.now(), device=other.id)
    answer = exporter.ask("POST", _path(device), None, json=posing)
    assert (answer.status_code, answer.json()["code"]) == (422, "evidence.device")
    unknown = exporter.ask("POST", "/v1/devices/nobody/evidence", None, json=device.evidence(clock.now()))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "device.unknown")
    assert _evidence(exporter, device) == _evidence(exporter, other) == []


def test_spoilt_evidence_is_refused_with_its_reason_and_nothing_is_kept(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device()
    body = device.evidence(clock.now())
    spoilt = {
        "token.segments": body["evidence"].split(".")[0],
        "trust.bad_signature": body["evidence"][:-8] + "AAAAAAAA",
        "token.wrong_type": body["receipt"],
        "base64url.malformed": body["evidence"] + "=",
        "field.range": "x" * 65_537,
    }
    for code, document in spoilt.items():
        answer = exporter.ask("POST", _path(device), None, json=body | {"evidence": document})
        assert answer.status_code == 422
        assert answer.json()["code"] in {code, "request.malformed"}, answer.text
    assert _evidence(exporter, device) == []
    assert "receipt" in exporter.send(device, body)


def test_changed_and_missing_components_are_named(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device()
    device.manifest = exporter.release("2.0", measure=(RULES, MODEL))["manifest"]
    exporter.check_in(device, components={"rules": b"a" * 32, "model": b"m" * 32})
    exporter.check_in(device, components={"rules": b"b" * 32})
    assert _newest(exporter, device)["appraisal"]["changed"] == ["model", "rules"]
    assert exporter.get(f"/v1/devices/{device.id}")["last_seen"] >= clock.now() - 60


def test_a_component_that_a_release_has_no_more_is_not_missed(exporter: Exporter) -> None:
    device = exporter.device()
    both = {"rules": b"r" * 32, "model": b"m" * 32}
    for release, measure, reported in (
        ("2.0", (RULES, MODEL), both),
        ("3.0", (RULES,), {"rules": both["rules"]}),
        ("4.0", (RULES, MODEL), both | {"model": b"n" * 32}),
    ):
        device.manifest = exporter.release(release, measure=measure)["manifest"]
        exporter.check_in(device, components=reported)
        assert _newest(exporter, device)["appraisal"]["changed"] == []


def test_a_component_beside_those_of_the_release_is_followed_while_it_is_reported(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device()
    device.manifest = exporter.release("2.0", measure=(RULES,))["manifest"]
    for digest, changed in ((b"a", []), (b"a", []), (b"b", ["plugin"]), (b"c", ["plugin"])):
        exporter.check_in(device, components={"rules": b"r" * 32, "plugin": digest * 32})
        assert _newest(exporter, device)["appraisal"]["changed"] == changed


def test_events_are_read_in_their_order(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    device = exporter.device()
    exporter.check_in(device, events=[("capability.used", {"capability": CAPABILITY}), ("agent.started", {})])
    exporter.check_in(device, events=[("capability.denied", {"capability": CAPABILITY})])
    path = f"/v1/devices/{device.id}/events"
    assert [event["sequence"] for event in exporter.all(path, limit=2)] == [1, 2, 3]
    assert [event["sequence"] for event in exporter.get(f"{path}?type=agent.started")["items"]] == [2]


def test_a_device_is_slowed_down_by_what_it_signed_and_nobody_spends_for_it(tmp_path: Path) -> None:
    exporter = Exporter.begin(Settings(data_dir=tmp_path / "data", device_rate=2))
    device, stranger = exporter.device(), SimulatedDevice(exporter.manifest)
    stranger.receipt, stranger.receipt_text = device.receipt, device.receipt_text
    forged = stranger.evidence(clock.now(), device=device.id)
    for _ in range(5):
        assert exporter.ask("POST", _path(device), None, json=forged).status_code == 422
    body = device.evidence(clock.now())
    answers = [exporter.ask("POST", _path(device), None, json=body) for _ in range(4)]
    exporter.end()
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert answers[-1].json()["code"] == "rate.exceeded"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 30


def _ratchet(answer: dict[str, Any]) -> bytes:
    if "receipt" in answer:
        return Receipt.parse(payload(answer["receipt"])).ratchet
    return Refusal.parse(payload(answer["refusal"])).ratchet


def _newest(exporter: Exporter, device: SimulatedDevice) -> Any:
    """Return the evidence that the device's receipt answers: several of one second have no order in the list."""
    assert device.receipt is not None
    (newest,) = (each for each in _evidence(exporter, device) if each["identity"] == device.receipt.evidence)
    return newest


def _evidence(exporter: Exporter, device: SimulatedDevice) -> list[Any]:
    exporter.settle()
    found = exporter.all(f"/v1/devices/{device.id}/evidence")
    return sorted(found, key=lambda evidence: (evidence["received_at"], evidence["last"]))


def _path(device: SimulatedDevice) -> str:
    return f"/v1/devices/{device.id}/evidence"


def _root(exporter: Exporter) -> Trusted:
    return exporter.trusted()
