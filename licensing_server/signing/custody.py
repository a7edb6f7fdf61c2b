"""The signers of this exporter: of the keys that it holds, the newest that the root of trust names signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from fastapi import Request

from licensing_protocol import token
from licensing_protocol.keys import KeySet, Signer, VerificationKey
from licensing_protocol.token import TokenType
from licensing_protocol.trust import NOBODY, Delegation, RootOfTrust
from licensing_server.problem import Unavailable


class KeyStore(Protocol):
    """Where private keys are kept; they never leave it."""

    def load(self) -> dict[Delegation, list[Signer]]:
        """Return the signers for each purpose, the oldest first."""

    def make(self, delegation: Delegation) -> Signer:
        """Make a new key for a purpose, beside those that are there."""


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs for one purpose. It is asked anew each time: keys are rotated under way."""

    custody: Custody
    delegation: Delegation

    @property
    def signer(self) -> Signer:
        """Who signs now; Unavailable as :meth:`Custody.signer`."""
        return self.custody.signer(self.delegation)

    def must_renew(self, text: str, typ: TokenType) -> bool:
        """Tell whether a document is to be signed anew: by a key that is named no more, or to which a newer is held.

        What another process signed with a key that is named and not held here is left alone: else the two would sign in
        turn for ever.
        """
        return not any(text.startswith(begin) for begin in self.lasting(typ))

    def lasting(self, typ: TokenType) -> list[str]:
        """Return how documents begin that need not be signed anew; Unavailable as :attr:`signer`."""
        now, held = self.signer.key, {signer.key for signer in self.custody.held(self.delegation)}
        named = self.custody.root.keys(self.delegation)
        return [_beginning(typ, key) for key in named if key == now or key not in held]


class Custody:
    """Signers by purpose. Callers get signers, never keys, and ask anew each time: keys are rotated under way."""

    def __init__(self, store: KeyStore, mac_key: bytes) -> None:
        self.mac_key = mac_key
        self._store = store
        self._held: Mapping[Delegation, Sequence[Signer]] = store.load()
        self._root: RootOfTrust = NOBODY

    @property
    def root(self) -> RootOfTrust:
        """Who may sign what, as it was last heard."""
        return self._root

    def signatory(self, delegation: Delegation) -> Signatory:
        """Return who signs for a purpose."""
        return Signatory(self, delegation)

    def follow(self, root: RootOfTrust) -> None:
        """Sign from now on with what this root of trust names; keys that were made meanwhile are found."""
        self._held = self._store.load()
        self._root = root

    def make(self, delegation: Delegation) -> Signer:
        """Make a new key for a purpose; it signs once the root of trust names it."""
        made = self._store.make(delegation)
        self._held = self._store.load()
        return made

    def held(self, delegation: Delegation) -> Sequence[Signer]:
        """Return every signer for a purpose, the oldest first, whether it may sign or not."""
        return self._held.get(delegation, ())

    def signer(self, delegation: Delegation) -> Signer:
        """Return the signer for one purpose.

        Raises:
            Unavailable: ``signing.not_delegated`` where the root of trust names no key that is held here.
        """
        named = self._root.keys(delegation)
        for signer in reversed(self.held(delegation)):
            if named.get(signer.key.thumbprint) is not None:
                return signer
        raise Unavailable(
            "signing.not_delegated",
            f"The root of trust names no key of this server for the purpose {str(delegation)!r}: let the holders of "
            "the root keys sign its Targets, and bring them in with: interlock keys import",
        )

    def newest_keys(self) -> dict[Delegation, KeySet]:
        """Return for each purpose the newest key that is held, as a first Targets names them."""
        return {name: KeySet(self.held(name)[-1].key) for name in Delegation}


@lru_cache(maxsize=64)
def _beginning(typ: TokenType, key: VerificationKey) -> str:
    # Asked with every check-in.
    return f"{token.first_segment(typ, key)}."


def custody(request: Request) -> Custody:
    """Return the custody of the running server, as a dependency of routes."""
    held: Custody = request.app.state.custody
    return held
