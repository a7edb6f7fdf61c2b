"""What the agent can raise, in one tree, split by who can mend it.

::

    AgentError
    ├── CapabilityDenied       the product asked for what is not allowed now
    ├── MalformedFix           the product gave a position that is none
    ├── LocationError          a receiver, or a recording of one, wrote what cannot be read
    ├── AgentClosed            the product goes on asking an agent that it has closed
    ├── UnsupportedPlatform    this machine lacks what trusted time needs
    ├── StoreError             the device's own disk
    │   └── StoreUnreadable, StoreNewer, StoreLocked, StoreFull, JournalFull
    └── TransportError         the network, or whoever answered on it
        ├── ServerRefused      a server said no, without a signature that would make it more than a hint
        └── OtherDocument      an answer came, and it answers something else

Each carries a stable ``code`` and a sentence. A decision never raises: it is a value. ``use`` raises
:class:`CapabilityDenied`, which holds that value.
"""

from __future__ import annotations

from typing import ClassVar

from licensing_protocol.decision import Denied
from licensing_protocol.reasons import SENTENCES, Reason


class AgentError(Exception):
    """Root of all that the agent raises on its own account."""

    default_code: ClassVar[str] = "agent.error"

    def __init__(self, sentence: str, *, code: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code or self.default_code


class CapabilityDenied(AgentError):
    """The use was not allowed; ``denied`` says of which capability and why."""

    default_code = "capability.denied"

    def __init__(self, denied: Denied) -> None:
        super().__init__(f"{denied.capability}: {denied.reason.sentence}", code=denied.reason.code)
        self.denied = denied


class MalformedFix(AgentError, ValueError):
    """A position whose numbers are missing, NaN or out of range, or whose source has no proper name; it is not used."""

    default_code = "fix.malformed"

    def __init__(self) -> None:
        super().__init__(
            "A position has a latitude from -90 to 90 and a longitude from -180 to 180 degrees, and the radius in "
            "metres, 0 or more, of its 95 % circle; where the receiver has none, give none. A source is named in at "
            "most 100 printable characters."
        )


class AgentClosed(AgentError):
    """The agent was closed: it neither exchanges documents nor measures any more, and denies what is gated."""

    default_code = "agent.closed"

    def __init__(self) -> None:
        super().__init__(SENTENCES[self.default_code])


class LocationError(AgentError, ValueError):
    """A line or a recording that cannot be read as positions. A source at work counts these and never raises them."""

    default_code = "location.malformed"


class UnsupportedPlatform(AgentError):
    """Not Linux, or a kernel without CLOCK_BOOTTIME or a boot id: trusted time cannot be kept."""

    default_code = "platform.unsupported"


class StoreError(AgentError):
    """The store cannot serve; everything gated is denied with :attr:`reason` until it can."""

    default_code = "store.unreadable"

    def __init__(self, problem: str = "") -> None:
        sentence = SENTENCES[self.default_code]
        super().__init__(f"{sentence} ({problem})" if problem else sentence)

    @property
    def reason(self) -> Reason:
        """The reason with which a decision denies meanwhile."""
        return Reason(self.code)


class StoreUnreadable(StoreError):
    """Damaged, missing parts, or not permitted."""

    default_code = "store.unreadable"


class StoreNewer(StoreError):
    """Written by a newer agent."""

    default_code = "store.newer"


class StoreLocked(StoreError):
    """Another process holds the store for longer than the agent waits."""

    default_code = "store.locked"


class StoreFull(StoreError):
    """The disk is full, or a write failed: nothing new can be recorded."""

    default_code = "store.full"


class JournalFull(StoreError):
    """The journal has reached its bound: what must be recorded is denied until the exporter confirms what is there."""

    default_code = "journal.full"


class TransportError(AgentError):
    """No signed answer came back; the same document is sent again later."""

    default_code = "transport.failed"


class ServerRefused(TransportError):
    """A server refused, and said why in an unsigned answer: for people to read, and nothing is concluded from it.

    ``code`` is the server's own.
    """

    default_code = "transport.refused"


class OtherDocument(TransportError):
    """What came answers another document; the one under way stays under way, and its answer can still be taken."""

    default_code = "transport.other_document"
