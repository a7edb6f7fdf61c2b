"""The statements of a check-in, written once: to compose one costs more than to run it.

Where a parameter says which row, its name begins with ``of``; the others fill columns.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, bindparam, delete, insert, select, update

from licensing_server import audit_log
from licensing_server.database import table_of
from licensing_server.devices.tables import Device
from licensing_server.evidence.tables import Component, JournalState, Ratchet, StoredEvent, StoredEvidence

_DEVICE: Final = table_of(Device)
_RATCHET: Final = table_of(Ratchet)
_JOURNAL: Final = table_of(JournalState)
_COMPONENT: Final = table_of(Component)

HELD: Final = (
    select(
        _RATCHET.c.nonce,
        _RATCHET.c.issued_at,
        _RATCHET.c.used_by,
        _RATCHET.c.answer,
        _JOURNAL.c.head,
        _JOURNAL.c.last,
        _COMPONENT.c.name,
        _COMPONENT.c.digest,
        audit_log.ORIGIN.scalar_subquery().label("origin"),
    )
    .select_from(_JOURNAL)
    .outerjoin(_RATCHET, and_(_RATCHET.c.device == _JOURNAL.c.device, _RATCHET.c.ratchet == bindparam("of_parent")))
    .outerjoin(_COMPONENT, _COMPONENT.c.device == _JOURNAL.c.device)
    .where(_JOURNAL.c.device == bindparam("of_device"))
)
"""What is held of a device, a row for each component (or one without): its journal, and the parent's ratchet if known.

``origin`` is the name of the log in which the report is recorded.
"""

_NAMED: Final = (_COMPONENT.c.device == bindparam("of_device"), _COMPONENT.c.name == bindparam("of_name"))
GONE_COMPONENT: Final = delete(_COMPONENT).where(*_NAMED)
NEW_COMPONENT: Final = insert(_COMPONENT)
CHANGED_COMPONENT: Final = (
    update(_COMPONENT).where(*_NAMED).values(digest=bindparam("measured"), since=bindparam("now"))
)

EVIDENCE: Final = insert(table_of(StoredEvidence))
EVENTS: Final = insert(table_of(StoredEvent))
JOURNAL: Final = (
    update(_JOURNAL)
    .where(_JOURNAL.c.device == bindparam("of_device"))
    .values(head=bindparam("new_head"), last=bindparam("new_last"))
)
SEEN: Final = (
    update(_DEVICE)
    .where(_DEVICE.c.id == bindparam("of_device"))
    .values(last_seen=bindparam("now"), manifest=bindparam("manifest_shown"))
)

USED: Final = (
    update(_RATCHET)
    .where(_RATCHET.c.device == bindparam("of_device"), _RATCHET.c.used_by.is_(None))
    .values(used_by=bindparam("document"), answer=bindparam("receipt"))
)
"""Ends every ratchet that nobody has used, in favour of one ``document``, which got this ``receipt`` or none."""
NEXT: Final = insert(_RATCHET)
