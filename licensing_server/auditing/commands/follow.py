"""``interlock audit follow``."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from licensing_protocol.log.lines import to_base64
from licensing_protocol.log.policy import Policy
from licensing_server import clock
from licensing_server.auditing.commands.output import Output, instant
from licensing_server.auditing.commands.parser import (
    PROGRAM,
    Command,
    ExitCode,
    Misused,
    add_heads,
    add_source,
    add_trust,
    heads_of,
    source_of,
    trust_of,
)
from licensing_server.auditing.commands.patience import patiently
from licensing_server.auditing.errors import Discrepancy, SourceUnreachable, StandsStill
from licensing_server.auditing.life import Life
from licensing_server.auditing.monitor import SplitView, compare, look
from licensing_server.auditing.state import State
from licensing_server.auditing.trust import of_log

_LONGEST_PAUSE_S: Final = 86_400
_DURATION: Final = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_NEVER: Final = "never"
_PATIENCE_S: Final = 86_400
_HELP = """\
Watch a log for ever: remember what it has shown, and take only what grew from it.

Every new entry is hashed, once. If the log ever shows another history, to you or to somebody whose --checkpoint you
hold against it, the command ends with exit code 1 and keeps both signed heads in the state folder, under evidence: they
are the proof. With --once it looks once and ends, for cron.

A log may also stand still for you alone, while it goes on elsewhere. Witnesses state the time when they cosign, also
where nothing is new; once the policy's quorum has not done so for --stale-after, the command ends with exit code 4.
Without witnesses there is only that the log grows, which it need not: say after how long that is strange."""


def _configure(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_state(parser)
    add_pace(parser)
    text = (
        "for how long nothing may show that the log is alive: 90m, 24h, 3d, or never "
        "(default: 24h where the policy asks for witnesses, else never)"
    )
    parser.add_argument("--stale-after", metavar="DURATION", help=text)
    add_trust(parser)
    add_heads(parser)


def add_state(parser: argparse.ArgumentParser) -> None:
    """Add where a monitor remembers."""
    text = "folder in which to remember what was seen; a new one begins anew, so keep it"
    parser.add_argument("--state", metavar="FOLDER", required=True, help=text)


def add_pace(parser: argparse.ArgumentParser) -> None:
    """Add how often to look."""
    parser.add_argument("--once", action="store_true", help="look once and end")
    parser.add_argument("--every", metavar="SECONDS", type=_pause, default=60.0, help="how often to look (default: 60)")


def _run(arguments: argparse.Namespace, output: Output) -> int:
    policy, source, state = trust_of(arguments), source_of(arguments), state_of(arguments)
    patience, by_word = _patience(arguments.stale_after, policy), of_log(policy).verify

    def once() -> None:
        seen, life = state.seen(), state.life()
        try:
            step = patiently(source, lambda: look(source, policy.verify, seen, by_word=by_word, told=output.told))
            compare(source, by_word, step, heads_of(arguments.checkpoint))
        except SplitView as split:
            raise with_evidence(split, state) from split
        except SourceUnreachable:
            if life != Life():
                _refuse_still(life, patience)
            raise
        state.take(step)
        life = life.after(step, policy, clock.now())
        state.live(life)
        _refuse_still(life, patience)
        checkpoint = step.checkpoint
        told = (
            f"{checkpoint.origin}: {checkpoint.size} entries, {checkpoint.size - seen.size} of them new; it only grew."
        )
        if arguments.once or checkpoint.size != seen.size:
            value = {"origin": checkpoint.origin, "size": checkpoint.size, "new": checkpoint.size - seen.size}
            value |= {"root": to_base64(checkpoint.root), "holds": True, "alive_at": life.at}
            output.result(value, [told])

    return repeat(once, arguments, output)


def _patience(text: str | None, policy: Policy) -> int | None:
    """Return for how many seconds a log may show no life, ``None`` for ever; Misused ``audit.duration``."""
    if text is None:
        return None if policy.quorum is None else _PATIENCE_S
    match = _DURATION.fullmatch(text)
    if match is None and text != _NEVER:
        raise Misused(f"{text!r} is no duration such as 90m, 24h or 3d, nor never.", code="audit.duration")
    return None if match is None else int(match[1]) * _SECONDS[match[2]]


def _refuse_still(life: Life, patience: int | None) -> None:
    if patience is not None and clock.now() - life.at > patience:
        sentence = (
            f"The log stands still: with {life.size} entries, its last sign of life is of {instant(life.at)}. It is "
            "idle, its witnesses are away, or you are shown an old state of it: ask them, and others, what they see."
        )
        raise StandsStill(sentence, code="audit.stale")


def state_of(arguments: argparse.Namespace) -> State:
    """Open where a monitor remembers, until the command ends."""
    state = State(Path(arguments.state))
    arguments.open.callback(state.close)
    return state


def with_evidence(split: SplitView, state: State) -> Discrepancy:
    """Keep both heads, and return the failure that says where."""
    kept = state.keep(split)
    return Discrepancy(f"{split} Both heads are in {kept}.", code=split.code, place=split.place)


def repeat(once: Callable[[], None], arguments: argparse.Namespace, output: Output) -> int:
    """Do something once or for ever; a source that does not answer is asked again."""
    while True:
        try:
            once()
        except SourceUnreachable as error:
            if arguments.once:
                raise
            output.note(f"{error} Looking again in {arguments.every:g} s.")
        if arguments.once:
            return ExitCode.DONE
        time.sleep(arguments.every)


def _pause(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= _LONGEST_PAUSE_S:
        raise argparse.ArgumentTypeError(f"seconds are from 0 to {_LONGEST_PAUSE_S}")
    return seconds


FOLLOW = Command(
    "follow",
    _HELP,
    f"{PROGRAM} follow https://licensing.example/log --state ./seen --policy witnesses.policy --once",
    _configure,
    _run,
)
