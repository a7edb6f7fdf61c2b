"""``python -m examples.demo``: tell the story; exit 0 if every step came true, 1 if one did not, 130 if interrupted."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from types import FrameType
from typing import NoReturn

from examples.demo import audit, field, incident, office
from examples.demo.people import CommandFailed
from examples.demo.processes import SIGNALS, Processes, ProcessFailed
from examples.demo.screen import Screen
from examples.demo.steps import Steps, StoryBroken
from examples.demo.world import World


def tell(screen: Screen, play: Callable[[World], None]) -> bool:
    """Tell a story in a temporary folder that is gone afterwards; return whether every step came true."""
    begun = monotonic()
    steps = Steps(screen)
    with TemporaryDirectory(prefix="interlock-demo-") as folder:
        processes = Processes(Path(folder))
        try:
            play(World(Path(folder), screen, processes, steps))
        except (StoryBroken, CommandFailed, ProcessFailed):
            # The step has shown what was expected and what came.
            pass
        finally:
            processes.close()
    _sum_up(screen, steps, monotonic() - begun)
    return steps.true


def whole_story(world: World) -> None:
    """Play all four chapters."""
    office.play(world)
    camera = field.play(world)
    incident.play(world, camera)
    audit.play(world)


def main() -> int:
    """Tell the whole story on standard output."""
    for number in SIGNALS:
        signal.signal(number, _interrupted)
    try:
        return 0 if tell(Screen(sys.stdout), whole_story) else 1
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted: every process was ended, and the temporary folder is gone.\n")
        return 130


def _sum_up(screen: Screen, steps: Steps, seconds: float) -> None:
    rows = [(step.title, step.came, f"{step.seconds:.1f}", "ok" if step.true else "NOT") for step in steps.taken]
    held = sum(step.true for step in steps.taken)
    ending = f"All {held} steps came true, in {seconds:.0f} s." if steps.true else "The story broke at the last step."
    screen.summary(rows, ending, true=steps.true)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    # Once is enough: what follows is the tidying up, which must not be interrupted.
    for known in SIGNALS:
        signal.signal(known, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
