"""The command ``interlock-agent``, on a real device folder and against a real server on the loopback address."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from device_agent import Agent
from device_agent.cli.application import application
from device_agent.cli.command import Desk, command
from licensing_protocol.canonical import decode_object, encode
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.manifest import Component, ComponentKind
from tests.server.counter import Counter
from tests.server.exporter import CAPABILITY

APPROVED = ["face.identify_1toN", "--authority", "W-1", "--operator", "ana", "--operator", "ben"]
PLAN = {
    "valid_for": 86_400,
    "grants": {
        CAPABILITY: {},
        "face.identify_1toN": {
            "limits": {
                "authority": {"required": True, "pattern": "W-[0-9]+"},
                "operators": {"distinct": 2},
                "parameters": {"properties": {"candidates": {"type": "integer", "maximum": 5}}},
            }
        },
        "av.record": {
            "limits": {"area": {"allow": ["square"], "deny": [], "max_age": 60, "max_uncertainty_m": 50}},
            "on_unknown": {"degrade": {"blur": True}},
        },
    },
    "zones": {
        "square": {
            "name": "The square",
            "geometry": {"circle": {"center": [7.75, 48.58], "radius_m": 500}},
            "source": "test",
            "accuracy_m": 1,
            "pov": "test",
        }
    },
}


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    measured = (
        Component("rules", ComponentKind.FILE, "rules.json"),
        Component("retention", ComponentKind.SETTING),
    )
    with Counter.open(tmp_path_factory.mktemp("server"), measure=measured) as counter:
        yield counter


@dataclass(frozen=True)
class Device:
    """A device's files, and a shell on it."""

    folder: Path
    counter: Counter

    @property
    def environment(self) -> dict[str, str]:
        """What tells the command which device it is about."""
        return {
            "INTERLOCK_AGENT_FOLDER": str(self.folder / "agent"),
            "INTERLOCK_AGENT_MANIFEST": str(self.folder / "manifest.jws"),
            "INTERLOCK_AGENT_VENDOR_KEY": str(self.folder / "vendor-key.json"),
        }

    def run(self, *words: str, code: int = 0, given: str | None = None) -> Any:
        """Run a command with ``--json``, and return what it wrote: the answer, or the failure."""
        result = CliRunner().invoke(application, [*words, "--json"], env=self.environment, input=given)
        assert result.exit_code == code, result.output
        return decode_object((result.stdout or result.stderr).encode("utf-8"))

    def show(self, *words: str, code: int = 0) -> str:
        """Run a command as a person does, and return all that they see."""
        result = CliRunner().invoke(application, list(words), env=self.environment)
        assert result.exit_code == code, result.output
        return result.output

    def product(self, **options: Any) -> Agent:
        """Open the agent as the product's own process does."""
        return Agent.open(
            self.folder / "agent",
            manifest=self.counter.manifest,
            vendor_key=self.counter.exporter.vendor.key.jwk,
            product_folder=self.folder,
            sync_every=None,
            **options,
        )


def _lay_out(folder: Path, counter: Counter) -> Device:
    counter.furnish(folder)
    (folder / "rules.json").write_text("{}", "ascii")
    return Device(folder, counter)


def _enrolled(device: Device) -> Device:
    report = device.run("enroll", "--token-file", str(device.counter.token(PLAN, device.folder)))
    if report["problems"]:
        # The very first list is signed a moment after the first entitlement.
        device.counter.exporter.settle()
    assert device.run("sync")["problems"] == []
    return device


@pytest.fixture
def device(counter: Counter, tmp_path: Path) -> Device:
    """A device as it leaves the factory."""
    return _lay_out(tmp_path, counter)


@pytest.fixture
def enrolled(device: Device) -> Device:
    """A device that a test may change."""
    return _enrolled(device)


@pytest.fixture(scope="module")
def standing(counter: Counter, tmp_path_factory: pytest.TempPathFactory) -> Device:
    """A device that is only looked at."""
    return _enrolled(_lay_out(tmp_path_factory.mktemp("standing"), counter))


def test_a_typing_error_in_the_folder_makes_no_new_device(device: Device) -> None:
    for words in (["status"], ["sync"], ["journal"], ["decide", CAPABILITY]):
        assert device.run(*words, code=2)["code"] == "store.absent"
    assert not (device.folder / "agent").exists()


