"""Lets ``python -m licensing_server.cli`` do what ``interlock`` does."""

from licensing_server.cli import main

main()
