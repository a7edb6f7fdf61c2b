"""``interlock audit forward``."""

from __future__ import annotations

import argparse
import ssl
from typing import Final

from licensing_protocol.errors import InterlockError, MalformedDocument
from licensing_protocol.log.policy import Policy
from licensing_server.auditing.commands.export import FORMATS
from licensing_server.auditing.commands.exporting import enter_export
from licensing_server.auditing.commands.follow import add_pace, add_state, repeat, state_of, with_evidence
from licensing_server.auditing.commands.output import Output
from licensing_server.auditing.commands.parser import (
    PROGRAM,
    Command,
    Misused,
    add_source,
    add_trust,
    source_of,
    token_in,
    trust_of,
)
from licensing_server.auditing.commands.patience import patiently
from licensing_server.auditing.errors import Discrepancy
from licensing_server.auditing.formats import Provenance
from licensing_server.auditing.forward import Receiver, batches, receiver
from licensing_server.auditing.monitor import Seen, SplitView, look
from licensing_server.auditing.records import Query
from licensing_server.auditing.source import Source
from licensing_server.auditing.state import State
from licensing_server.auditing.trust import of_log

_SENT: Final = "sent.json"
_HELP = """\
Hand every new entry on to a SIEM: by syslog over TLS (RFC 5424, RFC 5425), or to an HTTP collector.

The log is followed and verified as by  interlock audit follow.  What was taken is remembered in the state folder, so
that it goes on there after any crash: each entry arrives at least once, in order, and says its index, so that the
receiver can drop what it has already. A collector gets up to 256 lines in each POST, and answers 2xx once it has
them.

From a server that asks who you are, that you begin to is entered first, once: log.exported."""


def _configure(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    text = "tls://HOST:PORT of a syslog server, or the https:// address of a collector"
    parser.add_argument("--to", metavar="RECEIVER", required=True, help=text)
    text = "what each line or message holds (default: jsonl)"
    parser.add_argument("--format", choices=["cef", "jsonl", "ocsf"], default="jsonl", help=text)
    parser.add_argument("--to-token-file", metavar="FILE", help="file with the token that a collector asks for")
    parser.add_argument(
        "--ca", metavar="FILE", help="certificates by which to know the receiver, instead of the system's"
    )
    add_state(parser)
    add_pace(parser)
    add_trust(parser)


def _run(arguments: argparse.Namespace, output: Output) -> int:
    policy, source, state = trust_of(arguments), source_of(arguments), state_of(arguments)
    to, by_word = _receiver(arguments), of_log(policy).verify
    arguments.open.callback(to.close)

    def once() -> None:
        try:
            seen = state.seen()
            step = patiently(source, lambda: look(source, policy.verify, seen, by_word=by_word, told=output.told))
            state.take(step)
        except SplitView as split:
            raise with_evidence(split, state) from split
        if state.read(_SENT) is None:
            enter_export(arguments, output, "forward", Query())
            state.write(_SENT, Seen().to_json())
        before = _sent(state)
        after = _hand_on(source, policy, state, to, before)
        if arguments.once or after.size != before.size:
            told = f"{after.size - before.size} entries of {after.origin} were taken; {after.size} in all."
            output.result({"sent": after.size - before.size, "cursor": after.size, "origin": after.origin}, [told])

    return repeat(once, arguments, output)


def _hand_on(source: Source, policy: Policy, state: State, to: Receiver, sent: Seen) -> Seen:
    """Hand on what is new since ``sent``, and remember after each batch what was taken."""
    step = patiently(source, lambda: look(source, policy.verify, sent))
    provenance = Provenance(step.checkpoint.origin, step.checkpoint.size)
    for batch in batches(source, step, sent.size):
        to.take(batch, provenance)
        sent = sent.grown(step.checkpoint.origin, [record.leaf for record in batch])
        state.write(_SENT, sent.to_json())
    return Seen(step.checkpoint.origin, sent.size, sent.edge)


def _receiver(arguments: argparse.Namespace) -> Receiver:
    token, context = token_in(arguments.to_token_file), _context(arguments.ca)
    try:
        return receiver(arguments.to, FORMATS[arguments.format], token=token, context=context)
    except MalformedDocument as error:
        raise Misused(str(error), code=error.code) from error


def _sent(state: State) -> Seen:
    value = state.read(_SENT)
    try:
        return Seen() if value is None else Seen.parse(value)
    except InterlockError as error:
        raise Discrepancy.at(str(state.folder / _SENT), error) from error


def _context(file: str | None) -> ssl.SSLContext | None:
    try:
        return None if file is None else ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError) as error:
        raise Misused(f"{file} holds no certificates; look at --ca.", code="forward.certificates") from error


FORWARD = Command(
    "forward",
    _HELP,
    f"{PROGRAM} forward https://licensing.example/log --to tls://siem.example:6514 --state ./sent "
    "--policy witnesses.policy",
    _configure,
    _run,
)
