"""An appeal is recorded and answered on the order, by another person; the operator reads the answer."""

from __future__ import annotations

from licensing_protocol.canonical import from_base64url
from licensing_server.web import Role
from tests.server.exporter import Exporter
from tests.server.fleet import entries, refusal

TEXT = {"text": "Our camera guards a bird sanctuary."}
ANSWER = {"outcome": "upheld", "text": "The report was about another camera."}


def test_an_appeal_is_answered_and_the_operator_is_told(exporter: Exporter) -> None:
    device = exporter.device()
    order = exporter.order("suspend", scope={"device": device.id})
    path = f"/v1/orders/{order['id']}/appeals"
    appeal = exporter.post(path, TEXT | {"device": device.id})
    assert (appeal["recorded_by"], appeal["answer"]) == (exporter.people[Role.COMPLIANCE], None)
    answered = exporter.post(f"{path}/{appeal['id']}/answer", ANSWER, Role.APPROVER)
    assert (answered["outcome"], answered["answered_by"]) == ("upheld", exporter.people[Role.APPROVER])
    assert exporter.get(path, Role.AUDITOR)["items"] == [answered]
    (notice,) = exporter.check_in(device)["notices"]
    assert "An appeal was upheld: The report was about another camera." in notice
    again = exporter.ask("POST", f"{path}/{appeal['id']}/answer", Role.APPROVER, json=ANSWER)
    assert refusal(again) == (409, "appeal.answered")
    logged = entries(exporter, type="appeal.")
    assert [(entry["type"], entry["data"]["order"]) for entry in logged] == [
        ("appeal.recorded", order["id"]),
        ("appeal.answered", order["id"]),
    ]
    assert not any(b"sanctuary" in from_base64url(entry["body"]) for entry in logged)


def test_who_ordered_does_not_answer(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    person = exporter.post("/v1/people", {"name": "Both", "roles": ["compliance", "approver"]}, Role.ADMINISTRATOR)[
        "id"
    ]
    token = exporter.post(f"/v1/people/{person}/tokens", {}, Role.ADMINISTRATOR)["token"]
    exporter.tokens[Role.COMPLIANCE] = exporter.tokens[Role.APPROVER] = token
    order = exporter.order("suspend", scope={"device": exporter.device().id})
    path = f"/v1/orders/{order['id']}/appeals"
    appeal = exporter.post(path, TEXT)
    refused = exporter.ask("POST", f"{path}/{appeal['id']}/answer", Role.APPROVER, json=ANSWER)
    assert refusal(refused) == (409, "four_eyes.same_person")
    assert [entry["subject"] for entry in entries(exporter, type="four_eyes.refused")] == [appeal["id"]]
    assert exporter.get(path)["items"] == [appeal]


def test_an_appeal_names_an_order_and_a_device_that_are_there(sqlite_exporter: Exporter) -> None:
    exporter = sqlite_exporter
    order, other = (exporter.order("suspend", scope={"device": exporter.device().id}) for _ in range(2))
    path = f"/v1/orders/{order['id']}/appeals"
    assert refusal(exporter.ask("POST", "/v1/orders/none/appeals", json=TEXT)) == (404, "order.unknown")
    assert refusal(exporter.ask("POST", path, json=TEXT | {"device": "none"})) == (404, "device.unknown")
    appeal = exporter.post(path, TEXT)["id"]
    for wrong in (f"{path}/none/answer", f"/v1/orders/{other['id']}/appeals/{appeal}/answer"):
        assert refusal(exporter.ask("POST", wrong, Role.APPROVER, json=ANSWER)) == (404, "appeal.unknown")
