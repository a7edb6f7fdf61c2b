"""Entries as events of the Open Cybersecurity Schema Framework: class Entity Management, of one pinned version."""

from __future__ import annotations

from typing import Any, Final

from licensing_protocol.canonical import digest, encode
from licensing_server.auditing.formats import PRODUCT, Provenance, own_version
from licensing_server.auditing.records import Record

VERSION: Final = "1.8.0"
_CATEGORY: Final = 3
_CLASS: Final = 3004
_INFORMATIONAL: Final = 1
_SHA_256: Final = 3
# The largest number that others read as it was written.
_LAST: Final = 2**53 - 1
_CREATE: Final = 1
_DELETE: Final = 4
_OTHER: Final = 99
_ACTIVITIES: Final = {
    **dict.fromkeys(("added", "issued", "made", "opened", "placed", "recorded"), _CREATE),
    **dict.fromkeys(("erased", "retired", "revoked"), _DELETE),
}
_NAMES: Final = {_CREATE: "Create", _DELETE: "Delete"}


def to_ocsf(record: Record, provenance: Provenance) -> str:
    """Return an event as a line of JSON: the act is an activity on an entity, and ``unmapped`` says where it stands."""
    return encode(event(record, provenance)).decode() + "\n"


def event(record: Record, provenance: Provenance) -> dict[str, Any]:
    """Return an event. ``time`` is in milliseconds, as the schema asks."""
    family, _dot, verb = record.type.partition(".")
    activity = _ACTIVITIES.get(verb, _OTHER)
    known = provenance.of(record)
    return {
        "category_uid": _CATEGORY,
        "category_name": "Identity & Access Management",
        "class_uid": _CLASS,
        "class_name": "Entity Management",
        "activity_id": activity,
        "activity_name": _NAMES.get(activity, verb or record.type),
        "type_uid": _CLASS * 100 + activity,
        "severity_id": _INFORMATIONAL,
        "time": max(-_LAST, min(record.time * 1000, _LAST)),
        "timezone_offset": 0,
        "actor": {"user": {"uid": record.actor}},
        "entity": {"uid": record.subject, "type": family, "type_id": _OTHER, "data": record.data},
        "metadata": {
            "version": VERSION,
            "product": {"name": PRODUCT, "vendor_name": PRODUCT, "version": own_version()},
            "event_code": record.type,
            "log_name": provenance.origin,
            "sequence": record.index,
            "uid": known["leaf_hash"],
        },
        "raw_data": record.body.decode("utf-8", "replace"),
        "raw_data_hash": {"algorithm": "SHA-256", "algorithm_id": _SHA_256, "value": digest(record.body).hex()},
        "unmapped": known,
    }
