"""The record of every act: queued in the act's own transaction, then given its contiguous index."""

from licensing_server.audit_log.record import Queued, record
from licensing_server.audit_log.sequence import lag, sequence, sequenced_size

__all__ = ["Queued", "lag", "record", "sequence", "sequenced_size"]
