"""The camera with the agent in it, against a real server: what a vendor reads the example for."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.face_camera import __main__ as program
from examples.face_camera.camera import Camera
from examples.face_camera.console import answers, obey
from examples.face_camera.gallery import HOLDER
from licensing_protocol.canonical import JsonObject, decode_object
from licensing_protocol.manifest import Component, ComponentKind
from tests.server.counter import Counter
from tests.server.exporter import CAPABILITY

DESCRIPTION = Path(program.__file__).with_name("product.json")
PLAN: dict[str, Any] = {
    "valid_for": 86_400,
    "grants": {
        CAPABILITY: {"obligations": ["play-anthem"]},
        "face.identify_1toN": {
            "limits": {"area": {"allow": ["FR"], "deny": [], "max_age": 60, "max_uncertainty_m": 50}},
            "on_unknown": {"degrade": {"count_only": True}},
        },
        "av.record": {"obligations": ["recording-light"]},
    },
}


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    described = decode_object(DESCRIPTION.read_bytes())
    measured = [Component(item["name"], ComponentKind(item["kind"]), item.get("path")) for item in described["measure"]]
    members = {"capabilities": frozenset(described["capabilities"]), "safety": frozenset(described["safety"])}
    with Counter.open(tmp_path_factory.mktemp("server"), measure=tuple(measured), **members) as counter:
        yield counter


@pytest.fixture(scope="module")
def camera(counter: Counter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Camera]:
    folder = tmp_path_factory.mktemp("camera")
    counter.furnish(folder)
    install = ["install", str(folder / "camera"), "--manifest", str(folder / "manifest.jws")]
    program.main([*install, "--vendor-key", str(folder / "vendor-key.json")])
    camera = Camera(folder / "camera", sync_every=None)
    with camera.agent:
        camera.agent.enroll(counter.token(PLAN, folder).read_text("ascii").strip())
        counter.exporter.settle()
        assert camera.agent.sync().problems == ()
        yield camera


def _ask(camera: Camera, line: str) -> JsonObject:
    return obey(camera, line.split())


def test_a_grant_that_obliges_to_the_unknown_is_not_used(camera: Camera) -> None:
    answer = _ask(camera, "verify")
    assert answer["code"] == "UnmetObligation"
    assert "play-anthem" in answer["error"]


def test_an_obligation_that_the_camera_knows_is_met(camera: Camera) -> None:
    answer = _ask(camera, "record frames=2")
    assert (answer["light"], answer["blurred"], len(answer["stored"])) == (True, False, 2)
    assert all((camera.folder / name).stat().st_size for name in answer["stored"])


def test_where_the_place_is_unknown_a_search_only_counts(camera: Camera) -> None:
    assert _ask(camera, "identify") == {"faces": 1}


def test_where_the_place_is_known_a_search_names_references(camera: Camera) -> None:
    with (camera.folder / "track.csv").open("a", encoding="ascii") as track:
        track.write("48.5846,7.7507,8\n")
    for _ in range(100):
        answer = _ask(camera, "identify candidates=2")
        if "candidates" in answer:
            break
        time.sleep(0.05)
    (best, second), *_ = answer["candidates"]
    assert best["reference"] == HOLDER
    assert best["resemblance"] > second["resemblance"]


def test_the_menu_says_what_would_come_of_each_ability(camera: Camera) -> None:
    menu = _ask(camera, "menu")
    assert menu["face.crowd_scan"] == "capability.stripped"
    assert menu["safety.tamper_alarm"] == "granted"


def test_a_setting_and_the_gallery_are_measured_and_reported(camera: Camera, counter: Counter) -> None:
    assert _ask(camera, "measure") == {"changes": 0}
    _ask(camera, "retain days=90")
    holder = camera.folder / "gallery" / f"{HOLDER}.png"
    shutil.copyfile(holder, holder.with_name("stranger.png"))
    assert _ask(camera, "measure") == {"changes": 2}
    assert _ask(camera, "sync")["reached"] is True
    device = _ask(camera, "status")["device"]
    events = counter.exporter.get(f"/v1/devices/{device}/events", params={"type": "configuration.changed"})["items"]
    changed = {event["data"]["component"]: event["data"].get("changed") for event in events}
    assert changed == {"retention_days": None, "gallery": ["stranger.png"]}


def test_a_command_that_there_is_not_names_those_that_there_are(camera: Camera) -> None:
    assert "verify" in _ask(camera, "dance")["error"]
    assert "error" in _ask(camera, "record frames=many")


def test_a_file_that_is_gone_is_an_answer_too(camera: Camera) -> None:
    file = camera.folder / "rules.json"
    moved = file.rename(file.with_suffix(".moved"))
    answer = _ask(camera, "patrol")
    moved.rename(file)
    assert (answer["code"], str(file) in answer["error"]) == ("file.unusable", True)


def test_the_console_answers_until_it_is_told_to_quit(camera: Camera) -> None:
    told = list(answers(camera, ["tamper\n", "\n", "quit\n", "tamper\n"]))
    assert [decode_object(line.encode("utf-8")) for line in told] == [{"alarm": False}]
