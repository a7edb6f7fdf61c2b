"""Backup and restore, on both databases and across them."""
