"""A monitor takes what grew from what it saw, and nothing else; what a log took back stays as evidence."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing_protocol.log.note import Note
from licensing_server.auditing import Discrepancy, SourceUnreachable
from licensing_server.auditing.monitor import Seen, SplitView, look
from licensing_server.auditing.server import Server
from licensing_server.auditing.state import State
from tests.auditing.test_commands import audit
from tests.cli.command_line import Answer
from tests.simulators.published_log import Files, PublishedLog, entries, entry
from tests.simulators.web import Web

LOG = PublishedLog(entries(600))
# What is published here was cosigned long ago: test_life is about that.
PATIENT = ("--stale-after", "never")


def other(at: int, size: int = 600) -> PublishedLog:
    """The same keeper's other history: one entry is another."""
    made = PublishedLog([*LOG.entries[:at], entry(at, actor="nobody"), *LOG.entries[at + 1 : size]])
    made.log, made.witnesses = LOG.log, LOG.witnesses
    return made


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy"
    path.write_text(LOG.policy_text)
    return path


class Watcher:
    """Looks once at whatever is published now."""

    def __init__(self, folder: Path, policy: Path) -> None:
        self.folder, self.policy = folder, policy
        self.state = folder / "state"

    def look(self, log: PublishedLog, size: int | None = None, *more: str | Path) -> Answer:
        shutil.rmtree(self.folder / "log", ignore_errors=True)
        log.write(self.folder / "log", size)
        return self.again(*more)

    def again(self, *more: str | Path) -> Answer:
        fixed = ("follow", self.folder / "log", "--state", self.state, "--policy", self.policy, "--once", "--json")
        return audit(*fixed, *PATIENT, *more)

    @property
    def evidence(self) -> list[Path]:
        return sorted((self.state / "evidence").rglob("*.checkpoint")) if (self.state / "evidence").exists() else []


@pytest.fixture
def watcher(tmp_path: Path, policy: Path) -> Watcher:
    return Watcher(tmp_path, policy)


def test_a_log_that_grows_is_taken_step_by_step(watcher: Watcher) -> None:
    for size, fresh in ((3, 3), (255, 252), (257, 2), (257, 0), (600, 343)):
        told = watcher.look(LOG, size).json
        assert (told["size"], told["new"], told["holds"]) == (size, fresh, True)
    kept = sorted(int(path.stem) for path in (watcher.state / "heads").iterdir())
    assert kept == [3, 255, 257, 600]
    assert watcher.evidence == []
    held = audit("verify", watcher.folder / "log", "--policy", watcher.policy, "--checkpoint", watcher.state / "heads")
    assert "grew from: 4" in held.out


@pytest.mark.parametrize(
    ("log", "size", "code"),
    [(other(100), 600, "proof.consistency"), (other(100), 300, "checkpoint.split_view"), (LOG, 200, "audit.shrunk")],
    ids=["rewritten and grown", "another tree of the same size", "shrunk"],
)
def test_a_log_that_takes_something_back_ends_the_watch_and_both_heads_are_kept(
    watcher: Watcher, log: PublishedLog, size: int, code: str
) -> None:
    watcher.look(LOG, 300)
    for _ in range(2):
        shown = watcher.look(log, size)
        assert (shown.code, shown.failure["code"]) == (1, code)
        assert "Both heads are in" in shown.failure["detail"]
    held, theirs = watcher.evidence
    assert (held.name, theirs.name) == ("held.checkpoint", "shown.checkpoint")
    assert held.read_bytes() == LOG.note(300).to_bytes()
    assert theirs.read_bytes() == log.note(size).to_bytes()
    assert code in (theirs.parent / "why.txt").read_text()
    # What was seen stays seen: the honest log is taken again.
    assert watcher.look(LOG, 400).json["new"] == 100


