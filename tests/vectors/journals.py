"""Cases of protocol §6: journals and trees of files, hashed by hand."""

from __future__ import annotations

from typing import Any, Final

import rfc8785

from licensing_protocol.canonical import JsonObject, to_base64url
from tests.vectors.forge import DEVICE, NOW, accepted, decode_base64url, refused, sha256

LABEL: Final = b"interlock/journal/1"
EMPTY: Final = sha256(LABEL, decode_base64url(DEVICE.key.thumbprint))
EVENTS: Final[list[JsonObject]] = [
    {"seq": 1, "type": "agent.started", "time": [NOW - 60, None], "boot": "b1", "data": {}},
    {
        "seq": 2,
        "type": "capability.denied",
        "time": [NOW - 50, NOW - 40],
        "boot": "b1",
        "data": {"capability": "face.identify_1toN", "code": "capability.stripped", "count": 3},
    },
    {
        "seq": 3,
        "type": "configuration.changed",
        "time": [NOW - 30, NOW - 20],
        "boot": "b1",
        "data": {"component": "règles", "changed": ["rules.json"], "total": 1},
    },
]


def head_after(start: bytes, events: list[JsonObject]) -> str:
    for event in events:
        start = sha256(LABEL, start, rfc8785.dumps(event))
    return to_base64url(start)


def journal_cases() -> list[JsonObject]:
    start = EMPTY
    later = decode_base64url(head_after(start, EVENTS[:1]))

    def ask(events: list[Any], head: bytes = start, **more: Any) -> JsonObject:
        return {"events": events, "start": to_base64url(head), **more}

    def case(name: str, comment: str, code: str, **changes: Any) -> JsonObject:
        return refused(name, comment, ask([EVENTS[0] | changes]), code)

    long = EVENTS[0] | {"data": {"text": "x" * 4096}}
    size = 4096 - len(rfc8785.dumps(EVENTS[0] | {"data": {"text": ""}}))
    fits = EVENTS[0] | {"data": {"text": "x" * size}}
    return [
        accepted("nothing", "the head stays", ask([]), head=to_base64url(start)),
        accepted("three events", "from the empty journal", ask(EVENTS), head=head_after(start, EVENTS)),
        accepted("in two parts", "the same head", ask(EVENTS[1:], later), head=head_after(start, EVENTS)),
        accepted("4096 bytes", "the most", ask([fits]), head=head_after(start, [fits])),
        refused("a gap", "event 2 is missing", ask([EVENTS[0], EVENTS[2]]), "journal.gap"),
        refused("repeated", "event 1 stands twice", ask([EVENTS[0], EVENTS[0]]), "journal.gap"),
        refused("late start", "event 1 was expected", ask(EVENTS[1:], first=1), "journal.gap"),
        refused("4097 bytes and more", "an event is short", ask([long]), "event.oversized"),
        case("long type", "at most 64 characters", "event.oversized", type="t" * 65),
        case("long boot", "at most 64 characters", "event.oversized", boot="b" * 65),
        case("a float", "no floats", "event.float", data={"speed": 1.5}),
        case("a float inside", "no floats", "event.float", data={"list": [{"speed": 1.5}]}),
        case("deep data", "at most 16 levels", "event.depth", data=_nested(17)),
        case("unknown member", "the head is over all of it", "field.unknown", extra=1),
        case("seq 0", "numbers begin at 1", "field.range", seq=0),
        case("one bound", "lower and upper", "field.range", time=[NOW]),
        case("no lower bound", "only upper may be null", "field.type", time=[None, NOW]),
        case("data as a list", "an object", "field.type", data=[]),
        refused("short start", "a head is 32 bytes", {"events": [], "start": "AAAA"}, "field.range"),
    ]


def _nested(levels: int) -> JsonObject:
    data: JsonObject = {}
    for _ in range(levels - 1):
        data = {"d": data}
    return data


def _leaf(path: bytes, kind: str = "f", mode: int = 0o644) -> JsonObject:
    return {"path": to_base64url(path), "kind": kind, "mode": mode, "digest": to_base64url(sha256(path))}


def _root(hashes: list[bytes]) -> bytes:
    """The Merkle root bottom-up, level by level: an odd node out rises as it is."""
    while len(hashes) > 1:
        pairs = [sha256(b"\x01", *hashes[at : at + 2]) for at in range(0, len(hashes) - 1, 2)]
        hashes = pairs + hashes[len(pairs) * 2 :]
    return hashes[0] if hashes else sha256()


def tree_cases() -> list[JsonObject]:
    leaves = [_leaf(b"rules.json"), _leaf(b"a/b.py", mode=0o755), _leaf(b"a-c"), _leaf(b"link", "l", 0o777)]
    odd = [*leaves, _leaf(b"sp ace/\xff%\xc3\xa9~")]
    spelled = ["a-c", "a/b.py", "link", "rules.json", "sp%20ace/%FF%25%C3%A9~"]

    def case(name: str, comment: str, leaves: list[JsonObject]) -> JsonObject:
        lines = []
        for leaf in sorted(leaves, key=lambda leaf: decode_base64url(leaf["path"])):
            path = next(text for text in spelled if sha256(_raw(text)) == decode_base64url(leaf["digest"]))
            lines.append(rfc8785.dumps([path, leaf["kind"], f"{leaf['mode']:04o}", leaf["digest"]]))
        root = _root([sha256(b"\x00", line) for line in lines])
        return accepted(name, comment, {"leaves": leaves}, digest=to_base64url(root))

    return [
        case("empty", "the hash of nothing", []),
        case("one file", "the leaf's own hash", leaves[:1]),
        case("three", "sorted by the bytes of the path: - comes before /", leaves[:3]),
        case("four", "a link among them", leaves),
        case("five", "bytes outside the unreserved set are percent-encoded", odd),
        refused("unknown kind", "f or l", {"leaves": [_leaf(b"pipe", "p")]}, "field.range"),
        refused("large mode", "four octal digits", {"leaves": [_leaf(b"x", mode=0o10000)]}, "field.range"),
    ]


def _raw(text: str) -> bytes:
    """Undo percent-encoding, by hand."""
    first, *rest = text.split("%")
    return first.encode() + b"".join(bytes.fromhex(part[:2]) + part[2:].encode() for part in rest)
