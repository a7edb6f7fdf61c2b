"""Whether a log is alive, or stands still.

A checkpoint states no time. Whoever is shown an old one for ever misses what came after it, and nothing in it is wrong
(a freeze). What states a time is a cosignature: at that instant its witness had seen nothing larger of this log
(c2sp.org/tlog-cosignature), and an idle log is cosigned anew. Where no witness is asked for, there is only that the log
grows, and when its newest entry says that it was made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from licensing_protocol.canonical import JsonObject, decode_object
from licensing_protocol.errors import BelowThreshold, InterlockError, MalformedDocument
from licensing_protocol.log.note import Note, Signature
from licensing_protocol.log.policy import Policy
from licensing_server.auditing.monitor import Step

# A witness whose clock is further ahead of ours could vouch for a log that has long been frozen.
AHEAD_S: Final = 300


@dataclass(frozen=True, slots=True)
class Life:
    """The newest sign of life of a log, at an instant (seconds), when it had ``size`` entries."""

    at: int = 0
    size: int = 0

    @classmethod
    def parse(cls, value: JsonObject) -> Life:
        """Read what :meth:`to_json` wrote; MalformedDocument ``audit.state``."""
        at, size = value.get("at"), value.get("size")
        if type(at) is not int or type(size) is not int:
            sentence = "What this monitor remembers of the log's life cannot be read; remove the file to begin anew."
            raise MalformedDocument(sentence, code="audit.state")
        return cls(at, size)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"v": 1, "at": self.at, "size": self.size}

    def after(self, step: Step, policy: Policy, now: int) -> Life:
        """Return what is known after one more look at the log."""
        size = step.checkpoint.size
        if policy.quorum is not None:
            return Life(max(self.at, vouched_at(policy, step.note, now)), size)
        has_grown = self.at == 0 or size != self.size
        return Life(max(self.at, min(now, _stated(step.last, now))), size) if has_grown else self


def vouched_at(policy: Policy, note: Note, now: int) -> int:
    """Return the latest instant since which a quorum has vouched that nothing larger was seen, 0 where there is none.

    Cosignatures that state a time ahead of ``now`` count for nothing.
    """
    timed = dict(_timed(policy, note))
    others = tuple(found for found in note.signatures if found not in timed)
    for instant in sorted({time for time in timed.values() if time <= now + AHEAD_S}, reverse=True):
        recent = tuple(found for found, time in timed.items() if instant <= time <= now + AHEAD_S)
        try:
            policy.verify(Note(note.text, others + recent))
        except BelowThreshold:
            continue
        return min(instant, now)
    return 0


def _timed(policy: Policy, note: Note) -> Iterator[tuple[Signature, int]]:
    """Yield the cosignatures of the policy's witnesses, with the times that they state."""
    keys = {(found.key.name, found.key.key_id): found.key for found in policy.witnesses.values()}
    for signature in note.signatures:
        key = keys.get((signature.name, signature.key_id))
        if key is not None:
            yield signature, key.verify(note.text, signature.signature) or 0


def _stated(entry: bytes | None, otherwise: int) -> int:
    """Return when an entry says that it was made, where it says so."""
    try:
        time = otherwise if entry is None else decode_object(entry).get("time")
    except InterlockError:
        return otherwise
    return time if type(time) is int else otherwise
