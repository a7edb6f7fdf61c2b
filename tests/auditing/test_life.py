"""A log that stands still is told from one that is idle: by what witnesses say of the time, or by how it grows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_protocol.log.policy import Policy
from licensing_server import clock
from licensing_server.auditing.life import AHEAD_S, vouched_at
from tests.auditing.test_commands import audit
from tests.cli.command_line import Answer
from tests.simulators.published_log import PublishedLog, entry

HOUR_S = 3_600
WITNESSES = 4


class Shown:
    """What a monitor is shown of a log, look by look."""

    def __init__(self, folder: Path, *, witnesses: int = 1) -> None:
        self.folder, self.now = folder, clock.now()
        self.log = PublishedLog(witnesses=witnesses)
        (folder / "policy").write_text(self.log.policy_text)

    def grow(self, count: int, *, ago: int = 0) -> None:
        """Add entries that say that they were made so many seconds ago."""
        size = len(self.log.entries)
        self.log.entries += [entry(size + number, time=self.now - ago) for number in range(count)]

    def look(self, *more: str, ago: int = 0, size: int | None = None) -> Answer:
        """Look once at a checkpoint that was cosigned so many seconds ago."""
        self.log.write(self.folder / "log", size)
        (self.folder / "log" / "checkpoint").write_bytes(self.log.note(size, now=self.now - ago).to_bytes())
        return self.again(*more)

    def again(self, *more: str, source: str = "") -> Answer:
        """Look once more at the same."""
        fixed = ("--state", self.folder / "state", "--policy", self.folder / "policy", "--once", "--json")
        return audit("follow", source or self.folder / "log", *fixed, *more)


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    made = Shown(tmp_path)
    made.grow(3, ago=50 * HOUR_S)
    return made


@pytest.fixture
def alone(tmp_path: Path) -> Shown:
    """A log that no witness sees."""
    return Shown(tmp_path, witnesses=0)


def refuse_still(answer: Answer) -> None:
    assert (answer.code, answer.out) == (4, "")
    assert (answer.failure["code"], answer.failure["exit"]) == ("audit.stale", 4)


def test_an_idle_log_that_is_cosigned_anew_is_alive_and_one_that_is_not_stands_still(shown: Shown) -> None:
    assert shown.look("--stale-after", "3h", ago=2 * HOUR_S).json["alive_at"] == shown.now - 2 * HOUR_S
    refuse_still(shown.again("--stale-after", "1h"))
    assert shown.look("--stale-after", "1h", ago=60).json == {
        "origin": shown.log.origin, "size": 3, "new": 0, "root": shown.again().json["root"], "holds": True,
        "alive_at": shown.now - 60,
    }  # fmt: skip
    # What was once vouched for stays so, whatever is shown later.
    assert shown.look("--stale-after", "1h", ago=2 * HOUR_S).code == 0


def test_a_day_is_the_patience_of_a_policy_with_witnesses_and_for_ever_must_be_said(shown: Shown) -> None:
    assert shown.look(ago=23 * HOUR_S).code == 0
    (shown.folder / "state" / "life.json").unlink()
    refuse_still(shown.look(ago=25 * HOUR_S))
    assert shown.again("--stale-after", "never").code == 0


def test_old_states_shown_one_after_the_other_are_no_life(shown: Shown) -> None:
    shown.look(ago=30 * HOUR_S, size=1)
    refuse_still(shown.look(ago=29 * HOUR_S, size=2))
    # What was seen is remembered all the same.
    assert shown.look("--stale-after", "never", ago=28 * HOUR_S).json["new"] == 1


def test_a_log_without_witnesses_lives_as_long_as_it_grows_by_new_entries(alone: Shown) -> None:
    alone.grow(2, ago=3 * HOUR_S)
    assert alone.look().json["alive_at"] == alone.now - 3 * HOUR_S
    refuse_still(alone.again("--stale-after", "2h"))
    assert alone.again().code == 0
    alone.grow(1, ago=60)
    assert alone.look("--stale-after", "2h").code == 0
    # Neither a clock that is ahead nor the same state again makes it younger.
    alone.grow(1, ago=-50 * HOUR_S)
    lived = alone.look().json["alive_at"]
    assert alone.now <= lived <= clock.now()
    assert alone.again().json["alive_at"] == lived


def test_a_log_of_another_kind_lives_from_when_it_was_seen_to_grow(alone: Shown) -> None:
    for body in (b"no JSON", b'{"time":"noon"}'):
        alone.log.entries.append(body)
        assert alone.look("--stale-after", "1h").json["alive_at"] >= alone.now


def test_a_log_that_is_kept_away_for_too_long_stands_still_as_well(shown: Shown) -> None:
    nowhere = "http://127.0.0.1:1/log"
    assert shown.again(source=nowhere).failure["code"] == "audit.unreachable"
    assert shown.look(ago=2 * HOUR_S).code == 0
    assert shown.again(source=nowhere).code == 3
    refuse_still(shown.again("--stale-after", "90m", source=nowhere))


def test_a_head_that_a_witness_still_has_shows_what_was_held_back(shown: Shown) -> None:
    refuse_still(shown.look(ago=25 * HOUR_S, size=2))
    (shown.folder / "theirs").write_bytes(shown.log.note(3, now=shown.now).to_bytes())
    refused = shown.again("--checkpoint", str(shown.folder / "theirs"))
    assert (refused.code, refused.failure["code"]) == (1, "audit.shrunk")


@pytest.mark.parametrize("text", ["", "h", "1", "1w", "-1h", "1.5h", "soon", "1000000000d"])
def test_what_is_no_duration_is_refused(shown: Shown, text: str) -> None:
    refused = shown.look(f"--stale-after={text}")
    assert (refused.code, refused.failure["code"]) == (2, "audit.duration")


def test_life_that_cannot_be_read_is_told(shown: Shown) -> None:
    shown.look()
    (shown.folder / "state" / "life.json").write_bytes(b'{"v":1,"at":"now","size":3}')
    assert shown.again().failure["place"] == str(shown.folder / "state" / "life.json")


@given(
    times=st.lists(st.integers(1, 10_000), min_size=WITNESSES, max_size=WITNESSES),
    threshold=st.integers(1, WITNESSES),
    now=st.integers(1, 10_000),
)
@settings(deadline=None, max_examples=60)
def test_the_quorum_vouches_since_the_time_of_its_oldest_member(times: list[int], threshold: int, now: int) -> None:
    names = " ".join(f"w{number}" for number in range(WITNESSES))
    witnesses = "".join(f"witness w{number} {found.key}\n" for number, found in enumerate(LOG.witnesses))
    text = f"log {LOG.log.key}\n{witnesses}group some {threshold} {names}\nquorum some\n"
    note = Note(Checkpoint(LOG.origin, 0, LOG.root(0)).text, ()).signed(LOG.log, now)
    for witness, time in zip(LOG.witnesses, times, strict=True):
        note = note.signed(witness, time)
    counted = sorted((time for time in times if time <= now + AHEAD_S), reverse=True)
    expected = min(counted[threshold - 1], now) if len(counted) >= threshold else 0
    assert vouched_at(Policy.parse(text.encode()), note, now) == expected


LOG = PublishedLog(witnesses=WITNESSES)
