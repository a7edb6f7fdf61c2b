"""The journal: what happened, numbered and chained, until the exporter confirms that it has it (protocol §6)."""

from device_agent.journal.append import append, note
from device_agent.journal.chain import Chain, begin, covered, heads, prefix, unreceipted

__all__ = ["Chain", "append", "begin", "covered", "heads", "note", "prefix", "unreceipted"]
