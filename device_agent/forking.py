"""What the agent does around a fork, registered in one place.

Hooks that come first are run last before a fork, and :mod:`logging` has one that takes its lock. So it is imported
here, before any of ours is registered: a fork that held it, and waited for another thread's transaction or import,
would wait for a thread that waits to log.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Final

LOG: Final = logging.getLogger("device_agent")


def around_fork(
    *, before: Callable[[], object], in_parent: Callable[[], object], in_child: Callable[[], object]
) -> None:
    """Call ``before`` in the process that forks, and then one of the others in each of the two."""
    os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)
