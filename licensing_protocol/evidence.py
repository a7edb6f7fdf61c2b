"""Evidence: an Entity Attestation Token with measurements and the journal since the last receipt (protocol §6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from licensing_protocol import token
from licensing_protocol.canonical import JsonObject, to_base64url
from licensing_protocol.errors import MalformedDocument
from licensing_protocol.fields import DIGEST_BYTES, Fields
from licensing_protocol.journal import Event
from licensing_protocol.keys import KeySet, Signer, VerificationKey
from licensing_protocol.measurement import Measurement
from licensing_protocol.time_bounds import TimeBounds
from licensing_protocol.token import TokenType
from licensing_protocol.ueid import RANDOM_UEID

PROFILE: Final = "tag:interlock.invalid,2026:evidence/1"
FRESH_BYTES: Final = 16
_MAX_EVENTS: Final = 10_000
_MAX_MEASUREMENTS: Final = 100
_MAX_SHARDS: Final = 64
_MAX_CAPABILITIES: Final = 1000
_MAX_NONCES: Final = 4
# RFC 9711 §4.1 (in JSON).
_SHORTEST_NONCE: Final = 8
_LONGEST_NONCE: Final = 88
# RFC 9711 §4.2.1.1, type RAND.
_DEBUG_STATES: Final = frozenset(
    {
        "enabled",
        "disabled",
        "disabled-since-boot",
        "disabled-permanently",
        "disabled-fully-and-permanently",
    }
)


@dataclass(frozen=True, slots=True)
class Platform:
    """The EAT claims about the device itself (RFC 9711 §4.2). ``uptime`` is in seconds."""

    oem: str
    model: str
    product: str
    release: str
    boot_count: int
    uptime: int
    debug: str = "enabled"


@dataclass(frozen=True, slots=True)
class Usage:
    """How often a capability was used and denied since the last receipt."""

    uses: int
    denials: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """One report of one device.

    ``parent`` is the ratchet of the last receipt and ``nonces[0]`` that receipt's nonce; ``first`` is the number of the
    first event that no receipt covers; ``head`` the journal's head after the last event carried. ``entitlement`` is
    the ``(jti, ver)`` that the device obeys, ``status`` the ``seq`` of each list it holds.
    """

    issued_at: int
    device: str
    nonces: tuple[str, ...]
    platform: Platform
    measurements: tuple[Measurement, ...]
    fresh: bytes
    manifest: str
    parent: bytes
    first: int
    head: bytes
    events: tuple[Event, ...]
    entitlement: tuple[str, int] | None
    status: Mapping[str, int]
    clock: TimeBounds
    usage: Mapping[str, Usage]
    identity: str = ""

    @classmethod
    def parse(cls, claims: Any, identity: str = "") -> Evidence:
        """Read the claims; members that are unknown are ignored, for evidence grants nothing.

        Raises:
            MalformedDocument: ``evidence.profile`` for another profile, ``measurement.repeated`` where one component
                has two measurements; or a field code.
        """
        fields = Fields(claims, "evidence")
        if fields.text("eat_profile") != PROFILE:
            raise MalformedDocument(f"Only evidence of the profile {PROFILE} is taken.", code="evidence.profile")
        ours = fields.object("interlock")
        return cls(
            issued_at=fields.integer("iat"),
            device=_device(fields),
            nonces=_nonces(fields),
            platform=_platform(fields),
            measurements=_measurements(fields),
            fresh=ours.octets("fresh", length=FRESH_BYTES),
            manifest=to_base64url(ours.octets("manifest")),
            parent=ours.octets("parent"),
            first=ours.integer("first", least=1),
            head=ours.octets("head"),
            events=tuple(map(Event.parse, ours.list_of("events", most=_MAX_EVENTS))),
            entitlement=ours.optional("entitlement", lambda name: _entitlement(ours.object(name))),
            status=_sequences(ours),
            clock=_clock(ours.object("clock")),
            usage=_usage(ours),
            identity=identity,
        )

    def to_claims(self) -> JsonObject:
        """Return the claims that :meth:`parse` reads."""
        platform = self.platform
        return {
            "eat_profile": PROFILE,
            "iat": self.issued_at,
            "ueid": self.device,
            "eat_nonce": self.nonces[0] if len(self.nonces) == 1 else list(self.nonces),
            "oemid": platform.oem,
            "hwmodel": platform.model,
            "swname": platform.product,
            "swversion": [platform.release],
            "bootcount": platform.boot_count,
            "uptime": platform.uptime,
            "dbgstat": platform.debug,
            "measurements": [measurement.to_claims() for measurement in self.measurements],
            "interlock": self._our_claims(),
        }

    def _our_claims(self) -> JsonObject:
        clock = self.clock
        claims: JsonObject = {
            "fresh": to_base64url(self.fresh),
            "manifest": self.manifest,
            "parent": to_base64url(self.parent),
            "first": self.first,
            "head": to_base64url(self.head),
            "events": [event.to_json() for event in self.events],
            "status": dict(self.status),
            "clock": {"lower": clock.lower, "upper": clock.upper, "wall": clock.wall},
            "usage": {
                capability: {"uses": usage.uses, "denials": usage.denials} for capability, usage in self.usage.items()
            },
        }
        if self.entitlement is not None:
            claims["entitlement"] = {"jti": self.entitlement[0], "ver": self.entitlement[1]}
        return claims

    @property
    def last(self) -> int:
        """The number of the last event carried; ``first - 1`` where none is."""
        return self.first + len(self.events) - 1

    def sign(self, signer: Signer) -> str:
        """Return the compact JWS by the device's key."""
        return token.sign(self.to_claims(), TokenType.EVIDENCE, signer)


