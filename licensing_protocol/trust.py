"""Who may sign what: the interface of the root of trust, and its first form, a pinned set of keys (protocol §2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from licensing_protocol import token
from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument, UntrustedTime
from licensing_protocol.fields import Fields
from licensing_protocol.keys import KeySet
from licensing_protocol.token import Token, TokenType


class Delegation(StrEnum):
    """A purpose for which the root of trust names keys."""

    ENTITLEMENT = "entitlement"
    STATUS = "status"
    RECEIPT = "receipt"
    APPRAISAL = "appraisal"
    LOG = "log"


_DELEGATION_OF = {
    TokenType.ENTITLEMENT: Delegation.ENTITLEMENT,
    TokenType.STATUS_LIST: Delegation.STATUS,
    TokenType.RECEIPT: Delegation.RECEIPT,
    TokenType.REFUSAL: Delegation.RECEIPT,
    TokenType.APPRAISAL: Delegation.APPRAISAL,
}


class RootOfTrust(Protocol):
    """What a verifier asks of the root of trust, however the root is kept and rotated."""

    @property
    def version(self) -> int:
        """Number of the root; a verifier never takes a lower one."""

    @property
    def issued(self) -> int:
        """Instant (seconds) at which the delegations were signed: a lower bound of time."""

    @property
    def expires(self) -> int:
        """Instant (seconds) after which nothing newly signed counts."""

    def keys(self, delegation: Delegation) -> KeySet:
        """Return the keys that may sign for one purpose."""


@dataclass(frozen=True, slots=True)
class PinnedKeys:
    """A root of trust that never rotates: one signed product manifest carries it whole.

    It stands where the versioned, threshold-signed root will stand, and answers the same questions.
    """

    version: int
    issued: int
    expires: int
    delegations: dict[Delegation, KeySet]

    @classmethod
    def parse(cls, value: Any) -> PinnedKeys:
        """Read ``{version, issued, expires, delegations: {name: JWK Set}}``.

        Raises:
            MalformedDocument: ``root.delegation`` for a purpose that is missing, unknown or without a key; or a field
                code.
        """
        fields = Fields(value, "root")
        version = fields.integer("version", least=1)
        issued, expires = fields.integer("issued"), fields.integer("expires")
        delegations = dict(fields.members("delegations", most=len(Delegation)))
        fields.end()
        if set(delegations) != {str(name) for name in Delegation}:
            raise MalformedDocument("The root must name keys for every purpose.", code="root.delegation")
        keys = {Delegation(name): KeySet.from_jwks(jwks) for name, jwks in delegations.items()}
        if not all(len(key_set) for key_set in keys.values()):
            raise MalformedDocument("A purpose without a key can never be served.", code="root.delegation")
        return cls(version, issued, expires, keys)

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        delegations = {str(name): keys.to_jwks() for name, keys in self.delegations.items()}
        return {
            "version": self.version,
            "issued": self.issued,
            "expires": self.expires,
            "delegations": delegations,
        }

    def keys(self, delegation: Delegation) -> KeySet:
        """Return the keys that may sign for one purpose."""
        return self.delegations[delegation]


def verify(text: str, typ: TokenType, root: RootOfTrust) -> Token:
    """Verify a document under the keys that the root delegates its type to.

    Raises:
        UntrustedTime: its ``iat`` is after the root's ``expires`` (protocol §2).
        InterlockError: as :func:`licensing_protocol.token.verify`.
    """
    verified = token.verify(text, typ, root.keys(_DELEGATION_OF[typ]))
    if Fields(verified.claims, str(typ)).integer("iat") > root.expires:
        raise UntrustedTime("Signed after the root of trust expired; fetch the newer root first.")
    return verified
