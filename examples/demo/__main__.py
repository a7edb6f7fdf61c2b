"""``python -m examples.demo``: tell the story; exit 0 if every step came true, 1 if one did not."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from types import FrameType
from typing import NoReturn

from examples.demo import audit, field, incident, office
from examples.demo.people import CommandFailed
from examples.demo.processes import Processes, ProcessFailed
from examples.demo.screen import Screen
from examples.demo.steps import Steps, StoryBroken
from examples.demo.world import World


def tell(screen: Screen) -> bool:
    """Tell the whole story in a temporary folder that is gone afterwards; return whether it came true."""
    begun = monotonic()
    steps = Steps(screen)
    with TemporaryDirectory(prefix="interlock-demo-") as folder:
        processes = Processes(Path(folder))
        try:
            _play(World(Path(folder), screen, processes, steps))
        except (StoryBroken, CommandFailed, ProcessFailed):
            # The step has shown what was expected and what came.
            pass
        finally:
            processes.close()
    rows = [(step.title, step.came, f"{step.seconds:.1f}", "ok" if step.true else "NOT") for step in steps.taken]
    seconds = monotonic() - begun
    held = sum(step.true for step in steps.taken)
    ending = f"{held} steps came true in {seconds:.0f} s." if steps.true else "The story broke; see above."
    screen.summary(rows, ending, true=steps.true)
    return steps.true


def _play(world: World) -> None:
    office.play(world)
    camera = field.play(world)
    incident.play(world, camera)
    audit.play(world)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    """Tell the story on standard output."""
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        return 0 if tell(Screen(sys.stdout)) else 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; every process was ended and the temporary folder removed.\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
