"""The first form of the root of trust: a pinned set of keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from licensing_protocol.canonical import JsonObject
from licensing_protocol.fields import Fields
from licensing_protocol.keys import KeySet
from licensing_protocol.trust.trusted import Delegation, delegations_of


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
        keys = delegations_of({name: KeySet.from_jwks(jwks) for name, jwks in delegations.items()})
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
