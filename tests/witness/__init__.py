"""Witnesses: the one that others run, and the log's own side of asking them."""
