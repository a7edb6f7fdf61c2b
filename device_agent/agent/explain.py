"""The reasoning behind a decision, from what the device believes at this moment.

It is for the operator on the device: the product gets it as a value, and it is neither sent nor journalled.
"""

from __future__ import annotations

from device_agent.enforcement import Moment
from licensing_protocol import reasoning
from licensing_protocol.decision import Denied, Granted, Use
from licensing_protocol.explanation import Explanation, Step
from licensing_protocol.limits.verdict import fails, holds
from licensing_protocol.manifest import Manifest
from licensing_protocol.reasons import Reason


def explain(manifest: Manifest, capability: str, use: Use, moment: Moment | Reason) -> Explanation:
    """Explain what the agent decides of one use; instead of a moment there may be a reason for which it has none."""
    if not isinstance(moment, Reason):
        return reasoning.explain(
            moment.state.entitlement,
            manifest,
            capability,
            use,
            contact=moment.contact,
            time=moment.bounds,
            place=moment.place,
            used=moment.used,
            compiled=moment.compiled,
            device=holds() if moment.problem is None else fails(moment.problem),
        )
    gated = Step("safety", holds(), {"never_gated": capability in manifest.safety})
    if capability in manifest.safety:
        return Explanation(Granted(capability), (gated,))
    return Explanation(Denied(capability, moment), (gated, Step("device", fails(moment))))
