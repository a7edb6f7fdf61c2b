"""Whom an auditor believes: said by the auditor, never by what is audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from licensing_protocol.log.note_key import NoteKey, SignatureType
from licensing_protocol.log.policy import Policy


def policy_of(keys: Sequence[str]) -> bytes:
    """Return the policy file that believes these keys: a log's to sign, and every witness's to have seen it.

    Raises:
        MalformedDocument: as :meth:`NoteKey.parse`.
    """
    parsed = [NoteKey.parse(key.strip()) for key in keys]
    witnesses = [key for key in parsed if key.kind is SignatureType.COSIGNATURE]
    lines = [f"log {key}" for key in parsed if key.kind is SignatureType.ED25519]
    lines += [f"witness witness{number} {key}" for number, key in enumerate(witnesses)]
    names = " ".join(f"witness{number}" for number in range(len(witnesses)))
    lines += [f"group all-of-them all {names}", "quorum all-of-them"] if names else ["quorum none"]
    return "".join(f"{line}\n" for line in lines).encode()


def of_log(policy: Policy) -> Policy:
    """Return the policy that takes a log by its word alone: for what is held against it, that is enough.

    Somebody who was shown another history was hardly shown one that witnesses had cosigned.
    """
    return replace(policy, quorum=None)
