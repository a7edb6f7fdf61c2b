"""Chapter two: the camera enrols, and its entitlement allows and denies, with the reason each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from skimage import io

from examples.demo.cameras import HOSPITAL, OFFENBURG, PRODUCT, STRASBOURG, Camera
from examples.demo.office import ENROLMENT_TOKEN, MANIFEST, VENDOR_KEY
from examples.demo.people import CommandFailed
from examples.demo.world import World
from examples.face_camera import faces
from examples.face_camera.gallery import HOLDER

AUTHORITY, OPERATORS = "W-2026/0412", ("ana", "ben")
IDENTIFY = f"identify authority={AUTHORITY} operators={','.join(OPERATORS)}"
_FOLDER = "camera"
_TECHNICIAN = {
    "INTERLOCK_AGENT_FOLDER": f"{_FOLDER}/agent",
    "INTERLOCK_AGENT_MANIFEST": MANIFEST,
    "INTERLOCK_AGENT_VENDOR_KEY": VENDOR_KEY,
}


def play(world: World) -> Camera:
    """Play the chapter, and return the running camera."""
    world.screen.chapter("The camera in the field", "It enrols, and is allowed and denied by what was signed for it.")
    camera = _before_enrolment(world)
    _enrol(world, camera)
    _first_use(world, camera)
    _refusals(world, camera)
    _by_place(world, camera)
    _quota(world, camera)
    return camera


def _before_enrolment(world: World) -> Camera:
    with world.steps.step("Before enrolment all that is gated is denied", "entitlement.absent") as step:
        words = ["install", _FOLDER, "--manifest", MANIFEST, "--vendor-key", VENDOR_KEY]
        installed = world.processes.run(PRODUCT, words)
        world.screen.command(["python", "-m", PRODUCT, *words], installed.err or None)
        camera = Camera.start("camera", world.folder / _FOLDER, world.screen, world.processes)
        answer = camera.ask("verify")
        step.holds(answer.get("code") == "entitlement.absent", answer.get("why"), answer)
    return camera


def _enrol(world: World, camera: Camera) -> None:
    with world.steps.step("An installer enrols it, in a process of their own", "the exporter knows it") as step:
        words = ["enroll", "--token-file", ENROLMENT_TOKEN]
        code, report = world.terminal.agent(*words, environment=_TECHNICIAN)
        if code != 0:
            raise CommandFailed(f"interlock-agent enroll ended with exit code {code}: {report}")
        world.device = str(report["device"])
        known = world.staff["compliance"].types("devices", "show", world.device)
        step.holds(known["id"] == world.device, f"the device {world.device}", known)


def _first_use(world: World, camera: Camera) -> None:
    with world.steps.step("A granted use does its work on a real photograph", "the face is the badge holder's") as step:
        camera.watch("face.verify_1to1", "granted")
        seen = camera.ask("verify")
        step.holds(seen.get("same_person") is True, f"the same person, resemblance {seen.get('resemblance')}", seen)


def _refusals(world: World, camera: Camera) -> None:
    with world.steps.step("A capability that was stripped before export", "capability.stripped") as step:
        answer = camera.ask("scan")
        step.holds(answer.get("code") == "capability.stripped", answer.get("why", answer))
    with world.steps.step("A search without a legal authority", "authority.missing") as step:
        answer = camera.ask("identify operators=ana,ben")
        step.holds(answer.get("code") == "authority.missing", answer.get("why", answer))
    with world.steps.step("The same search with an authority, but one operator", "operators.too_few") as step:
        answer = camera.ask(f"identify authority={AUTHORITY} operators=ana")
        step.holds(answer.get("code") == "operators.too_few", answer.get("why", answer))
    with world.steps.step("A search for more candidates than the grant allows", "parameters.refused") as step:
        answer = camera.ask(f"{IDENTIFY} candidates=50")
        step.holds(answer.get("code") == "parameters.refused", answer.get("why", answer))
    with world.steps.step("The search as it was approved", "the badge holder comes first") as step:
        answer = camera.ask(f"{IDENTIFY} candidates=2")
        best = answer["candidates"][0][0] if answer.get("candidates") else {}
        step.holds(best.get("reference") == HOLDER, f"{best.get('reference')} at {best.get('resemblance')}", answer)


def _by_place(world: World, camera: Camera) -> None:
    with world.steps.step("Recording where the place is unknown: faces are blurred", "no face to be found") as step:
        seen = _faces_recorded(camera, camera.ask("record"))
        step.holds(seen == 0, f"the detector finds {seen} faces in the stored frame")
    with world.steps.step("Recording in France, which the grant allows", "one face, the light on") as step:
        camera.carry_to(STRASBOURG)
        camera.watch("av.record", "granted")
        recorded = camera.ask("record")
        seen = _faces_recorded(camera, recorded)
        step.holds(seen == 1 and recorded["light"] is True, f"the detector finds {seen} face in the stored frame")
    for place, code in ((HOSPITAL, "area.denied_zone"), (OFFENBURG, "area.outside")):
        with world.steps.step(f"Recording at {place.name}", code) as step:
            camera.carry_to(place)
            camera.watch("av.record", code)
            answer = camera.ask("record")
            step.holds(answer.get("code") == code, answer.get("why", answer))


def _quota(world: World, camera: Camera) -> None:
    with world.steps.step(
        "Three uses a day, counted over two processes", "the fourth is denied: quota.exhausted"
    ) as step:
        second = Camera.start("second", world.folder / _FOLDER, world.screen, world.processes)
        uses = [second.ask("verify"), second.ask("verify")]
        fourth = camera.ask("verify")
        granted = all(use.get("same_person") for use in uses)
        step.holds(granted and fourth.get("code") == "quota.exhausted", fourth.get("why", fourth))


def _faces_recorded(camera: Camera, recorded: dict[str, object]) -> int:
    stored = recorded.get("stored")
    if not isinstance(stored, list):
        raise CommandFailed(f"nothing was recorded: {recorded}")
    frame = np.asarray(io.imread(Path(camera.folder, stored[0])), np.uint8)
    return len(faces.detect(frame))
