"""Claims of every document as Hypothesis draws them, written the way ``to_claims`` writes them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from licensing_protocol.canonical import MAX_INTEGER, decode, to_base64url
from licensing_protocol.evidence import PROFILE
from licensing_protocol.keys import SoftwareSigner
from licensing_protocol.limits.schedule import DAYS
from licensing_protocol.measurement import Measurement
from licensing_protocol.trust import PinnedRoot
from tests.vectors.roots import PINNED, SECOND

Claims = dict[str, Any]

KEYS = [SoftwareSigner.generate(algorithm).key for algorithm in ("EdDSA", "ES256", "EdDSA")]
INSTANTS = st.integers(0, MAX_INTEGER)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
DIGESTS = st.binary(min_size=32, max_size=32).map(to_base64url)
IDS = st.from_regex(r"[a-z][a-z0-9]{0,5}(\.[A-Za-z0-9_]{1,6}){1,2}", fullmatch=True)
SAFE_FLOATS = st.floats(-MAX_INTEGER, MAX_INTEGER)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | SAFE_FLOATS | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
EXACT_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def sorted_names(least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(NAMES, min_size=least, max_size=4, unique=True).map(sorted)


ROOTS = st.sampled_from([PinnedRoot.parse(root).to_json() for root in (PINNED, SECOND)])
COMPONENTS = st.lists(
    st.fixed_dictionaries({"name": NAMES, "kind": st.sampled_from(["file", "tree"]), "path": st.just("a/b")})
    | st.fixed_dictionaries({"name": NAMES, "kind": st.just("setting")}),
    max_size=4,
    unique_by=lambda component: component["name"],
)


@st.composite
def manifests(draw: st.DrawFn) -> Claims:
    capabilities = draw(st.lists(IDS, max_size=5, unique=True))
    gated = draw(st.integers(0, len(capabilities)))
    return {
        "iss": draw(NAMES),
        "product": draw(NAMES),
        "release": draw(NAMES),
        "capabilities": sorted(capabilities[:gated]),
        "safety": sorted(capabilities[gated:]),
        "root": draw(ROOTS),
        "servers": draw(st.lists(st.sampled_from(["https://a.example", "http://[::1]:8080/x"]), unique=True)),
        "measure": draw(COMPONENTS),
    }


CLOCKS = st.tuples(st.integers(0, 23), st.integers(0, 59)).map("{0[0]:02d}:{0[1]:02d}".format)
WINDOWS = st.fixed_dictionaries(
    {"days": st.lists(st.sampled_from(DAYS), min_size=1, unique=True), "from": CLOCKS, "to": CLOCKS | st.just("24:00")}
).filter(lambda window: window["to"] not in {window["from"], "00:00"})
SCHEDULES = st.fixed_dictionaries(
    {
        "tz": st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia"]),
        "windows": st.lists(WINDOWS, min_size=1, max_size=3),
        "except": st.lists(st.dates().map(str), max_size=3, unique=True).map(sorted),
    }
)
AREAS = st.fixed_dictionaries(
    {
        "allow": st.lists(st.sampled_from(["disc", "square"]), min_size=1, unique=True),
        "deny": st.lists(st.sampled_from(["disc", "square"]), unique=True),
        "max_age": st.integers(1, MAX_INTEGER),
        "max_uncertainty_m": st.floats(0, 20_038_000),
    }
)
PERIODS = st.tuples(INSTANTS, st.integers(1, 10**6)).map(lambda pair: {"nbf": pair[0], "exp": pair[0] + pair[1]})
QUOTAS = st.fixed_dictionaries(
    {"id": NAMES, "uses": INSTANTS, "anchor": INSTANTS},
    optional={"per": st.sampled_from(["P1D", "PT8H", "P1DT2H3M4S", "PT90S"])},
)
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "period": PERIODS.filter(lambda period: period["exp"] <= MAX_INTEGER),
        "schedule": SCHEDULES,
        "area": AREAS,
        "quota": QUOTAS,
        "parameters": st.sampled_from([{}, {"properties": {"n": {"maximum": 2}}}]),
        "authority": st.fixed_dictionaries(
            {"required": st.booleans()}, optional={"pattern": st.sampled_from(["[A-Z]{2}/\\p{N}+", "a|b"])}
        ),
        "operators": st.fixed_dictionaries({"distinct": st.integers(1, 100)}),
        "platform": st.fixed_dictionaries({"max_speed_mps": st.floats(0.1, 12_000)}),
        "telepathy": JSON,
    },
)
GRANTS = st.fixed_dictionaries(
    {
        "status": st.fixed_dictionaries({"uri": NAMES, "idx": st.integers(0, 2**20 - 1)}),
        "freshness": st.fixed_dictionaries(
            {
                "max_offline": st.integers(1, MAX_INTEGER),
                "max_silent": st.integers(1, MAX_INTEGER),
                "per_boot": st.booleans(),
            }
        ),
        "limits": LIMITS,
        "on_unknown": st.just("deny") | st.fixed_dictionaries({"degrade": st.dictionaries(NAMES, JSON, max_size=3)}),
        "audit": st.sampled_from(["none", "count", "each"]),
        "obligations": st.lists(NAMES, max_size=3, unique=True),
    }
)
SQUARE = [[[9.0, 47.0], [11.0, 47.0], [11.0, 49.0], [9.0, 49.0], [9.0, 47.0]]]


def zones(geometry: Claims) -> st.SearchStrategy[Claims]:
    return st.fixed_dictionaries(
        {
            "name": NAMES,
            "geometry": st.just(geometry),
            "source": NAMES,
            "accuracy_m": st.floats(0, 20_038_000),
            "pov": NAMES,
        }
    )


@st.composite
def entitlements(draw: st.DrawFn) -> Claims:
    begins = draw(st.integers(0, 2**40))
    claims = {
        "iss": draw(NAMES),
        "iat": draw(INSTANTS),
        "nbf": begins,
        "exp": begins + draw(st.integers(1, 2**40)),
        "jti": draw(NAMES),
        "sub": draw(NAMES),
        "cnf": {"jkt": draw(DIGESTS)},
        "ver": draw(st.integers(1, MAX_INTEGER)),
        "product": draw(NAMES),
        "releases": draw(sorted_names(least=1)),
        "manifest": draw(DIGESTS),
        "authorisation": {"reference": draw(NAMES), "end_user": draw(NAMES)},
        "zones": {
            "disc": draw(zones({"circle": {"center": [8.5, 50.0], "radius_m": 200.5}})),
            "square": draw(zones({"type": "Polygon", "coordinates": SQUARE})),
            "pair": draw(zones({"type": "MultiPolygon", "coordinates": [SQUARE, SQUARE]})),
        },
        "grants": draw(st.dictionaries(IDS, GRANTS, max_size=3)),
    }
    return claims | draw(st.fixed_dictionaries({}, optional={"log": NAMES}))


EVENTS = st.fixed_dictionaries(
    {
        "seq": st.integers(1, MAX_INTEGER),
        "type": NAMES,
        "time": st.tuples(INSTANTS, st.none() | INSTANTS).map(list),
        "boot": NAMES,
        "data": st.dictionaries(NAMES, EXACT_JSON, max_size=3),
    }
)
NONCE = st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=88)
NONCES = st.lists(NONCE, min_size=2, max_size=4, unique=True) | NONCE
DEVICES = st.binary(min_size=32, max_size=32).map(lambda thumbprint: to_base64url(b"\x01" + thumbprint))
MEASUREMENTS = st.builds(Measurement, NAMES, st.binary(min_size=32, max_size=32)).map(Measurement.to_claims)
COUNTS = st.fixed_dictionaries({"uses": INSTANTS, "denials": INSTANTS})
OURS = st.fixed_dictionaries(
    {
        "fresh": st.binary(min_size=16, max_size=16).map(to_base64url),
        "manifest": DIGESTS,
        "parent": DIGESTS,
        "first": st.integers(1, MAX_INTEGER),
        "head": DIGESTS,
        "events": st.lists(EVENTS, max_size=3),
        "status": st.dictionaries(NAMES, st.integers(1, MAX_INTEGER), max_size=3),
        "clock": st.fixed_dictionaries(
            {"lower": INSTANTS, "upper": st.none() | INSTANTS, "wall": st.none() | INSTANTS}
        ),
        "usage": st.dictionaries(IDS, COUNTS, max_size=3),
    },
    optional={"entitlement": st.fixed_dictionaries({"jti": NAMES, "ver": st.integers(1, MAX_INTEGER)})},
)
EVIDENCE = st.fixed_dictionaries(
    {
        "eat_profile": st.just(PROFILE),
        "iat": INSTANTS,
        "ueid": DEVICES,
        "eat_nonce": NONCES,
        "oemid": NAMES,
        "hwmodel": NAMES,
        "swname": NAMES,
        "swversion": st.lists(NAMES, min_size=1, max_size=1),
        "bootcount": INSTANTS,
        "uptime": INSTANTS,
        "dbgstat": st.sampled_from(["enabled", "disabled", "disabled-since-boot"]),
        "measurements": st.lists(MEASUREMENTS, max_size=3, unique_by=lambda pair: decode(pair[1].encode())["id"][0]),
        "interlock": OURS,
    }
)
_ANSWER = {"iss": NAMES, "iat": INSTANTS, "sub": NAMES, "evidence": DIGESTS, "ratchet": DIGESTS, "nonce": DIGESTS}
LOGS = st.fixed_dictionaries({"origin": NAMES, "leaf": DIGESTS})
RECEIPTS = st.fixed_dictionaries(_ANSWER | {"head": DIGESTS, "seq": INSTANTS, "log": LOGS})
REFUSALS = st.fixed_dictionaries(_ANSWER | {"code": NAMES})
ANSWERS = st.fixed_dictionaries(
    {"notices": st.lists(NAMES, max_size=3, unique=True)},
    optional={"receipt": NAMES, "refusal": NAMES, "entitlement": NAMES},
)
FIXES = st.fixed_dictionaries(
    {"latitude": st.floats(-90, 90), "longitude": st.floats(-180, 180), "uncertainty_m": st.floats(0, 20_038_000)}
)
