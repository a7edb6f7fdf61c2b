"""Every entry is handed on at least once and in order, whatever breaks, and nothing that does not hold is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from licensing_protocol.canonical import decode_object
from licensing_protocol.log.lines import to_base64
from licensing_protocol.log.merkle import leaf_hash
from licensing_server.auditing import Discrepancy
from licensing_server.auditing.formats import Provenance
from licensing_server.auditing.forward import batches
from licensing_server.auditing.monitor import Seen, look
from licensing_server.auditing.records import Record
from licensing_server.auditing.syslog import message
from tests.auditing.test_commands import audit
from tests.cli.command_line import Answer
from tests.simulators.published_log import Files, PublishedLog, entries, entry
from tests.simulators.syslog import SyslogServer
from tests.simulators.web import Web, write_certificate

LOG = PublishedLog(entries(700))
MESSAGE = re.compile(
    rb"<109>1 (?P<time>\S+) (?P<host>\S+) interlock - (?P<id>\S+) "
    rb'\[interlock@32473 origin="(?P<origin>[^"]*)" index="(?P<index>\d+)" leaf="(?P<leaf>[^"]*)" '
    rb'size="(?P<size>\d+)"\] '
    rb"\xef\xbb\xbf(?P<text>.*)",
    re.DOTALL,
)


class Forwarder:
    """Forwards what is published now, once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = write_certificate(folder / "server.pem")
        (folder / "policy").write_text(LOG.policy_text)

    def run(self, to: str, size: int, *more: str | Path) -> Answer:
        LOG.write(self.folder / "log", size)
        return self.again(to, *more)

    def again(self, to: str, *more: str | Path) -> Answer:
        fixed = ("forward", self.folder / "log", "--policy", self.folder / "policy", "--state", self.folder / "state")
        return audit(*fixed, "--to", to, "--ca", self.certificate, "--once", "--json", *more)


@pytest.fixture
def forwarder(tmp_path: Path) -> Forwarder:
    return Forwarder(tmp_path)


def indices(taken: list[bytes]) -> list[int]:
    return [int(found["index"]) for one in taken if (found := MESSAGE.fullmatch(one))]


def test_syslog_messages_carry_the_entry_and_where_it_stands(forwarder: Forwarder) -> None:
    with SyslogServer().serving(forwarder.certificate) as server:
        assert forwarder.run(server.address, 300).json == {"sent": 300, "cursor": 300, "origin": LOG.origin}
        assert forwarder.again(server.address).json["sent"] == 0
        assert forwarder.run(server.address, 700).json["sent"] == 400
        assert indices(server.taken) == list(range(700))
        found = MESSAGE.fullmatch(server.taken[7])
        assert found is not None
        assert (found["time"], found["host"], found["id"]) == (
            b"2026-02-25T06:13:27Z",
            b"exporter.example",
            b"device.tagged",
        )
        assert found["leaf"].decode() == to_base64(leaf_hash(LOG.entries[7]))
        assert decode_object(found["text"])["entry"]["data"] == {"number": 7}


def test_a_receiver_that_hangs_up_gets_the_batch_again(forwarder: Forwarder) -> None:
    with SyslogServer(cut=[100]).serving(forwarder.certificate) as server:
        broken = forwarder.run(server.address, 700)
        assert (broken.code, broken.failure["code"]) == (3, "audit.unreachable")
        assert forwarder.again(server.address).json["sent"] == 700
        arrived = indices(server.taken)
        assert list(dict.fromkeys(arrived)) == list(range(700))
        assert len(arrived) > 700


def test_a_receiver_that_hung_up_before_it_read_anything_has_taken_nothing(forwarder: Forwarder) -> None:
    with SyslogServer(deaf=1).serving(forwarder.certificate) as server:
        broken = forwarder.run(server.address, 3)
        assert (broken.code, broken.failure["code"]) == (3, "audit.unreachable")
        assert forwarder.again(server.address).json["sent"] == 3
        assert indices(server.taken) == [0, 1, 2]


def test_a_syslog_server_that_cannot_prove_who_it_is_gets_nothing(forwarder: Forwarder, tmp_path: Path) -> None:
    other = write_certificate(tmp_path / "other.pem")
    with SyslogServer().serving(other) as server:
        assert forwarder.run(server.address, 5).code == 3
        assert server.taken == []


