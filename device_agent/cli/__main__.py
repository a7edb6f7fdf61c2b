"""Lets ``python -m device_agent.cli`` do what ``interlock-agent`` does."""

from device_agent.cli import main

main()
