"""The log's side of witnessing: others are asked to cosign its checkpoints, and acts may wait until enough have."""

from licensing_server.witnessing.configuration import configuration, configure, configured
from licensing_server.witnessing.policy import Witnesses, read_policy
from licensing_server.witnessing.quorum import is_seen, is_witnessed, refusing, waits, witnessed_size
from licensing_server.witnessing.rounds import Rounds

__all__ = [
    "Rounds",
    "Witnesses",
    "configuration",
    "configure",
    "configured",
    "is_seen",
    "is_witnessed",
    "read_policy",
    "refusing",
    "waits",
    "witnessed_size",
]