def test_a_head_that_somebody_else_was_shown_is_held_against_the_log(watcher: Watcher, tmp_path: Path) -> None:
    head = tmp_path / "theirs"
    head.write_bytes(LOG.note(77).to_bytes())
    assert watcher.look(LOG, 300, "--checkpoint", head).code == 0
    head.write_bytes(other(50).note(77).to_bytes())
    shown = watcher.look(LOG, 400, "--checkpoint", head)
    assert (shown.code, shown.failure["code"], shown.failure["place"]) == (1, "proof.consistency", str(head))
    assert watcher.evidence[1].read_bytes() == other(50).note(77).to_bytes()


@pytest.mark.parametrize("before", [0, 300], ids=["at the first look", "later"])
@pytest.mark.parametrize(("size", "code"), [(400, "checkpoint.split_view"), (390, "proof.consistency")])
def test_what_is_kept_beside_somebody_else_s_head_is_the_one_that_it_contradicts(
    watcher: Watcher, tmp_path: Path, before: int, size: int, code: str
) -> None:
    if before:
        watcher.look(LOG, before)
    head = tmp_path / "theirs"
    # What it shows of the first 350 is what was seen here.
    head.write_bytes(other(350).note(size).to_bytes())
    assert watcher.look(LOG, 400, "--checkpoint", head).failure["code"] == code
    held, theirs = watcher.evidence
    assert held.read_bytes() == LOG.note(400).to_bytes()
    assert theirs.read_bytes() == head.read_bytes()


def alone(note: Note) -> bytes:
    """The same head as no witness has seen it, and under it a line in the name of one that did not sign it."""
    forged = replace(note.signatures[1], signature=bytes(72))
    return Note(note.text, (note.signatures[0], forged)).to_bytes()


@pytest.mark.parametrize(
    ("log", "size", "code"),
    [(other(100), 600, "proof.consistency"), (other(100), 300, "checkpoint.split_view"), (LOG, 200, "audit.shrunk")],
    ids=["rewritten and grown", "another tree of the same size", "shrunk"],
)
def test_a_log_has_to_stand_by_what_it_signed_though_no_witness_has_seen_it(
    watcher: Watcher, tmp_path: Path, log: PublishedLog, size: int, code: str
) -> None:
    watcher.look(LOG, 300)
    log.write(watcher.folder / "log", size)
    (watcher.folder / "log" / "checkpoint").write_bytes(alone(log.note(size)))
    assert watcher.again().failure["code"] == code
    held, theirs = watcher.evidence
    assert (held.read_bytes(), theirs.read_bytes()) == (LOG.note(300).to_bytes(), alone(log.note(size)))
    # What does follow, and was not seen by enough, is not taken all the same.
    watcher.look(LOG, 400)
    LOG.write(watcher.folder / "log", 600)
    (watcher.folder / "log" / "checkpoint").write_bytes(LOG.note(600).to_bytes().rpartition("—".encode())[0])
    assert watcher.again().failure["code"] == "policy.quorum"


def test_what_somebody_was_shown_alone_counts_against_the_log(watcher: Watcher, tmp_path: Path) -> None:
    head = tmp_path / "theirs"
    head.write_bytes(alone(other(50).note(77)))
    assert watcher.look(LOG, 400, "--checkpoint", head).failure["code"] == "proof.consistency"
    assert watcher.evidence[1].read_bytes() == head.read_bytes()
    verified = audit("verify", watcher.folder / "log", "--policy", watcher.policy, "--checkpoint", head, "--json")
    assert verified.failure["code"] == "audit.history"
    head.write_bytes(alone(LOG.note(77)))
    assert watcher.look(LOG, 400, "--checkpoint", head).code == 0


def test_only_what_contradicts_is_told_as_a_split_view(watcher: Watcher, tmp_path: Path) -> None:
    stranger = PublishedLog(entries(5), origin="other.example/log", witnesses=0)
    head = tmp_path / "theirs"
    head.write_bytes(stranger.note().to_bytes())
    watcher.policy.write_text(f"log {stranger.log.key}\n{LOG.policy_text}")
    assert watcher.look(LOG, 300, "--checkpoint", head).failure["code"] == "audit.origin"
    head.write_bytes(LOG.note(255).to_bytes())
    LOG.write(watcher.folder / "log", 600)
    (watcher.folder / "log/tile/0/000").unlink()
    assert watcher.again("--checkpoint", head).failure["code"] == "audit.missing"
    (watcher.folder / "log/tile/0/000").mkdir()
    shown = watcher.again("--checkpoint", head)
    assert (shown.code, shown.failure["code"]) == (3, "audit.unreachable")
    assert watcher.evidence == []