def test_enrolling_brings_an_entitlement_and_status_tells_of_it(standing: Device) -> None:
    status = standing.run("status")
    assert status["enrolled"] is True
    assert status["capabilities"][CAPABILITY]["granted"] is True
    known = standing.counter.exporter.get(f"/v1/devices/{status['device']}")
    assert known["id"] == status["device"]


def test_a_device_that_is_enrolled_stays_as_it_is(standing: Device) -> None:
    before = standing.run("status")["entitlement"]
    assert standing.run("enroll", given="")["receipts"] == 0
    assert standing.run("status")["entitlement"] == before


def test_a_token_is_read_from_standard_input_and_refused_with_the_servers_own_code(device: Device) -> None:
    failure = device.run("enroll", given="enrol_AAAAAAAAAAAAAAAAAAAAAA.secret\n", code=1)
    assert failure["code"] == "enrolment.token_refused"
    assert device.run("enroll", given="\n", code=2)["code"] == "token.missing"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([CAPABILITY], None),
        (["face.identify_1toN"], "authority.missing"),
        (["face.identify_1toN", "--authority", "X"], "authority.refused"),
        (["face.identify_1toN", "--authority", "W-1", "--operator", "ana", "--operator", "ana"], "operators.too_few"),
        (APPROVED, None),
        (
            [
                *[
                    "face.identify_1toN",
                    "--authority",
                    "W-1",
                    "--operator",
                    "a",
                    "--operator",
                    "b",
                    "--parameter",
                    "candidates=9",
                ]
            ],
            "parameters.refused",
        ),
        (
            [
                *[
                    "face.identify_1toN",
                    "--authority",
                    "W-1",
                    "--operator",
                    "a",
                    "--operator",
                    "b",
                    "--parameter",
                    "candidates=many",
                ]
            ],
            "parameters.refused",
        ),
        (["av.record", "--at", "48.58,7.75,8"], None),
        (["av.record", "--at", "48.68,7.75,8"], "area.outside"),
        (["av.remote_view"], "capability.unknown"),
        (["safety.tamper_alarm"], None),
    ],
)
def test_decide_answers_with_its_exit_code(standing: Device, words: list[str], reason: str | None) -> None:
    decision = standing.run("decide", *words, code=0 if reason is None else 1)
    assert (decision["granted"], decision.get("code")) == (reason is None, reason)


def test_decide_tells_of_a_lesser_form(standing: Device) -> None:
    decision = standing.run("decide", "av.record")
    assert (decision["granted"], decision["degraded"], decision["code"]) == (True, {"blur": True}, "area.no_position")


def test_decide_explains_every_step_as_a_table_and_as_one_object(standing: Device) -> None:
    told = standing.run("decide", "av.record", "--at", "48.68,7.75,8", "--explain", code=1)
    assert (told["granted"], told["code"], told["zone"]) == (False, "area.outside", "The square")
    found = {step["step"]: step for step in told["steps"]}
    assert (found["area"]["verdict"], found["status"]["verdict"]) == ("fails", "holds")
    assert found["area"]["facts"]["zones"][0]["border_m"] > 10_000
    assert told["on_unknown"] == {"degrade": {"blur": True}}
    seen = standing.show("decide", "av.record", "--at", "48.68,7.75,8", "--explain", code=1)
    for part in ("av.record: denied", "nearest zone where it is allowed: The square", "news and reports", "list age"):
        assert part in seen
    assert "av.record: granted" in standing.show("decide", "av.record", "--at", "48.58,7.75,8", "--explain")
    assert "never gated yes" in standing.show("decide", "safety.tamper_alarm", "--explain")


def test_sentences_are_in_the_language_that_was_asked_for(standing: Device) -> None:
    asked = ["decide", "face.identify_1toN"]
    assert "Rechtsgrundlage" in standing.show(*asked, "--language", "de", code=1)
    told = standing.run(*asked, "--explain", "--language", "fr-CA", code=1)
    assert (told["code"], told["sentence"]) == ("authority.missing", "Citez la base légale de cette utilisation.")
    assert "betrachtet" in standing.show(*asked, "--explain", "--language", "de_DE.UTF-8", code=1)
    assert "verweigert" not in standing.show(*asked, code=1)
    result = CliRunner().invoke(application, asked, env=standing.environment | {"INTERLOCK_AGENT_LANGUAGE": "de"})
    assert "Rechtsgrundlage" in result.output
    assert "hängt vom Ort ab" in standing.show("status", "--language", "de")
    refused = standing.run(*asked, "--language", "tlh", code=2)
    assert refused["code"] == "language.unknown"
    assert "de, en, fr" in refused["detail"]


