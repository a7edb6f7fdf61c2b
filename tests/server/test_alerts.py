"""What devices report opens cases; staff find them, take them on and close them."""

from __future__ import annotations

from typing import Any

import pytest

from licensing_protocol.canonical import JsonObject
from licensing_server import clock
from licensing_server.web import Role
from tests.server.exporter import CAPABILITY, Exporter
from tests.simulators.device import SimulatedDevice

CHANGED = {"component": "rules", "before": "x", "after": "y", "changed": ["rules.json"], "total": 1}
DENIED = {"capability": CAPABILITY, "reason": "area.outside"}
STRANGERS = {"capability": CAPABILITY, "operators": 2, "known_days": 0, "longest_known_days": 9}


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ([("configuration.changed", CHANGED)], "configuration.changed"),
        ([("capability.denied", DENIED)] * 5, "denials.repeated"),
        ([("capability.denied", DENIED | {"count": 5})], "denials.repeated"),
        ([("clock.rolled_back", {"seconds": 400})], "clock.anomaly"),
        ([("clock.jumped", {"seconds": 90})], "clock.anomaly"),
        ([("position.implausible", {"speed_mps": 900})], "position.anomaly"),
        ([("position.unconfirmed", {"sources": 2, "silent": 1})], "position.anomaly"),
        ([("entitlement.refused", {"code": "continuity.rolled_back"})], "entitlement.replayed"),
        ([("trust.refused", {"code": "trust.threshold"})], "trust.refused"),
        ([("entitlement.refused", {"code": "continuity.equivocation"})], "entitlement.replayed"),
        ([("capability.used", STRANGERS)], "diversion.operators"),
    ],
)
def test_a_report_opens_a_case(sqlite_exporter: Exporter, events: list[tuple[str, JsonObject]], kind: str) -> None:
    device = sqlite_exporter.device()
    sqlite_exporter.check_in(device, events=events)
    (case,) = sqlite_exporter.get("/v1/alerts")["items"]
    assert (case["kind"], case["subject"], case["state"], case["count"]) == (kind, device.id, "open", 1)
    cause = sqlite_exporter.get(f"/v1/log/entries/{case['log_index']}")
    assert (cause["type"], cause["subject"]) == ("evidence.accepted", device.id)
    (opened,) = sqlite_exporter.get("/v1/log/entries?type=case.opened")["items"]
    assert (opened["subject"], opened["data"]["kind"]) == (case["id"], kind)


@pytest.mark.parametrize("later", [{"rules": b"b" * 32}, {}], ids=["another", "gone"])
def test_a_component_that_changed_in_silence_opens_a_case(sqlite_exporter: Exporter, later: dict[str, bytes]) -> None:
    device = sqlite_exporter.device()
    sqlite_exporter.check_in(device, components={"rules": b"a" * 32})
    sqlite_exporter.check_in(device, components=later, events=[("agent.started", {})])
    (case,) = sqlite_exporter.get("/v1/alerts")["items"]
    assert (case["kind"], case["subject"], case["count"]) == ("configuration.changed", device.id, 1)
    assert "rules" in case["text"]
    assert "no event" in case["text"]


def test_a_component_whose_change_the_journal_tells_is_one_finding(sqlite_exporter: Exporter) -> None:
    device = sqlite_exporter.device()
    sqlite_exporter.check_in(device, components={"rules": b"a" * 32})
    sqlite_exporter.check_in(device, components={"rules": b"b" * 32}, events=[("configuration.changed", CHANGED)])
    (case,) = sqlite_exporter.get("/v1/alerts")["items"]
    assert case["count"] == 1
    assert "no event" not in case["text"]


def test_denials_add_up_over_reports_within_the_hour_and_not_beyond(exporter: Exporter) -> None:
    busy, quiet = exporter.device(), exporter.device()
    now = clock.now()
    for number in range(5):
        _report_denial(exporter, busy, now - 300 * (4 - number))
        _report_denial(exporter, quiet, now - 1000 * (4 - number))
        other = ("capability.denied", DENIED | {"capability": "av.record"})
        exporter.check_in(quiet, events=[other])
    found = {case["subject"]: case["text"] for case in exporter.get("/v1/alerts?kind=denials.repeated")["items"]}
    assert CAPABILITY in found[busy.id]
    assert CAPABILITY not in found.get(quiet.id, "")


@pytest.mark.parametrize(
    ("reports", "opens"),
    [
        ([("area.outside", 0), ("area.denied_zone", 3600)], True),
        ([("area.outside", 0), ("area.outside", 3599)], False),
        ([("area.outside", -90_000), ("area.outside", 3600)], False),
        ([("area.no_position", 0), ("area.uncertain", 3600)], False),
    ],
    ids=["often and long", "often", "long ago", "unknown"],
)
def test_denials_because_of_the_place_are_a_diversion_where_they_go_on(
    sqlite_exporter: Exporter, reports: list[tuple[str, int]], *, opens: bool
) -> None:
    device, now = sqlite_exporter.device(), clock.now()
    for reason, later in reports:
        _report(sqlite_exporter, device, now + later, "capability.denied", DENIED | {"reason": reason, "count": 3})
    assert bool(_ids(sqlite_exporter, "kind=diversion.place")) is opens