def verify(text: str, device_key: VerificationKey) -> Evidence:
    """Verify evidence under the key of the device that it is taken to come from, and read it."""
    verified = token.verify(text, TokenType.EVIDENCE, KeySet(device_key))
    return Evidence.parse(verified.claims, verified.identity)


def _device(fields: Fields) -> str:
    ueid = fields.octets("ueid", length=1 + DIGEST_BYTES)
    if ueid[:1] != RANDOM_UEID:
        fields.refuse("ueid", "field.range", "must be of the type RAND")
    return to_base64url(ueid)


def _measurements(fields: Fields) -> tuple[Measurement, ...]:
    measurements = tuple(map(Measurement.parse, fields.list_of("measurements", most=_MAX_MEASUREMENTS)))
    if len({measurement.name for measurement in measurements}) != len(measurements):
        raise MalformedDocument("One component has two measurements.", code="measurement.repeated")
    return measurements


def _nonces(fields: Fields) -> tuple[str, ...]:
    value = fields.take("eat_nonce")
    values = value if isinstance(value, list) else [value]
    nonces = Fields({"eat_nonce": values}, "evidence").texts(
        "eat_nonce", least=1, most=_MAX_NONCES, longest=_LONGEST_NONCE
    )
    if min(map(len, nonces)) < _SHORTEST_NONCE:
        fields.refuse("eat_nonce", "field.range", f"must have at least {_SHORTEST_NONCE} characters each")
    return nonces


def _platform(fields: Fields) -> Platform:
    platform = Platform(
        oem=fields.text("oemid"),
        model=fields.text("hwmodel"),
        product=fields.text("swname"),
        release=fields.texts("swversion", least=1, most=1)[0],
        boot_count=fields.integer("bootcount"),
        uptime=fields.integer("uptime"),
        debug=fields.text("dbgstat"),
    )
    if platform.debug not in _DEBUG_STATES:
        fields.refuse("dbgstat", "field.range", "must be a state that RFC 9711 names")
    return platform


def _entitlement(fields: Fields) -> tuple[str, int]:
    return fields.text("jti"), fields.integer("ver", least=1)


def _sequences(fields: Fields) -> dict[str, int]:
    sequences = Fields(dict(fields.members("status", most=_MAX_SHARDS)), "evidence.status")
    return {uri: sequences.integer(uri, least=1) for uri in sequences.names()}


def _clock(fields: Fields) -> TimeBounds:
    upper, wall = (fields.nullable(name, fields.integer) for name in ("upper", "wall"))
    return TimeBounds(fields.integer("lower"), upper, wall)


def _usage(fields: Fields) -> dict[str, Usage]:
    usage = {}
    for capability, value in fields.members("usage", most=_MAX_CAPABILITIES):
        counts = Fields(value, f"evidence.usage.{capability}")
        usage[capability] = Usage(counts.integer("uses"), counts.integer("denials"))
    return usage
