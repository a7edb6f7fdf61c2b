"""Diligence: the parties to an export."""

from licensing_server.diligence.parties import party_of

__all__ = ["party_of"]
