"""What a command writes is UTF-8 wherever it runs, ends in one sentence whatever it was given, and in a closed pipe."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from licensing_protocol.canonical import decode_object
from tests.auditing.test_commands import audit
from tests.cli.command_line import PROGRAM, environment, process
from tests.simulators.published_log import PublishedLog, entries, entry

LOG = PublishedLog([*entries(3), entry(3, actor="Zoë ☂")], origin="exporteur.example/jöurnal", witnesses=0)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return LOG.write(tmp_path / "log")


@pytest.mark.parametrize("charset", ["ascii", "latin-1", "utf-8"])
def test_it_is_utf_8_whatever_the_terminal_is_set_to(log: Path, charset: str) -> None:
    policy = ("--policy", log / "policy")
    assert process("audit", "verify", log, *policy, "--json", PYTHONIOENCODING=charset).json["origin"] == LOG.origin
    assert f"The log {LOG.origin} holds" in process("audit", "verify", log, *policy, PYTHONIOENCODING=charset).out
    exported = process("audit", "export", "--format", "csv", "--from", log, *policy, PYTHONIOENCODING=charset)
    assert (exported.code, "Zoë ☂" in exported.out) == (0, True)


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["for people", "for programs"])
def test_a_name_that_is_no_text_is_told_as_far_as_it_can_be(form: tuple[str, ...]) -> None:
    for arguments in (("verify", "/nowhere/\udcff", "--vkey", str(LOG.log.key)), ("verify", "x", "--policy", "\udcff")):
        shown = audit(*arguments, *form)
        assert (shown.code, "\\udcff" in shown.err) == (3, True)
        assert not form or decode_object(shown.err.encode())["code"] == "audit.unreachable"


@pytest.mark.parametrize("text", ["9" * 17, "9" * 5000, "٣", "10000-01-01", "1969-12-31", "0001-01-01T00:00+23:59"])
def test_a_time_that_no_entry_can_bear_is_told(log: Path, text: str) -> None:
    fixed = ("--from", log, "--policy", log / "policy", "--format", "jsonl", "--json")
    shown = audit("export", *fixed, "--since", text)
    assert (shown.code, shown.failure["code"]) == (2, "audit.time")


@pytest.mark.parametrize("count", ["0", "-5", "x", "9" * 5000])
def test_a_count_that_is_none_is_told(count: str) -> None:
    shown = audit("search", f"--limit={count}", "--server", "http://127.0.0.1:1", "--json")
    assert (shown.code, shown.failure["code"]) == (2, "command.usage")


@contextmanager
def writing(*words: str | Path) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]]:
    """Run a command of the auditor's that has written its first line, and give it with what it goes on to write."""
    with subprocess.Popen(
        [*PROGRAM, "audit", *map(str, words)], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.readline()
        yield command, command.stdout, command.stderr


def test_who_reads_may_have_seen_enough(tmp_path: Path) -> None:
    log = PublishedLog(entries(3000), witnesses=0).write(tmp_path / "log")
    words = ("export", "--format", "jsonl", "--from", log, "--policy", log / "policy")
    with writing(*words) as (command, out, errors):
        out.close()
        assert command.wait(timeout=60) == 0
        assert errors.read() == b""


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_where_there_is_nowhere_to_write_the_exit_code_still_tells(log: Path, closed: str) -> None:
    for policy, code in ((log / "policy", 0), (log / "nowhere", 3)):
        words = shlex.join([*PROGRAM, "audit", "verify", str(log), "--policy", str(policy)])
        done = subprocess.run(f"{words} {closed}", shell=True, env=environment(), capture_output=True, text=True)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False)


def test_what_was_not_written_to_its_end_is_not_there(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.csv"
    # Of a file no more than so many bytes can be written here: the disk is full in its middle.
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400)); sys.argv[0] = 'interlock'\n"
        "from licensing_server.cli import main; main()"
    )
    words = ("audit", "export", "--from", log, "--policy", log / "policy", "--format", "csv", "--out", out, "--json")
    done = subprocess.run([sys.executable, "-c", program, *map(str, words)], capture_output=True, text=True)
    assert (done.returncode, decode_object(done.stderr.encode())["code"]) == (3, "file.unusable")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"]
    assert audit(*words[1:]).json["entries"] == 4


def test_ctrl_c_ends_a_watch_without_a_word(log: Path, tmp_path: Path) -> None:
    words = ("follow", log, "--policy", log / "policy", "--state", tmp_path / "seen", "--json")
    with writing(*words) as (command, _, errors):
        command.send_signal(signal.SIGINT)
        assert command.wait(timeout=60) == 130
        assert errors.read() == b""
