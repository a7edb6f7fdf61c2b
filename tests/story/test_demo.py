"""The demonstration itself: it comes true, says so when it does not, and leaves nothing behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from examples.demo.__main__ import tell
from examples.demo.screen import Screen
from examples.demo.world import World
from licensing_protocol.canonical import decode_object

REPOSITORY = Path(__file__).parents[2]
STEPS = 31
PROCESSES = Path("/proc")


@pytest.mark.timeout(300)
def test_the_whole_story_comes_true(tmp_path: Path) -> None:
    ended = subprocess.run(_COMMAND, **_surroundings(tmp_path), capture_output=True, timeout=280, check=False)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr
    assert ended.stdout.count("\n  ok: ") == STEPS
    assert f"All {STEPS} steps came true" in ended.stdout.splitlines()[-1]
    assert _left_behind(tmp_path) == ([], [])


def test_an_interrupted_story_leaves_nothing_behind(tmp_path: Path) -> None:
    with subprocess.Popen(_COMMAND, **_surroundings(tmp_path), stdout=subprocess.PIPE) as telling:
        assert telling.stdout is not None
        for line in telling.stdout:
            if line.startswith("2. "):
                break
        assert _left_behind(tmp_path)[1] != []
        telling.send_signal(signal.SIGINT)
        assert "it was interrupted" in telling.stdout.read()
    assert telling.returncode == 130
    assert _left_behind(tmp_path) == ([], [])


def test_a_step_that_does_not_come_true_ends_the_story_and_says_what_came(tmp_path: Path) -> None:
    def broken(world: World) -> None:
        with world.steps.step("Water runs uphill", "it does") as step:
            step.holds(False, "it ran downhill")
        raise AssertionError("the story went on")

    shown = io.StringIO()
    assert tell(Screen(shown), broken) is False
    assert "expected: it does" in shown.getvalue()
    assert "came:     it ran downhill" in shown.getvalue()
    assert shown.getvalue().rstrip().endswith("The story broke at the last step.")


def test_a_command_that_is_refused_breaks_the_story(tmp_path: Path) -> None:
    def refused(world: World) -> None:
        with world.steps.step("Nobody's token is taken", "it is") as step:
            world.terminal.interlock("devices", "list", environment={"INTERLOCK_SERVER": "http://127.0.0.1:9"})
            step.holds(True, "a list")

    shown = io.StringIO()
    assert tell(Screen(shown), refused) is False
    assert "NOT TRUE" in shown.getvalue()
    assert "exit code 3" in shown.getvalue()


def test_a_process_that_dies_breaks_the_story_with_the_end_of_its_log(tmp_path: Path) -> None:
    def dying(world: World) -> None:
        with world.steps.step("A camera without a folder starts", "it does"):
            world.processes.start("camera", "examples.face_camera", ["run", "nowhere"]).hear()

    shown = io.StringIO()
    assert tell(Screen(shown), dying) is False
    assert "The camera gave no answer" in shown.getvalue()
    assert "nowhere" in shown.getvalue()


def test_what_a_terminal_shows_is_what_came() -> None:
    shown = io.StringIO()
    screen = Screen(shown)
    screen.command(["interlock", "log", "list"], decode_object(b'{"items": [{"index": 1, "type": "x", "leaf": "h"}]}'))
    assert "$ interlock log list" in shown.getvalue()
    assert "- 1  x" in shown.getvalue()


_COMMAND = [sys.executable, "-W", "error", "-m", "examples.demo"]


def _surroundings(folder: Path) -> dict[str, Any]:
    return {"cwd": REPOSITORY, "text": True, "env": {**os.environ, "TMPDIR": str(folder)}}


def _left_behind(folder: Path) -> tuple[list[Path], list[str]]:
    """Return what the story left in its folder, and which processes still work there."""
    working = []
    for process in PROCESSES.glob("[0-9]*/cwd"):
        try:
            where = process.readlink()
        except OSError:
            continue
        if where.is_relative_to(folder):
            working.append(str(where))
    return list(folder.iterdir()), working
