"""Cases of protocol §3: what grants something is understood whole or refused."""

from __future__ import annotations

import copy
from typing import Any, Final

from licensing_protocol.canonical import JsonObject
from licensing_protocol.token import TokenType
from tests.vectors.forge import (
    DEVICE,
    JWKS,
    NOW,
    accepted,
    digest_of,
    identity,
    refused,
    signed,
    without,
)

CAPABILITY: Final = "face.verify_1to1"
SQUARE: Final = [[[9, 47], [11, 47], [11, 49], [9, 49], [9, 47]]]
ZONE: Final[JsonObject] = {
    "name": "Square",
    "geometry": {"type": "Polygon", "coordinates": SQUARE},
    "source": "vectors",
    "accuracy_m": 10,
    "pov": "none",
}
EVERY_LIMIT: Final[JsonObject] = {
    "period": {"nbf": NOW - 5, "exp": NOW + 500},
    "schedule": {"tz": "Europe/Berlin", "windows": [{"days": ["MON"], "from": "08:00", "to": "18:00"}], "except": []},
    "area": {"allow": ["square"], "deny": [], "max_age": 60, "max_uncertainty_m": 1000},
    "quota": {"id": "q1", "uses": 3, "per": "P1D", "anchor": NOW},
    "parameters": {"type": "object", "properties": {"faces": {"type": "integer", "maximum": 2}}},
    "authority": {"required": True, "pattern": "DE/[0-9]{4}"},
    "operators": {"distinct": 2},
    "platform": {"max_speed_mps": 50},
}
GRANT: Final[JsonObject] = {
    "status": {"uri": "https://licensing.example/v1/status/1", "idx": 5},
    "freshness": {"max_offline": 1000, "max_silent": 2000, "per_boot": False},
    "limits": {},
    "on_unknown": "deny",
    "audit": "each",
    "obligations": ["show a notice"],
}
CLAIMS: Final[JsonObject] = {
    "iss": "exporter",
    "iat": NOW - 10,
    "nbf": NOW - 10,
    "exp": NOW + 9000,
    "jti": "entitlement-1",
    "sub": "device-1",
    "cnf": {"jkt": DEVICE.key.thumbprint},
    "ver": NOW - 10,
    "product": "camera",
    "releases": ["1.0"],
    "manifest": digest_of("manifest"),
    "authorisation": {"reference": "EX-1", "end_user": "party-1"},
    "zones": {"square": ZONE},
    "grants": {CAPABILITY: GRANT},
}


def claims_with(limits: JsonObject, **grant: Any) -> JsonObject:
    """Return sound claims whose one grant has these limits and other members."""
    return CLAIMS | {"grants": {CAPABILITY: GRANT | {"limits": limits} | grant}}


def _ask(claims: Any, now: int = NOW) -> JsonObject:
    return {"token": signed(claims, TokenType.ENTITLEMENT), "jwks": JWKS, "now": now}


def _refused(name: str, comment: str, claims: Any, code: str, now: int = NOW) -> JsonObject:
    return refused(name, comment, _ask(claims, now), code)


def _taken(name: str, comment: str, claims: JsonObject, now: int = NOW) -> JsonObject:
    question = _ask(claims, now)
    return accepted(name, comment, question, claims=claims, identity=identity(question["token"]))


def entitlement_cases() -> list[JsonObject]:
    return [*_documents(), *_members(), *_grants(), *_limits(), *_zones()]


def _documents() -> list[JsonObject]:
    receipt = {"token": signed(CLAIMS, TokenType.RECEIPT), "jwks": JWKS, "now": NOW}
    device = {"token": signed(CLAIMS, TokenType.ENTITLEMENT, DEVICE), "jwks": JWKS, "now": NOW}
    return [
        _taken("one grant", "sound", CLAIMS),
        _taken("every limit", "sound", claims_with(EVERY_LIMIT)),
        _taken("nothing granted", "sound: everything is stripped", CLAIMS | {"grants": {}}),
        _taken("an unknown limit", "kept, and denies at use", claims_with({"telepathy": {"range_m": 3}})),
        _taken("degrade", "parameters for what is unknown", claims_with({}, on_unknown={"degrade": {"faces": 0}})),
        _taken("with a proof", "log is optional", CLAIMS | {"log": "proof"}),
        _taken("its first second", "nbf is inclusive", CLAIMS, CLAIMS["nbf"]),
        _taken("its last second", "exp is exclusive", CLAIMS, CLAIMS["exp"] - 1),
        _refused("the second before", "not valid yet", CLAIMS, "entitlement.not_yet_valid", CLAIMS["nbf"] - 1),
        _refused("the second after", "expired", CLAIMS, "entitlement.expired", CLAIMS["exp"]),
        refused("a receipt's typ", "signed for another purpose", receipt, "token.wrong_type"),
        refused("signed by the device", "not a key of this purpose", device, "trust.unknown_key"),
    ]


