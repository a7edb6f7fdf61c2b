"""Cases of one use as a whole (protocol §3 to §5): one thing at a time is not kept."""

from __future__ import annotations

from typing import Any, Final

from licensing_protocol.canonical import JsonObject
from tests.vectors.entitlements import CAPABILITY, CLAIMS, EVERY_LIMIT, GRANT, claims_with
from tests.vectors.forge import NOW, accepted, refused

HERE: Final[JsonObject] = {"latitude": 48, "longitude": 10, "uncertainty_m": 5}
KEPT: Final[JsonObject] = {
    "status": 0,
    "now": NOW,
    "fix": HERE,
    "capability": CAPABILITY,
    "parameters": {"faces": 1},
    "authority": "DE/2026",
    "operators": ["ada", "bo"],
}
# A degree of latitude at 49° north.
_METRES_PER_DEGREE: Final = 111_210
DEGRADE: Final[JsonObject] = {"degrade": {"faces": 0}}
GRANTED: Final[JsonObject] = {"decision": "granted", "obligations": GRANT["obligations"], "audit": "each"}


def _ask(claims: JsonObject, **changes: Any) -> JsonObject:
    question = {"entitlement_claims": claims, **KEPT, **changes}
    return {name: value for name, value in question.items() if value is not ...}


def _denied(name: str, comment: str, claims: JsonObject, code: str, **changes: Any) -> JsonObject:
    result = {"decision": "denied", "code": code}
    for extra in ("retry_at", "zone"):
        if extra in changes:
            result[extra] = changes.pop(extra)
    return accepted(name, comment, _ask(claims, **changes), **result)


def decide_cases() -> list[JsonObject]:
    return [*_kept(), *_documents(), *_not_kept(), *_at_a_border(), *_unknown(), *_questions()]


def _kept() -> list[JsonObject]:
    every = claims_with(EVERY_LIMIT)
    return [
        accepted("every limit kept", "granted", _ask(every), **GRANTED),
        accepted("no limits", "granted", _ask(claims_with({})), **GRANTED),
        accepted("an interval", "inside everything", _ask(every, now=[NOW, NOW + 60]), **GRANTED),
        accepted(
            "optional members are null",
            "as if they were left out",
            _ask(
                claims_with({}),
                **dict.fromkeys(("fix", "fix_age", "before", "parameters", "authority", "operators", "used")),
            ),
            **GRANTED,
        ),
        accepted("two of three used", "granted", _ask(every, used=2), **GRANTED),
        accepted("position of a minute ago", "max_age is inclusive", _ask(every, fix_age=60), **GRANTED),
        accepted(
            "authority not required",
            "granted",
            _ask(claims_with({"authority": {"required": False}}), authority=...),
            **GRANTED,
        ),
    ]


def _documents() -> list[JsonObject]:
    sound = claims_with({})
    return [
        _denied("stripped", "not in grants", sound, "capability.stripped", capability="face.emotion"),
        _denied("expired", "exp is exclusive", sound, "entitlement.expired", now=CLAIMS["exp"]),
        _denied(
            "not yet",
            "nbf is inclusive",
            sound,
            "entitlement.not_yet_valid",
            now=CLAIMS["nbf"] - 1,
            retry_at=CLAIMS["nbf"],
        ),
        _denied(
            "not yet, perhaps",
            "the lower bound counts",
            sound,
            "entitlement.not_yet_valid",
            now=[CLAIMS["nbf"] - 1, CLAIMS["nbf"] + 5],
            retry_at=CLAIMS["nbf"],
        ),
        _denied("revoked", "INVALID", sound, "status.invalid", status=1),
        _denied("suspended", "SUSPENDED", sound, "status.suspended", status=2),
        _denied("reserved status", "any status but VALID", sound, "status.invalid", status=3),
        accepted("valid by name", "as the Token Status List calls it", _ask(sound, status="VALID"), **GRANTED),
        _denied("suspended by name", "the same", sound, "status.suspended", status="SUSPENDED"),
        _denied("no list", "none has arrived", sound, "status.absent", status=None),
    ]


