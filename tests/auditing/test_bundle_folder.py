"""Whoever opens a bundle's folder sees its files: none of them is more than what is proven."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from licensing_server.auditing import Discrepancy
from licensing_server.auditing.evidence import files_of_range, verify_bundle
from licensing_server.auditing.proofs import Prover
from licensing_server.auditing.records import Record
from tests.auditing.test_commands import audit
from tests.cli.command_line import process
from tests.simulators.published_log import Files, PublishedLog, entries, entry

LOG = PublishedLog(entries(20))
RECORDS = [Record.parse(index, body) for index, body in enumerate(LOG.entries)]
RANGE = dict(files_of_range(Prover(Files(LOG.files()), LOG.note()), RECORDS[10:14]))


@pytest.mark.parametrize("arguments", [("--range", "0:3"), ("--actor", "person_1")], ids=["range", "query"])
@pytest.mark.parametrize("name", ["3.json", "01.json", "1.JSON", "1.json.txt"])
def test_what_lies_among_the_entries_and_is_not_proven_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], name: str
) -> None:
    log, out = LOG.write(tmp_path / "log"), tmp_path / "evidence"
    assert audit("bundle", "--from", log, "--policy", log / "policy", "--out", out, *arguments).code == 0
    (out / "entries" / ".directory").write_text("a file manager's")
    assert audit("verify", out, "--policy", log / "policy").code == 0
    (out / "entries" / name).write_bytes(entry(1, actor="nobody"))
    shown = audit("verify", out, "--policy", log / "policy", "--json")
    assert (shown.code, shown.out) == (1, "")
    assert (shown.failure["code"], shown.failure["place"]) == ("audit.unproven", f"entries/{name}")


def test_a_pipe_among_the_files_keeps_nobody_waiting(tmp_path: Path) -> None:
    log = LOG.write(tmp_path / "log")
    (log / "tile/entries/000.p/20").unlink()
    os.mkfifo(log / "tile/entries/000.p/20")
    words = ("audit", "verify", log, "--policy", log / "policy", "--json")
    assert process(*words).failure["code"] == "audit.entry_length"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"range-proof/1\n", b"range-proof/1 and more\n"),
        (b"begin 10", b"begin  10"),
        (b"end 14", b"end 14 "),
        (b"end 14", b"end 014"),
        (b"end 14\n", b"end 14\r\n"),
    ],
)
def test_a_range_s_proof_has_one_spelling(old: bytes, new: bytes) -> None:
    with pytest.raises(Discrepancy) as caught:
        verify_bundle(Files(RANGE | {"range.proof": RANGE["range.proof"].replace(old, new)}), LOG.policy.verify)
    assert caught.value.code in {"range_proof.malformed", "audit.contents"}
