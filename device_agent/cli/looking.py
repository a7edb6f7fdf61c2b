"""``status``, ``decide`` and ``journal``: what the device believes, would decide, and has not handed over yet."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from device_agent import journal as journals
from device_agent.cli.command import Desk, command
from device_agent.cli.exits import ExitCode, Misused
from device_agent.cli.showing import show_decision, show_events, show_explanation, show_status
from device_agent.store import Store
from licensing_protocol.canonical import decode
from licensing_protocol.decision import Denied
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.languages import ENGLISH, SHIPPED, Language
from licensing_protocol.limits import Fix

_Language = Annotated[
    str,
    typer.Option(
        envvar="INTERLOCK_AGENT_LANGUAGE",
        metavar="TAG",
        help=f"Language of the sentences about reasons: {', '.join(sorted(SHIPPED))}. Codes are the same in all.",
    ),
]


@command
def status(desk: Desk, language: _Language = ENGLISH.tag) -> None:
    """Show the device: its id, entitlement, what each capability would answer, and what the exporter has to say.

    Exit code 3 says that the store cannot be read, so that only what the product is can be shown.

    Example:  interlock-agent status --language de
    """
    spoken = _language(language)
    with desk.agent() as agent:
        found = agent.status()
    show_status(desk.output, found, spoken)
    if found.problem is not None:
        raise typer.Exit(ExitCode.UNREACHABLE)


@command
def decide(
    desk: Desk,
    capability: Annotated[str, typer.Argument(help="Id of the capability, such as face.verify_1to1.")],
    authority: Annotated[str | None, typer.Option(help="The legal authority that the use would cite.")] = None,
    operator: Annotated[
        list[str] | None, typer.Option(help="Who stands behind the use; repeat it for several.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(help="A parameter of the use as NAME=VALUE; VALUE is JSON, or else the text itself."),
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="A position as LATITUDE,LONGITUDE,METRES; none is known here otherwise.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show everything that was looked at, in its order, and what it said.")
    ] = False,
    language: _Language = ENGLISH.tag,
) -> None:
    """Say whether a use would be granted now, and why not. Nothing is used up.

    Exit code 0 says granted, 1 denied. With --explain it shows every limit with its ages, distances and counts, what
    each of them says, and until when.

    Example:  interlock-agent decide face.identify_1toN --authority W-2026/0412 --operator ana --parameter candidates=3

    Example:  interlock-agent decide av.record --at 48.5846,7.7507,8 --explain --language fr
    """
    parameters = dict(_parameter(text) for text in parameter or [])
    fix, spoken = None if at is None else _fix(at), _language(language)
    use: dict[str, Any] = {"authority": authority, "operators": tuple(operator or ()), **parameters}
    with desk.agent() as agent:
        if fix is not None:
            agent.locate(fix)
        explanation = agent.explain(capability, **use) if explain else None
        decision = agent.decide(capability, **use) if explanation is None else explanation.decision
    if explanation is None:
        show_decision(desk.output, decision, spoken)
    else:
        show_explanation(desk.output, explanation, spoken)
    if isinstance(decision, Denied):
        raise typer.Exit(ExitCode.REFUSED)


@command
def journal(desk: Desk) -> None:
    """List the events that no receipt covers yet: what the exporter has not confirmed to have.

    Example:  interlock-agent journal
    """
    desk.refuse_nothing()
    store = Store.open(desk.folder)
    try:
        with store.read() as connection:
            events = list(journals.unreceipted(connection))
    finally:
        store.close()
    show_events(desk.output, events)


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name.isidentifier() or not equals:
        raise Misused("parameter.malformed", f"--parameter takes NAME=VALUE, not {text!r}.")
    try:
        return name, decode(value.encode("utf-8"))
    except MalformedDocument:
        return name, value


def _language(tag: str) -> Language:
    language = Language.named(tag)
    if not tag.lower().startswith(language.tag):
        raise Misused("language.unknown", f"There are sentences in {', '.join(sorted(SHIPPED))}, and none in {tag!r}.")
    return language


def _fix(text: str) -> Fix:
    try:
        latitude, longitude, uncertainty = map(float, text.split(","))
    except ValueError as error:
        sentence = f"--at takes LATITUDE,LONGITUDE,METRES such as 48.5846,7.7507,8, not {text!r}."
        raise Misused("fix.malformed", sentence) from error
    return Fix(latitude, longitude, uncertainty)
