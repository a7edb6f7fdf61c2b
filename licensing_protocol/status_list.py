"""Status lists: two bits a grant, one signature for a whole shard (IETF Token Status List, protocol §4)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from licensing_protocol import token, trust
from licensing_protocol.canonical import JsonObject, from_base64url, to_base64url
from licensing_protocol.errors import Equivocation, MalformedDocument, RolledBack, WrongDocument
from licensing_protocol.fields import Fields
from licensing_protocol.keys import Signer
from licensing_protocol.token import TokenType
from licensing_protocol.trust import RootOfTrust

SHARD_ENTRIES: Final = 2**20
_BITS: Final = 2
_ENTRIES_PER_BYTE: Final = 8 // _BITS
SHARD_BYTES: Final = SHARD_ENTRIES // _ENTRIES_PER_BYTE
_MASK: Final = 2**_BITS - 1
_MAX_URI: Final = 2048
_MAX_ENCODED: Final = token.size_limit(TokenType.STATUS_LIST)


class Status(IntEnum):
    """What two bits say; anything but ``VALID`` denies."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2
    RESERVED = 3


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Every non-zero bit has its order in the log of this ``origin`` below ``size``."""

    origin: str
    size: int


@dataclass(frozen=True, slots=True)
class StatusList:
    """One version of one shard. ``sequence`` (``seq``) never falls for one exact ``uri`` (``sub``)."""

    issuer: str
    uri: str
    issued_at: int
    expires: int
    ttl: int
    sequence: int
    log: LogPosition
    bits: bytes
    identity: str = ""

    @classmethod
    def parse(cls, claims: Any, identity: str = "") -> StatusList:
        """Read the claims; members that are unknown are ignored, for the list grants nothing.

        Raises:
            MalformedDocument: ``status_list.bits`` for another width, ``status_list.stream`` for a compressed stream
                that is broken, has bytes after it, or does not hold exactly one shard.
        """
        fields = Fields(claims, "statuslist")
        lists, log = fields.object("status_list"), fields.object("log")
        if lists.integer("bits") != _BITS:
            raise MalformedDocument("A status has two bits here.", code="status_list.bits")
        return cls(
            issuer=fields.text("iss"),
            uri=fields.text("sub", longest=_MAX_URI),
            issued_at=fields.integer("iat"),
            expires=fields.integer("exp"),
            ttl=fields.integer("ttl", least=1),
            sequence=fields.integer("seq", least=1),
            log=LogPosition(log.text("origin"), log.integer("size")),
            bits=_decompress(from_base64url(lists.text("lst", longest=_MAX_ENCODED))),
            identity=identity,
        )

    def to_claims(self) -> JsonObject:
        """Return the claims that :meth:`parse` reads."""
        return {
            "iss": self.issuer,
            "sub": self.uri,
            "iat": self.issued_at,
            "exp": self.expires,
            "ttl": self.ttl,
            "seq": self.sequence,
            "log": {"origin": self.log.origin, "size": self.log.size},
            "status_list": {"bits": _BITS, "lst": to_base64url(zlib.compress(self.bits, 9))},
        }

    def sign(self, signer: Signer) -> str:
        """Return the compact JWS."""
        return token.sign(self.to_claims(), TokenType.STATUS_LIST, signer)

    def status(self, index: int) -> Status:
        """Return the status at one index.

        Raises:
            MalformedDocument: ``status_list.index`` for an index outside the shard.
        """
        return read_status(self.bits, index)

    def refuse_if_older_than(self, held: StatusList) -> None:
        """Refuse to let this list take the place of the one held.

        Raises:
            WrongDocument: ``status_list.uri``: it is another shard.
            RolledBack: its ``seq`` is lower.
            Equivocation: the same ``seq``, another document.
        """
        if self.uri != held.uri:
            raise WrongDocument("This list is another shard.", code="status_list.uri")
        if self.sequence < held.sequence:
            raise RolledBack("This status list is older than the one held.")
        if self.sequence == held.sequence and self.identity != held.identity:
            raise Equivocation("Two different status lists carry one number.")


def verify(text: str, root: RootOfTrust, *, uri: str, now: int) -> StatusList:
    """Verify the list of one shard under the root's keys, and read it.

    Raises:
        WrongDocument: ``status_list.uri`` if it is another shard's; ``status_list.expired`` if ``now`` (seconds, a
            lower bound) has reached its ``exp``.
    """
    verified = trust.verify(text, TokenType.STATUS_LIST, root)
    status_list = StatusList.parse(verified.claims, verified.identity)
    if status_list.uri != uri:
        raise WrongDocument("This list is another shard.", code="status_list.uri")
    if now >= status_list.expires:
        raise WrongDocument("This status list has expired; fetch it again.", code="status_list.expired")
    return status_list


def read_status(bits: bytes | bytearray, index: int) -> Status:
    """Return the status at one index of a shard's bytes (the lowest bits of a byte come first)."""
    _refuse_index(index)
    return Status(bits[index // _ENTRIES_PER_BYTE] >> (index % _ENTRIES_PER_BYTE * _BITS) & _MASK)


def write_status(bits: bytearray, index: int, status: Status) -> None:
    """Set the status at one index of a shard's bytes."""
    _refuse_index(index)
    shift = index % _ENTRIES_PER_BYTE * _BITS
    kept = bits[index // _ENTRIES_PER_BYTE] & ~(_MASK << shift)
    bits[index // _ENTRIES_PER_BYTE] = kept | status << shift


def _refuse_index(index: int) -> None:
    if not 0 <= index < SHARD_ENTRIES:
        raise MalformedDocument(f"A shard has indices 0 to {SHARD_ENTRIES - 1}.", code="status_list.index")


def _decompress(stream: bytes) -> bytes:
    # Bounded: one byte more than a shard is never produced, so a zip bomb costs no memory.
    inflater = zlib.decompressobj()
    try:
        bits = inflater.decompress(stream, SHARD_BYTES + 1)
    except zlib.error as error:
        raise MalformedDocument("The list's stream is no zlib stream.", code="status_list.stream") from error
    if len(bits) != SHARD_BYTES or not inflater.eof or inflater.unused_data:
        raise MalformedDocument("The list's stream is not exactly one shard.", code="status_list.stream")
    return bits
