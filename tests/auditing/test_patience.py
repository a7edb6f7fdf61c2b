"""A head is shown before its witnesses have seen it: who asks just then asks again, and does not cry wolf."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from licensing_protocol.log.note import Note
from tests.auditing.test_commands import audit
from tests.simulators.published_log import PublishedLog, entries
from tests.simulators.web import Web

LOG = PublishedLog(entries(3))
SIGNED = Note(LOG.note().text, LOG.note().signatures[:1]).to_bytes()


@dataclass
class Fresh(Web):
    """Its head is seen by a witness only by the third time that somebody asks for it."""

    def answer(self, request: Any, body: bytes | None) -> None:
        """Answer one request."""
        if sum(path == "/log/checkpoint" for path, _headers in self.asked) == 2:
            self.files["/log/checkpoint"] = LOG.note().to_bytes()
        super().answer(request, body)


@pytest.mark.parametrize(
    "command",
    [
        ("verify", "LOG"),
        ("follow", "LOG", "--state", "OUT", "--once", "--stale-after", "never"),
        ("export", "--format", "csv", "--from", "LOG", "--out", "OUT"),
        ("bundle", "--range", "0:2", "--from", "LOG", "--out", "OUT"),
        ("report", "--from", "LOG", "--out", "OUT"),
        ("prove", "1", "--from", "LOG", "--out", "OUT"),
        ("forward", "LOG", "--state", "OUT", "--to", "LOG", "--once"),
    ],
    ids=lambda command: command[0],
)
def test_a_head_of_this_moment_is_waited_for(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "policy").write_text(LOG.policy_text)
    files = {f"/log/{path}": data for path, data in LOG.files().items()} | {"/log/checkpoint": SIGNED}
    with Fresh(files).serving() as web:
        named = {"LOG": f"{web.address}/log", "OUT": str(tmp_path / "out")}
        done = audit(*(named.get(word, word) for word in command), "--policy", tmp_path / "policy", "--json")
    assert done.code == 0, done.err


def test_what_lies_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    LOG.write(tmp_path)
    (tmp_path / "checkpoint").write_bytes(SIGNED)
    assert audit("verify", tmp_path, "--policy", tmp_path / "policy", "--json").failure["code"] == "policy.quorum"
