"""Signed metadata of The Update Framework, read strictly here before python-tuf sees it (protocol §2).

python-tuf takes what its types happen to take: a text where a list belongs, a true where a number belongs. What passes
here has the shape that the specification gives it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from securesystemslib.signer import KEY_TYPE_MLDSA
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Targets
from tuf.api.serialization import SerializationError

from licensing_protocol.canonical import JsonObject, encode
from licensing_protocol.errors import BelowThreshold, MalformedDocument, OversizedDocument
from licensing_protocol.fields import Fields
from licensing_protocol.keys import KeySet
from licensing_protocol.trust.pinned import MOST_BYTES
from licensing_protocol.trust.trusted import Delegation, delegations_of
from licensing_protocol.trust.tuf_keys import MOST_KEYS, TufKey, read_keys

_ROOT: Final = "root"
_TARGETS: Final = "targets"
_ROLES: Final = frozenset({_ROOT, _TARGETS, "snapshot", "timestamp"})
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
# An ML-DSA-65 signature in hexadecimal has 6618 characters.
_LONGEST_SIGNATURE: Final = 10_000
S = TypeVar("S", Root, Targets)


@dataclass(frozen=True, slots=True)
class Held(Generic[S]):
    """Metadata of a sound shape, its signatures not verified: ``expires`` in seconds, ``payload`` what is signed."""

    document: JsonObject
    metadata: Metadata[S]
    version: int
    expires: int
    payload: bytes

    @property
    def signed(self) -> S:
        """The signed part."""
        return self.metadata.signed


@dataclass(frozen=True, slots=True)
class HeldTargets:
    """Targets of a sound shape: when they were issued (seconds), and who may sign what by their word."""

    held: Held[Targets]
    issued: int
    delegations: dict[Delegation, KeySet]


def read_root(document: JsonObject) -> Held[Root]:
    """Read a root.

    Raises:
        OversizedDocument: over 64 KiB.
        MalformedDocument: ``root.key``, ``root.keyid``, ``root.key_twice``, ``root.role`` for roles that cannot be
            served, ``root.duplicate_signature``, ``root.malformed``, or a field code.
    """
    signed = _signed(document, _ROOT)
    keys = read_keys(signed)
    roles = dict(signed.members("roles", most=len(_ROLES)))
    if set(roles) != _ROLES:
        raise MalformedDocument("A root names the four roles of TUF and no other.", code="root.role")
    for name, value in roles.items():
        _hold_role(Fields(value, f"root.roles.{name}"), keys)
    return _held(document)


def read_targets(document: JsonObject) -> HeldTargets:
    """Read Targets; raises as :func:`read_root`, and ``root.delegation`` where their delegations cannot be served."""
    signed = _signed(document, _TARGETS)
    issued = signed.integer("issued")
    delegations = signed.object("delegations")
    keys = read_keys(delegations)
    roles = [
        _delegated(Fields(value, "targets.delegation"), keys)
        for value in delegations.list_of("roles", most=len(Delegation))
    ]
    if len(dict(roles)) != len(roles):
        raise MalformedDocument("Targets delegate one purpose twice.", code="root.delegation")
    return HeldTargets(_held(document), issued, delegations_of(dict(roles)))


def require(signer: Held[Root], role: str, held: Held[S]) -> None:
    """Hold metadata against the threshold of a role, and against the rule for ML-DSA.

    Raises:
        BelowThreshold: too few of the role's keys signed (``trust.threshold``), or none of the ML-DSA keys that it
            lists (``trust.post_quantum``). These stand beside the threshold and are not counted towards it.
    """
    result = signer.signed.get_verification_result(role, held.payload, held.metadata.signatures)
    listed = result.signed | result.unsigned
    later = {keyid for keyid, key in listed.items() if key.keytype == KEY_TYPE_MLDSA}
    counted = result.signed.keys() - later
    if len(counted) < result.threshold:
        sentence = f"Signed by {len(counted)} of the {result.threshold} {role} keys that version {signer.version} asks."
        raise BelowThreshold(sentence)
    if later and not later & result.signed.keys():
        raise BelowThreshold("None of the role's ML-DSA keys signed.", code="trust.post_quantum")


def _signed(document: JsonObject, type: str) -> Fields:
    """Read what roots and Targets have in common; the rest of the signed part is still to be read."""
    if len(encode(document)) > MOST_BYTES:
        raise OversizedDocument(f"Metadata of the root of trust have at most {MOST_BYTES} bytes.")
    fields = Fields(document, type)
    signatures = [_signature(value) for value in fields.list_of("signatures", most=MOST_KEYS)]
    if len(set(signatures)) != len(signatures):
        raise MalformedDocument("One key signed twice.", code="root.duplicate_signature")
    signed = fields.object("signed")
    fields.end()
    if signed.text("_type") != type:
        raise MalformedDocument(f"This is no {type} metadata.", code="root.malformed")
    signed.text("spec_version", longest=16)
    signed.integer("version", least=1)
    if not _INSTANT.fullmatch(signed.text("expires")):
        signed.refuse("expires", "field.range", "must be written YYYY-MM-DDTHH:MM:SSZ")
    return signed


def _signature(value: Any) -> str:
    fields = Fields(value, "signature")
    fields.text("sig", longest=_LONGEST_SIGNATURE)
    return fields.text("keyid")


def _hold_role(fields: Fields, keys: Mapping[str, TufKey]) -> tuple[list[TufKey], int]:
    keyids = fields.texts("keyids", most=MOST_KEYS)
    threshold = fields.integer("threshold", least=1, most=MOST_KEYS)
    if not set(keyids) <= set(keys):
        raise MalformedDocument("A role names a key that is not there.", code="root.role")
    held = [keys[keyid] for keyid in keyids]
    if sum(key.verification is not None for key in held) < threshold:
        raise MalformedDocument("A role asks for more signatures than it has keys to count.", code="root.role")
    return held, threshold


def _delegated(fields: Fields, keys: Mapping[str, TufKey]) -> tuple[str, KeySet]:
    name = fields.text("name")
    held, threshold = _hold_role(fields, keys)
    signers = [key.verification for key in held if key.verification is not None]
    if threshold != 1 or len(signers) != len(held):
        # A document carries one signature, by Ed25519 or P-256.
        raise MalformedDocument("One Ed25519 or P-256 key signs a document alone.", code="root.delegation")
    return name, KeySet(*signers)


def _held(document: JsonObject) -> Held[S]:
    # python-tuf takes apart what it is given.
    metadata: Metadata[S] = _refusing(lambda: Metadata.from_dict(copy.deepcopy(document)))
    payload = _refusing(lambda: metadata.signed_bytes)
    expires = int(metadata.signed.expires.timestamp())
    if expires < 0:
        raise MalformedDocument("Metadata cannot expire before 1970.", code="root.malformed")
    return Held(document, metadata, metadata.signed.version, expires, payload)


T = TypeVar("T")


def _refusing(read: Callable[[], T]) -> T:
    try:
        return read()
    except (RepositoryError, SerializationError, ValueError, KeyError, TypeError, AttributeError) as error:
        sentence = f"This is no metadata of the root of trust: {error}."
        raise MalformedDocument(sentence, code="root.malformed") from error
