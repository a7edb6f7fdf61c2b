"""Writing roots and Targets, and signing them one key at a time, as people do who meet for a ceremony (protocol §2)."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Delegations, Metadata, Role, Root, Targets

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import Fields
from licensing_protocol.keys import KeySet
from licensing_protocol.trust.trusted import Delegation
from licensing_protocol.trust.tuf_keys import TufKey, write_keys

RootKey: TypeAlias = Key


@dataclass(frozen=True, slots=True)
class RootPlan:
    """What a root is to say: who signs the next root and the Targets, and until when (seconds) it stands.

    ``threshold`` counts Ed25519 and P-256 keys; one ML-DSA key must sign beside them where there is any.
    """

    version: int
    expires: int
    keys: Sequence[RootKey]
    threshold: int


def write_root(plan: RootPlan) -> JsonObject:
    """Return a root without signatures. The same keys hold both roles, and TUF's other two, which serve nobody here."""
    roles = {
        name: Role([key.keyid for key in plan.keys], plan.threshold)
        for name in ("root", "targets", "snapshot", "timestamp")
    }
    keys = {key.keyid: key for key in plan.keys}
    signed = Root(plan.version, expires=_moment(plan.expires), keys=keys, roles=roles, consistent_snapshot=False)
    return Metadata(signed).to_dict()


def write_targets(version: int, issued: int, expires: int, delegations: Mapping[Delegation, KeySet]) -> JsonObject:
    """Return Targets without signatures: for each purpose the keys that may sign alone; instants in seconds."""
    names = {key.thumbprint: key for keys in delegations.values() for key in keys}
    roles = [
        {"name": str(name), "keyids": sorted(key.thumbprint for key in keys), "threshold": 1}
        | {"terminating": True, "paths": []}
        for name, keys in sorted(delegations.items())
    ]
    delegated = Delegations.from_dict({"keys": write_keys(*names.values()), "roles": roles})
    signed = Targets(version, expires=_moment(expires), delegations=delegated, unrecognized_fields={"issued": issued})
    return Metadata(signed).to_dict()


def read_key(value: Any) -> RootKey:
    """Read the public key of a holder: ``{keyid, keytype, scheme, keyval}``.

    Raises:
        MalformedDocument: ``root.key``, ``root.keyid``, ``key.malformed`` or a field code.
    """
    fields = Fields(value, "holder")
    keyid = fields.text("keyid")
    members = {name: fields.take(name) for name in ("keytype", "scheme", "keyval")}
    fields.end()
    if TufKey.parse(members).keyid != keyid:
        raise MalformedDocument(f"The key id {keyid} is not the name of its key.", code="root.keyid")
    return Key.from_dict(keyid, copy.deepcopy(members))


def write_key(key: RootKey) -> JsonObject:
    """Return what :func:`read_key` reads."""
    return {"keyid": key.keyid} | key.to_dict()


def sign(document: JsonObject, signer: Signer) -> JsonObject:
    """Return the metadata with one key's signature beside those that it has."""
    metadata: Metadata[Root] | Metadata[Targets] = Metadata.from_dict(copy.deepcopy(document))
    metadata.sign(signer, append=True)
    return metadata.to_dict()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
