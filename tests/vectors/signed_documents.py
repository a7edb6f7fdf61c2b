"""Cases of protocol §1: signatures, headers, segments, strict JSON, keys."""

from __future__ import annotations

from typing import Any

from licensing_protocol.canonical import JsonObject, encode, to_base64url
from licensing_protocol.token import TokenType
from tests.vectors.forge import (
    DEVICE,
    ED25519_ORDER,
    EXPORTER,
    JWKS,
    NOW,
    STRANGER,
    TPM,
    accepted,
    compact,
    decode_base64url,
    header,
    identity,
    refused,
    signed,
    with_s,
    without,
)

CLAIMS: JsonObject = {"iat": NOW, "iss": "exporter"}
RECEIPT = TokenType.RECEIPT


def token_cases() -> list[JsonObject]:
    return [*_signatures(), *_headers(), *_segments(), *_payloads(), *_enrollments()]


def _ask(token: str, typ: str = RECEIPT.value) -> JsonObject:
    return {"token": token, "typ": typ, "jwks": JWKS}


def _taken(name: str, comment: str, token: str, signer: Any, claims: Any = CLAIMS) -> JsonObject:
    return accepted(name, comment, _ask(token), claims=claims, identity=identity(token), kid=signer.key.thumbprint)


def _signatures() -> list[JsonObject]:
    good, tpm = signed(CLAIMS, RECEIPT), signed(CLAIMS, RECEIPT, TPM)
    head, _, last = good.rpartition(".")
    tpm_head, _, tpm_last = tpm.rpartition(".")
    raw = decode_base64url(last)
    respelled = raw[:32] + (int.from_bytes(raw[32:], "little") + ED25519_ORDER).to_bytes(32, "little")
    high = with_s(decode_base64url(tpm_last), high=True)
    other = signed({"iat": NOW + 1, "iss": "exporter"}, RECEIPT)
    crossed = f"{other.rpartition('.')[0]}.{last}"
    return [
        _taken("Ed25519", "a sound document", good, EXPORTER),
        _taken("ES256", "a sound document with a low s", tpm, TPM),
        _taken("ES256, high s", "legal: TPMs make them, and the identity is the same", _with(tpm_head, high), TPM),
        refused("another document's signature", "the payload was changed", _ask(crossed), "trust.bad_signature"),
        refused("Ed25519, s + L", "the scalar is not reduced", _ask(_with(head, respelled)), "trust.bad_signature"),
        refused("all zeros", "no signature at all", _ask(_with(head, bytes(64))), "trust.bad_signature"),
        refused("ES256, zero", "r and s are zero", _ask(_with(tpm_head, bytes(64))), "trust.bad_signature"),
        refused("63 bytes", "a signature is 64 bytes", _ask(_with(head, raw[:63])), "token.signature_length"),
        refused("no signature", "the segment is empty", _ask(f"{head}."), "token.signature_length"),
        refused(
            "unknown key",
            "signed by a key that is not trusted",
            _ask(signed(CLAIMS, RECEIPT, STRANGER)),
            "trust.unknown_key",
        ),
        refused(
            "borrowed kid",
            "the stranger names the exporter's key",
            _ask(compact(header(EXPORTER, RECEIPT), CLAIMS, STRANGER)),
            "trust.bad_signature",
        ),
    ]


def _with(signing_input: str, signature: bytes) -> str:
    return f"{signing_input}.{to_base64url(signature)}"


def _headers() -> list[JsonObject]:
    sound = header(EXPORTER, RECEIPT)

    def case(name: str, comment: str, head: Any, code: str) -> JsonObject:
        return refused(name, comment, _ask(compact(head, CLAIMS, EXPORTER)), code)

    doubled = b'{"alg":"EdDSA","alg":"EdDSA",' + encode(without(sound, "alg"))[1:]
    return [
        case("alg none", "the algorithm belongs to the key", sound | {"alg": "none"}, "trust.bad_signature"),
        case("alg of another key", "ES256 under an Ed25519 key", sound | {"alg": "ES256"}, "trust.bad_signature"),
        case("alg HS256", "a public key is no shared secret", sound | {"alg": "HS256"}, "trust.bad_signature"),
        case("no alg", "the header has exactly alg, kid and typ", without(sound, "alg"), "field.missing"),
        case("no kid", "the header has exactly alg, kid and typ", without(sound, "kid"), "field.missing"),
        case("no typ", "the header has exactly alg, kid and typ", without(sound, "typ"), "field.missing"),
        case("crit", "no other header member", sound | {"crit": ["exp"]}, "field.unknown"),
        case("b64", "no other header member", sound | {"b64": False}, "field.unknown"),
        case(
            "jwk outside an enrolment",
            "a key that vouches for itself",
            sound | {"jwk": EXPORTER.key.jwk},
            "field.unknown",
        ),
        case("typ of another purpose", "a receipt was expected", sound | {"typ": "refusal+jwt"}, "token.wrong_type"),
        case("typ in capitals", "typ is compared exactly", sound | {"typ": "RECEIPT+JWT"}, "token.wrong_type"),
        case("repeated member", "alg stands twice", doubled, "json.duplicate_name"),
        case("a list", "the header is an object", b"[]", "json.not_an_object"),
        refused("unknown typ asked for", "the question itself", _ask("a.b.c", "jwt"), "field.range"),
    ]


