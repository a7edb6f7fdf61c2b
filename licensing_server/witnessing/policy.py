"""Which witnesses are asked, where, and how many of them must have seen a checkpoint: a tlog-policy file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from licensing_protocol.canonical import digest, to_base64url
from licensing_protocol.errors import InterlockError, MalformedDocument
from licensing_protocol.keys import EDDSA, Signer
from licensing_protocol.log.note import Note
from licensing_protocol.log.note_key import NoteKey, SignatureType
from licensing_protocol.log.policy import Party, Policy
from licensing_server.config import Settings
from licensing_server.problem import Unavailable

_LONGEST_NAME: Final = 200
_UNSEEN_S: Final = 60


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Whom the log asks, and which quorum its own acts may wait for; ``digest`` is the SHA-256 of the policy's file."""

    policy: Policy
    digest: str

    @property
    def asked(self) -> tuple[Party, ...]:
        """The witnesses that have an address."""
        return tuple(witness for witness in self.policy.witnesses.values() if witness.url is not None)

    @property
    def has_quorum(self) -> bool:
        """Whether there is a quorum to wait for."""
        return self.policy.quorum is not None

    @property
    def unseen_s(self) -> int | None:
        """For how many seconds a checkpoint that the quorum has yet to see is not shown; ``None`` without a quorum."""
        return _UNSEEN_S if self.has_quorum else None

    def have_seen(self, note: Note, origin: str, signers: Iterable[Signer]) -> bool:
        """Tell whether the quorum has cosigned a checkpoint of the log of this name, signed by one of ``signers``."""
        keys = [NoteKey.of(origin, SignatureType.ED25519, held.key) for held in signers if held.key.algorithm == EDDSA]
        policy = replace(self.policy, logs=tuple(map(Party, keys)))
        try:
            policy.verify(note)
        except InterlockError:
            return False
        return self.has_quorum


def read_policy(settings: Settings) -> Witnesses | None:
    """Return whom the settings say to ask, ``None`` where they name no policy.

    Raises:
        Unavailable: ``log.policy``; the sentence says what to do.
    """
    if settings.log_policy is None:
        if settings.quorum_orders or settings.quorum_issuances:
            raise _unusable("acts are to wait for witnesses, and it names no file that says which")
        return None
    try:
        file = settings.log_policy.read_bytes()
        witnesses = Witnesses(Policy.parse(file), to_base64url(digest(file)))
    except OSError as error:
        raise _unusable(f"{settings.log_policy} cannot be read") from error
    except MalformedDocument as error:
        raise _unusable(f"{settings.log_policy}: {str(error).rstrip('.')}") from error
    for party in witnesses.asked:
        if len(party.key.name) > _LONGEST_NAME:
            raise _unusable(f"the name of a witness has at most {_LONGEST_NAME} characters")
        if not _is_address(party.url or ""):
            raise _unusable(f"the witness {party.key.name} has no http or https address")
    if (settings.quorum_orders or settings.quorum_issuances) and not witnesses.has_quorum:
        raise _unusable("acts are to wait for a quorum, and it says: quorum none")
    return witnesses


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query and not parts.fragment


def _unusable(why: str) -> Unavailable:
    sentence = f"The policy of witnesses, INTERLOCK_LOG_POLICY, cannot be followed: {why}."
    return Unavailable("log.policy", sentence)
