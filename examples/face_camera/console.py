"""The operator's console: one command a line on standard input, one JSON object a line in answer.

::

    identify authority=W-2026/0412 operators=ana,ben candidates=3
    {"faces": 1, "candidates": [[…]]}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from device_agent.errors import AgentError, CapabilityDenied
from examples.face_camera.camera import Camera, UnmetObligation
from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import InterlockError

Arguments = Mapping[str, str]


def answers(camera: Camera, lines: Iterable[str]) -> Iterator[str]:
    """Obey each line until ``quit``, and give the answers."""
    for line in lines:
        words = line.split()
        if words[:1] == ["quit"]:
            return
        if words:
            yield json.dumps(obey(camera, words), ensure_ascii=False)


def obey(camera: Camera, words: list[str]) -> JsonObject:
    """Carry out one command; a refusal is an answer too, with what the operator needs to know."""
    command = COMMANDS.get(words[0])
    if command is None:
        return {"error": f"No such command; there are: {', '.join(COMMANDS)}, quit."}
    try:
        return command(camera, dict(word.split("=", 1) for word in words[1:]))
    except CapabilityDenied as refusal:
        denied = refusal.denied
        notices = list(camera.agent.status().notices)
        return {
            "denied": denied.capability,
            "code": denied.reason.code,
            "why": denied.reason.sentence,
            "notices": notices,
        }
    except KeyError as error:
        return {"error": f"There is no {error} in what was given, in the rules or in the gallery.", "code": "KeyError"}
    except OSError as error:
        named = f"{error.filename or 'A file'}: {(error.strerror or 'cannot be used').lower()}."
        return {"error": named, "code": "file.unusable"}
    except (AgentError, InterlockError, UnmetObligation, ValueError) as error:
        return {"error": str(error), "code": getattr(error, "code", type(error).__name__)}


def _verify(camera: Camera, arguments: Arguments) -> JsonObject:
    return camera.verify()


def _identify(camera: Camera, arguments: Arguments) -> JsonObject:
    operators = tuple(filter(None, arguments.get("operators", "").split(",")))
    candidates = int(arguments.get("candidates", "3"))
    return camera.identify(authority=arguments.get("authority"), operators=operators, candidates=candidates)


def _scan(camera: Camera, arguments: Arguments) -> JsonObject:
    return camera.scan()


def _record(camera: Camera, arguments: Arguments) -> JsonObject:
    return camera.record(frames=int(arguments.get("frames", "1")))


def _tamper(camera: Camera, arguments: Arguments) -> JsonObject:
    return camera.tamper_alarm()


def _patrol(camera: Camera, arguments: Arguments) -> JsonObject:
    return camera.patrol()


def _menu(camera: Camera, arguments: Arguments) -> JsonObject:
    return camera.menu()


def _cover(camera: Camera, arguments: Arguments) -> JsonObject:
    camera.sensor.covered = not camera.sensor.covered
    return {"covered": camera.sensor.covered}


def _retain(camera: Camera, arguments: Arguments) -> JsonObject:
    camera.settings["retention_days"] = int(arguments["days"])
    return dict(camera.settings)


def _measure(camera: Camera, arguments: Arguments) -> JsonObject:
    return {"changes": len(camera.agent.measure())}


def _sync(camera: Camera, arguments: Arguments) -> JsonObject:
    return _json(camera.agent.sync())


def _status(camera: Camera, arguments: Arguments) -> JsonObject:
    return _json(camera.agent.status())


def _json(report: Any) -> JsonObject:
    shown: JsonObject = report.to_json()
    return shown


COMMANDS: Mapping[str, Callable[[Camera, Arguments], JsonObject]] = {
    "verify": _verify,
    "identify": _identify,
    "scan": _scan,
    "record": _record,
    "tamper": _tamper,
    "patrol": _patrol,
    "menu": _menu,
    "cover": _cover,
    "retain": _retain,
    "measure": _measure,
    "sync": _sync,
    "status": _status,
}
