"""Which content coding a client takes."""

from __future__ import annotations

import re

_NEVER = re.compile(r"q=0(\.0{0,3})?")


def takes_gzip(accepted: str) -> bool:
    """Tell whether an ``Accept-Encoding`` names gzip and does not refuse it."""
    for member in accepted.lower().split(","):
        coding, _, weight = member.partition(";")
        if coding.strip() == "gzip":
            return _NEVER.fullmatch(weight.strip()) is None
    return False
