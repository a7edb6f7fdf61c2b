"""Taking the record out: an act, begun by the entry that says who takes what, and then read by what that entry says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from licensing_protocol.canonical import JsonObject, decode, decode_object
from licensing_server.audit_log.origins import size as log_size
from licensing_server.audit_log.record import record
from licensing_server.audit_log.search import Wanted, matching
from licensing_server.audit_log.tables import LogEntry
from licensing_server.audit_log.values import values_of
from licensing_server.database import new_id
from licensing_server.problem import Conflict, Unprocessable, not_found
from licensing_server.web import Act

_TYPE: Final = "log.exported"
_TEXT: Final = "text"


@dataclass(frozen=True, slots=True)
class Export:
    """The entries from ``begin`` to before ``end`` that are as ``wanted``; the entry that began it is about ``id``."""

    id: str
    begin: int
    end: int
    wanted: Wanted


def begin_export(act: Act, form: str, wanted: Wanted, begin: int, end: int | None) -> Export:
    """Enter that somebody takes entries out: these, and none that comes later. ``form`` is what becomes of them.

    Raises:
        Unprocessable: ``export.range``.
    """
    size = log_size(act.session)
    end = size if end is None else end
    if not begin <= end <= size:
        raise Unprocessable("export.range", f"The log has {size} entries now, from 0 on; name a range within them.")
    export = Export(new_id("export"), begin, end, wanted)
    given = {name: value for name, value in asdict(wanted).items() if value is not None and name != _TEXT}
    data: JsonObject = {"form": form, "begin": begin, "end": end} | given
    # What somebody looks for may name somebody.
    sensitive = None if wanted.text is None else {_TEXT: wanted.text}
    record(act.session, _TYPE, time=act.now, actor=act.actor, subject=export.id, data=data, sensitive=sensitive)
    return export


def export_of(act: Act, id: str) -> Export:
    """Return an export that the same person began.

    Raises:
        NotFound: ``export.unknown``; Conflict: ``export.erased``.
    """
    mine = (LogEntry.subject == id, LogEntry.type == _TYPE, LogEntry.actor == act.actor)
    entry = act.session.scalar(select(LogEntry).where(*mine))
    if entry is None:
        raise not_found("export", id)
    data = decode_object(entry.body)["data"]
    given = {name: data[name] for name in Wanted.__dataclass_fields__ if name in data and name != _TEXT}
    return Export(id, data["begin"], data["end"], Wanted(**given, text=_text(act.session, entry)))


def exported(act: Act, export: Export) -> Select[LogEntry]:
    """Return the selection of the entries of an export."""
    rows = matching(act.session, export.wanted, act.roles)
    return rows.where(LogEntry.position >= export.begin, LogEntry.position < export.end)


def _text(session: Session, entry: LogEntry) -> str | None:
    for value in values_of(session, [entry])[entry.id]:
        if value.value is None:
            raise Conflict("export.erased", "What this export looked for has been erased; begin another.")
        text: str = decode(value.value.encode())
        return text
    return None
