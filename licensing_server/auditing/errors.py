"""What an audit can end in, beside the protocol's own refusals.

::

    InterlockError
    ├── Discrepancy          what a log shows does not fit together, or with what its keepers signed
    ├── StandsStill          nothing shows that the log is alive: it is idle, or shown in an old state
    └── SourceUnreachable    nothing can be said: a file or a server gives no answer
"""

from __future__ import annotations

from licensing_protocol.errors import InterlockError


class Discrepancy(InterlockError):
    """Something is wrong with a log. ``place`` is the file at fault, ``index`` the first entry that is."""

    default_code = "audit.discrepancy"

    def __init__(self, sentence: str, *, code: str, place: str = "", index: int | None = None) -> None:
        super().__init__(sentence, code=code)
        self.place = place
        self.index = index

    @classmethod
    def at(cls, place: str, error: InterlockError) -> Discrepancy:
        """Say of a file what the protocol refuses about it."""
        return cls(f"{place}: {error}", code=error.code, place=place)


class StandsStill(InterlockError):
    """For too long nothing has shown that a log is alive: it is idle, or somebody shows an old state of it."""

    default_code = "audit.stale"


class SourceUnreachable(InterlockError):
    """A folder or server that cannot be read: neither good nor bad can be said of the log."""

    default_code = "audit.unreachable"
