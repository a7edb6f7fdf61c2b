"""Verbs for signed documents: verify, read, and give back the claims."""

from __future__ import annotations

from typing import Final

from licensing_protocol import enrollment, entitlement, evidence, manifest, receipt, status_list, token, trust
from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import WrongDocument
from licensing_protocol.fields import Fields
from licensing_protocol.keys import KeySet, VerificationKey
from licensing_protocol.token import TokenType
from licensing_protocol.ueid import device_id
from tests.conformance.verb import Verb, asked, document, instant, keys, maybe, root_of


def _token(question: JsonObject) -> JsonObject:
    """Verify any document: ``{token, typ, jwks}`` → ``{claims, identity, kid}``; an enrolment carries its own key."""
    text, typ, jwks = asked(question, lambda fields: (document(fields), _typ(fields), keys(fields)))
    verified = token.verify_enrollment(text) if typ is TokenType.ENROLLMENT else token.verify(text, typ, jwks)
    return {"claims": verified.claims, "identity": verified.identity, "kid": verified.key.thumbprint}


def _typ(fields: Fields) -> TokenType:
    found = fields.text("typ")
    if found not in set(TokenType):
        fields.refuse("typ", "field.range", "must be a type that the protocol names")
    return TokenType(found)


def _manifest(question: JsonObject) -> JsonObject:
    """Verify a product manifest: ``{token, key}`` → ``{claims, identity}``."""
    text, key = asked(question, lambda fields: (document(fields), _key(fields)))
    read = manifest.verify(text, key)
    return {"claims": read.to_claims(), "identity": read.identity}


def _entitlement(question: JsonObject) -> JsonObject:
    """Verify an entitlement that is in force: ``{token, jwks, now}`` → ``{claims, identity}``."""
    text, jwks, now = asked(question, lambda fields: (document(fields), keys(fields), instant(fields, "now")))
    read = entitlement.verify(text, root_of(jwks))
    if now >= read.expires:
        raise WrongDocument("The entitlement has expired.", code="entitlement.expired")
    if now < read.not_before:
        raise WrongDocument("The entitlement is not valid yet.", code="entitlement.not_yet_valid")
    return {"claims": read.to_claims(), "identity": read.identity}


def _status_list(question: JsonObject) -> JsonObject:
    """Verify a status list and read one status: ``{token, jwks, now, idx, uri?}`` → ``{status, seq}``."""
    text, jwks, now, index, uri = asked(
        question,
        lambda fields: (
            document(fields),
            keys(fields),
            instant(fields, "now"),
            fields.integer("idx"),
            maybe(fields, "uri", fields.text),
        ),
    )
    root = root_of(jwks)
    if uri is None:
        claims = trust.verify(text, TokenType.STATUS_LIST, root).claims
        uri = status_list.StatusList.parse(claims).uri
    read = status_list.verify(text, root, uri=uri, now=now)
    return {"status": int(read.status(index)), "seq": read.sequence}


def _evidence(question: JsonObject) -> JsonObject:
    """Verify evidence under the device's key: ``{token, key}`` → ``{claims, identity}``."""
    text, key = asked(question, lambda fields: (document(fields), _key(fields)))
    read = evidence.verify(text, key)
    return {"claims": read.to_claims(), "identity": read.identity}


def _receipt(question: JsonObject) -> JsonObject:
    """Verify a receipt: ``{token, jwks}`` → ``{claims, identity}``."""
    text, jwks = _signed_answer(question)
    read = receipt.verify_receipt(text, root_of(jwks))
    return {"claims": read.to_claims(), "identity": read.identity}


def _refusal(question: JsonObject) -> JsonObject:
    """Verify a refusal: ``{token, jwks}`` → ``{claims, identity}``."""
    text, jwks = _signed_answer(question)
    read = receipt.verify_refusal(text, root_of(jwks))
    return {"claims": read.to_claims(), "identity": read.identity}


def _signed_answer(question: JsonObject) -> tuple[str, KeySet]:
    return asked(question, lambda fields: (document(fields), keys(fields)))


def _enrollment(question: JsonObject) -> JsonObject:
    """Verify an enrolment under the key that it carries: ``{token}`` → ``{claims, identity, device}``."""
    read = enrollment.verify(asked(question, document))
    return {"claims": read.to_claims(), "identity": read.identity, "device": device_id(read.key)}


def _key(fields: Fields) -> VerificationKey:
    return VerificationKey.from_jwk(fields.take("key"))


VERBS: Final[dict[str, Verb]] = {
    "token": _token,
    "manifest": _manifest,
    "entitlement": _entitlement,
    "status-list": _status_list,
    "evidence": _evidence,
    "receipt": _receipt,
    "refusal": _refusal,
    "enrollment": _enrollment,
}