@pytest.mark.parametrize("every", ["-1", "nan", "inf", "1e300", "soon"])
def test_a_pause_that_there_cannot_be_is_told(watcher: Watcher, every: str) -> None:
    shown = watcher.look(LOG, 3, f"--every={every}")
    assert (shown.code, shown.failure["code"]) == (2, "command.usage")


def test_what_could_not_be_written_whole_is_no_head(watcher: Watcher) -> None:
    watcher.look(LOG, 300)
    LOG.write(watcher.folder / "log", 400)
    # Of a file no more than so many bytes can be written here: the disk is full in its middle.
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); sys.argv[0] = 'interlock'\n"
        "from licensing_server.cli import main; main()"
    )
    fixed = ["audit", "follow", watcher.folder / "log", "--state", watcher.state, "--policy", watcher.policy, "--once"]
    done = subprocess.run([sys.executable, "-c", code, *map(str, fixed)], capture_output=True, text=True)
    assert (done.returncode, "file.unusable" in done.stderr) == (3, True), done.stderr
    held = audit("verify", watcher.folder / "log", "--policy", watcher.policy, "--checkpoint", watcher.state / "heads")
    assert held.code == 0, held.err
    assert watcher.again().json["new"] == 100


@pytest.mark.parametrize(
    ("path", "code"),
    [("tile/entries/001", "audit.root"), ("tile/entries/000", None), ("checkpoint", "note.signature")],
    ids=["a new entry", "one that was seen", "the checkpoint"],
)
def test_a_new_entry_that_is_not_the_signed_one_is_no_split_view(watcher: Watcher, path: str, code: str | None) -> None:
    watcher.look(LOG, 300)
    LOG.write(watcher.folder / "log", 600)
    file = watcher.folder / "log" / path
    data = bytearray(file.read_bytes())
    # In the last entry of a tile, past its length; in a checkpoint, in the last signature.
    data[-20] ^= 1
    file.write_bytes(data if path != "checkpoint" else file.read_bytes().replace(b"\n600\n", b"\n599\n"))
    shown = watcher.again()
    assert (shown.code, shown.failure["code"] if code else None) == (1 if code else 0, code)
    assert watcher.evidence == []


def test_what_is_remembered_must_be_readable(watcher: Watcher) -> None:
    watcher.look(LOG, 3)
    for text in (b"", b"{}", b'{"v":1,"origin":"x","size":3,"edge":[]}', b'{"v":1,"origin":"x","size":1,"edge":[1]}'):
        (watcher.state / "seen.json").write_bytes(text)
        shown = watcher.look(LOG, 5)
        assert (shown.code, shown.failure["place"]) == (1, str(watcher.state / "seen.json"))


def test_a_server_that_is_away_is_no_finding(watcher: Watcher) -> None:
    watcher.look(LOG, 3)
    fixed = ("--state", watcher.state, "--policy", watcher.policy, "--once", "--json")
    shown = audit("follow", "http://127.0.0.1:1/log", *fixed, *PATIENT)
    assert (shown.code, shown.failure["code"]) == (3, "audit.unreachable")


def test_a_log_is_followed_over_http(watcher: Watcher) -> None:
    token = watcher.folder / "token"
    token.write_text("secret\n")
    files = {f"/log/{path}": data for path, data in LOG.files(300).items()}
    with Web(files, token="secret", answers=[(503, {"Retry-After": "0"})]).serving() as web:
        options = ("--state", watcher.state, "--policy", watcher.policy, "--once", "--json", *PATIENT)
        fixed = ("follow", web.address, *options)
        assert audit(*fixed, "--token-file", token).json["size"] == 300
        refused = audit(*fixed)
        assert (refused.code, "--token-file" in refused.failure["detail"]) == (3, True)
        web.files |= {f"/log/{path}": data for path, data in other(10).files(400).items()}
        assert audit(*fixed, "--token-file", token).failure["code"] == "proof.consistency"


