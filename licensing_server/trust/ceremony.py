"""Making the first root: keys for several holders, and a root that all of them signed (protocol §2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Final

from licensing_protocol.canonical import JsonObject
from licensing_protocol.trust.compose import RootPlan, sign, write_root
from licensing_protocol.trust.offline import OfflineKey
from licensing_server.problem import Unprocessable
from licensing_server.signing.files import write_secret
from licensing_server.trust.compose import DAY_S, ROOT_DAYS

HOLDERS: Final = 3
THRESHOLD: Final = 2
FOLDER: Final = "ceremony"
_OWNER_ONLY: Final = 0o700


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What was made: a file name and a key for each holder, and the first root."""

    keys: dict[str, OfflineKey]
    root: JsonObject

    @classmethod
    def hold(
        cls,
        now: int,
        *,
        holders: int = HOLDERS,
        threshold: int = THRESHOLD,
        post_quantum: bool = False,
        days: int = ROOT_DAYS,
    ) -> Ceremony:
        """Make keys for so many holders, of whom ``threshold`` must sign, and beside them one of ML-DSA if wanted.

        Raises:
            Unprocessable: ``ceremony.threshold`` where more would have to sign than there are.
        """
        if not 1 <= threshold <= holders:
            raise Unprocessable("ceremony.threshold", f"{threshold} of {holders} holders can never sign.")
        keys = {f"root-key-{number}.pem": OfflineKey.generate() for number in range(1, holders + 1)}
        if post_quantum:
            keys["root-key-ml-dsa.pem"] = OfflineKey.generate(post_quantum=True)
        plan = RootPlan(1, now + days * DAY_S, [key.key for key in keys.values()], threshold)
        return cls(keys, signed(write_root(plan), list(keys.values())))


def signed(document: JsonObject, keys: Sequence[OfflineKey]) -> JsonObject:
    """Return metadata with the signatures of these keys beside those that it has."""
    return reduce(lambda so_far, key: sign(so_far, key.signer), keys, document)


def keep(ceremony: Ceremony, folder: Path, passphrase: bytes) -> None:
    """Write the keys of a throw-away ceremony, all under one passphrase, below the server's own data.

    Whoever takes over this machine has them too: it is for trying things out.
    """
    folder.mkdir(mode=_OWNER_ONLY, parents=True)
    for name, key in ceremony.keys.items():
        write_secret(folder / name, key.to_pem(passphrase))
