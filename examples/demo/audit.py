"""Chapter four: an auditor reads the log, and finds all of it, and nobody's face, name or warrant in it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.request import Request, urlopen

from examples.demo.cameras import STRASBOURG
from examples.demo.field import AUTHORITY, OPERATORS
from examples.demo.office import END_USER
from examples.demo.world import World
from examples.face_camera.gallery import HOLDER
from licensing_protocol.canonical import from_base64url

_TOLD = (
    "product.added",
    "release.registered",
    "party.added",
    "enrolment_token.made",
    "device.enrolled",
    "entitlement.issued",
    "evidence.accepted",
    "case.opened",
    "case.acknowledged",
    "order.placed",
    "case.closed",
)
_PRIVATE = (AUTHORITY, *OPERATORS, HOLDER, END_USER, "Cleo", "recordings", *map(str, STRASBOURG.coordinates))


def play(world: World) -> None:
    """Play the chapter."""
    world.screen.chapter("The auditor", "Every act is in the log, in one order, under the name of nobody.")
    entries = _read(world)
    _verified(world, entries)
    _who(world, entries)
    _private(world, entries)
    _may_not_act(world)


def _read(world: World) -> list[dict[str, Any]]:
    with world.steps.step("The auditor lists the log: the whole story is there", f"{len(_TOLD)} kinds of acts") as step:
        entries: list[dict[str, Any]] = world.staff["auditor"].types("log", "list", "--all")["items"]
        kinds = {entry["type"] for entry in entries}
        missing = [kind for kind in _TOLD if kind not in kinds]
        step.holds(not missing, f"{len(entries)} entries, missing: {', '.join(missing) or 'nothing'}")
    return entries


def _verified(world: World, entries: list[dict[str, Any]]) -> None:
    with world.steps.step("The auditor verifies the log without trusting the exporter", "every entry, hashed") as step:
        auditor, key = world.staff["auditor"], _public_key(world)
        world.screen.did(f"the auditor has the log's public key: {key}")
        words = ["audit", "verify", f"{world.server}/log", "--vkey", key]
        # A checkpoint is signed once a second at most: that of the last entries may be on its way.
        log: dict[str, Any] = auditor.watches(*words, until=lambda log: log is not None and log["size"] >= len(entries))
        came = f"{log['size']} entries lead to the root that the log signed"
        step.holds(log["size"] >= len(entries), came, log)


def _who(world: World, entries: list[dict[str, Any]]) -> None:
    with world.steps.step("The order names who placed it and why", "Cleo's id, misuse_reported") as step:
        (order,) = [entry for entry in entries if entry["type"] == "order.placed"]
        by_cleo = order["actor"] == world.staff["compliance"].id
        came = f"entry {order['index']} by {order['actor']}: {order['data']['reason']}"
        step.holds(by_cleo and order["data"]["reason"] == "misuse_reported", came)


def _private(world: World, entries: list[dict[str, Any]]) -> None:
    with world.steps.step("No warrant, operator, face, name or place is in log or reports", "none") as step:
        reported = world.staff["auditor"].types("devices", "events", world.device, "--all")["items"]
        bodies = [from_base64url(entry["body"]).decode("utf-8") for entry in entries]
        everything = "\n".join([*bodies, json.dumps(reported, ensure_ascii=False)])
        found = [private for private in _PRIVATE if _says(everything, private)]
        came = f"{len(entries)} entries and {len(reported)} events name none of {', '.join(_PRIVATE)}"
        step.holds(not found, came, f"found: {', '.join(found)}")


def _may_not_act(world: World) -> None:
    with world.steps.step("The auditor reads everything and changes nothing", "role.missing") as step:
        words = ["revoke", "--device", world.device, "--capability", "av.record", "--yes"]
        refusal = world.staff["auditor"].tries(*words, "--reason-code", "mistake", "--reason", "An auditor's attempt.")
        step.holds(refusal.get("code") == "role.missing", refusal.get("detail", refusal))


def _says(text: str, word: str) -> bool:
    # As a word of its own: hashes and ids are made of letters too.
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def _public_key(world: World) -> str:
    token = (world.folder / world.staff["auditor"].token_file).read_text("ascii").strip()
    asked = Request(f"{world.server}/v1/log/key", headers={"Authorization": f"Bearer {token}"})
    with urlopen(asked, timeout=10) as answer:
        key: str = answer.read().decode("utf-8").strip()
    return key