def _not_kept() -> list[JsonObject]:
    every = claims_with(EVERY_LIMIT)
    far, edge = HERE | {"latitude": 50}, HERE | {"latitude": 48.99999}
    atlantis = EVERY_LIMIT["schedule"] | {"tz": "Europe/Atlantis"}
    night = {"tz": "UTC", "windows": [{"days": ["MON"], "from": "15:00", "to": "18:00"}], "except": []}
    opens = NOW + 2800  # 15:00:00 of that Monday
    deny = EVERY_LIMIT["area"] | {"allow": [], "deny": ["square"]}
    hourly, hour = claims_with({"quota": EVERY_LIMIT["quota"] | {"per": "PT1H"}}), NOW + 3_600
    return [
        _denied("unknown limit", "it denies", claims_with({"telepathy": {}}), "limit.unsupported"),
        _denied(
            "unknown time zone", "it cannot be evaluated", claims_with({"schedule": atlantis}), "limit.unsupported"
        ),
        _denied("border crosses itself", "it cannot be evaluated", _crossed(), "limit.unsupported"),
        _denied("period over", "exp is exclusive", every, "period.over", now=NOW + 500),
        _denied("period not begun", "nbf is inclusive", every, "period.not_yet", now=NOW - 6, retry_at=NOW - 5),
        _denied("closed", "before the hours", claims_with({"schedule": night}), "schedule.closed", retry_at=opens),
        _denied("outside", "not in the zone", every, "area.outside", fix=far, zone="Square"),
        _denied("denied zone", "inside one", claims_with({"area": deny}), "area.denied_zone", zone="Square"),
        _denied("spent", "three of three, and the grant ends first", every, "quota.exhausted", used=3),
        _denied("spent for now", "until the window ends", hourly, "quota.exhausted", used=3, retry_at=hour),
        _denied("parameters", "three faces, of two", every, "parameters.refused", parameters={"faces": 3}),
        _denied("no authority", "it is required", every, "authority.missing", authority=...),
        _denied("authority of no form", "the pattern does not match", every, "authority.refused", authority="reasons"),
        _denied(
            "long authority",
            "at most 256 characters",
            claims_with({"authority": {"required": True}}),
            "authority.refused",
            authority="a" * 257,
        ),
        _denied("one operator", "two are asked for", every, "operators.too_few", operators=["ada"]),
        _denied("one operator twice", "different ones", every, "operators.too_few", operators=["ada", "ada"]),
        _denied("operator without a name", "it counts for none", every, "operators.too_few", operators=["ada", ""]),
        _denied("empty authority", "it cites nothing", every, "authority.missing", authority=""),
        _denied(
            "at the border", "uncertain, and the grant denies that", every, "area.uncertain", fix=edge, zone="Square"
        ),
        _denied(
            "stronger than unknown",
            "failing counts for more than not knowing",
            every,
            "authority.missing",
            fix=...,
            authority=...,
        ),
    ]