def test_decide_leaves_nothing_behind(standing: Device) -> None:
    standing.run("sync")
    for _ in range(3):
        standing.run("decide", "face.identify_1toN", code=1)
    assert standing.run("journal")["items"] == []


def test_the_journal_lists_what_no_receipt_covers(enrolled: Device) -> None:
    with enrolled.product() as agent, pytest.raises(Exception, match="authority"), agent.use("face.identify_1toN"):
        pass
    (event,) = [item for item in enrolled.run("journal")["items"] if item["type"] == "capability.denied"]
    assert event["data"]["reason"] == "authority.missing"
    assert "capability.denied" in enrolled.show("journal")
    assert enrolled.run("sync")["unreported"] == 0
    assert "covered by a receipt" in enrolled.show("journal")


def test_a_command_reports_no_change_of_what_it_cannot_see(enrolled: Device) -> None:
    for retention in (30, 60):
        with enrolled.product(settings=lambda days=retention: {"retention": days}) as agent:
            agent.sync()
    enrolled.run("sync")
    reported = enrolled.counter.exporter.get(f"/v1/devices/{enrolled.run('status')['device']}/events")["items"]
    changed = [event["data"]["component"] for event in reported if event["type"] == "configuration.changed"]
    assert changed == ["retention"]


def test_with_the_products_folder_it_measures_files_too(enrolled: Device) -> None:
    enrolled.product().close()
    (enrolled.folder / "rules.json").write_text('{"changed": true}', "ascii")
    enrolled.run("sync", "--product-folder", str(enrolled.folder))
    reported = enrolled.counter.exporter.get(f"/v1/devices/{enrolled.run('status')['device']}/events")["items"]
    assert "rules" in [event["data"].get("component") for event in reported]


def test_a_device_without_a_network_exchanges_files(device: Device) -> None:
    request, answer = device.folder / "request.json", device.folder / "answer.json"
    token = device.counter.token(PLAN, device.folder)
    exporter = device.counter.exporter
    name = device.run("export", str(request), "--token-file", str(token))["device"]
    answer.write_bytes(encode(exporter.post("/v1/enrollments", decode_object(request.read_bytes()), None)))
    assert device.run("import", str(answer))["entitlement"] is True
    exporter.settle()
    device.run("export", str(request))
    content = exporter.post(f"/v1/devices/{name}/evidence", decode_object(request.read_bytes()), None)
    shard = exporter.ask("GET", "/v1/status/1", None).text
    answer.write_bytes(encode(content | {"status_lists": [shard]}))
    assert device.run("import", str(answer))["lists"] == 1
    assert device.run("decide", CAPABILITY)["granted"] is True


def test_an_answer_for_another_document_is_refused(enrolled: Device) -> None:
    answer = enrolled.folder / "answer.json"
    answer.write_text("[1, 2]", "ascii")
    assert enrolled.run("import", str(answer), code=1)["code"] == "json.not_an_object"


def test_an_old_answer_is_refused_as_one_that_came(enrolled: Device) -> None:
    request, answer = enrolled.folder / "request.json", enrolled.folder / "answer.json"
    enrolled.run("export", str(request))
    name, exporter = enrolled.run("status")["device"], enrolled.counter.exporter
    content = exporter.post(f"/v1/devices/{name}/evidence", decode_object(request.read_bytes()), None)
    answer.write_bytes(encode(content))
    enrolled.run("import", str(answer))
    enrolled.run("export", str(request))
    failure = enrolled.run("import", str(answer), code=1)
    assert (failure["code"], failure["exit"]) == ("transport.other_document", 1)


def test_a_server_out_of_reach_is_said_in_one_sentence(enrolled: Device) -> None:
    lonely = enrolled.counter.exporter.product_manifest("2.0", servers=("http://127.0.0.1:9",))
    (enrolled.folder / "manifest.jws").write_text(lonely.sign(enrolled.counter.exporter.vendor), "ascii")
    (enrolled.folder / "agent" / "agent.db").unlink()
    failure = enrolled.run("enroll", given="enrol_A.secret", code=3)
    assert failure["code"] == "transport.failed"
    assert failure["exit"] == 3


def test_sync_before_enrolment_says_what_to_do(device: Device) -> None:
    device.product().close()
    failure = device.run("sync", code=1)
    assert failure["code"] == "device.unenrolled"
    assert "interlock-agent enroll" in failure["detail"]


