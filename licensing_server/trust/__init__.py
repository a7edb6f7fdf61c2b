"""The root of trust: ceremonies, publication of roots and Targets, and what a running server has of them at hand."""

from licensing_server.trust.newest import Newest
from licensing_server.trust.publish import newest_root, newest_targets, publish, roots, trusted

__all__ = ["Newest", "newest_root", "newest_targets", "publish", "roots", "trusted"]