def _segments() -> list[JsonObject]:
    good = signed(CLAIMS, RECEIPT)
    head, payload, last = good.split(".")
    stray = last[:-1] + ("B" if last[-1] == "A" else chr(ord(last[-1]) + 1))
    return [
        refused("two segments", "a compact JWS has three", _ask(f"{head}.{payload}"), "token.segments"),
        refused("four segments", "a compact JWS has three", _ask(f"{good}.AA"), "token.segments"),
        refused("padding", "unpadded base64url only", _ask(f"{good}=="), "base64url.malformed"),
        refused(
            "stray bits",
            "the last character has bits that encode nothing",
            _ask(f"{head}.{payload}.{stray}"),
            "base64url.malformed",
        ),
        refused("base64", "+ and / are of another alphabet", _ask(f"{head}.+/+/.{last}"), "base64url.malformed"),
        refused("line end", "nothing follows", _ask(f"{good}\n"), "base64url.malformed"),
        refused("one byte over 64 KiB", "length is looked at first", _ask("A" * 65_537), "document.oversized"),
    ]


def _payloads() -> list[JsonObject]:
    def case(name: str, comment: str, payload: bytes, code: str) -> JsonObject:
        return refused(name, comment, _ask(compact(header(EXPORTER, RECEIPT), payload, EXPORTER)), code)

    spaced = compact(header(EXPORTER, RECEIPT), b'{ "iss": "exporter", "iat": %d }' % NOW, EXPORTER)
    return [
        _taken("payload not canonical", "legal: the identity is over the bytes as they are", spaced, EXPORTER),
        case("payload is a list", "claims are an object", b"[1]", "json.not_an_object"),
        case("repeated claim", "iat stands twice", b'{"iat":1,"iat":1}', "json.duplicate_name"),
        case("not JSON", "it breaks off", b'{"iat":', "json.syntax"),
        case("not UTF-8", "Latin-1", b'{"a":"\xe9"}', "json.encoding"),
    ]


def _enrollments() -> list[JsonObject]:
    typ = TokenType.ENROLLMENT
    good = signed(CLAIMS, typ, DEVICE)
    borrowed = compact(header(DEVICE, typ, jwk=STRANGER.key.jwk), CLAIMS, STRANGER)
    private = compact(header(DEVICE, typ, jwk=DEVICE.key.jwk | {"d": "AA"}), CLAIMS, DEVICE)
    bare = compact(header(DEVICE, typ), CLAIMS, DEVICE)
    foreign = compact(header(DEVICE, typ, jwk=DEVICE.key.jwk), CLAIMS, STRANGER)
    asked = typ.value
    return [
        accepted(
            "enrolment",
            "the key in the header is the key that signed",
            _ask(good, asked),
            claims=CLAIMS,
            identity=identity(good),
            kid=DEVICE.key.thumbprint,
        ),
        refused("enrolment, borrowed kid", "kid is not the thumbprint of jwk", _ask(borrowed, asked), "token.header"),
        refused("enrolment, private key", "the private half was sent", _ask(private, asked), "key.private"),
        refused("enrolment without jwk", "nothing to verify under", _ask(bare, asked), "field.missing"),
        refused("enrolment by another", "no possession of the key", _ask(foreign, asked), "trust.bad_signature"),
    ]