def _at_a_border() -> list[JsonObject]:
    """Margins: 15 m by itself; after a stricter answer 25 m before it is inside, and 5 m before it is not outside."""
    claims = claims_with({"area": EVERY_LIMIT["area"]})

    def ask(inside_m: float, answered: str, **changes: Any) -> JsonObject:
        fix = HERE | {"latitude": 49 - inside_m / _METRES_PER_DEGREE}
        return {"fix": fix, "before": {"answer": answered, "age": 3}} | changes

    def granted(name: str, comment: str, inside_m: float, answered: str, **changes: Any) -> JsonObject:
        return accepted(name, comment, _ask(claims, **ask(inside_m, answered, **changes)), **GRANTED)

    def denied(name: str, comment: str, code: str, inside_m: float, answered: str, **changes: Any) -> JsonObject:
        return _denied(name, comment, claims, code, zone="Square", **ask(inside_m, answered, **changes))

    imprecise = {"latitude": 49 - 30 / _METRES_PER_DEGREE, "longitude": 10, "uncertainty_m": 50}
    return [
        granted("clearly in after out", "deeper than the margin and twice the radius", 30, "out"),
        denied("barely in after out", "in by itself, not clearly", "area.uncertain", 20, "out"),
        denied("barely in after uncertain", "in by itself, not clearly", "area.uncertain", 20, "uncertain"),
        granted("barely in after in", "nothing stricter came before", 20, "in"),
        denied(
            "barely in, out a minute ago",
            "max_age is inclusive",
            "area.uncertain",
            20,
            "out",
            before={"answer": "out", "age": 60},
        ),
        granted(
            "barely in, out over a minute ago",
            "what was before ends with max_age",
            20,
            "out",
            before={"answer": "out", "age": 60.5},
        ),
        denied("barely uncertain after out", "uncertain by itself, not clearly", "area.outside", -10, "out"),
        denied(
            "clearly uncertain after out", "nearer than the margin less twice the radius", "area.uncertain", -2, "out"
        ),
        denied("out after in", "stricter at once", "area.outside", -20, "in"),
        denied(
            "on the other side, yet out",
            "twice the radius is more than the margin",
            "area.outside",
            30,
            "out",
            fix=imprecise,
        ),
        refused(
            "an answer that is none",
            "in, uncertain or out",
            _ask(claims, before={"answer": "there", "age": 3}),
            "field.range",
        ),
    ]


def _crossed() -> JsonObject:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    claims = claims_with({"area": EVERY_LIMIT["area"]})
    return claims | {"zones": {"square": CLAIMS["zones"]["square"] | {"geometry": bow}}}


def _unknown() -> list[JsonObject]:
    strict, soft = claims_with(EVERY_LIMIT), claims_with(EVERY_LIMIT, on_unknown=DEGRADE)
    degraded = GRANTED | {"degraded": {"faces": 0}}
    return [
        _denied("no position", "and the grant denies that", strict, "area.no_position", fix=...),
        _denied("old position", "over max_age", strict, "area.no_position", fix_age=61),
        _denied("time unknown", "no upper bound and no wall clock", strict, "time.unknown", now=[NOW, None]),
        accepted("no position, degraded", "on_unknown", _ask(soft, fix=...), **degraded, code="area.no_position"),
        accepted("time unknown, degraded", "on_unknown", _ask(soft, now=[NOW, None]), **degraded, code="time.unknown"),
        _denied(
            "known to be over", "degrading is for the unknown", soft, "entitlement.expired", now=[CLAIMS["exp"], None]
        ),
        _denied(
            "each start",
            "per_boot needs an upper bound",
            claims_with({}, freshness=GRANT["freshness"] | {"per_boot": True}),
            "contact.this_boot",
            now=[NOW, None],
        ),
    ]


def _questions() -> list[JsonObject]:
    sound = claims_with({})
    return [
        refused("claims that are none", "the entitlement is read first", _ask(sound | {"ver": 0}), "field.range"),
        refused("status 4", "two bits", _ask(sound, status=4), "field.range"),
        refused("status by another name", "four names", _ask(sound, status="REVOKED"), "field.range"),
        refused("status as a list", "a number or a name", _ask(sound, status=[0]), "field.type"),
        refused("no status", "null says that there is none", _ask(sound, status=...), "field.missing"),
        refused("time in parts of a second", "whole seconds", _ask(sound, now=NOW + 0.5), "field.type"),
        refused("unknown member", "the question itself", _ask(sound, weather="fine"), "field.unknown"),
        refused("operator as a number", "names", _ask(sound, operators=[7]), "field.type"),
        refused("authority as a number", "a text", _ask(sound, authority=7), "field.type"),
    ]