def test_denials_that_were_folded_last_until_their_end(sqlite_exporter: Exporter) -> None:
    device, now = sqlite_exporter.device(), clock.now()
    _report(sqlite_exporter, device, now, "capability.denied", DENIED | {"count": 9, "until": now + 3600})
    assert len(_ids(sqlite_exporter, "kind=diversion.place")) == 1


@pytest.mark.parametrize(
    ("uses", "opens"),
    [
        ([(0, STRANGERS | {"known_days": 3}), (86_400, STRANGERS)], True),
        ([(0, STRANGERS | {"known_days": 3}), (86_399, STRANGERS)], False),
        ([(0, STRANGERS | {"longest_known_days": 0})], False),
        ([(0, {"capability": CAPABILITY})], False),
    ],
    ids=["a day later", "on the same day", "the first day", "no operators"],
)
def test_a_day_of_uses_by_strangers_alone_is_a_diversion(
    sqlite_exporter: Exporter, uses: list[tuple[int, JsonObject]], *, opens: bool
) -> None:
    device, now = sqlite_exporter.device(), clock.now()
    for later, data in uses:
        _report(sqlite_exporter, device, now + later, "capability.used", data)
    assert bool(_ids(sqlite_exporter, "kind=diversion.operators")) is opens


def test_more_of_the_same_folds_into_the_open_case_and_what_is_new_is_named(exporter: Exporter) -> None:
    device = exporter.device()
    for component in ("rules", "rules", "model"):
        exporter.check_in(device, events=[("configuration.changed", CHANGED | {"component": component})])
    (case,) = exporter.get("/v1/alerts")["items"]
    assert case["count"] == 3
    assert len(case["text"].splitlines()) == 2
    assert "model" in case["text"]
    exporter.post(f"/v1/alerts/{case['id']}/acknowledgement")
    exporter.check_in(device, events=[("configuration.changed", CHANGED)])
    assert exporter.get(f"/v1/alerts/{case['id']}")["count"] == 4
    exporter.post(f"/v1/alerts/{case['id']}/closing", {"note": "A planned update."})
    exporter.check_in(device, events=[("configuration.changed", CHANGED)])
    states = sorted(found["state"] for found in exporter.get("/v1/alerts")["items"])
    assert states == ["closed", "open"]


def test_a_case_is_acknowledged_and_closed_once_with_a_note(exporter: Exporter) -> None:
    device = exporter.device()
    exporter.check_in(device, events=[("configuration.changed", CHANGED)])
    (case,) = exporter.get("/v1/alerts")["items"]
    path = f"/v1/alerts/{case['id']}"
    acknowledged = exporter.post(f"{path}/acknowledgement")
    assert (acknowledged["state"], acknowledged["acknowledged_by"]) == (
        "acknowledged",
        exporter.people[Role.COMPLIANCE],
    )
    again = exporter.ask("POST", f"{path}/acknowledgement")
    assert (again.status_code, again.json()["code"]) == (409, "case.state")
    assert exporter.ask("POST", f"{path}/closing", json={"note": "  "}).json()["code"] == "request.malformed"
    closed = exporter.post(f"{path}/closing", {"note": "The integrator had told us."})
    assert (closed["state"], closed["note"]) == ("closed", "The integrator had told us.")
    for act in ("acknowledgement", "closing"):
        refused = exporter.ask("POST", f"{path}/{act}", json={"note": "Once more."} if act == "closing" else None)
        assert (refused.status_code, refused.json()["code"]) == (409, "case.state")
    assert exporter.ask("GET", "/v1/alerts/none").json()["code"] == "case.unknown"


def test_cases_are_found_by_state_kind_and_subject(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    first, second = exporter.device(), exporter.device()
    exporter.check_in(first, events=[("configuration.changed", CHANGED), ("clock.jumped", {})])
    exporter.check_in(second, events=[("clock.jumped", {})])
    jumped = _ids(exporter, "kind=clock.anomaly")
    assert len(jumped) == 2
    (case,) = _ids(exporter, f"kind=clock.anomaly&subject={second.id}")
    exporter.post(f"/v1/alerts/{case}/closing", {"note": "A battery was changed."})
    assert _ids(exporter, "state=closed") == [case]
    assert len(_ids(exporter, "state=open")) == 2
    assert _ids(exporter, "state=acknowledged") == []
    assert exporter.ask("GET", "/v1/alerts?state=lost").json()["code"] == "request.malformed"


def test_an_ordinary_report_opens_no_case(sqlite_exporter: Exporter) -> None:
    device = sqlite_exporter.device()
    events = [
        ("agent.started", {}),
        ("capability.used", {"capability": CAPABILITY}),
        ("capability.denied", DENIED),
        ("entitlement.refused", {"code": "document.malformed"}),
    ]
    sqlite_exporter.check_in(device, events=events, components={"rules": b"r" * 32})
    sqlite_exporter.check_in(device, components={"rules": b"r" * 32})
    assert sqlite_exporter.get("/v1/alerts")["items"] == []


def _report_denial(exporter: Exporter, device: SimulatedDevice, at: int) -> None:
    _report(exporter, device, at, "capability.denied", DENIED)


def _report(exporter: Exporter, device: SimulatedDevice, at: int, type: str, data: JsonObject) -> None:
    body = device.evidence(at, events=[(type, data)])
    device.take(exporter.send(device, body))
    exporter.settle()


def _ids(exporter: Exporter, query: str) -> list[Any]:
    return [case["id"] for case in exporter.get(f"/v1/alerts?{query}")["items"]]
