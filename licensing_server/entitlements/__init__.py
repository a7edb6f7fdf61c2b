"""Entitlements: composing them from an approved plan, issuing, renewing, and what orders in force forbid."""

from licensing_server.entitlements.issuing import Issuer, adopt_plan, current, issue, newest
from licensing_server.entitlements.plan import GrantPlan, settle
from licensing_server.entitlements.restrictions import in_force, lift, restrict

__all__ = ["GrantPlan", "Issuer", "adopt_plan", "current", "in_force", "issue", "lift", "newest", "restrict", "settle"]