def json_cases() -> list[JsonObject]:
    def case(name: str, comment: str, data: bytes, code: str) -> JsonObject:
        return refused(name, comment, {"bytes": to_base64url(data)}, code)

    def sound(name: str, comment: str, data: bytes, canonical: bytes) -> JsonObject:
        return accepted(name, comment, {"bytes": to_base64url(data)}, canonical=to_base64url(canonical))

    return [
        sound("members are sorted", "RFC 8785 §3.2.3", b'{"b": 1, "a": [true, null]}', b'{"a":[true,null],"b":1}'),
        sound(
            "sorted by UTF-16",
            "a surrogate pair sorts before U+FB33",
            '{"\ufb33":1,"😀":2}'.encode(),
            '{"😀":2,"\ufb33":1}'.encode(),
        ),
        sound(
            "floats",
            "shortest form that is read back",
            b"[1.0, 0.1, 1e-7, 333333333.33333329]",
            b"[1,0.1,1e-7,333333333.3333333]",
        ),
        sound("largest integer", "2^53 - 1", b"9007199254740991", b"9007199254740991"),
        sound("minus zero", "is zero", b"-0.0", b"0"),
        sound("32 levels", "the most", b"[" * 32 + b"]" * 32, b"[" * 32 + b"]" * 32),
        sound("escaped pair", "a whole pair is one character", b'"\\ud83d\\ude00"', '"😀"'.encode()),
        case("33 levels", "over 32", b"[" * 33 + b"]" * 33, "json.depth"),
        case("2^53", "write it as a string", b"9007199254740992", "json.number"),
        case("2^53 as a float", "the same number, written otherwise", b"9007199254740992.0", "json.number"),
        case("-2^53", "write it as a string", b"-9007199254740992", "json.number"),
        case("1e16", "an integer too", b"1e16", "json.number"),
        case("a very long integer", "refused before it is read", b"1" * 5000, "json.number"),
        case("1e999", "no double", b"1e999", "json.number"),
        case("NaN", "not JSON", b"NaN", "json.number"),
        case("-Infinity", "not JSON", b"[-Infinity]", "json.number"),
        case("repeated name", "a stands twice", b'{"a":1,"a":2}', "json.duplicate_name"),
        case(
            "repeated name, escaped", "the same name, written otherwise", b'{"a":1,"\\u0061":2}', "json.duplicate_name"
        ),
        case("lone surrogate", "half a pair", b'"\\ud83d"', "json.encoding"),
        case("lone surrogate in a name", "half a pair", b'{"\\udc00":1}', "json.encoding"),
        case("surrogate in UTF-8", "CESU-8 is not UTF-8", b'"\xed\xa0\x80"', "json.encoding"),
        case("byte order mark", "no JSON text begins with one", b"\xef\xbb\xbf{}", "json.syntax"),
        case("trailing comma", "not JSON", b"[1,]", "json.syntax"),
        case("two values", "one value only", b"{}{}", "json.syntax"),
        case("nothing", "no value", b"", "json.syntax"),
        case("leading zero", "not JSON", b"01", "json.syntax"),
        refused("not base64url", "the question itself", {"bytes": "e30="}, "base64url.malformed"),
    ]


def key_cases() -> list[JsonObject]:
    ed, ec = EXPORTER.key.jwk, TPM.key.jwk

    def case(name: str, comment: str, jwk: Any, code: str = "key.malformed") -> JsonObject:
        return refused(name, comment, {"jwk": jwk}, code)

    def point(encoded: bytes) -> JsonObject:
        return ed | {"x": to_base64url(encoded)}

    def small(y: int) -> JsonObject:
        return point(y.to_bytes(32, "little"))

    order_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
    prime = 2**255 - 19
    return [
        _sound_key("Ed25519", "OKP", EXPORTER, ed),
        _sound_key("P-256", "EC", TPM, ec),
        _sound_key(
            "with alg, use and kid",
            "they fit",
            EXPORTER,
            ed | {"alg": "EdDSA", "use": "sig", "kid": EXPORTER.key.thumbprint},
        ),
        case("alg of another key", "an Ed25519 key does EdDSA only", ed | {"alg": "ES256"}, "key.algorithm"),
        case("for encryption", "the key is for another use", ed | {"use": "enc"}, "key.algorithm"),
        case("kid of another key", "a kid is the thumbprint", ed | {"kid": TPM.key.thumbprint}, "key.algorithm"),
        case("private", "d has no place here", ed | {"d": ed["x"]}, "key.private"),
        case("31 bytes", "x has 32 bytes", point(bytes(31)), "field.range"),
        case("order 1", "every message has the same signature", small(1)),
        case("order 2", "small order", small(prime - 1)),
        case("order 4", "small order", small(0)),
        case("order 8", "small order", point(bytes.fromhex(order_8))),
        case("second spelling of order 4", "y is not reduced", small(prime)),
        case("second spelling", "y is not reduced: 3 + p", small(prime + 3)),
        case("not on the curve", "y = 2 has no x", small(2)),
        case("P-256, not on the curve", "y was changed", ec | {"y": ec["x"]}),
        case("P-256, second spelling", "x is not reduced: 5 + p", _unreduced()),
        case("P-384", "another curve", ec | {"crv": "P-384"}),
        case("RSA", "another kind", {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "field.missing"),
        case("secret", "another kind", {"kty": "oct", "crv": "P-256", "k": "AQAB"}),
        case("not an object", "a JWK is an object", "key", "field.type"),
    ]


def _unreduced() -> JsonObject:
    """Return the point of P-256 with x = 5, its x written with one p too much."""
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    y = pow(5**3 - 3 * 5 + b, (prime + 1) // 4, prime)
    coordinates = {"x": 5 + prime, "y": y}
    return {"kty": "EC", "crv": "P-256"} | {n: to_base64url(v.to_bytes(32, "big")) for n, v in coordinates.items()}


def _sound_key(name: str, comment: str, signer: Any, jwk: JsonObject) -> JsonObject:
    import hashlib

    thumbprint = signer.key.thumbprint
    assert thumbprint == to_base64url(hashlib.sha256(encode(signer.key.jwk)).digest())
    head = hashlib.sha256(b"interlock/journal/1" + decode_base64url(thumbprint)).digest()
    return accepted(
        name,
        comment,
        {"jwk": jwk},
        thumbprint=thumbprint,
        algorithm=signer.key.algorithm,
        head=to_base64url(head),
    )