def test_a_manifest_of_another_vendor_is_refused(device: Device) -> None:
    (device.folder / "vendor-key.json").write_bytes(encode(SoftwareSigner.generate().key.jwk))
    assert device.run("enroll", given="enrol_A.secret", code=1)["code"] == "trust.unknown_key"
    (device.folder / "vendor-key.json").write_text("not JSON", "ascii")
    assert device.run("enroll", given="enrol_A.secret", code=2)["code"] == "file.json"


def test_a_broken_store_denies_what_is_gated_and_nothing_else(enrolled: Device) -> None:
    (enrolled.folder / "agent" / "agent.db").write_bytes(b"not a database" * 100)
    for leftover in ("agent.db-wal", "agent.db-shm"):
        (enrolled.folder / "agent" / leftover).unlink(missing_ok=True)
    assert enrolled.run("decide", CAPABILITY, code=1)["code"] == "store.unreadable"
    assert enrolled.run("decide", "safety.tamper_alarm")["granted"] is True
    assert enrolled.run("status", code=3)["problem"]["code"] == "store.unreadable"
    assert enrolled.run("journal", code=3)["code"] == "store.unreadable"
    assert enrolled.run("sync", code=3)["code"] == "store.unreadable"


@pytest.mark.parametrize("words", [["decide", CAPABILITY, "--parameter", "x"], ["decide", CAPABILITY, "--at", "here"]])
def test_words_that_cannot_be_read_are_a_mistake_of_the_command_line(standing: Device, words: list[str]) -> None:
    assert standing.run(*words, code=2)["code"] in {"parameter.malformed", "fix.malformed"}


def test_people_see_tables_and_sentences(standing: Device) -> None:
    seen = standing.show("status")
    assert CAPABILITY in seen
    assert "{" not in seen.split("capability")[0]
    assert "authority.missing" in standing.show("decide", "face.identify_1toN", code=1)


@pytest.mark.parametrize("debug", [None, "1"])
def test_a_fault_ends_in_one_sentence_that_says_where_the_details_are(device: Device, debug: str | None) -> None:
    def divide(desk: Desk, number: int) -> None:
        """Divide."""
        assert number / 0

    broken = typer.Typer()
    broken.command()(command(divide))
    environment = device.environment | ({} if debug is None else {"INTERLOCK_AGENT_DEBUG": debug})
    result = CliRunner().invoke(broken, ["1", "--json"], env=environment)
    if debug is not None:
        assert isinstance(result.exception, ZeroDivisionError)
        return
    assert result.exit_code == 5
    told = decode_object(result.stderr.encode())
    assert (told["code"], told["exit"]) == ("command.fault", 5)
    assert "ZeroDivisionError" in told["detail"]
    assert "INTERLOCK_AGENT_DEBUG=1" in told["detail"]


@pytest.mark.parametrize("words", [["status"], ["enroll", "--token-file", "token"]])
def test_a_file_of_something_else_is_a_mistake_and_no_fault(device: Device, words: list[str]) -> None:
    device.product().close()
    wrong = device.folder / ("token" if "token" in words else "manifest.jws")
    wrong.write_bytes("Prüfung".encode())
    words = [str(wrong) if word == "token" else word for word in words]
    assert device.run(*words, code=2)["code"] == "file.text"


def test_every_command_teaches_and_names_its_exit_codes() -> None:
    for name in ("status", "decide", "journal", "enroll", "sync", "export", "import"):
        result = CliRunner().invoke(application, [name, "--help"], env={"COLUMNS": "200"})
        assert result.exit_code == 0
        assert "Example:" in result.output
        assert "Exit codes:" in result.output


def test_the_agent_needs_no_command_line_and_says_so_where_the_extra_is_missing() -> None:
    light = (
        "import sys, device_agent, device_agent.agent; print({'typer', 'rich', 'device_agent.cli'} & set(sys.modules))"
    )
    assert _python(light).stdout.strip() == "set()"
    bare = _python("import sys; sys.modules['typer'] = None; from device_agent.cli import main; main()")
    assert (bare.returncode, bare.stdout) == (4, "")
    assert bare.stderr.count("\n") == 1
    assert "interlock[cli]" in bare.stderr


def test_it_runs_as_a_process_of_its_own(standing: Device) -> None:
    words = [sys.executable, "-W", "error", "-m", "device_agent.cli", "decide", "face.crowd_scan", "--json"]
    ended = subprocess.run(words, env=standing.environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert decode_object(ended.stdout.encode("utf-8"))["code"] == "capability.unknown"


def _python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
