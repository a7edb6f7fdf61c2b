"""What a witness answers, remembers and refuses (c2sp.org/tlog-witness)."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from licensing_protocol.canonical import digest
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.merkle import leaf_hash, root_hash
from licensing_protocol.log.note import Note, Signature, signature_lines
from licensing_protocol.log.note_key import NoteKey, NoteSigner, SignatureType
from licensing_protocol.log.witness import MAX_BYTES, AddCheckpoint
from licensing_server.problem import Conflict, Problem, Unavailable, Unprocessable
from licensing_server.witness import Witness, begin, create_app, open_witness
from tests.witness.conftest import NAME
from tests.witness.logs import NOW, SimulatedLog

SIZE_TYPE = "text/x.tlog.size"


def add(client: TestClient, body: bytes) -> tuple[int, str]:
    answer = client.post("/add-checkpoint", content=body)
    return answer.status_code, answer.text


class TestAnswers:
    def test_a_first_checkpoint_is_cosigned(self, client: TestClient, witness: Witness, log: SimulatedLog) -> None:
        status, line = add(client, log.request(0))
        assert status == 200
        cosigned = Note(log.head().text, signature_lines(line))
        assert cosigned.verify([witness.key]) == (witness.key,)
        assert cosigned.cosigned_at(witness.key) > 0

    def test_a_grown_log_is_cosigned_with_a_proof(self, client: TestClient, log: SimulatedLog) -> None:
        add(client, log.request(0))
        log.grow(7)
        assert add(client, log.request(10))[0] == 200

    def test_the_same_head_is_cosigned_again(self, client: TestClient, log: SimulatedLog) -> None:
        add(client, log.request(0))
        assert add(client, log.request(10))[0] == 200

    def test_an_old_size_that_is_not_the_one_seen_is_told_the_one_seen(
        self, client: TestClient, log: SimulatedLog
    ) -> None:
        add(client, log.request(0))
        log.grow(7)
        answer = client.post("/add-checkpoint", content=log.request(4))
        assert (answer.status_code, answer.text) == (409, "10\n")
        assert answer.headers["content-type"] == SIZE_TYPE

    def test_a_replayed_older_checkpoint_is_not_cosigned(self, client: TestClient, log: SimulatedLog) -> None:
        older = log.request(0)
        add(client, older)
        add(client, log.grow(7).request(10))
        assert add(client, older) == (409, "17\n")

    def test_an_old_size_above_the_checkpoint_is_malformed(self, client: TestClient, log: SimulatedLog) -> None:
        add(client, log.request(0))
        assert add(client, log.request(10, 5))[0] == 400

    def test_a_log_that_nobody_made_known(self, client: TestClient) -> None:
        assert add(client, SimulatedLog("other.example/log").grow(3).request(0))[0] == 404

    def test_a_key_that_is_not_the_logs(self, client: TestClient, log: SimulatedLog) -> None:
        assert add(client, SimulatedLog(log.origin).grow(3).request(0))[0] == 403

    def test_a_proof_that_leads_elsewhere(self, client: TestClient, log: SimulatedLog) -> None:
        add(client, log.request(0))
        assert add(client, log.rewritten().grow(5).request(10))[0] == 422

    def test_a_proof_from_nothing_is_empty(self, client: TestClient, log: SimulatedLog) -> None:
        assert add(client, AddCheckpoint(0, (bytes(32),), log.head()).to_bytes())[0] == 422

    def test_two_trees_of_one_size(self, client: TestClient, log: SimulatedLog) -> None:
        add(client, log.request(0))
        answer = client.post("/add-checkpoint", content=log.rewritten().request(10))
        assert (answer.status_code, answer.text) == (409, "10\n")
        assert answer.headers["content-type"] == SIZE_TYPE

    @pytest.mark.parametrize(
        "body",
        [b"", b"old 0", b"old 00\n\n", b"old 0\nnot base64\n\nx\n", b"\xff" * 100, b"old 0\n\nno note\n"],
    )
    def test_what_is_no_request(self, client: TestClient, log: SimulatedLog, body: bytes) -> None:
        assert add(client, body)[0] == 400

    def test_more_than_63_hashes(self, client: TestClient, log: SimulatedLog) -> None:
        assert add(client, AddCheckpoint(0, (bytes(32),) * 64, log.head()).to_bytes())[0] == 400

    def test_a_body_over_the_bound_is_not_read_to_its_end(self, client: TestClient) -> None:
        assert add(client, b"x" * (MAX_BYTES + 1))[0] == 413

    def test_other_methods_and_paths(self, client: TestClient) -> None:
        assert client.get("/add-checkpoint").status_code == 405
        assert client.get("/elsewhere").status_code == 404

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(before=st.sampled_from([b"", b"old 0\n", b"old 0\n\n"]), body=st.binary(max_size=400))
    def test_nothing_that_is_sent_makes_it_fail(self, before: bytes, body: bytes, witness: Witness) -> None:
        assert witness.add(before + body, NOW).status == 400


class TestMemory:
    def test_it_is_remembered_over_a_restart(self, folder: Path, witness: Witness, log: SimulatedLog) -> None:
        assert witness.add(log.request(0), NOW).status == 200
        again = open_witness(folder)
        assert again.add(log.rewritten().grow(1).request(10), NOW).status == 422
        assert again.add(log.request(0), NOW).body == "10\n"
        again.close()

    def test_refusing_changes_nothing(self, witness: Witness, log: SimulatedLog) -> None:
        witness.add(log.request(0), NOW)
        witness.add(log.rewritten().grow(5).request(10), NOW)
        assert witness.add(log.grow(2).request(10), NOW).status == 200

    def test_what_a_log_signed_and_does_not_follow_is_kept(self, witness: Witness, log: SimulatedLog) -> None:
        witness.add(log.request(0), NOW)
        forged = log.rewritten()
        for _ in range(2):
            witness.add(forged.request(10), NOW + 5)
        witness.add(log.request(3), NOW)
        (known,) = witness.known()
        (kept,) = known.refused
        assert (kept.size, kept.answer, kept.at) == (10, 409, NOW + 5)
        shown, seen = AddCheckpoint.parse(kept.request).note, Note.parse(kept.seen)
        heads = {Checkpoint.parse(note.text).root for note in (shown, seen) if note.verify([log.signer.key])}
        assert len(heads) == 2

    def test_copies_of_a_signature_are_not_kept(self, witness: Witness, log: SimulatedLog) -> None:
        assert witness.add(_padded(log, 0, log.head().signatures * 1800), NOW).status == 200
        note = Note.parse((witness.newest(digest(log.origin.encode()).hex()) or "").encode())
        assert [found.name for found in note.signatures] == [log.origin, witness.key.name]

    def test_what_others_wrote_below_a_refused_checkpoint_is_not_kept(
        self, witness: Witness, log: SimulatedLog
    ) -> None:
        witness.add(log.request(0), NOW)
        stranger = NoteSigner("stranger.example", SignatureType.ED25519, SimulatedLog().key)
        head = log.grow(3).head()
        assert witness.add(_padded(log, 10, head.signed(stranger, NOW).signatures * 900), NOW).status == 422
        ((refused,),) = (known.refused for known in witness.known())
        assert AddCheckpoint.parse(refused.request).note == head

    def test_checkpoints_without_a_proof_take_no_room_from_two_trees_of_one_size(
        self, witness: Witness, log: SimulatedLog
    ) -> None:
        witness.add(log.request(0), NOW)
        for _ in range(150):
            log.grow(1)
            assert witness.add(_padded(log, 10, log.head().signatures), NOW).status == 422
        forged = SimulatedLog(log.origin, log.key).grow(10, "another ")
        assert witness.add(forged.request(10), NOW).status == 409
        (known,) = witness.known()
        assert [found.size for found in known.refused if found.answer == 409] == [10]
        assert len(known.refused) < 150

    def test_what_had_no_proof_and_proves_itself_now_is_kept_as_proof(
        self, witness: Witness, log: SimulatedLog
    ) -> None:
        witness.add(log.request(0), NOW)
        forged = log.rewritten().grow(5)
        assert witness.add(forged.request(10), NOW).status == 422
        honest = log.grow(5).head()
        assert witness.add(log.request(10), NOW).status == 200
        assert witness.add(forged.request(15), NOW + 5).status == 409
        (kept,) = (refused for known in witness.known() for refused in known.refused)
        assert (kept.answer, kept.at, Note.parse(kept.seen).text) == (409, NOW + 5, honest.text)

    def test_logs_are_apart(self, witness: Witness, log: SimulatedLog) -> None:
        other = SimulatedLog("other.example/log").grow(4)
        witness.trust(other.vkey, NOW)
        assert witness.add(log.request(0), NOW).status == 200
        assert witness.add(other.request(0), NOW).status == 200
        assert {known.origin: known.size for known in witness.known()} == {log.origin: 10, other.origin: 4}

    def test_a_log_that_is_trusted_no_longer_comes_back_where_it_was(self, witness: Witness, log: SimulatedLog) -> None:
        witness.add(log.request(0), NOW)
        assert witness.distrust(log.vkey) == (log.origin, True)
        assert witness.add(log.request(10), NOW).status == 404
        witness.trust(log.vkey, NOW)
        assert witness.add(log.rewritten().request(0), NOW).body == "10\n"

    def test_a_log_with_a_new_key_goes_on(self, witness: Witness, log: SimulatedLog) -> None:
        witness.add(log.request(0), NOW)
        successor = SimulatedLog(log.origin, leaves=list(log.leaves)).grow(1)
        assert witness.add(successor.request(10), NOW).status == 403
        witness.trust(successor.vkey, NOW)
        assert witness.add(successor.request(10), NOW).status == 200

    @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.tuples(st.sampled_from(["grow", "rewrite", "replay"]), st.integers(1, 9)), max_size=12))
    def test_whatever_a_log_does_all_that_was_cosigned_is_one_past(
        self, witness: Witness, steps: list[tuple[str, int]]
    ) -> None:
        honest = SimulatedLog(f"log.example/{secrets.token_hex(8)}").grow(3)
        witness.trust(honest.vkey, NOW)
        assert witness.add(honest.request(0), NOW).status == 200
        cosigned = [*honest.leaves]
        for step, count in steps:
            shown = SimulatedLog(honest.origin, honest.key, _told(step, count, cosigned))
            newest = cosigned
            for old in (0, len(shown.leaves), len(cosigned)):
                if witness.add(shown.request(old), NOW).status == 200:
                    newest = shown.leaves
            assert newest[: len(cosigned)] == cosigned
            cosigned = newest
        note = witness.newest(digest(honest.origin.encode()).hex())
        assert note is not None
        assert Checkpoint.parse(Note.parse(note.encode()).text).root == root_hash(cosigned)


def _padded(log: SimulatedLog, old: int, signatures: tuple[Signature, ...]) -> bytes:
    """Return a request without a proof, with these below the checkpoint."""
    return AddCheckpoint(old, (), Note(log.head().text, signatures)).to_bytes()


def _told(step: str, count: int, seen: list[bytes]) -> list[bytes]:
    """Return the leaves that a log shows which was seen with others: grown, rewritten at the end, or an older state."""
    if step == "replay":
        return seen[: max(1, len(seen) - count)]
    kept = seen[: max(0, len(seen) - count)] if step == "rewrite" else seen
    added = [leaf_hash(f"{step} {number}".encode()) for number in range(len(kept), len(seen) + count)]
    return [*kept, *added]


class TestMonitors:
    def test_they_read_the_newest_cosigned_checkpoint(
        self, client: TestClient, witness: Witness, log: SimulatedLog
    ) -> None:
        add(client, log.request(0))
        head = log.grow(2).head()
        stranger = NoteSigner("stranger.example", SignatureType.ED25519, SimulatedLog().key)
        request = AddCheckpoint.parse(log.request(10))
        add(client, AddCheckpoint(request.old, request.proof, head.signed(stranger, NOW)).to_bytes())
        answer = client.get(f"/{digest(log.origin.encode()).hex()}/checkpoint")
        assert answer.headers["content-type"].startswith("text/plain")
        note = Note.parse(answer.content)
        assert note.text == head.text
        assert set(note.verify([witness.key, log.signer.key])) == {witness.key, log.signer.key}
        # What a stranger wrote below it is not handed on.
        assert len(note.signatures) == 2

    def test_of_a_log_that_never_asked_there_is_nothing(self, client: TestClient, log: SimulatedLog) -> None:
        assert client.get(f"/{digest(log.origin.encode()).hex()}/checkpoint").status_code == 404

    def test_the_first_page_says_who_it_is_and_whom_it_knows(
        self, client: TestClient, witness: Witness, log: SimulatedLog
    ) -> None:
        add(client, log.request(0))
        lines = client.get("/").text.split("\n")
        assert f"key {witness.key}" in lines
        assert f"log {digest(log.origin.encode()).hex()} 10 {log.origin}" in lines

    def test_it_says_that_it_is_alive(self, client: TestClient) -> None:
        assert client.get("/healthz").text == "alive\n"


class TestBounds:
    def test_one_address_asks_so_often_and_no_oftener(self, witness: Witness, log: SimulatedLog) -> None:
        app = create_app(witness, rate=3)
        with TestClient(app, client=("192.0.2.1", 1)) as busy, TestClient(app, client=("192.0.2.2", 1)) as quiet:
            assert [add(busy, b"")[0] for _ in range(4)] == [400, 400, 400, 429]
            assert int(busy.post("/add-checkpoint", content=b"").headers["retry-after"]) > 0
            assert add(quiet, log.request(0))[0] == 200
            assert busy.get("/healthz").status_code == 200

    def test_addresses_of_one_subscriber_count_together(self, witness: Witness) -> None:
        app = create_app(witness, rate=1)
        answers = []
        for host in ("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1"):
            with TestClient(app, client=(host, 1)) as client:
                answers.append(add(client, b"")[0])
        assert answers == [400, 429, 400]


class TestFolder:
    def test_its_key_is_one_that_cosigns(self, tmp_path: Path) -> None:
        key = begin(tmp_path / "it", NAME)
        assert NoteKey.parse(str(key)) == key
        assert (key.name, key.kind) == (NAME, SignatureType.COSIGNATURE)
        assert (tmp_path / "it" / "witness.pem").stat().st_mode & 0o077 == 0
        assert b"ENCRYPTED" in (tmp_path / "it" / "witness.pem").read_bytes()

    def test_a_second_one_never_takes_its_place(self, folder: Path) -> None:
        with pytest.raises(Conflict, match="already"):
            begin(folder, NAME)

    @pytest.mark.parametrize("kept", [("passphrase",), ("passphrase", "witness.db"), ("witness.db",)])
    def test_where_a_part_of_one_lies_it_is_said_that_the_key_is_missing(
        self, folder: Path, tmp_path: Path, kept: tuple[str, ...]
    ) -> None:
        (tmp_path / "part").mkdir()
        for name in kept:
            (folder / name).replace(tmp_path / "part" / name)
        with pytest.raises(Conflict, match="without its key"):
            begin(tmp_path / "part", NAME)
        assert sorted(path.name for path in (tmp_path / "part").iterdir()) == sorted(kept)

    def test_without_its_memory_it_does_not_go_on(self, folder: Path, witness: Witness) -> None:
        witness.close()
        (folder / "witness.db").unlink()
        assert _refusal(folder) == "witness.forgetful"
        assert not (folder / "witness.db").exists()

    def test_with_the_memory_of_another_it_does_not_go_on(self, folder: Path, tmp_path: Path) -> None:
        begin(tmp_path / "other", "other.example/1")
        (tmp_path / "other" / "witness.db").replace(folder / "witness.db")
        assert _refusal(folder) == "witness.forgetful"

    def test_a_passphrase_of_ones_own_is_needed_again(self, tmp_path: Path) -> None:
        begin(tmp_path / "it", NAME, "long and secret")
        assert not (tmp_path / "it" / "passphrase").exists()
        open_witness(tmp_path / "it", "long and secret").close()
        assert _refusal(tmp_path / "it", "another") == "witness.key"
        assert _refusal(tmp_path / "it") == "witness.absent"
        assert _refusal(tmp_path / "nowhere") == "witness.absent"

    @pytest.mark.parametrize("key", ["", "exporter.example/log", "a+b+c"])
    def test_what_is_no_key_of_a_log(self, witness: Witness, key: str) -> None:
        with pytest.raises(Unprocessable):
            witness.trust(key, NOW)

    def test_a_witness_is_no_log(self, witness: Witness) -> None:
        with pytest.raises(Unprocessable, match="key of a witness"):
            witness.trust(str(witness.key), NOW)


def _refusal(folder: Path, passphrase: str | None = None) -> str:
    with pytest.raises(Problem) as refusal:
        open_witness(folder, passphrase)
    assert isinstance(refusal.value, Unavailable)
    return refusal.value.code