def test_a_server_that_asks_to_wait_for_ever_is_away(watcher: Watcher) -> None:
    busy = [(503, {}), (503, {}), (503, {"Retry-After": "9" * 5000})]
    with Web(answers=busy).serving() as web:
        fixed = ("--state", watcher.state, "--policy", watcher.policy, "--once", "--json")
        shown = audit("follow", f"{web.address}/log", *fixed)
    assert (shown.code, shown.failure["code"]) == (3, "audit.unreachable")


@pytest.mark.parametrize(
    ("head", "drops"),
    # Where no length is told, an end is an end.
    [(b"Content-Length: 100000\r\n", 3), (b"Transfer-Encoding: chunked\r\n", 3), (b"", 10**9)],
    ids=["a length, and it breaks off", "chunks, and it breaks off", "for ever"],
)
def test_an_answer_that_does_not_come_to_its_end_is_none(head: bytes, drops: int) -> None:
    def drip() -> None:
        while True:
            try:
                client, _address = listening.accept()
            except OSError:
                return
            with client, suppress(OSError):
                client.recv(65_536)
                client.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
                for _ in range(drops):
                    client.sendall(b"1\r\nx\r\n")
                    time.sleep(0.01)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip)
        thread.start()
        server = Server(f"http://127.0.0.1:{listening.getsockname()[1]}", longest_s=0.2)
        with pytest.raises(SourceUnreachable):
            server.get("/checkpoint")
        server.close()
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_of_two_monitors_in_one_folder_the_second_ends(watcher: Watcher) -> None:
    state = State(watcher.state)
    shown = watcher.look(LOG, 300)
    assert (shown.code, shown.failure["code"]) == (3, "audit.in_use")
    state.close()
    assert watcher.look(LOG, 300).json["new"] == 300


def test_a_token_follows_no_redirection(watcher: Watcher) -> None:
    with Web().serving() as elsewhere:
        moved = (302, {"Location": f"{elsewhere.address}/log/checkpoint"})
        with Web(answers=[moved]).serving() as web:
            shown = audit("verify", f"{web.address}/log", "--policy", watcher.policy, "--json")
        assert (shown.code, elsewhere.asked) == (3, [])


@given(st.lists(st.integers(0, 600), max_size=6))
@settings(deadline=None, max_examples=40)
def test_any_way_of_growing_ends_in_the_same_tree(sizes: list[int]) -> None:
    seen = Seen()
    for size in sorted(sizes):
        step = look(Files(LOG.files(size)), LOG.policy.verify, seen)
        assert (step.seen.size, step.seen.root, step.begin, len(step.leaves)) == (
            size,
            LOG.root(size),
            seen.size,
            size - seen.size,
        )
        seen = Seen.parse(step.seen.to_json())


@given(st.integers(1, 300), st.integers(0, 599), st.integers(1, 600))
@settings(deadline=None, max_examples=60)
def test_another_history_is_never_taken(before: int, at: int, size: int) -> None:
    seen = look(Files(LOG.files(before)), LOG.policy.verify, Seen()).seen
    if at < min(before, size):
        with pytest.raises(SplitView):
            look(Files(other(at).files(size)), LOG.policy.verify, seen)


def test_another_log_is_not_taken_for_this_one() -> None:
    seen = look(Files(LOG.files(3)), LOG.policy.verify, Seen()).seen
    stranger = PublishedLog(entries(5), origin="other.example/log")
    with pytest.raises(Discrepancy) as caught:
        look(Files(stranger.files()), stranger.policy.verify, seen)
    assert caught.value.code == "audit.origin"
