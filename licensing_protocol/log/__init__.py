"""The transparency log's own structures, as others verify them too (protocol §8; RFC 6962; C2SP)."""