def test_a_collector_takes_lines_and_a_repeated_batch_has_the_same_key(forwarder: Forwarder) -> None:
    token = forwarder.folder / "token"
    token.write_text("secret")
    with Web(token="secret").serving(forwarder.certificate) as web:
        done = forwarder.run(f"{web.address}/collect", 300, "--to-token-file", token)
        assert (done.code, done.json["sent"]) == (0, 300), done.err
        assert forwarder.run(f"{web.address}/collect", 301).code == 3
        web.answers = [(500, {})]
        assert forwarder.again(f"{web.address}/collect", "--to-token-file", token).code == 3
        assert forwarder.again(f"{web.address}/collect", "--to-token-file", token).json["cursor"] == 301
        keys = [headers["idempotency-key"] for _path, headers, _body in web.taken]
        assert keys == [f"{LOG.origin}#0-255", f"{LOG.origin}#256-299", f"{LOG.origin}#300-300"]
        lines = [line for _path, _headers, body in web.taken for line in body.splitlines()]
        assert [decode_object(line)["index"] for line in lines] == list(range(301))
        assert {path for path, _headers, _body in web.taken} == {"/collect"}


def test_what_an_address_asks_beside_its_path_is_asked(forwarder: Forwarder) -> None:
    with Web().serving() as web:
        assert forwarder.run(f"{web.address}/collect?channel=log", 3).json["sent"] == 3
        assert {path for path, _headers, _body in web.taken} == {"/collect?channel=log"}


def test_a_busy_collector_is_asked_again(forwarder: Forwarder) -> None:
    with Web(answers=[(503, {"Retry-After": "0"})]).serving() as web:
        assert forwarder.run(web.address, 3).json["sent"] == 3


def test_a_log_that_does_not_hold_is_not_handed_on(forwarder: Forwarder) -> None:
    with Web().serving() as web:
        assert forwarder.run(web.address, 300).json["sent"] == 300
        other = PublishedLog([*LOG.entries[:100], entry(100, actor="nobody"), *LOG.entries[101:]])
        other.log, other.witnesses = LOG.log, LOG.witnesses
        other.write(forwarder.folder / "log")
        assert forwarder.again(web.address).failure["code"] == "proof.consistency"
        assert len(web.taken) == 2
        assert (forwarder.folder / "state" / "evidence").is_dir()
        assert forwarder.run(web.address, 400).json["sent"] == 100


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("--to", "siem.example:6514"), "forward.address", 2),
        (("--to", "tls://siem.example:99999"), "forward.address", 2),
        (("--to", "tls://[::1"), "forward.address", 2),
        (("--to", "tls://127.0.0.1:1"), "audit.unreachable", 3),
        (("--to", "http://siem.example", "--to-token-file", "TOKEN"), "audit.unreachable", 3),
        (("--to", "https://siem.example", "--ca", "TOKEN"), "forward.certificates", 2),
    ],
)
def test_a_receiver_that_cannot_be_used_is_told(
    forwarder: Forwarder, arguments: tuple[str, ...], code: str, exit_code: int
) -> None:
    token = forwarder.folder / "token"
    token.write_text("secret")
    LOG.write(forwarder.folder / "log", 3)
    given = [str(token) if word == "TOKEN" else word for word in arguments]
    fixed = ("--policy", forwarder.folder / "policy", "--state", forwarder.folder / "state", "--once", "--json")
    shown = audit("forward", forwarder.folder / "log", *fixed, *given)
    assert (shown.code, shown.failure["code"]) == (exit_code, code)


def test_what_changes_after_it_was_verified_is_not_handed_on() -> None:
    files = Files(LOG.files())
    step = look(files, LOG.policy.verify, Seen())
    files.change("tile/entries/001", 20)
    found = batches(files, step, 0)
    assert [record.index for record in next(found)] == list(range(256))
    with pytest.raises(Discrepancy) as caught:
        next(found)
    assert (caught.value.code, caught.value.index) == ("audit.moved", 256)


def test_what_an_entry_says_cannot_break_out_of_its_message() -> None:
    nasty = Record.parse(0, entry(0, type='x] y\n"', actor='"]\\'))
    found = MESSAGE.fullmatch(message(nasty, Provenance('a"]\\\n b/log', 1), "text\n").replace(b'\\"', b"'"))
    assert found is not None
    assert found["id"] == b'x]y"'
    assert b"\n" not in found["origin"]
