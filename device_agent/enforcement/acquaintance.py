"""For how long the operators behind a use have been known to this device: what the exporter learns of them.

A device in other hands is used by other people. Their names, and hashes of them, stay on the device.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from device_agent.store import Connection, facts
from device_agent.store.facts import Fact
from licensing_protocol.canonical import decode_object, digest, encode, to_base64url
from licensing_protocol.limits.operators import names

# Who comes after so many is never known: those who were there first must not be forgotten for newcomers.
MOST_KNOWN: Final = 512
_LABEL: Final = b"interlock/operator/1"
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """Whole days since the longest known of the ``operators`` behind a use was first seen, and anybody at all was."""

    operators: int
    known_days: int
    longest_known_days: int


def meet(connection: Connection, operators: Collection[str], lower: int) -> Acquaintance:
    """Remember who stands behind a use, inside ``store.write()``; ``lower`` is the lower bound of time in seconds."""
    first_seen: dict[str, int] = decode_object((facts.read(connection, Fact.OPERATORS) or "{}").encode("ascii"))
    salt = facts.salt(connection)
    present = {_hidden(name, salt) for name in names(operators)}
    strangers = present - first_seen.keys()
    if strangers and len(first_seen) + len(strangers) <= MOST_KNOWN:
        first_seen |= dict.fromkeys(sorted(strangers), lower)
        facts.write(connection, Fact.OPERATORS, encode(first_seen).decode("ascii"))
    return Acquaintance(
        operators=len(present),
        known_days=_days(min((first_seen.get(name, lower) for name in present), default=lower), lower),
        longest_known_days=_days(min(first_seen.values(), default=lower), lower),
    )


def _hidden(name: str, salt: bytes) -> str:
    return to_base64url(digest(_LABEL, salt, name.encode("utf-8", "surrogatepass")))


def _days(since: int, now: int) -> int:
    return max(0, now - since) // _DAY_S
