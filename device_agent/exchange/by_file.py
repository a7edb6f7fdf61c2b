"""The same documents by file, for a device without a network (protocol §9)."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Final

from device_agent.errors import TransportError
from device_agent.exchange import check_in, enrol, lists, trust
from device_agent.exchange.device import Device, take_rest
from device_agent.exchange.report import SyncReport
from licensing_protocol import token
from licensing_protocol.canonical import JsonObject, decode_object, encode, from_base64url
from licensing_protocol.errors import InterlockError, MalformedDocument, WrongDocument
from licensing_protocol.exchange import Answer
from licensing_protocol.fields import Fields
from licensing_protocol.token import TokenType

_MOST_LISTS: Final = 16
_MOST_BYTES: Final = 16 * 1024 * 1024


def export_request(device: Device, path: Path, secret: str | None) -> None:
    """Write what the device would send: before enrolment its enrolment with a token, afterwards its evidence.

    Raises:
        TransportError: ``file.unwritable``; MalformedDocument: no token was given, and one is needed.
    """
    body = check_in.request(device) if device.state().enrolled else enrol.request(device, secret or "")
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        # An enrolment token is in it: nobody else may read it.
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(encode(body.to_json()))
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise TransportError(f"{path} cannot be written: {error.strerror}.", code="file.unwritable") from error


def import_answer(device: Device, path: Path) -> SyncReport:
    """Take the answer that somebody brought back: the server's JSON, and under ``status_lists`` any lists as texts.

    Raises:
        TransportError: ``file.unreadable``; InterlockError: it is no answer, or not for what this device sent.
    """
    content = decode_object(_read(path))
    answer = Answer.parse(content)
    if not device.state().enrolled:
        report = enrol.accept(device, answer)
    elif answer == Answer() and "status_lists" not in content:
        raise MalformedDocument("This file brings nothing: it is no answer of the exporter.", code="answer.empty")
    elif answer.receipt is None and answer.refusal is None:
        report = trust.accept(device, answer.trust, SyncReport())
        with device.writing() as work:
            report = take_rest(work, work.state, answer, report)
    else:
        report = check_in.accept(device, answer, SyncReport())
    return _take_lists(device, content, report)


def _take_lists(device: Device, content: JsonObject, report: SyncReport) -> SyncReport:
    fields = Fields(content, "answer")
    longest = token.size_limit(TokenType.STATUS_LIST)
    texts = fields.optional("status_lists", lambda name: fields.texts(name, most=_MOST_LISTS, longest=longest))
    before = device.state()
    for text in texts or ():
        try:
            report = replace(report, lists=report.lists + lists.accept(device, _shard(device, text), text))
        except InterlockError as error:
            report = report.with_problem(error)
    return replace(report, invalid=device.state().invalid - before.invalid)


def _shard(device: Device, text: str) -> str:
    """Return which of the shards that the entitlement needs a list says it is; its signature is looked at later."""
    uri = decode_object(from_base64url(text.split(".")[1])).get("sub") if text.count(".") == 2 else None
    if uri in device.state().shards:
        return str(uri)
    raise WrongDocument("No grant of this device refers to this status list.", code="status_list.uri")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise TransportError(f"{path} cannot be read: {error.strerror}.", code="file.unreadable") from error
    if len(content) > _MOST_BYTES:
        raise TransportError(f"{path} has more than {_MOST_BYTES} bytes.", code="file.unreadable")
    return content
