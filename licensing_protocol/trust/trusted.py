"""Who may sign what: the interface of the root of trust, and what a chain of roots and its Targets come to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields
from licensing_protocol.keys import KeySet


class Delegation(StrEnum):
    """A purpose for which the root of trust names keys."""

    ENTITLEMENT = "entitlement"
    STATUS = "status"
    RECEIPT = "receipt"
    APPRAISAL = "appraisal"
    LOG = "log"


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
class Trusted:
    """What a verified chain of roots and the Targets under its last one say: all that verifying a document needs.

    ``targets`` is the version of the Targets, ``identity`` the base64url SHA-256 of the canonical form of what was
    signed in them; ``issued`` and ``expires`` (the earlier of root's and Targets') are seconds. It can be written down
    and read back without the library that verified it.
    """

    version: int
    targets: int
    identity: str
    issued: int
    expires: int
    delegations: dict[Delegation, KeySet]

    @classmethod
    def parse(cls, value: Any) -> Trusted:
        """Read what :meth:`to_json` wrote.

        Raises:
            MalformedDocument: ``root.delegation`` for a purpose that is missing, unknown or without a key; or a field
                code.
        """
        fields = Fields(value, "trusted")
        read = cls(
            version=fields.integer("version", least=1),
            targets=fields.integer("targets", least=1),
            identity=fields.text("identity"),
            issued=fields.integer("issued"),
            expires=fields.integer("expires"),
            delegations=delegations_of(
                {name: KeySet.from_jwks(jwks) for name, jwks in fields.members("delegations", most=len(Delegation))}
            ),
        )
        fields.end()
        return read

    def to_json(self) -> JsonObject:
        """Return what :meth:`parse` reads."""
        return {
            "version": self.version,
            "targets": self.targets,
            "identity": self.identity,
            "issued": self.issued,
            "expires": self.expires,
            "delegations": {str(name): keys.to_jwks() for name, keys in self.delegations.items()},
        }

    def keys(self, delegation: Delegation) -> KeySet:
        """Return the keys that may sign for one purpose."""
        return self.delegations[delegation]


@dataclass(frozen=True, slots=True)
class NobodyTrusted:
    """The root of trust of a device that has no Targets yet: nobody may sign anything, and no time is known."""

    version: int = 0
    issued: int = 0
    expires: int = 0

    def keys(self, delegation: Delegation) -> KeySet:
        """Return no keys."""
        return KeySet()


NOBODY: Final = NobodyTrusted()


def delegations_of(named: dict[str, KeySet]) -> dict[Delegation, KeySet]:
    """Return the keys by purpose: every purpose has at least one, and there is no other.

    Raises:
        MalformedDocument: ``root.delegation``.
    """
    if set(named) != {str(name) for name in Delegation}:
        raise MalformedDocument("The root of trust must name keys for every purpose.", code="root.delegation")
    if not all(len(keys) for keys in named.values()):
        raise MalformedDocument("A purpose without a key can never be served.", code="root.delegation")
    return {Delegation(name): keys for name, keys in named.items()}
