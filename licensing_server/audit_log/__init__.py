"""The record of every act: queued in the act's own transaction, then integrated into a tree whose heads are signed."""

from licensing_server.audit_log.anew import begin_anew
from licensing_server.audit_log.checkpoints import checkpoint, is_open, show, shown, unsigned_lag
from licensing_server.audit_log.head import HeadFile
from licensing_server.audit_log.origins import ORIGIN, begin, has_begun, open_log, origin, size
from licensing_server.audit_log.record import Queued, record
from licensing_server.audit_log.sequence import lag, sequence
from licensing_server.audit_log.sign import Checkpoints
from licensing_server.audit_log.tree import prove, prove_growth, root, tile

__all__ = [
    "ORIGIN",
    "Checkpoints",
    "HeadFile",
    "Queued",
    "begin",
    "begin_anew",
    "checkpoint",
    "has_begun",
    "is_open",
    "lag",
    "open_log",
    "origin",
    "prove",
    "prove_growth",
    "record",
    "root",
    "sequence",
    "show",
    "shown",
    "size",
    "tile",
    "unsigned_lag",
]
