"""Cases of protocol §2: which Targets count, and which documents under what they delegate."""

from __future__ import annotations

from typing import Any, Final

from licensing_protocol.canonical import JsonObject
from licensing_protocol.token import TokenType
from tests.vectors.forge import (
    EXPORTER,
    NOW,
    STRANGER,
    TPM,
    accepted,
    ed25519_signer,
    identity,
    refused,
    sha256,
    signed,
    without,
)
from tests.vectors.roots import (
    ANNA,
    BERT,
    CARA,
    DOCUMENTS,
    DORA,
    EARLIER,
    LATER_S,
    LATTICE,
    PINNED,
    TOKEN_HOLDER,
    TRIO,
    Holder,
    by,
    delegations,
    root,
    targets,
)

CLAIMS: Final[JsonObject] = {"iat": NOW, "iss": "exporter"}


def delegated_cases() -> list[JsonObject]:
    return [*_delegated(), *_targets_refused()]


def _ask(
    token: str = signed(CLAIMS, TokenType.ENTITLEMENT), role: str = "entitlement", now: int = NOW, **members: Any
) -> JsonObject:
    question = {"root": PINNED, "targets": by(targets(), BERT, CARA), "role": role, "token": token, "now": now}
    return question | members


def _delegated() -> list[JsonObject]:
    receipts, status = ed25519_signer("online receipt"), TPM

    def taken(name: str, comment: str, typ: TokenType, signer: Any, role: str, **members: Any) -> JsonObject:
        token = signed(CLAIMS, typ, signer)
        question = _ask(token, role, **members)
        return accepted(name, comment, question, claims=CLAIMS, identity=identity(token), kid=signer.key.thumbprint)

    def not_taken(name: str, comment: str, code: str, typ: TokenType, signer: Any, role: str) -> JsonObject:
        return refused(name, comment, _ask(signed(CLAIMS, typ, signer), role), code)

    rotated = by(targets(delegations=delegations({"entitlement": (DORA, DOCUMENTS["entitlement"])})), ANNA, CARA)
    removed = by(targets(delegations=delegations({"entitlement": (DORA,)})), ANNA, CARA)
    last = signed({"iat": LATER_S, "iss": "exporter"}, TokenType.ENTITLEMENT)
    late = signed({"iat": LATER_S + 1, "iss": "exporter"}, TokenType.ENTITLEMENT)
    timeless = signed({"iss": "exporter"}, TokenType.ENTITLEMENT)
    entitlement, wrong = TokenType.ENTITLEMENT, "token.wrong_type"
    return [
        taken("entitlement", "by its key", entitlement, EXPORTER, "entitlement"),
        taken("status list", "by a P-256 key", TokenType.STATUS_LIST, status, "status"),
        taken("receipt", "by its key", TokenType.RECEIPT, receipts, "receipt"),
        taken("refusal", "by the receipts' key", TokenType.REFUSAL, receipts, "receipt"),
        taken("rotating", "old and new key side by side", entitlement, EXPORTER, "entitlement", targets=rotated),
        accepted(
            "as Targets end",
            "iat at their last second",
            _ask(last),
            claims={"iat": LATER_S, "iss": "exporter"},
            identity=identity(last),
            kid=EXPORTER.key.thumbprint,
        ),
        refused("after the end", "iat a second later", _ask(late), "trust.expired"),
        refused("without iat", "when it was signed", _ask(timeless), "field.missing"),
        refused("removed key", "it counts at once no more", _ask(targets=removed), "trust.unknown_key"),
        not_taken("another purpose's key", "of receipts", "trust.unknown_key", entitlement, receipts, "entitlement"),
        not_taken(
            "a root key",
            "it signs no documents",
            "trust.unknown_key",
            entitlement,
            ed25519_signer("anna"),
            "entitlement",
        ),
        not_taken("a stranger", "no key of it", "trust.unknown_key", entitlement, STRANGER, "entitlement"),
        not_taken("another purpose", "right key, other role", wrong, TokenType.STATUS_LIST, status, "entitlement"),
        not_taken("purpose without documents", "checkpoints are notes", wrong, entitlement, EXPORTER, "log"),
        refused("rumours", "not one of the five purposes", _ask(role="rumour"), "field.range"),
    ]


def _targets_refused() -> list[JsonObject]:
    def case(name: str, comment: str, code: str, *holders: Holder, **changes: Any) -> JsonObject:
        return refused(name, comment, _ask(targets=by(targets() | changes, *(holders or (ANNA, BERT)))), code)

    def lacking(name: str) -> JsonObject:
        return _ask(targets=by(without(targets(), name), ANNA, BERT))

    def delegating(name: str, comment: str, code: str, delegations: JsonObject) -> JsonObject:
        return case(name, comment, code, delegations=delegations)

    roles = delegations()["roles"]
    renamed = [*roles[:-1], roles[-1] | {"name": "rumour"}]
    two = [roles[0] | {"threshold": 2}, *roles[1:]]
    pair = delegations({"appraisal": (DORA, DOCUMENTS["appraisal"])})
    pair["roles"][0]["threshold"] = 2
    ended = by(root(1, expires=EARLIER), ANNA, BERT)
    lattice_root = by(root(1, (*TRIO, LATTICE)), ANNA, BERT, LATTICE)
    alias = DORA.renamed(sha256(b"alias").hex())
    return [
        case("one of two", "below the threshold", "trust.threshold", ANNA),
        case("strangers", "no keys of the role", "trust.threshold", DORA, TOKEN_HOLDER),
        case("one key twice", "it is one signature", "root.duplicate_signature", ANNA, ANNA),
        case("Targets expired", "a second ago", "trust.targets_expired", expires=EARLIER),
        refused("no issue date", "a lower bound of time", lacking("issued"), "field.missing"),
        case("issue date as a float", "whole seconds", "field.type", issued=1.5),
        case("a fraction", "TUF has none", "root.malformed", x=1.5),
        case("a root for Targets", "another kind of metadata", "root.malformed", _type="root"),
        case("targets missing", "TUF asks for them", "root.malformed", targets=None),
        refused("no delegations", "nobody may sign", lacking("delegations"), "field.missing"),
        delegating("purpose missing", "all five", "root.delegation", delegations(roles=roles[1:])),
        delegating("purpose unknown", "these five", "root.delegation", delegations(roles=renamed)),
        delegating("purpose twice", "once each", "root.delegation", delegations(roles=[roles[0], *roles[:-1]])),
        delegating("two to sign", "a document has one signature", "root.role", delegations(roles=two)),
        delegating("two of two to sign", "a document has one signature", "root.delegation", pair),
        delegating("without a key", "it could never be served", "root.role", delegations({"log": ()})),
        delegating("key misnamed", "not the thumbprint", "root.keyid", delegations({"log": (alias,)})),
        delegating(
            "ML-DSA for documents", "Ed25519 or P-256", "root.delegation", delegations({"log": (DORA, LATTICE)})
        ),
        refused("root expired", "a second ago", _ask(root=ended), "trust.root_expired"),
        refused("root below threshold", "one of two", _ask(root=by(root(1), ANNA)), "trust.threshold"),
        refused(
            "ML-DSA of the role missing",
            "a role that lists one needs it",
            _ask(root=lattice_root),
            "trust.post_quantum",
        ),
    ]
