"""The log asks its witnesses: what they cosign is kept and shown, and what they do wrong harms nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteKey
from licensing_protocol.log.policy import Policy
from licensing_protocol.log.witness import SIZE_TYPE, AddCheckpoint
from licensing_server import clock
from licensing_server.config import Settings
from licensing_server.problem import Unavailable
from licensing_server.publishing import publish
from licensing_server.web import Role
from licensing_server.witness import Reply
from licensing_server.witnessing import read_policy
from licensing_server.witnessing.ask import Asker
from licensing_server.witnessing.outcome import Failed
from tests.server.conftest import AT_HAND
from tests.server.exporter import Exporter
from tests.server.witnessing.conftest import (
    FIRST,
    SECOND,
    Both,
    ask_all,
    head_of,
    policy_of,
    shown_by,
    standing,
    vkey_of,
)
from tests.simulators.witness import SimulatedWitness

QUARTER_S = 900


def refusing(exporter: Exporter) -> Any:
    return exporter.get("/readyz", None)["refusing_witnesses"]


def act(exporter: Exporter) -> None:
    exporter.post("/v1/parties", {"name": "Harbour Office", "country": "PT"})
    exporter.settle()


class TestCosigning:
    def test_a_checkpoint_is_shown_with_the_cosignatures(
        self, exporter: Exporter, settings: Settings, witnesses: Both
    ) -> None:
        ask_all(exporter)
        note = shown_by(exporter)
        keys = {NoteKey.parse(found.vkey) for found in witnesses}
        assert set(note.verify(keys)) == keys
        believed = Policy.parse(f"log {vkey_of(exporter)}\n{policy_of(*witnesses)}".encode())
        assert believed.verify(note).size == len(exporter.all("/v1/log/entries", Role.AUDITOR))
        assert exporter.get("/v1/log/witnesses", Role.AUDITOR)["quorum_size"] == believed.verify(note).size

    def test_each_new_checkpoint_is_cosigned_in_one_question(self, exporter: Exporter, witnesses: Both) -> None:
        ask_all(exporter)
        act(exporter)
        before = [len(found.asked) for found in witnesses]
        ask_all(exporter)
        assert [len(found.asked) for found in witnesses] == [count + 1 for count in before]
        assert len(head_of(exporter).signatures) == 3

    def test_a_witness_that_has_seen_more_than_is_known_here_says_so(self, exporter: Exporter, witnesses: Both) -> None:
        note = head_of(exporter)
        seen = AddCheckpoint(0, (), note).to_bytes()
        for found in witnesses:
            assert found.soundly(seen).status == 200
        act(exporter)
        ask_all(exporter)
        assert [len(found.asked) for found in witnesses] == [2, 2]
        assert standing(exporter) == {FIRST: "cosigned", SECOND: "cosigned"}

    def test_nobody_is_asked_while_nothing_changes_until_the_head_ages(
        self, exporter: Exporter, witnesses: Both
    ) -> None:
        ask_all(exporter)
        assert ask_all(exporter) is not None
        assert [len(found.asked) for found in witnesses] == [1, 1]
        exporter.ahead += QUARTER_S
        ask_all(exporter)
        assert [len(found.asked) for found in witnesses] == [2, 2]
        assert len(head_of(exporter).signatures) == 3

    def test_a_head_that_is_cosigned_anew_is_a_newer_file(
        self, exporter: Exporter, witnesses: Both, tmp_path: Path
    ) -> None:
        def written() -> tuple[float, Note]:
            with exporter.database.read() as session:
                publish(session, tmp_path / "www", with_log=True)
            place = tmp_path / "www/log/checkpoint"
            return place.stat().st_mtime, Note.parse(place.read_bytes())

        ask_all(exporter)
        (time, note), key = written(), NoteKey.parse(witnesses[0].vkey)
        witnesses[0].answer = lambda body: witnesses[0].witness.add(body, clock.now() + QUARTER_S)
        exporter.ahead += QUARTER_S
        ask_all(exporter)
        later, anew = written()
        assert anew.text == note.text
        assert anew.cosigned_at(key) > note.cosigned_at(key)
        # Web servers make an ETag of time and size, and the size is the same.
        assert later > time

    def test_a_request_holds_the_logs_own_signature_only(self, exporter: Exporter, witnesses: Both) -> None:
        ask_all(exporter)
        exporter.ahead += QUARTER_S
        ask_all(exporter)
        request = AddCheckpoint.parse(witnesses[0].asked[-1])
        assert {signature.name for signature in request.note.signatures} == {Checkpoint.parse(request.note.text).origin}


NONSENSE = {
    "an error": Reply(500, "sorry"),
    "too busy": Reply(429, ""),
    "no log of its own": Reply(404, "who?"),
    "another key": Reply(403, "no"),
    "no signature": Reply(200, "thanks\n"),
    "nothing": Reply(200, ""),
    "a foreign signature": Reply(200, "— first.example/w AAAAAAAA\n"),
    "no size": Reply(409, "many\n", SIZE_TYPE),
    "a size of another type": Reply(409, "3\n"),
    "a detour": Reply(302, ""),
    "without an end": Reply(200, "x" * 100_000),
}


class TestFailing:
    @pytest.mark.parametrize("what", NONSENSE)
    def test_nonsense_harms_nobody(self, sqlite_exporter: Exporter, witnesses: Both, what: str) -> None:
        exporter, (first, _) = sqlite_exporter, witnesses
        first.answer = lambda _: NONSENSE[what]
        ask_all(exporter)
        assert standing(exporter) == {FIRST: "failed", SECOND: "cosigned"}
        assert refusing(exporter) == []
        assert {signature.name for signature in head_of(exporter).signatures} >= {SECOND}
        assert exporter.get("/v1/log/witnesses", Role.AUDITOR)["quorum_size"] == 0
        first.answer = None
        ask_all(exporter)
        assert standing(exporter) == {FIRST: "cosigned", SECOND: "cosigned"}
        assert len(head_of(exporter).signatures) == 3

    def test_a_cosignature_of_another_checkpoint_is_none(self, sqlite_exporter: Exporter, witnesses: Both) -> None:
        exporter, (first, _) = sqlite_exporter, witnesses
        earlier = first.soundly(AddCheckpoint(0, (), head_of(exporter)).to_bytes())
        act(exporter)
        first.answer = lambda _: earlier
        ask_all(exporter)
        assert standing(exporter)[FIRST] == "failed"

    def test_one_that_is_away_is_asked_less_and_less_often(self, sqlite_exporter: Exporter, witnesses: Both) -> None:
        exporter, (first, _) = sqlite_exporter, witnesses
        first.answer = lambda _: Reply(503, "")
        runner, now = exporter.app.state.outward, clock.now()
        waits = []
        for _ in range(12):
            due = runner.run_once(now)
            assert due is not None
            waits.append(due - now)
            now = due
        assert waits[:4] == [1, 2, 4, 8]
        assert max(waits) == 300

    def test_one_that_says_each_time_another_size_is_not_asked_for_ever(
        self, sqlite_exporter: Exporter, witnesses: Both
    ) -> None:
        exporter, (first, _) = sqlite_exporter, witnesses

        def another(body: bytes) -> Reply:
            return Reply(409, f"{AddCheckpoint.parse(body).old + 1}\n", SIZE_TYPE)

        first.answer = another
        ask_all(exporter)
        assert standing(exporter)[FIRST] == "failed"
        assert len(first.asked) == 4

    def test_nobody_there(self) -> None:
        assert isinstance(Asker("http://127.0.0.1:9").ask(b"old 0\n"), Failed)


class TestSplitView:
    def test_a_refusal_is_told_once_in_the_log_and_in_the_health(self, exporter: Exporter, witnesses: Both) -> None:
        first, _ = witnesses
        first.answer = lambda _: Reply(422, "no")
        for _ in range(3):
            ask_all(exporter)
            exporter.settle()
        assert standing(exporter) == {FIRST: "refused", SECOND: "cosigned"}
        assert refusing(exporter) == [FIRST]
        told = exporter.all("/v1/log/entries?type=log.refused", Role.AUDITOR)
        assert [entry["data"]["witness"] for entry in told] == [FIRST]
        first.answer = None
        ask_all(exporter)
        assert refusing(exporter) == []

    def test_another_tree_of_the_same_size(self, sqlite_exporter: Exporter, witnesses: Both) -> None:
        exporter, (first, _) = sqlite_exporter, witnesses
        size = Checkpoint.parse(head_of(exporter).text).size
        first.answer = lambda _: Reply(409, f"{size}\n", SIZE_TYPE)
        ask_all(exporter)
        assert refusing(exporter) == [FIRST]

    def test_a_witness_that_has_seen_more_than_there_is(self, sqlite_exporter: Exporter, witnesses: Both) -> None:
        exporter, (first, _) = sqlite_exporter, witnesses
        first.answer = lambda _: Reply(409, "1000000\n", SIZE_TYPE)
        ask_all(exporter)
        assert refusing(exporter) == [FIRST]


class TestPolicy:
    @pytest.mark.parametrize(
        ("text", "changes"),
        [
            ("nonsense\n", {}),
            ("witness w {vkey} ftp://w.example\nquorum w\n", {}),
            ("witness w {vkey} https://w.example?x=1\nquorum w\n", {}),
            ("quorum none\n", {"quorum_orders": True}),
            (None, {"quorum_issuances": True}),
            ("", {"log_policy": Path("/nowhere/policy")}),
        ],
    )
    def test_what_cannot_be_followed_is_told_at_the_start(
        self, tmp_path: Path, text: str | None, changes: dict[str, Any], witnesses: tuple[SimulatedWitness, ...]
    ) -> None:
        path = tmp_path / "policy"
        path.write_text((text or "").replace("{vkey}", witnesses[0].vkey))
        named = {} if text is None else {"log_policy": path}
        with pytest.raises(Unavailable) as refusal:
            read_policy(Settings(**{"data_dir": tmp_path} | named | changes))
        assert refusal.value.code == "log.policy"

    def test_without_a_policy_nobody_is_asked(self, tmp_path: Path) -> None:
        exporter = Exporter.begin(Settings(data_dir=tmp_path / "data", **AT_HAND))
        assert exporter.app.state.outward.run_once(clock.now()) is None
        found = exporter.get("/v1/log/witnesses", Role.AUDITOR)
        assert (found["witnesses"], found["quorum"], found["quorum_size"]) == ([], None, 0)
        exporter.end()
