"""What the next root or Targets are to say; the holders of the root keys sign them elsewhere (protocol §2)."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from typing import Final

from licensing_protocol.canonical import JsonObject
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.keys import KeySet
from licensing_protocol.trust import Delegation, Trusted
from licensing_protocol.trust.compose import RootKey, RootPlan, read_key, write_root, write_targets
from licensing_protocol.trust.metadata import read_root
from licensing_server.problem import Conflict, Unprocessable

DAY_S: Final = 86_400
ROOT_DAYS: Final = 3650
TARGETS_DAYS: Final = 730


def first_targets(delegations: dict[Delegation, KeySet], now: int, days: int = TARGETS_DAYS) -> JsonObject:
    """Return the first Targets, unsigned."""
    return write_targets(1, now, now + days * DAY_S, delegations)


def next_targets(
    held: Trusted, now: int, *, add: dict[Delegation, KeySet], without: Collection[str], days: int = TARGETS_DAYS
) -> JsonObject:
    """Return the Targets after those held, unsigned: with keys added, and ``without`` some (by thumbprint).

    Raises:
        Conflict: ``targets.empty`` where a purpose would be left without a key.
    """
    delegations = {}
    for name in Delegation:
        kept = [key for key in held.keys(name) if key.thumbprint not in without]
        delegations[name] = KeySet(*kept, *add.get(name, KeySet()))
        if not len(delegations[name]):
            raise Conflict("targets.empty", f"Nobody could sign for the purpose {str(name)!r} any more; rotate first.")
    # Of two made within one second the later one must still be later.
    return write_targets(held.targets + 1, max(now, held.issued), now + days * DAY_S, delegations)


def next_root(
    document: JsonObject, now: int, *, add: Sequence[RootKey] = (), without: Collection[str] = (), days: int = ROOT_DAYS
) -> JsonObject:
    """Return the root after this one, unsigned: with holders added, and ``without`` some (by key id).

    Raises:
        Conflict: ``root.too_few`` where fewer keys would be left than must sign.
        Unprocessable: ``root.holder`` for a key that is none.
    """
    signed = copy.deepcopy(document["signed"])
    role = signed["roles"]["root"]
    kept = [read_key({"keyid": keyid} | signed["keys"][keyid]) for keyid in role["keyids"] if keyid not in without]
    plan = RootPlan(signed["version"] + 1, now + days * DAY_S, [*kept, *add], role["threshold"])
    made = write_root(plan)
    try:
        read_root(made)
    except MalformedDocument as error:
        if error.code == "root.role":
            sentence = "Fewer keys would be left than must sign; add the public key of another holder."
            raise Conflict("root.too_few", sentence) from error
        raise Unprocessable("root.holder", f"The root would be refused: {error}") from error
    return made