def _members() -> list[JsonObject]:
    def but(**changes: Any) -> JsonObject:
        return CLAIMS | changes

    missing = [
        _refused(f"no {name}", "every claim but log is required", without(CLAIMS, name), "field.missing")
        for name in CLAIMS
    ]
    return [
        *missing,
        _refused("unknown claim", "what grants is understood whole", but(extra=1), "field.unknown"),
        _refused("float time", "times are integers", but(exp=NOW + 0.5), "field.type"),
        _refused("time as text", "times are integers", but(iat=str(NOW)), "field.type"),
        _refused("boolean time", "true is not 1", but(iat=True), "field.type"),
        _refused("negative time", "before 1970", but(iat=-1), "field.range"),
        _refused("ver 0", "versions begin at 1", but(ver=0), "field.range"),
        _refused("ends as it begins", "exp is after nbf", but(exp=CLAIMS["nbf"]), "entitlement.period"),
        _refused("no release", "at least one", but(releases=[]), "field.range"),
        _refused("repeated release", "a set", but(releases=["1.0", "1.0"]), "field.range"),
        _refused("short key", "jkt is 32 bytes", but(cnf={"jkt": "AAAA"}), "field.range"),
        _refused("more confirmation", "unknown member", but(cnf=CLAIMS["cnf"] | {"x5t": "A"}), "field.unknown"),
        _refused("empty device", "texts have a character", but(sub=""), "field.range"),
        _refused("no end-user", "missing", but(authorisation={"reference": "EX-1"}), "field.missing"),
        _refused("grants as a list", "an object", but(grants=[]), "field.type"),
        _refused("capability without a part", "an id has a dot", but(grants={"face": GRANT}), "capability.id"),
        _refused("capability in capitals", "the family is small", but(grants={"Face.x": GRANT}), "capability.id"),
    ]


def _grants() -> list[JsonObject]:
    def case(name: str, comment: str, code: str, **changes: Any) -> JsonObject:
        return _refused(name, comment, claims_with({}, **changes), code)

    freshness, status = GRANT["freshness"], GRANT["status"]
    missing = [
        _refused(
            f"grant without {name}",
            "every member is required",
            CLAIMS | {"grants": {CAPABILITY: without(GRANT, name)}},
            "field.missing",
        )
        for name in GRANT
    ]
    return [
        *missing,
        case("unknown member of a grant", "understood whole", "field.unknown", extra=1),
        case("index after the last", "a shard has 2^20", "field.range", status=status | {"idx": 2**20}),
        case("unknown member of status", "understood whole", "field.unknown", status=status | {"bits": 2}),
        case("never stale", "max_offline is at least 1", "field.range", freshness=freshness | {"max_offline": 0}),
        case("per_boot as a number", "a boolean", "field.type", freshness=freshness | {"per_boot": 1}),
        case("on_unknown allows", "deny or degrade only", "field.type", on_unknown="allow"),
        case("degrade to a list", "parameters are an object", "field.type", on_unknown={"degrade": []}),
        case("degrade and more", "understood whole", "field.unknown", on_unknown={"degrade": {}, "log": True}),
        case("unknown audit", "none, count or each", "field.range", audit="all"),
        case("repeated obligation", "a set", "field.range", obligations=["a", "a"]),
        case("obligation as a number", "strings", "field.type", obligations=[1]),
    ]


