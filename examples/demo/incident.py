"""Chapter three: an integrator changes a rule; the exporter hears of it, takes a capability back, the camera obeys."""

from __future__ import annotations

import json
from time import monotonic
from typing import Any

from examples.demo.cameras import STRASBOURG, Camera
from examples.demo.field import IDENTIFY
from examples.demo.office import APPEAL
from examples.demo.world import World
from licensing_protocol.canonical import decode_object

REASON = "A rule to scan crowds was installed; searches are stopped until the operator has explained it."
_CHANGE = "configuration.changed"
_RULE = {"name": "watch the square", "faces": 1, "action": "scan"}


def play(world: World, camera: Camera) -> None:
    """Play the chapter."""
    world.screen.chapter("The incident", "A changed rule, an alert, an order, and a camera that obeys it.")
    _change_a_rule(world, camera)
    case = _alert(world)
    _look(world, case)
    order = _revoke(world, camera)
    _what_stays(world, camera)
    _confirmed(world, order)
    _close(world, case)


def _change_a_rule(world: World, camera: Camera) -> None:
    with world.steps.step("An integrator adds a rule; the camera still cannot do it", "capability.stripped") as step:
        path = camera.folder / "rules.json"
        content = decode_object(path.read_bytes())
        content["rules"].append(_RULE)
        edited = path.with_suffix(".new")
        edited.write_text(json.dumps(content, indent=2), "utf-8")
        edited.replace(path)
        world.screen.did(f"rules.json now also says {json.dumps(_RULE)}")
        answer = camera.ask("patrol")
        came = answer.get("rules", {}).get(_RULE["name"], {})
        step.holds(came.get("denied") == "capability.stripped", f"the rule {_RULE['name']!r} was denied: {came}")


def _alert(world: World) -> str:
    compliance = world.staff["compliance"]
    with world.steps.step("The change is reported, and a case opens", "a case about the rules") as step:
        words = ["alerts", "list", "--kind", _CHANGE, "--subject", world.device]
        cases = compliance.watches(*words, until=lambda found: bool(found and found["items"]))["items"]
        step.holds(bool(cases) and "rules" in cases[0]["text"], cases[0]["text"] if cases else "no case")
    return str(cases[0]["id"])


def _look(world: World, case: str) -> None:
    compliance = world.staff["compliance"]
    with world.steps.step("Compliance looks into the case", "two digests of the rules, which differ") as step:
        acknowledged = compliance.types("alerts", "acknowledge", case)
        events = compliance.types("devices", "events", world.device, "--type", _CHANGE)["items"]
        change = events[0]["data"] if events else {}
        differs = change.get("component") == "rules" and change["before"] != change["after"]
        came = f"{acknowledged['state']}; the rules went from {change.get('before')} to {change.get('after')}"
        step.holds(differs, came)


def _revoke(world: World, camera: Camera) -> dict[str, Any]:
    compliance = world.staff["compliance"]
    with world.steps.step("Compliance revokes the search, and the camera obeys", "status.invalid in seconds") as step:
        words = ["revoke", "--device", world.device, "--capability", "face.identify_1toN", "--yes"]
        words += ["--reason-code", "misuse_reported", "--reason", REASON]
        begun = monotonic()
        order: dict[str, Any] = compliance.types(*words)
        came = camera.watch("face.identify_1toN", "status.invalid")
        seconds = monotonic() - begun
        step.holds(
            came == "status.invalid", f"{came}, {seconds:.1f} s after the command for {order['id']} was typed", came
        )
    with world.steps.step("The operator reads why, and where to appeal", "the reason and an address") as step:
        # The list came first; what the exporter says about it comes with the report that the camera sends at once.
        answer = camera.ask_until_told(IDENTIFY)
        told = " ".join(answer.get("notices", []))
        denied = answer.get("code") == "status.invalid"
        step.holds(denied and REASON in told and APPEAL in told, told, answer)
    return order


def _what_stays(world: World, camera: Camera) -> None:
    with world.steps.step("Nothing else was taken: recording goes on", "granted") as step:
        camera.carry_to(STRASBOURG)
        came = camera.watch("av.record", "granted")
        step.holds(came == "granted" and "stored" in camera.ask("record"), f"av.record is {came}")
    with world.steps.step("The safety function is on, as it always is", "an alarm when the lens is covered") as step:
        clear = camera.ask("tamper")
        camera.ask("cover")
        covered = camera.ask("tamper")
        step.holds((clear.get("alarm"), covered.get("alarm")) == (False, True), "no alarm, then an alarm")


def _confirmed(world: World, order: dict[str, Any]) -> None:
    compliance = world.staff["compliance"]
    with world.steps.step("The camera's own evidence says that it knows the order", "confirmed") as step:
        shown = compliance.watches("orders", "show", order["id"], until=_all_confirmed)
        when = [target["confirmed_at"] for target in shown["targets"]]
        step.holds(_all_confirmed(shown), f"confirmed at {when}")


def _close(world: World, case: str) -> None:
    with world.steps.step("Compliance closes the case with what was found", "closed") as step:
        closed = world.staff["compliance"].types("alerts", "close", case, "--note", "Search revoked, operator asked.")
        step.holds(closed["state"] == "closed", f"the case {case} is {closed['state']}")


def _all_confirmed(order: Any) -> bool:
    return bool(order) and all(target["confirmed_at"] for target in order["targets"])
