"""What a Python vendor would reach for instead, each asked what ``decision`` asks of the agent.

None of them knows quotas, polygons, JSON Schema, signed documents, freshness or time that cannot be set: a decision of
theirs stands on whatever the caller passes in. Each is given as much of the same question as it can be told, prepared
beforehand as well as its interface allows, and must answer yes.

- **OpenFeature** looks a flag up. Its in-memory provider answers the same whatever the context says, so nothing is
  evaluated; the SDK's own work (hooks, merging of contexts, the details of the answer) is what is measured.
- **Cedar** (``cedarpy``) evaluates one policy, parsed beforehand: period, a rectangle instead of the polygon, the form
  of the authority, two operators by name, and the parameter. The request is new for every call, as ours is.
- **Casbin** evaluates one policy line against a matcher that says the same, with its default enforcer. What is fixed is
  written into the matcher, which is quicker than fields of the policy.
"""

from __future__ import annotations

import logging
import time
from types import SimpleNamespace
from typing import Any, Final

import casbin
import cedarpy
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

from benchmarks.measure import Call

OPENFEATURE, CEDAR, CASBIN = "peer: OpenFeature", "peer: Cedar", "peer: Casbin"
_CAPABILITY: Final = "every.limit"
_CEDAR_POLICY: Final = """
permit (principal == Device::"camera", action == Action::"use", resource == Capability::"every.limit")
when {
    context.now >= 1700000000 && context.now < 4000000000 &&
    context.latitude >= 45800000 && context.latitude < 47900000 &&
    context.longitude >= 5900000 && context.longitude < 10500000 &&
    context.authority like "DE/*" &&
    context.operators.containsAll(["ada", "bo"]) &&
    context.faces <= 2
};
"""
_CASBIN_MODEL: Final = """
[request_definition]
r = device, capability, said

[policy_definition]
p = device, capability, authority

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.capability == p.capability && r.device == p.device \
 && r.said.now >= 1700000000 && r.said.now < 4000000000 \
 && r.said.latitude >= 45800000 && r.said.latitude < 47900000 \
 && r.said.longitude >= 5900000 && r.said.longitude < 10500000 \
 && regexMatch(r.said.authority, p.authority) && r.said.operators >= 2 && r.said.faces <= 2
"""


def openfeature() -> Call:
    """Return a call that asks OpenFeature for a boolean flag, with a context."""
    api.set_provider(InMemoryProvider({_CAPABILITY: InMemoryFlag("on", {"on": True, "off": False})}))
    client = api.get_client()

    def ask() -> None:
        said: dict[str, Any] = {"authority": "DE/2026", "operators": ["ada", "bo"], "faces": 1}
        assert client.get_boolean_value(_CAPABILITY, False, EvaluationContext("camera", said))

    ask()
    return ask


def cedar() -> Call:
    """Return a call that asks Cedar."""
    policies = cedarpy.PolicySet.from_str(_CEDAR_POLICY)
    entities = cedarpy.Entities.from_json_str("[]")

    def ask() -> None:
        request = {
            "principal": {"type": "Device", "id": "camera"},
            "action": {"type": "Action", "id": "use"},
            "resource": {"type": "Capability", "id": _CAPABILITY},
            "context": {**_said(), "operators": ["ada", "bo"]},
        }
        assert cedarpy.is_authorized(request, policies, entities).allowed

    ask()
    return ask


def casbin_() -> Call:
    """Return a call that asks Casbin."""
    logging.getLogger("casbin").setLevel(logging.ERROR)
    model = casbin.Model()
    model.load_model_from_text(_CASBIN_MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.add_policy("camera", _CAPABILITY, "DE/[0-9]{4}")

    def ask() -> None:
        assert enforcer.enforce("camera", _CAPABILITY, SimpleNamespace(**_said(), operators=len({"ada", "bo"})))

    ask()
    return ask


def _said() -> dict[str, Any]:
    """Return what the caller must say itself: nobody else reads the clock or knows the place."""
    return {
        "now": int(time.clock_gettime(time.CLOCK_REALTIME)),
        "latitude": 46_950_000,
        "longitude": 7_450_000,
        "authority": "DE/2026",
        "faces": 1,
    }
