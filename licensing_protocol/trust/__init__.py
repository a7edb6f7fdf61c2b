"""The root of trust: which keys may sign what (protocol §2).

What is imported from here needs no TUF library. :mod:`licensing_protocol.trust.chain` verifies roots and Targets and
:mod:`licensing_protocol.trust.compose` writes them; both stand on python-tuf, and are imported when they are needed.
"""

from licensing_protocol.trust.documents import DELEGATION_OF, verify
from licensing_protocol.trust.pinned import PinnedRoot
from licensing_protocol.trust.trusted import NOBODY, Delegation, NobodyTrusted, RootOfTrust, Trusted

__all__ = [
    "DELEGATION_OF",
    "NOBODY",
    "Delegation",
    "NobodyTrusted",
    "PinnedRoot",
    "RootOfTrust",
    "Trusted",
    "verify",
]
