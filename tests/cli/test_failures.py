"""Failures are told in a sentence with a code and what to do next, and by the exit code."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from licensing_protocol import canonical
from licensing_server.cli.command import local
from licensing_server.cli.output import Output
from tests.cli.command_line import Staff, environment
from tests.cli.exporter import Company


def test_a_refusal_has_sentence_code_and_advice(ada: Staff, company: Company, tmp_path: Path) -> None:
    vera = ada.ask("people", "add", "Vera Vendor", "--role", "vendor")
    token_file = tmp_path / "vera.token"
    ada.ask("people", "token", vera["id"], "--out", token_file)
    answer = Staff(ada.server, token_file).run("people", "list")
    assert (answer.code, answer.out) == (1, "")
    sentence, code, advice = answer.err.splitlines()
    assert sentence
    assert code.startswith("  code: role.missing, request: ")
    assert advice == "  next: An administrator gives roles with: interlock people roles PERSON --role ROLE"


def test_with_json_a_refusal_is_the_problem_document(ada: Staff) -> None:
    answer = ada.run("devices", "show", "nobody", "--json")
    assert (answer.code, answer.out) == (1, "")
    assert (answer.failure["code"], answer.failure["status"], answer.failure["exit"]) == ("device.unknown", 404, 1)
    assert answer.failure["request_id"]


@pytest.mark.parametrize(
    ("server", "code"),
    [
        ("http://licensing.example", "server.insecure"),
        ("ftp://licensing.example", "server.address"),
        ("licensing.example:8470", "server.address"),
        ("http://127.0.0.1.example", "server.insecure"),
    ],
)
def test_a_token_is_not_sent_to_an_unsafe_address(ada: Staff, server: str, code: str) -> None:
    answer = Staff(server, ada.token_file).run("alerts", "list", "--json")
    assert (answer.code, answer.failure["code"]) == (2, code)


def test_a_token_file_that_is_none(ada: Staff, tmp_path: Path) -> None:
    for content in (None, "", "two words", "naïve"):
        path = tmp_path / "token"
        if content is not None:
            path.write_text(content)
        answer = Staff(ada.server, path).run("alerts", "list", "--json")
        assert (answer.code, answer.failure["code"]) == (2, "token.file")


def test_a_plan_that_is_no_json(ada: Staff, company: Company, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('{"grants": {}, "grants": {}}')
    answer = ada.run("issue", "AQ", "--plan", plan, "--json")
    assert (answer.code, answer.failure["code"]) == (2, "file.json")
    assert str(plan) in answer.failure["detail"]


def test_a_server_that_is_not_there(ada: Staff) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        answer = Staff(address, ada.token_file).run("alerts", "list", "--json")
    assert (answer.code, answer.failure["code"]) == (3, "server.unreachable")


def test_a_wrong_option_is_usage(ada: Staff) -> None:
    assert ada.run("alerts", "list", "--state", "asleep").code == 2


def test_a_revocation_asks_first(ada: Staff) -> None:
    scope = ("--device", "AQ", "--capability", "av.record")
    answer = ada.run("revoke", *scope, "--reason-code", "mistake", "--reason", "Not to be done.", "--json")
    assert (answer.code, answer.failure["code"]) == (2, "confirm.needed")


@pytest.mark.parametrize("debug", [None, "1"])
def test_a_fault_ends_in_one_sentence_that_says_where_the_details_are(debug: str | None) -> None:
    def divide(output: Output, number: int) -> None:
        """Divide."""
        assert number / 0

    broken = typer.Typer()
    broken.command()(local(divide))
    result = CliRunner().invoke(broken, ["1", "--json"], env={"INTERLOCK_DEBUG": debug})
    if debug is not None:
        assert isinstance(result.exception, ZeroDivisionError)
        return
    told = canonical.decode_object(result.stderr.encode())
    assert (result.exit_code, told["code"], told["exit"]) == (5, "command.fault", 5)
    assert "ZeroDivisionError" in told["detail"]
    assert "INTERLOCK_DEBUG=1" in told["advice"]


def test_a_file_that_cannot_be_used_is_a_mistake(ada: Staff, company: Company, tmp_path: Path) -> None:
    for plan in (tmp_path / "nothing.json", tmp_path):
        assert ada.run("issue", "AQ", "--plan", plan, "--json").code == 2


def test_a_country_that_is_none_is_told_in_words(ada: Staff) -> None:
    answer = ada.run("parties", "add", "Nowhere Office", "--country", "XX")
    assert answer.code == 1
    assert answer.err.startswith("country must be a country's code")


def test_an_extra_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    code = "import sys; sys.modules['uvicorn'] = None; from licensing_server.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--data-dir", str(tmp_path)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 4
    sentence, code_line = done.stderr.splitlines()
    assert sentence.startswith("This command needs the package 'uvicorn'")
    assert code_line == "  code: extra.missing"


@pytest.mark.parametrize("command", ["licensing_server.cli", "device_agent.cli"])
@pytest.mark.parametrize("wrong", [["nothing-like-it"], ["--no-such-option"]])
def test_a_wrong_command_line_is_one_object_too(command: str, wrong: list[str]) -> None:
    line = [sys.executable, "-m", command, *wrong, "--json"]
    answer = subprocess.run(line, capture_output=True, check=False, timeout=60)
    failure = canonical.decode_object(answer.stderr)
    assert (answer.returncode, failure["code"], failure["exit"]) == (2, "command.usage", 2)


def test_a_question_that_nobody_answers_is_one_object_too(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "licensing_server.cli", "init", "--data-dir", str(tmp_path / "data"), "--json"]
    answer = subprocess.run(line, capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
    assert answer.returncode == 2
    assert b'"command.unanswered"' in answer.stderr
    assert not (tmp_path / "data").exists()
