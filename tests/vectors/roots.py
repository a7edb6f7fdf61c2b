"""Cases of protocol §2: which chains of roots are walked, and what Targets delegate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import mldsa
from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import CryptoSigner, SSlibKey

from licensing_protocol.canonical import JsonObject, to_base64url
from tests.vectors.forge import (
    EXPORTER,
    MEMORY,
    NOW,
    TPM,
    accepted,
    decode_base64url,
    ed25519_signer,
    p256_signer,
    refused,
    seed,
    sha256,
    signature,
    without,
)

LATER: Final = "2030-01-01T00:00:00Z"
LATER_S: Final = 1_893_456_000
EARLIER: Final = "2026-09-21T14:13:19Z"
PURPOSES: Final = ("appraisal", "entitlement", "log", "receipt", "status")


class Holder:
    """Someone who signs metadata: ``keyid`` and ``key`` as metadata write them."""

    def __init__(self, keyid: str, key: JsonObject, sign: Callable[[bytes], bytes]) -> None:
        self.keyid, self.key, self.sign = keyid, key, sign

    def renamed(self, keyid: str) -> Holder:
        return Holder(keyid, self.key, self.sign)


def ed25519_holder(name: str) -> Holder:
    signer = ed25519_signer(name)
    public = decode_base64url(signer.key.jwk["x"]).hex()
    key = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public}}
    return Holder(signer.key.thumbprint, key, signer.sign)


def p256_holder(name: str) -> Holder:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    signer = p256_signer(name)
    pem = signer.key.public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
    key = {"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": pem}}

    def sign(payload: bytes) -> bytes:
        made = signature(payload, signer)
        return encode_dss_signature(int.from_bytes(made[:32], "big"), int.from_bytes(made[32:], "big"))

    return Holder(signer.key.thumbprint, key, sign)


def mldsa_holder(name: str) -> Holder:
    private = mldsa.MLDSA65PrivateKey.from_seed_bytes(seed(name))
    public = SSlibKey.from_crypto(private.public_key())
    signer = CryptoSigner(private, public)

    def sign(payload: bytes) -> bytes:
        made = bytes.fromhex(signer.sign(payload).signature)
        return decode_base64url(MEMORY.recall("mldsa65", public.keyid.encode() + payload, to_base64url(made)))

    return Holder(public.keyid, public.to_dict(), sign)


ANNA, BERT, CARA, DORA = (ed25519_holder(name) for name in ("anna", "bert", "cara", "dora"))
TOKEN_HOLDER = p256_holder("smart card")
LATTICE, OTHER_LATTICE = mldsa_holder("lattice"), mldsa_holder("other lattice")
TRIO: Final = (ANNA, BERT, CARA)


def role(holders: Sequence[Holder], threshold: int = 2) -> JsonObject:
    return {"keyids": [holder.keyid for holder in holders], "threshold": threshold}


def root(version: int, holders: Sequence[Holder] = TRIO, threshold: int = 2, **changes: Any) -> JsonObject:
    """Return the signed part of a root whose four roles have the same keys."""
    roles = {name: role(holders, threshold) for name in ("root", "targets", "snapshot", "timestamp")}
    return {
        "_type": "root",
        "spec_version": "1.0.31",
        "version": version,
        "expires": LATER,
        "consistent_snapshot": False,
        "keys": {holder.keyid: holder.key for holder in holders},
        "roles": roles,
    } | changes


def by(part: Mapping[str, Any], *holders: Holder) -> JsonObject:
    """Return metadata with the signatures of these holders."""
    try:
        payload = (encode_canonical(dict(part)) or "").encode()
    except FormatError:  # a fraction: there is nothing that could be signed
        payload = b""
    return {
        "signatures": [{"keyid": holder.keyid, "sig": holder.sign(payload).hex()} for holder in holders],
        "signed": dict(part),
    }


PINNED: Final = by(root(1), ANNA, BERT)
SECOND: Final = by(root(2), ANNA, CARA)


def root_chain_cases() -> list[JsonObject]:
    return [*_walked(), *_not_signed_enough(), *_out_of_order(), *_post_quantum(), *_misnamed(), *_misshapen()]


def _ask(*updates: Any, root: Any = PINNED, now: int = NOW) -> JsonObject:
    return {"root": root, "updates": list(updates), "now": now}


def _walked() -> list[JsonObject]:
    bridge = by(root(2, (ANNA, DORA, TOKEN_HOLDER)), ANNA, BERT, DORA)
    third = by(root(3, (DORA, TOKEN_HOLDER), 2), ANNA, DORA, TOKEN_HOLDER)
    expired = by(root(2, expires=EARLIER), ANNA, BERT)
    extra = by(root(1) | {"x-comment": "signed"}, ANNA, BERT)
    higher = by(root(2, threshold=3), *TRIO)
    stranger = by(root(2), ANNA, BERT, DORA)
    return [
        accepted("no updates", "the pinned root is the newest", _ask(), version=1),
        accepted("one update", "two of three, not the same two", _ask(SECOND), version=2),
        accepted("other keys", "the threshold of both, P-256 among them", _ask(bridge, third), version=3),
        accepted(
            "expired between", "only the last one's end counts", _ask(expired, by(root(3), ANNA, BERT)), version=3
        ),
        accepted("unknown member", "TUF lets it stand, and it is signed", _ask(root=extra), version=1),
        accepted("a higher threshold", "its own three, and the old two", _ask(higher), version=2),
        accepted("a signature too many", "by a key that is not listed", _ask(stranger), version=2),
        accepted("the last second", "expiry is exclusive", _ask(SECOND, now=LATER_S - 1), version=2),
        refused("expired", "at its very second", _ask(SECOND, now=LATER_S), "trust.root_expired"),
        refused("expired last", "it ended a second ago", _ask(expired), "trust.root_expired"),
    ]


def _not_signed_enough() -> list[JsonObject]:
    one = by(root(2), ANNA)
    forged = by(root(2), ANNA, BERT)
    forged["signatures"][1]["sig"] = forged["signatures"][0]["sig"]
    altered = by(root(2), ANNA, BERT)
    altered["signed"] = altered["signed"] | {"expires": "2031-01-01T00:00:00Z"}
    twice = by(root(2), ANNA, ANNA)
    not_hex = by(root(2), ANNA, BERT)
    not_hex["signatures"][1]["sig"] = "signature"
    new_only = by(root(2, (DORA, TOKEN_HOLDER)), DORA, TOKEN_HOLDER)
    old_only = by(root(2, (DORA, TOKEN_HOLDER)), ANNA, BERT)
    crossed = by(root(2, (ANNA, DORA)), ANNA, BERT)
    lower = by(root(2, threshold=1), ANNA)
    return [
        refused("one of two", "below the threshold", _ask(one), "trust.threshold"),
        refused("pinned with one of two", "below its own", _ask(root=by(root(1), ANNA)), "trust.threshold"),
        refused("no signature", "below the threshold", _ask(by(root(2))), "trust.threshold"),
        refused("another's signature", "it does not verify", _ask(forged), "trust.threshold"),
        refused("altered", "signed before the change", _ask(altered), "trust.threshold"),
        refused("one key twice", "it is one signature", _ask(twice), "root.duplicate_signature"),
        refused("not hexadecimal", "no signature at all", _ask(not_hex), "trust.threshold"),
        refused("new keys alone", "a thief's own root", _ask(new_only), "trust.threshold"),
        refused("old keys alone", "the new ones never proved to exist", _ask(old_only), "trust.threshold"),
        refused("one of the new", "the old two, of whom one stays", _ask(crossed), "trust.threshold"),
        refused("threshold lowered by one", "the old threshold holds", _ask(lower), "trust.threshold"),
        refused("strangers", "no key of it", _ask(by(root(2), DORA, TOKEN_HOLDER)), "trust.threshold"),
    ]


def _out_of_order() -> list[JsonObject]:
    third = by(root(3), ANNA, BERT)
    gap = "continuity.root_skipped"
    return [
        refused("replayed", "the same version again", _ask(SECOND, SECOND), "continuity.rolled_back"),
        refused("the pinned one again", "not newer", _ask(PINNED), "continuity.rolled_back"),
        refused("rolled back", "an older version", _ask(SECOND, third, SECOND), "continuity.rolled_back"),
        refused("skipped", "version 2 is missing", _ask(third), gap),
        refused("out of order", "3 before 2", _ask(third, SECOND), gap),
        refused("far ahead", "a thief's last version", _ask(by(root(2**53 - 1), ANNA, BERT)), gap),
    ]


def _post_quantum() -> list[JsonObject]:
    with_lattice = (*TRIO, LATTICE)
    pinned = by(root(1, with_lattice), ANNA, BERT, LATTICE)
    added = by(root(2, with_lattice), ANNA, BERT, LATTICE)
    added_without = by(root(2, with_lattice), ANNA, BERT)
    dropped = by(root(2), ANNA, BERT, LATTICE)
    dropped_without = by(root(2), ANNA, BERT)
    exchanged = by(root(2, (*TRIO, OTHER_LATTICE)), ANNA, BERT, OTHER_LATTICE)
    beside = by(root(2, with_lattice), ANNA, LATTICE)
    nothing_else = by(root(1, (LATTICE,), 1), LATTICE)
    return [
        accepted("ML-DSA added", "the new version is signed by it", _ask(added), version=2),
        accepted("ML-DSA dropped", "the old version's key signs", _ask(dropped, root=pinned), version=2),
        refused("ML-DSA added unsigned", "listed in the new one", _ask(added_without), "trust.post_quantum"),
        refused(
            "ML-DSA dropped unsigned", "listed in the old", _ask(dropped_without, root=pinned), "trust.post_quantum"
        ),
        refused("ML-DSA exchanged", "the old key did not sign", _ask(exchanged, root=pinned), "trust.post_quantum"),
        refused("ML-DSA for another", "beside the threshold, not in it", _ask(beside), "trust.threshold"),
        refused("ML-DSA alone", "nothing to count", _ask(root=nothing_else), "root.role"),
    ]


def _misnamed() -> list[JsonObject]:
    alias = ANNA.renamed(sha256(b"alias").hex())
    default = ANNA.renamed(SSlibKey.from_crypto(ed25519_signer("anna").key.public).keyid)
    spelled = {**LATTICE.key, "keyval": {"public": LATTICE.key["keyval"]["public"].rstrip("\n")}}
    respelled = Holder(sha256((encode_canonical(spelled) or "").encode()).hex(), spelled, LATTICE.sign)
    twins = by(root(1, (ANNA, BERT, LATTICE, respelled)), ANNA, BERT, LATTICE)
    odd = {"keytype": "rsa", "scheme": "rsassa-pss-sha256", "keyval": {"public": "-----BEGIN PUBLIC KEY-----"}}
    small = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": "01" + "00" * 31}}

    def held_by(*holders: Holder) -> JsonObject:
        return _ask(root=by(root(1, holders), *holders))

    def keyed(name: str, comment: str, code: str, key: JsonObject) -> JsonObject:
        return refused(name, comment, _ask(root=by(root(1, (*TRIO, Holder("k", key, ANNA.sign))), ANNA, BERT)), code)

    def spelling(public: str, keytype: str = "ed25519", scheme: str = "ed25519") -> JsonObject:
        return {"keytype": keytype, "scheme": scheme, "keyval": {"public": public}}

    return [
        refused("one key, two ids", "it would count twice", held_by(ANNA, alias), "root.key_twice"),
        refused("one ML-DSA key, two ids", "spelled in two ways", _ask(root=twins), "root.key_twice"),
        refused("another id", "not the thumbprint", held_by(alias, BERT), "root.keyid"),
        refused("securesystemslib's id", "for ML-DSA only", held_by(default, BERT), "root.keyid"),
        keyed("RSA", "Ed25519, P-256 or ML-DSA-65", "root.key", odd),
        keyed("small order", "a point that proves nothing", "key.malformed", small),
        keyed("Ed25519 not in hexadecimal", "no key", "key.malformed", spelling("key")),
        keyed("Ed25519 cut short", "32 bytes", "field.range", spelling("0102")),
        keyed("P-256 without a PEM", "no key", "key.malformed", spelling("key", "ecdsa", "ecdsa-sha2-nistp256")),
        keyed(
            "P-256 as ML-DSA",
            "another algorithm",
            "key.malformed",
            spelling(TOKEN_HOLDER.key["keyval"]["public"], "ml-dsa", "ml-dsa-65/1"),
        ),
        keyed(
            "Ed25519 with its secret",
            "a public key only",
            "field.unknown",
            ANNA.key | {"keyval": ANNA.key["keyval"] | {"private": "00"}},
        ),
    ]


def _misshapen() -> list[JsonObject]:
    def case(name: str, comment: str, code: str, **changes: Any) -> JsonObject:
        return refused(name, comment, _ask(root=by(root(1) | changes, ANNA, BERT)), code)

    def lacking(name: str) -> JsonObject:
        return _ask(root=by(without(root(1), name), ANNA, BERT))

    def roles(**changes: Any) -> JsonObject:
        return {**root(1)["roles"], **changes}

    other = by(targets(), ANNA, BERT)
    return [
        *(
            refused(
                f"no {name}",
                "every member is required",
                _ask(root=by(without(root(1), name), ANNA, BERT)),
                "field.missing",
            )
            for name in ("_type", "spec_version", "version", "expires", "keys", "roles")
        ),
        refused("Targets for a root", "another kind of metadata", _ask(other), "root.malformed"),
        refused("envelope and more", "what is not signed", _ask(root=PINNED | {"x": 1}), "field.unknown"),
        refused("no signatures", "not even an empty list", _ask(root=without(PINNED, "signatures")), "field.missing"),
        refused("a list", "an object", _ask([]), "field.type"),
        refused("too long", "64 KiB", _ask(root=by(root(1) | {"x": "x" * 65_536}, ANNA, BERT)), "document.oversized"),
        case("version 0", "versions begin at 1", "field.range", version=0),
        case("version as a text", "a number", "field.type", version="1"),
        case("version true", "a number", "field.type", version=True),
        case("specification 2", "another major version", "root.malformed", spec_version="2.0.0"),
        case("no such day", "a date", "root.malformed", expires="2030-02-30T00:00:00Z"),
        case("zone of time", "UTC, written Z", "field.range", expires="2030-01-01T00:00:00+00:00"),
        case("year 1", "after 1970", "root.malformed", expires="1000-01-01T00:00:00Z"),
        case("roles missing", "four", "root.role", roles=without(root(1)["roles"], "snapshot")),
        case("role unknown", "four", "root.role", roles=without(roles(rumour=role(TRIO)), "snapshot")),
        case("threshold 0", "at least one", "field.range", roles=roles(root=role(TRIO, 0))),
        case("threshold too high", "three keys", "root.role", roles=roles(root=role(TRIO, 4))),
        case("threshold as a text", "a number", "field.type", roles=roles(root=role(TRIO) | {"threshold": "2"})),
        case("key ids as a text", "a list", "field.type", roles=roles(root=role(TRIO) | {"keyids": "abc"})),
        case("key id twice", "a set", "field.range", roles=roles(root=role((ANNA, ANNA, BERT)))),
        case("key absent", "a role names one", "root.role", roles=roles(root=role((*TRIO, DORA)))),
    ]


def delegations(holders: Mapping[str, Sequence[Holder]] | None = None, **changes: Any) -> JsonObject:
    named = {name: (DOCUMENTS[name],) for name in PURPOSES} | dict(holders or {})
    keys = {holder.keyid: holder.key for group in named.values() for holder in group}
    return {
        "keys": keys,
        "roles": [
            role(group, 1) | {"name": name, "paths": [], "terminating": True} for name, group in sorted(named.items())
        ],
    } | changes


def targets(**changes: Any) -> JsonObject:
    return {
        "_type": "targets",
        "spec_version": "1.0.31",
        "version": 7,
        "expires": LATER,
        "issued": NOW - 100,
        "targets": {},
        "delegations": delegations(),
    } | changes


def _documents_holder(name: str) -> Holder:
    signer = {"entitlement": EXPORTER, "status": TPM}.get(name)
    if signer is None:
        return ed25519_holder(f"online {name}")
    spelled = SSlibKey.from_crypto(signer.key.public, keyid=signer.key.thumbprint)
    return Holder(signer.key.thumbprint, spelled.to_dict(), signer.sign)


DOCUMENTS: Final = {name: _documents_holder(name) for name in PURPOSES}
