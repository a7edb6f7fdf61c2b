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
from licensing_server.entitlements.standing import Standing, standing

__all__ = [
    "EVERYTHING",
    "GrantPlan",
    "Issuer",
    "Scope",
    "Standing",
    "adopt_plan",
    "current",
    "issue",
    "newest",
    "settle",
    "standing",
    "version_of",
    "waits_for_witnesses",
]
