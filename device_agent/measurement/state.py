"""What stands for a digest where there is nothing to digest.

A component that is missing or cannot be read is in a state that the exporter must see, not an error that the product
must handle. The values are no hash of anything known, so no file can be made to look like one of them.
"""

from __future__ import annotations

from typing import Final

from licensing_protocol.fields import DIGEST_BYTES


def _state(number: int) -> bytes:
    return number.to_bytes(DIGEST_BYTES, "big")


MISSING: Final = _state(1)
UNREADABLE: Final = _state(2)
# A FIFO, socket or device: opening one can block for ever, or act on the machine.
SPECIAL: Final = _state(3)
OVERSIZED: Final = _state(4)
