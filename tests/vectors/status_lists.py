"""Cases of protocol §4: lists that a device must take, and streams that it must not."""

from __future__ import annotations

from typing import Any

from licensing_protocol.canonical import JsonObject, to_base64url
from licensing_protocol.token import TokenType
from tests.vectors.forge import DEVICE, JWKS, NOW, accepted, deflated, refused, signed, without

URI = "https://licensing.example/v1/status/1"
SHARD = 262_144
LAST = 2**20 - 1


def _bits(**statuses: int) -> bytes:
    bits = bytearray(SHARD)
    for name, status in statuses.items():
        index = int(name[1:])
        bits[index // 4] |= status << index % 4 * 2
    return bytes(bits)


BITS = _bits(i5=1, i6=2, i7=3, i8=1, i1048575=2)
CLAIMS: JsonObject = {
    "iss": "exporter",
    "sub": URI,
    "iat": NOW - 10,
    "exp": NOW + 100,
    "ttl": 30,
    "seq": NOW - 10,
    "log": {"origin": "log.example", "size": 4},
}


def _claims(stream: bytes, bits: int = 2, **changes: Any) -> JsonObject:
    return CLAIMS | {"status_list": {"bits": bits, "lst": to_base64url(stream)}} | changes


def _ask(claims: Any, idx: int = 5, **changes: Any) -> JsonObject:
    question = {"token": signed(claims, TokenType.STATUS_LIST), "jwks": JWKS, "now": NOW, "idx": idx}
    return question | changes


def status_list_cases() -> list[JsonObject]:
    sound = _claims(deflated(BITS))
    return [*_statuses(sound), *_documents(sound), *_streams()]


def _statuses(sound: JsonObject) -> list[JsonObject]:
    expected = [(0, 0), (4, 0), (5, 1), (6, 2), (7, 3), (8, 1), (9, 0), (LAST - 1, 0), (LAST, 2)]
    return [
        accepted(
            f"index {index}",
            "the lowest bits of a byte come first",
            _ask(sound, index),
            status=status,
            seq=CLAIMS["seq"],
        )
        for index, status in expected
    ]


def _documents(sound: JsonObject) -> list[JsonObject]:
    def case(name: str, comment: str, code: str, **changes: Any) -> JsonObject:
        return refused(name, comment, _ask(sound | changes), code)

    by_device = _ask(sound) | {"token": signed(sound, TokenType.STATUS_LIST, DEVICE)}
    result = {"status": 1, "seq": CLAIMS["seq"]}
    return [
        accepted("unknown claim", "ignored: a list grants nothing", _ask(sound | {"extra": 1}), **result),
        accepted("the URI asked for", "equal to sub", _ask(sound, uri=URI), **result),
        accepted("its last second", "exp is exclusive", _ask(sound, now=CLAIMS["exp"] - 1), **result),
        refused("expired", "exp is exclusive", _ask(sound, now=CLAIMS["exp"]), "status_list.expired"),
        refused("another shard", "sub is not the URI asked for", _ask(sound, uri=URI + "0"), "status_list.uri"),
        refused("index after the last", "a shard has 2^20", _ask(sound, LAST + 1), "status_list.index"),
        refused("signed by the device", "not a key of this purpose", by_device, "trust.unknown_key"),
        *(
            refused(f"no {name}", "every claim is required", _ask(without(sound, name)), "field.missing")
            for name in sound
        ),
        case("seq 0", "numbers begin at 1", "field.range", seq=0),
        case("float seq", "an integer", "field.type", seq=1.5),
        case("log without a size", "every non-zero bit is in the log", "field.missing", log={"origin": "log"}),
    ]


def _streams() -> list[JsonObject]:
    sound = deflated(BITS)

    def case(name: str, comment: str, stream: bytes, bits: int = 2, code: str = "status_list.stream") -> JsonObject:
        return refused(name, comment, _ask(_claims(stream, bits)), code)

    return [
        case("one bit", "a status has two", sound, 1, "status_list.bits"),
        case("eight bits", "a status has two", sound, 8, "status_list.bits"),
        case("no stream", "not zlib", b"\x00"),
        case("raw deflate", "zlib has a header and a sum", sound[2:-4]),
        case("wrong sum", "Adler-32 differs", sound[:-4] + bytes(4)),
        case("cut short", "the stream does not end", sound[:-5]),
        case("bytes after it", "nothing follows the stream", sound + b"\x00"),
        case("two streams", "one stream only", sound + sound),
        case("a byte too few", "exactly one shard", deflated(BITS[:-1])),
        case("a byte too many", "exactly one shard", deflated(BITS + b"\x00")),
        case("four shards", "never inflated whole", deflated(bytes(4 * SHARD))),
    ]
