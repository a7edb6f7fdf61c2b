"""Settings for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

# How long one example takes says more about the machine than about the code.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what this machine lacks: a test that skips with "left untested: …" must not pass in silence."""
    reasons = {str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", ())}
    untested = sorted(reason.removeprefix("Skipped: ") for reason in reasons if "left untested:" in reason)
    if untested:
        terminalreporter.section("LEFT UNTESTED ON THIS MACHINE", sep="!", red=True, bold=True)
        for reason in untested:
            terminalreporter.write_line(reason.removeprefix("left untested: "))
