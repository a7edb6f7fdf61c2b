"""The auditor's command line: one answer, one exit code, and help that teaches."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from licensing_server.auditing.commands import main
from licensing_server.auditing.commands.parser import EXIT_CODES, ExitCode
from licensing_server.auditing.commands.run import COMMANDS
from tests.cli.command_line import Answer, process
from tests.simulators.published_log import PublishedLog, entries

LOG = PublishedLog(entries(300))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log as its keeper published it."""
    return LOG.write(tmp_path / "log")


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """Whom the auditor believes."""
    path = tmp_path / "witnesses.policy"
    path.write_text(LOG.policy_text)
    return path


def audit(*arguments: str | Path, **members: str) -> Answer:
    """Run a command of an audit in this process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INTERLOCK_")}
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(os, "environ", kept | {"COLUMNS": "200"} | members)
        try:
            code = main(list(map(str, arguments)))
        except SystemExit as done:
            code = int(done.code or 0)
    return Answer(code, out.getvalue(), err.getvalue())


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_every_command_teaches(command: object) -> None:
    (found,) = (one for one in COMMANDS if one is command)
    shown = audit(found.name, "--help")
    assert shown.code == 0
    assert found.help in shown.out
    assert f"Example:  interlock audit {found.name}" in shown.out
    assert EXIT_CODES in shown.out
    assert all(f"{int(code)} " in EXIT_CODES for code in ExitCode)


def test_the_program_lists_its_commands() -> None:
    shown = audit("--help")
    assert all(f"\n    {command.name}" in shown.out for command in COMMANDS)
    assert "audit" in process("--help").out


def test_a_log_that_holds_says_so(folder: Path, policy: Path) -> None:
    shown = audit("verify", folder, "--policy", policy)
    assert (shown.code, shown.err) == (0, "")
    assert "300 entries, contiguous from 0, each hashed again" in shown.out
    assert "Seen by witness0.example at 2026-02-25 06:13:20 UTC" in shown.out
    told = audit("verify", folder, "--policy", policy, "--json").json
    assert (told["holds"], told["size"], told["origin"]) == (True, 300, LOG.origin)


def test_keys_are_as_good_as_a_policy(folder: Path) -> None:
    log, witness = f"--vkey={LOG.log.key}", f"--vkey={LOG.witnesses[0].key}"
    assert audit("verify", folder, log, witness, "--json").json["witnesses"] == [
        {"name": "witness0.example", "time": 1_772_000_000}
    ]
    alone = audit("verify", folder, log)
    assert "its keeper's word" in alone.out
    stranger = PublishedLog().witnesses[0].key
    assert audit("verify", folder, log, f"--vkey={stranger}", "--json").failure["code"] == "policy.quorum"


def test_what_is_wrong_is_named(folder: Path, policy: Path) -> None:
    path = folder / "tile/entries/000"
    path.write_bytes(path.read_bytes().replace(b'"number":7}', b'"number":8}', 1))
    shown = audit("verify", folder, "--policy", policy)
    assert shown.code == 1
    assert shown.err == (
        "Entry 7 was changed: its bytes are not those that the tree holds.\n"
        "  code: audit.entry\n  first entry at fault: 7\n  file: tile/entries/000\n"
    )
    told = audit("verify", folder, "--policy", policy, "--json").failure
    assert (told["code"], told["place"], told["index"], told["exit"]) == ("audit.entry", "tile/entries/000", 7, 1)


def test_kept_checkpoints_are_read_one_by_one_or_by_the_folder(folder: Path, policy: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    for size in (1, 256):
        (kept / f"{size}.checkpoint").write_bytes(LOG.note(size).to_bytes())
    (tmp_path / "mine").write_bytes(LOG.note(300).to_bytes())
    shown = audit("verify", folder, "--policy", policy, "--checkpoint", kept, "--checkpoint", tmp_path / "mine")
    assert "Earlier checkpoints that it grew from: 3" in shown.out
    (kept / "4.checkpoint").write_bytes(LOG.note(4, root=bytes(32)).to_bytes())
    told = audit("verify", folder, "--policy", policy, "--checkpoint", kept, "--json").failure
    assert (told["code"], told["place"]) == ("audit.history", str(kept / "4.checkpoint"))


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("verify", "FOLDER"), "audit.trust", 2),
        (("verify", "FOLDER", "--vkey", "none"), "note.key", 1),
        (("verify", "FOLDER", "--policy", "nowhere"), "audit.unreachable", 3),
        (("verify", "nowhere", "--policy", "POLICY"), "audit.unreachable", 3),
        (("verify", "ftp://log.example/log", "--policy", "POLICY"), "audit.unreachable", 3),
        (("verify", "http://127.0.0.1:1/log", "--policy", "POLICY"), "audit.unreachable", 3),
        (("verify", "http://127.0.0.1:99999/log", "--policy", "POLICY"), "audit.unreachable", 3),
        (("verify", "http://[::1/log", "--policy", "POLICY"), "audit.unreachable", 3),
        (("verify", "http://127.0.0.1:8470/l\udcffog", "--policy", "POLICY"), "audit.unreachable", 3),
        (("verify", "http://log..example/log", "--policy", "POLICY"), "audit.unreachable", 3),
        (("verify", f"http://{'l' * 80}.example/log", "--policy", "POLICY"), "audit.unreachable", 3),
        (("verify", "http://log.example/log", "--policy", "POLICY", "--token-file", "POLICY"), "token.file", 2),
        (("verify",), "command.usage", 2),
        (("verity",), "command.usage", 2),
        ((), "command.usage", 2),
    ],
)
def test_what_cannot_be_done_ends_in_one_object(
    arguments: tuple[str, ...], code: str, exit_code: int, folder: Path, policy: Path
) -> None:
    named = {"FOLDER": str(folder), "POLICY": str(policy)}
    shown = audit(*(named.get(word, word) for word in arguments), "--json")
    assert (shown.code, shown.failure["code"], shown.failure["exit"]) == (exit_code, code, exit_code)
    assert shown.out == ""


def test_what_a_log_says_cannot_steer_the_terminal(tmp_path: Path) -> None:
    log = PublishedLog(entries(3), origin="\x9b2Jlog", witnesses=0)
    shown = audit("verify", log.write(tmp_path / "log"), f"--vkey={log.log.key}")
    assert shown.code == 0
    assert "\x9b" not in shown.out
    assert "\\u009b2Jlog" in shown.out


def test_nothing_of_the_server_is_imported() -> None:
    code = (
        "import sys; sys.argv = ['interlock', 'audit', '--help']; from licensing_server.cli import main\n"
        "try: main()\nexcept SystemExit: print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    rooms = {name for name in loaded.split() if name.startswith("licensing_server.")}
    assert {name for name in rooms if not name.startswith("licensing_server.auditing")} <= {
        "licensing_server.cli",
        "licensing_server.cli.exits",
        "licensing_server.clock",
    }
    assert {"typer", "sqlalchemy", "fastapi", "httpx2"} & set(loaded.split()) == set()


def test_a_process_ends_with_the_code_of_what_it_found(folder: Path, policy: Path) -> None:
    shown = process("audit", "verify", folder, "--policy", policy, "--json")
    assert (shown.code, shown.json["size"], shown.err) == (0, 300, "")
    (folder / "tile/entries/000").unlink()
    broken = process("audit", "verify", folder, "--policy", policy, "--json")
    assert (broken.code, broken.failure["code"], broken.out) == (1, "audit.missing", "")
    assert process("audit", "verify").code == 2
