"""Entitlements: composing them from an approved plan, issuing, renewing, and what orders in force do to them."""

from licensing_server.entitlements.issuing import (
    Issuer,
    adopt_plan,
    current,
    issue,
    newest,
    version_of,
    waits_for_witnesses,
)
from licensing_server.entitlements.plan import GrantPlan, settle
from licensing_server.entitlements.scope import EVERYTHING, Scope
from licensing_server.entitlements.settled import is_settled

__all__ = [
    "EVERYTHING",
    "GrantPlan",
    "Issuer",
    "Scope",
    "adopt_plan",
    "current",
    "is_settled",
    "issue",
    "newest",
    "settle",
    "version_of",
    "waits_for_witnesses",
]
