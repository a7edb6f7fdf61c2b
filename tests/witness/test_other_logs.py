"""A witness of logs whose keys bear another name than their origin, as Go's checksum database has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from licensing_protocol.canonical import decode_object
from licensing_protocol.log.checkpoint import Checkpoint
from licensing_protocol.log.note import Note, signature_lines
from licensing_protocol.log.witness import AddCheckpoint
from licensing_server.problem import Unprocessable
from licensing_server.witness import Witness
from tests.cli.command_line import here
from tests.vectors.forge import FOLDER
from tests.witness.logs import NOW, SimulatedLog
from tests.witness.process import WitnessProcess

ORIGIN = "go.sum database tree"
CASES = decode_object((FOLDER / "published" / "sum.golang.org.json").read_bytes())["cases"]
KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


def head(size: str) -> Note:
    (case,) = (case for case in CASES if case["name"] == f"head of {size}")
    return Note.parse(case["input"]["note"].encode())


def test_go_s_checksum_database_is_cosigned(witness: Witness) -> None:
    assert witness.trust(KEY, NOW, ORIGIN) == (ORIGIN, True)
    note = head("35,225,469")
    reply = witness.add(AddCheckpoint(0, (), note).to_bytes(), NOW)
    assert reply.status == 200
    assert Note(note.text, signature_lines(reply.body)).cosigned_at(witness.key) == NOW
    (known,) = witness.known()
    assert (known.origin, known.size) == (ORIGIN, 35_225_469)
    assert witness.newest(known.address) == note.to_bytes().decode() + reply.body
    later, earlier = head("65,209,736"), head("30,055,305")
    assert witness.add(AddCheckpoint(0, (), later).to_bytes(), NOW).body == "35225469\n"
    assert witness.add(AddCheckpoint(35_225_469, (), later).to_bytes(), NOW).status == 422
    assert witness.add(AddCheckpoint(35_225_469, (), earlier).to_bytes(), NOW).status == 400


def test_a_key_counts_for_the_origin_that_was_said_and_for_no_other(witness: Witness) -> None:
    log = SimulatedLog().grow(3)
    witness.trust(log.vkey, NOW, "another.example/log")
    assert witness.add(log.request(0), NOW).status == 404
    text = Checkpoint("another.example/log", 0, Checkpoint.parse(log.head(0).text).root).text
    request = AddCheckpoint(0, (), Note(text, ()).signed(log.signer, NOW))
    assert witness.add(request.to_bytes(), NOW).status == 200


def test_a_key_is_of_one_log_at_a_time(witness: Witness) -> None:
    log = SimulatedLog()
    witness.trust(log.vkey, NOW, "first.example/log")
    assert witness.trust(log.vkey, NOW, "first.example/log") == ("first.example/log", False)
    with pytest.raises(Unprocessable, match=r"key of 'first\.example/log'"):
        witness.trust(log.vkey, NOW)
    assert witness.distrust(log.vkey) == ("first.example/log", True)
    assert witness.trust(log.vkey, NOW) == (log.origin, True)
    assert witness.distrust(SimulatedLog("unknown.example/log").vkey) == ("unknown.example/log", False)


@pytest.mark.parametrize("origin", ["", "two\nlines", "a\ttab"])
def test_what_is_no_origin(witness: Witness, origin: str) -> None:
    with pytest.raises(Unprocessable, match="one line"):
        witness.trust(KEY, NOW, origin)


def test_an_origin_is_said_on_the_command_line(tmp_path: Path) -> None:
    made = WitnessProcess.begin(tmp_path / "w", "witness.example/w")
    told = here("witness", "trust", KEY, "--origin", ORIGIN, "--data-dir", made.folder, "--json")
    assert told.json == {"log": ORIGIN, "new": True}
    (log,) = made.show()["logs"]
    assert log["log"] == ORIGIN
    again = here("witness", "trust", KEY, "--data-dir", made.folder, "--json")
    assert again.failure["code"] == "witness.log_key"
