"""The transparency log's own structures (protocol §8)."""
