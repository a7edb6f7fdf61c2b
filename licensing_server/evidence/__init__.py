"""Evidence: continuity, storage, a first appraisal, and the receipt."""

from licensing_server.evidence.accept import Answered, Signing, accept
from licensing_server.evidence.ratchet import first_receipt

__all__ = ["Answered", "Signing", "accept", "first_receipt"]
