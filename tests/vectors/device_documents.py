"""Cases of protocol §6, §7 and §9: what a device sends, and what it is answered."""

from __future__ import annotations

from typing import Any, Final

import rfc8785

from licensing_protocol.canonical import JsonObject, encode, to_base64url
from licensing_protocol.token import TokenType
from tests.vectors.forge import (
    DEVICE,
    EXPORTER,
    JWKS,
    NOW,
    STRANGER,
    TPM,
    accepted,
    compact,
    decode_base64url,
    digest_of,
    header,
    identity,
    refused,
    sha256,
    signed,
    without,
)

LABEL: Final = b"interlock/journal/1"
DEVICE_ID: Final = to_base64url(b"\x01" + decode_base64url(DEVICE.key.thumbprint))
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


def _head(start: bytes, events: list[JsonObject]) -> str:
    for event in events:
        start = sha256(LABEL, start, rfc8785.dumps(event))
    return to_base64url(start)


def journal_cases() -> list[JsonObject]:
    start = sha256(LABEL, decode_base64url(DEVICE.key.thumbprint))
    later = decode_base64url(_head(start, EVENTS[:1]))

    def ask(events: list[Any], head: bytes = start, **more: Any) -> JsonObject:
        return {"events": events, "start": to_base64url(head), **more}

    def case(name: str, comment: str, code: str, **changes: Any) -> JsonObject:
        return refused(name, comment, ask([EVENTS[0] | changes]), code)

    long = EVENTS[0] | {"data": {"text": "x" * 4096}}
    size = 4096 - len(rfc8785.dumps(EVENTS[0] | {"data": {"text": ""}}))
    fits = EVENTS[0] | {"data": {"text": "x" * size}}
    return [
        accepted("nothing", "the head stays", ask([]), head=to_base64url(start)),
        accepted("three events", "from the empty journal", ask(EVENTS), head=_head(start, EVENTS)),
        accepted("in two parts", "the same head", ask(EVENTS[1:], later), head=_head(start, EVENTS)),
        accepted("4096 bytes", "the most", ask([fits]), head=_head(start, [fits])),
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


RULES: Final = [296, '{"digested-measurement":["sha-256","' + digest_of("rules") + '"],"id":["rules"]}']
EVIDENCE: Final[JsonObject] = {
    "eat_profile": "tag:interlock.invalid,2026:evidence/1",
    "iat": NOW,
    "ueid": DEVICE_ID,
    "eat_nonce": digest_of("nonce"),
    "oemid": "vendor",
    "hwmodel": "model",
    "swname": "camera",
    "swversion": ["1.0"],
    "bootcount": 1,
    "uptime": 60,
    "dbgstat": "disabled",
    "measurements": [RULES],
    "interlock": {
        "fresh": to_base64url(bytes(range(16))),
        "manifest": digest_of("manifest"),
        "parent": digest_of("ratchet"),
        "first": 1,
        "head": _head(sha256(LABEL, decode_base64url(DEVICE.key.thumbprint)), EVENTS),
        "events": EVENTS,
        "entitlement": {"jti": "entitlement-1", "ver": NOW - 10},
        "status": {"https://licensing.example/v1/status/1": NOW - 10},
        "clock": {"lower": NOW - 5, "upper": None, "wall": NOW},
        "usage": {"face.verify_1to1": {"uses": 2, "denials": 0}},
    },
}


def evidence_cases() -> list[JsonObject]:
    def ask(claims: Any) -> JsonObject:
        return {"token": signed(claims, TokenType.EVIDENCE, DEVICE), "key": DEVICE.key.jwk}

    def taken(name: str, comment: str, claims: JsonObject, read: JsonObject | None = None) -> JsonObject:
        question = ask(claims)
        return accepted(name, comment, question, claims=read or claims, identity=identity(question["token"]))

    def case(name: str, comment: str, code: str, **changes: Any) -> JsonObject:
        return refused(name, comment, ask(EVIDENCE | changes), code)

    ours: JsonObject = EVIDENCE["interlock"]

    def inner(name: str, comment: str, code: str, **changes: Any) -> JsonObject:
        return case(name, comment, code, interlock=ours | changes)

    def measured(name: str, comment: str, code: str, *pair: Any) -> JsonObject:
        return case(name, comment, code, measurements=[list(pair)])

    tpm: JsonObject = {"token": signed(EVIDENCE, TokenType.EVIDENCE, TPM), "key": TPM.key.jwk}
    digest, two = digest_of("rules"), [digest_of("nonce"), digest_of("challenge")]
    one = EVIDENCE | {"eat_nonce": [digest_of("nonce")]}
    stranger = ask(EVIDENCE) | {"token": signed(EVIDENCE, TokenType.EVIDENCE, STRANGER)}
    head = header(DEVICE, TokenType.EVIDENCE)
    payload = encode(EVIDENCE).replace(b"[296,", b"[296.0,")
    floating = {"token": compact(head, payload, DEVICE), "key": DEVICE.key.jwk}
    required = (name for name in ours if name != "entitlement")
    return [
        taken("sound", "with three events", EVIDENCE),
        taken("with a challenge", "two nonces", EVIDENCE | {"eat_nonce": two}),
        taken("one nonce in a list", "the same as the nonce alone", one, EVIDENCE),
        taken("unknown claim", "ignored: evidence grants nothing", EVIDENCE | {"extra": 1}, EVIDENCE),
        taken("no entitlement", "a device that has none yet", EVIDENCE | {"interlock": without(ours, "entitlement")}),
        accepted("ES256", "a TPM's key", tpm, claims=EVIDENCE, identity=identity(tpm["token"])),
        refused("another device", "signed by another key", stranger, "trust.unknown_key"),
        *(
            refused(f"no {name}", "every claim is required", ask(without(EVIDENCE, name)), "field.missing")
            for name in EVIDENCE
        ),
        *(
            case(f"no interlock.{name}", "every claim is required", "field.missing", interlock=without(ours, name))
            for name in required
        ),
        case("another profile", "one profile only", "evidence.profile", eat_profile="tag:psacertified.org,2023:psa"),
        case("no nonce in the list", "at least one", "field.range", eat_nonce=[]),
        case("repeated nonce", "a set", "field.range", eat_nonce=[two[0], two[0]]),
        case("short nonce", "RFC 9711: 8 to 88 characters", "field.range", eat_nonce="A" * 7),
        case("long nonce in a list", "RFC 9711: 8 to 88 characters", "field.type", eat_nonce=["A" * 89]),
        case("short ueid", "the type and 32 bytes", "field.range", ueid=DEVICE.key.thumbprint),
        case("ueid of another type", "0x01: random", "field.range", ueid=to_base64url(b"\x02" + bytes(32))),
        case("component twice", "one component, one measurement", "measurement.repeated", measurements=[RULES, RULES]),
        refused("format as a float", "296.0 is no integer", floating, "field.type"),
        case("unknown dbgstat", "RFC 9711 names five", "field.range", dbgstat="off"),
        case("two versions", "one", "field.range", swversion=["1.0", "2.0"]),
        inner("short fresh", "16 bytes", "field.range", fresh="AAAA"),
        inner("first 0", "numbers begin at 1", "field.range", first=0),
        inner("event with a float", "no floats", "event.float", events=[EVENTS[0] | {"data": {"speed": 1.5}}]),
        inner("seq 0 of a list", "numbers begin at 1", "field.range", status={"u": 0}),
        inner(
            "clock without wall", "null where it is not believed", "field.missing", clock=without(ours["clock"], "wall")
        ),
        inner("usage as numbers", "uses and denials", "field.type", usage={"face.verify_1to1": 2}),
        inner("entitlement as text", "jti and ver", "field.type", entitlement="entitlement-1"),
        measured("another format", "application/measured-component+json", "measurement.format", 297, "{}"),
        measured("measurement as an object", "JSON text", "field.type", 296, {}),
        measured("measurement is not JSON", "JSON text", "json.syntax", 296, "{"),
        measured(
            "another hash",
            "SHA-256",
            "measurement.algorithm",
            296,
            '{"id":["rules"],"digested-measurement":["sha-512","' + digest + '"]}',
        ),
        measured(
            "short digest", "32 bytes", "field.range", 296, '{"id":["rules"],"digested-measurement":["sha-256","AAAA"]}'
        ),
    ]


ANSWER: Final[JsonObject] = {
    "iss": "exporter",
    "iat": NOW + 1,
    "sub": DEVICE_ID,
    "evidence": digest_of("evidence"),
    "ratchet": digest_of("ratchet 2"),
    "nonce": digest_of("nonce 2"),
}
RECEIPT: Final[JsonObject] = ANSWER | {
    "head": digest_of("head"),
    "seq": 3,
    "log": {"origin": "log.example", "leaf": digest_of("leaf")},
}
REFUSAL: Final[JsonObject] = ANSWER | {"code": "continuity.fork"}


def receipt_cases() -> list[JsonObject]:
    return _answers(RECEIPT, TokenType.RECEIPT, TokenType.REFUSAL)


def refusal_cases() -> list[JsonObject]:
    return _answers(REFUSAL, TokenType.REFUSAL, TokenType.RECEIPT)


def _answers(claims: JsonObject, typ: TokenType, other: TokenType) -> list[JsonObject]:
    def ask(claims: Any, typ: TokenType = typ, signer: Any = EXPORTER) -> JsonObject:
        return {"token": signed(claims, typ, signer), "jwks": JWKS}

    sound, more, tpm = ask(claims), ask(claims | {"extra": 1}), ask(claims, signer=TPM)
    return [
        accepted("sound", "Ed25519", sound, claims=claims, identity=identity(sound["token"])),
        accepted("ES256", "a key in hardware", tpm, claims=claims, identity=identity(tpm["token"])),
        accepted("unknown claim", "ignored", more, claims=claims, identity=identity(more["token"])),
        refused("the other typ", "a receipt is no refusal", ask(claims, other), "token.wrong_type"),
        refused("signed by the device", "not a key of this purpose", ask(claims, signer=DEVICE), "trust.unknown_key"),
        *(
            refused(f"no {name}", "every claim is required", ask(without(claims, name)), "field.missing")
            for name in claims
        ),
        refused("short ratchet", "32 bytes", ask(claims | {"ratchet": "AAAA"}), "field.range"),
        refused(
            "padded nonce", "canonical base64url", ask(claims | {"nonce": claims["nonce"] + "="}), "base64url.malformed"
        ),
        refused("float time", "an integer", ask(claims | {"iat": NOW + 0.5}), "field.type"),
    ]


ENROLLMENT: Final[JsonObject] = {
    "iat": NOW,
    "token": "one-time-token",
    "manifest": digest_of("manifest"),
    "fresh": to_base64url(bytes(range(16))),
}


def enrollment_cases() -> list[JsonObject]:
    def ask(claims: Any, signer: Any = DEVICE) -> JsonObject:
        return {"token": signed(claims, TokenType.ENROLLMENT, signer)}

    def taken(name: str, comment: str, signer: Any) -> JsonObject:
        question = ask(ENROLLMENT, signer)
        device = to_base64url(b"\x01" + decode_base64url(signer.key.thumbprint))
        return accepted(name, comment, question, claims=ENROLLMENT, identity=identity(question["token"]), device=device)

    return [
        taken("Ed25519", "a key in software", DEVICE),
        taken("ES256", "a key in a TPM", TPM),
        *(
            refused(f"no {name}", "every claim is required", ask(without(ENROLLMENT, name)), "field.missing")
            for name in ENROLLMENT
        ),
        refused("long token", "at most 200 characters", ask(ENROLLMENT | {"token": "t" * 201}), "field.range"),
        refused("short fresh", "16 bytes", ask(ENROLLMENT | {"fresh": "AAAA"}), "field.range"),
        refused(
            "evidence", "another typ", {"token": signed(ENROLLMENT, TokenType.EVIDENCE, DEVICE)}, "token.wrong_type"
        ),
    ]


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
