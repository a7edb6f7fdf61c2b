"""Verbs for the root of trust: walk the chain, take the Targets, verify what they delegate."""

from __future__ import annotations

from typing import Any, Final

from licensing_protocol import trust
from licensing_protocol.canonical import JsonObject, decode_object
from licensing_protocol.errors import WrongDocument
from licensing_protocol.fields import Fields
from licensing_protocol.token import Token
from licensing_protocol.trust import DELEGATION_OF, Delegation, RootOfTrust
from licensing_protocol.trust.chain import VerifiedRoot
from tests.conformance.verb import Verb, asked, document, instant

_MOST_UPDATES = 1000


def _root_chain(question: JsonObject) -> JsonObject:
    """Walk from a pinned root to the newest: ``{root, updates, now}`` → ``{version}``."""
    pinned, updates, now = asked(
        question,
        lambda fields: (
            _metadata(fields.take("root")),
            fields.list_of("updates", most=_MOST_UPDATES),
            instant(fields, "now"),
        ),
    )
    newest = VerifiedRoot.pinned(pinned).walk(map(_metadata, updates))
    newest.refuse_expired(now)
    return {"version": newest.version}


def _delegated(question: JsonObject) -> JsonObject:
    """Verify what Targets delegate: ``{root, targets, role, token, now}`` → ``{claims, identity, kid}``."""
    pinned, targets, role, text, now = asked(
        question,
        lambda fields: (
            _metadata(fields.take("root")),
            _metadata(fields.take("targets")),
            _role(fields),
            document(fields),
            instant(fields, "now"),
        ),
    )
    root = VerifiedRoot.pinned(pinned)
    root.refuse_expired(now)
    verified = _verify(text, role, root.delegate(targets, now))
    return {"claims": verified.claims, "identity": verified.identity, "kid": verified.key.thumbprint}


def _metadata(value: Any) -> JsonObject:
    """Read metadata that stand in the question as an object, or as the text of one."""
    if isinstance(value, str):
        return decode_object(value.encode("utf-8", "surrogatepass"))
    read: JsonObject = dict(value) if isinstance(value, dict) else Fields(value, "input").take("signed")
    return read


def _role(fields: Fields) -> Delegation:
    found = fields.text("role")
    if found not in set(Delegation):
        fields.refuse("role", "field.range", "must be a purpose that the protocol names")
    return Delegation(found)


def _verify(text: str, role: Delegation, trusted: RootOfTrust) -> Token:
    """Verify a document of any type that a purpose covers."""
    types = [typ for typ, delegation in DELEGATION_OF.items() if delegation is role]
    for typ in types[:-1]:
        try:
            return trust.verify(text, typ, trusted)
        except WrongDocument:
            continue
    if not types:
        raise WrongDocument("No signed document is of this purpose.", code="token.wrong_type")
    return trust.verify(text, types[-1], trusted)


VERBS: Final[dict[str, Verb]] = {"root-chain": _root_chain, "delegated": _delegated}
