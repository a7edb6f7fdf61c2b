"""Cases of protocol §6, §7 and §9: what a device sends, and what it is answered."""

from __future__ import annotations

from typing import Any, Final

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
    signed,
    without,
)
from tests.vectors.journals import EMPTY, EVENTS, head_after

DEVICE_ID: Final = to_base64url(b"\x01" + decode_base64url(DEVICE.key.thumbprint))
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
        "head": head_after(EMPTY, EVENTS),
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
