"""How entries are written for other programs: a line each, with where it comes from in every line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from licensing_protocol.canonical import encode
from licensing_protocol.log.lines import to_base64
from licensing_server.auditing.records import Record

PRODUCT: Final = "Interlock"
_COLUMNS: Final = (
    "origin",
    "index",
    "leaf_hash",
    "checkpoint_size",
    "time",
    "type",
    "actor",
    "subject",
    "data",
)
# What makes a spreadsheet read a cell as a formula, where it stands first.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which log an entry is of, and the size of the checkpoint that covers it."""

    origin: str
    size: int

    def of(self, record: Record) -> dict[str, Any]:
        """Return where an entry comes from."""
        leaf = to_base64(record.leaf)
        return {"origin": self.origin, "index": record.index, "leaf_hash": leaf, "checkpoint_size": self.size}


Format: TypeAlias = Callable[[Record, Provenance], str]


def to_jsonl(record: Record, provenance: Provenance) -> str:
    """Return a line of JSON: the entry as it is, beside where it comes from."""
    entry = {
        "type": record.type,
        "time": record.time,
        "actor": record.actor,
        "subject": record.subject,
        "data": record.data,
    }
    return encode(provenance.of(record) | {"entry": entry}).decode() + "\n"


def to_csv(record: Record, provenance: Provenance) -> str:
    """Return a row (RFC 4180). A cell that a spreadsheet would read as a formula begins with an apostrophe."""
    known = provenance.of(record) | {"time": timestamp(record.time), "data": encode(record.data).decode()}
    known |= {"type": record.type, "actor": record.actor, "subject": record.subject}
    return _row([_harmless(str(known[name])) for name in _COLUMNS])


def csv_head() -> str:
    """Return the first row, which names the columns."""
    return _row(list(_COLUMNS))


def timestamp(seconds: int) -> str:
    """Return an instant as RFC 3339 writes it, in UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def own_version() -> str:
    """Return the version of this program."""
    return version("interlock")


def _harmless(cell: str) -> str:
    # Some spreadsheets drop what cannot be seen, and look at what stands first then.
    seen = "".join(char for char in cell if char.isprintable() and not char.isspace())
    return f"'{cell}" if cell.startswith(_FORMULA) or seen.startswith(_FORMULA) else cell


def _row(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(cells)
    return text.getvalue()


_CEF_HEAD: Final[Mapping[str, str]] = MappingProxyType({"\\": "\\\\", "|": "\\|", "\n": " ", "\r": " "})
_CEF_VALUE: Final[Mapping[str, str]] = MappingProxyType({"\\": "\\\\", "=": "\\=", "\n": "\\n", "\r": "\\r"})
# The longest custom string that the format allows.
_CEF_LONGEST: Final = 4000


def to_cef(record: Record, provenance: Provenance) -> str:
    """Return a line of the Common Event Format, version 0. ``data`` is cut after 4,000 characters."""
    head = ["CEF:0", PRODUCT, PRODUCT, own_version(), record.type, record.type, "3"]
    values = {
        "rt": record.time * 1000,
        "externalId": record.index,
        "suid": record.actor,
        "cs1Label": "subject",
        "cs1": record.subject,
        "cs2Label": "origin",
        "cs2": provenance.origin,
        "cs3Label": "leafHash",
        "cs3": to_base64(record.leaf),
        "cn1Label": "checkpointSize",
        "cn1": provenance.size,
        "cs4Label": "data",
        "cs4": encode(record.data).decode()[:_CEF_LONGEST],
    }
    extension = " ".join(f"{name}={_escaped(str(value), _CEF_VALUE)}" for name, value in values.items())
    return "|".join([head[0], *(_escaped(part, _CEF_HEAD) for part in head[1:]), extension]) + "\n"


def _escaped(text: str, by: Mapping[str, str]) -> str:
    return "".join(by.get(char, char if char.isprintable() else " ") for char in text)
