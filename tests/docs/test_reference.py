"""The reference leaves nothing out: what is generated finds everything, what is written by hand names everything."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import APIRoute

from docs._ext import audit_commands, codes, commands, routes, settings
from licensing_protocol.decision import Granted
from licensing_protocol.journal import EventType
from licensing_protocol.limits import Limits
from licensing_protocol.reasons import SENTENCES
from licensing_server.app import ROUTERS
from licensing_server.auditing.commands.run import COMMANDS
from licensing_server.config import Settings
from licensing_server.entitlements.plan import GrantPlan, PlannedGrant
from tests.docs.pages import DOCS, ROOT

_KEYWORD = re.compile(r'\bcode="([a-z0-9_.]+)"')
_PROBLEM = re.compile(r'\b(?:Conflict|Forbidden|Unprocessable|Unavailable|TooLarge|TooMany)\(\s*"([a-z0-9_.]+)"')
_FINDING = re.compile(r'Finding\(\s*"([a-z_.]+)"')


def _source(package: str) -> str:
    return "\n".join(path.read_text("utf-8") for path in (ROOT / package).rglob("*.py"))


def _page(name: str) -> str:
    return (DOCS / "reference" / name).read_text("utf-8")


def test_every_reason_is_listed() -> None:
    assert {found.code for found in codes.reasons()} == set(SENTENCES)


def test_every_code_of_the_protocol_is_listed() -> None:
    written = set(_KEYWORD.findall(_source("licensing_protocol")))
    assert written <= {found.code for found in codes.protocol_codes()}
    assert len(written) > 40


def test_every_problem_of_the_server_is_listed_with_its_sentence() -> None:
    written = set(_PROBLEM.findall(_source("licensing_server")))
    found = codes.problem_codes()
    assert written <= {code.code for code in found}
    assert [code.code for code in found if not code.sentence] == []


def test_every_class_of_errors_is_listed() -> None:
    kinds = {found.kind for found in codes.error_tree()}
    assert {"BadSignature", "RolledBack", "CapabilityDenied", "StoreFull", "TransportError"} <= kinds


@pytest.mark.parametrize(
    ("application", "program", "some"),
    [
        ("licensing_server.cli.application:application", "interlock", {"interlock serve", "interlock alerts close"}),
        ("device_agent.cli.application:application", "interlock-agent", {"interlock-agent enroll"}),
    ],
)
def test_every_command_is_listed_with_what_it_does(application: str, program: str, some: set[str]) -> None:
    listed = commands.commands(application, program)
    assert some <= {command.path for command in listed}
    for command in listed:
        assert command.help, command.path
        assert [names for names, text in command.parameters if not text] == [], command.path
    assert f"{application} {program}" in _page(f"{program}.md")


def test_every_command_of_an_audit_is_listed_with_its_options_and_codes() -> None:
    page = audit_commands.to_markdown()
    for command in COMMANDS:
        assert f"## interlock audit {command.name}\n" in page
        assert [names for names, meaning in audit_commands.options(command) if not meaning] == []
    written = set(_KEYWORD.findall(_source("licensing_server/auditing")))
    found = codes.audit_codes()
    assert written == {code.code for code in found}
    assert [code.code for code in found if not code.sentence] == []


def test_an_option_that_is_common_to_one_program_is_listed_for_the_other() -> None:
    listed = commands.commands("licensing_server.cli.application:application", "interlock")
    (add,) = (command for command in listed if command.path == "interlock products add")
    assert "`--vendor-key`" in {names for names, _ in add.parameters}


def test_every_route_is_listed_with_who_may_use_it() -> None:
    listed = list(routes.routes())
    served = {route.path for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)}
    assert {route.path for route in listed} == served
    assert [route.path for route in listed if not route.who or not route.summary] == []


def test_every_setting_of_the_server_is_listed_with_its_meaning() -> None:
    listed = list(settings.rows())
    assert {name for name, _, _ in listed} == {f"INTERLOCK_{name.upper()}" for name in Settings.model_fields}
    assert [name for name, _, meaning in listed if not meaning] == []


def test_every_event_and_every_kind_of_case_is_documented() -> None:
    page = _page("alerts.md")
    kinds = set(_FINDING.findall(_source("licensing_server")))
    assert "continuity.fork" in kinds
    assert [name for name in sorted({*EventType, *kinds}) if f"`{name}`" not in page] == []


def test_every_scenario_is_named_beside_the_adversary_whom_it_plays() -> None:
    page = (DOCS / "explanation" / "threat-model.md").read_text("utf-8")
    played = sorted(path.name for path in (ROOT / "tests" / "scenarios").glob("test_*.py"))
    assert re.findall(r"^\| (\d+) \| `(test_\w+\.py)` \|$", page, re.MULTILINE) == [
        (str(int(name.split("_")[1])), name) for name in played
    ]


def test_every_member_of_a_plan_and_every_kind_of_limit_is_documented() -> None:
    page = _page("plan.md")
    names = {*GrantPlan.model_fields, *PlannedGrant.model_fields, *Limits.__dataclass_fields__} - {"foreign"}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_a_granted_use_is_documented_on_the_page_about_embedding() -> None:
    page = (DOCS / "how-to" / "embed-the-agent.md").read_text("utf-8")
    assert [
        name for name in ("degraded", "obligations") if name in Granted.__dataclass_fields__ and name not in page
    ] == []
