"""Publication of the root of trust: in its first form a pinned set of keys."""

from licensing_server.trust.publish import current_root, publish

__all__ = ["current_root", "publish"]