def _limits() -> list[JsonObject]:
    def case(name: str, comment: str, kind: str, code: str, **changes: Any) -> JsonObject:
        return _refused(name, comment, claims_with({kind: EVERY_LIMIT[kind] | changes}), code)

    window = EVERY_LIMIT["schedule"]["windows"][0]

    def scheduled(name: str, comment: str, code: str, **changes: Any) -> JsonObject:
        return case(name, comment, "schedule", code, windows=[window | changes])

    remote = {"$ref": "https://elsewhere.example/schema"}
    return [
        *(
            case(f"{kind}, unknown member", "a known limit is understood whole", kind, "field.unknown", extra=1)
            for kind in EVERY_LIMIT
            if kind != "parameters"
        ),
        _refused("period is null", "a limit is an object", claims_with({"period": None}), "field.type"),
        case("period ends first", "exp is after nbf", "period", "field.range", exp=NOW - 5),
        case("zone with a space", "no name has one", "schedule", "schedule.tz", tz="Europe/New Berlin"),
        case("zone is a path", "IANA names only", "schedule", "schedule.tz", tz="../UTC"),
        case("zone of the system", "it differs from device to device", "schedule", "schedule.tz", tz="localtime"),
        case("no window", "at least one", "schedule", "field.range", windows=[]),
        case("date written otherwise", "2026-12-25", "schedule", "schedule.date", **{"except": ["20261225"]}),
        case("no such date", "February has 28 days", "schedule", "schedule.date", **{"except": ["2026-02-29"]}),
        scheduled("no length", "a whole day is 00:00 to 24:00", "schedule.window", to="08:00"),
        scheduled("clock without a zero", "08:00", "schedule.clock", **{"from": "8:00"}),
        scheduled("clock in other digits", "ASCII only", "schedule.clock", **{"from": "0\uff18:00"}),
        scheduled("begins at 24:00", "only an end is 24:00", "schedule.clock", **{"from": "24:00"}),
        scheduled("no such day", "MON to SUN", "schedule.day", days=["MONDAY"]),
        case("area without a zone", "at least one", "area", "area.empty", allow=[]),
        case(
            "zone that is not there",
            "limits name zones of the entitlement",
            "area",
            "entitlement.zone",
            allow=["circle"],
        ),
        case("uncertainty as text", "a number", "area", "field.type", max_uncertainty_m="1000"),
        case("duration in months", "D, H, M and S only", "quota", "quota.per", per="P1M"),
        case("duration of nothing", "a window has a length", "quota", "quota.per", per="PT0S"),
        case("duration in other digits", "ASCII only", "quota", "quota.per", per="P\u0661D"),
        case("remote schema", "a schema stands for itself", "parameters", "parameters.reference", items=remote),
        case(
            "schema with an address",
            "a schema stands for itself",
            "parameters",
            "parameters.reference",
            **{"$id": "https://elsewhere.example/"},
        ),
        case(
            "schema of draft 7",
            "the dialect is 2020-12",
            "parameters",
            "parameters.dialect",
            **{"$schema": "http://json-schema.org/draft-07/schema#"},
        ),
        _refused("schema is true", "an object", claims_with({"parameters": True}), "field.type"),
        case("pattern breaks off", "RFC 9485", "authority", "authority.pattern", pattern="[0-9"),
        case("pattern with a look-ahead", "RFC 9485 has none", "authority", "authority.pattern", pattern="(?=a)"),
        case("required is text", "a boolean", "authority", "field.type", required="yes"),
        case("no operator", "at least 1", "operators", "field.range", distinct=0),
        case("no speed", "at least 0.1 m/s", "platform", "field.range", max_speed_mps=0),
    ]


def _zones() -> list[JsonObject]:
    def case(name: str, comment: str, code: str, **changes: Any) -> JsonObject:
        return _refused(name, comment, CLAIMS | {"zones": {"square": ZONE | changes}}, code)

    def polygon(rings: Any) -> JsonObject:
        return {"type": "Polygon", "coordinates": rings}

    closed = copy.deepcopy(SQUARE)
    closed[0][-1] = [9, 48]
    circle = {"center": [8.5, 50], "radius_m": 200}
    both = [polygon(SQUARE)["coordinates"], [[[0, 0], [1, 0], [1, 1], [0, 0]]]]
    return [
        _taken("circle", "sound", CLAIMS | {"zones": {"z": ZONE | {"geometry": {"circle": circle}}}}),
        _taken(
            "multipolygon",
            "sound",
            CLAIMS | {"zones": {"z": ZONE | {"geometry": {"type": "MultiPolygon", "coordinates": both}}}},
        ),
        case("unknown member of a zone", "understood whole", "field.unknown", extra=1),
        case("a point", "a zone has an area", "zone.geometry", geometry={"type": "Point", "coordinates": [0, 0]}),
        case("open ring", "it ends where it begins", "zone.geometry", geometry=polygon(closed)),
        case("three positions", "a ring has four", "zone.geometry", geometry=polygon([[[0, 0], [1, 0], [0, 0]]])),
        case("no ring", "at least one", "field.range", geometry=polygon([])),
        case("ring is null", "a list", "zone.geometry", geometry=polygon([None])),
        case(
            "multipolygon of nothing",
            "a polygon has a ring",
            "zone.geometry",
            geometry={"type": "MultiPolygon", "coordinates": [[]]},
        ),
        case(
            "longitude 181",
            "cut at the antimeridian",
            "field.range",
            geometry=polygon([[[179, 0], [181, 0], [181, 1], [179, 0]]]),
        ),
        case("height", "two numbers", "field.range", geometry=polygon([[[0, 0, 0]] * 4])),
        case("circle of nothing", "a radius of a metre", "field.range", geometry={"circle": circle | {"radius_m": 0}}),
        case("circle and more", "understood whole", "field.unknown", geometry={"circle": circle, "type": "Circle"}),
        case("bounding box", "understood whole", "field.unknown", geometry=polygon(SQUARE) | {"bbox": [9, 47, 11, 49]}),
    ]
