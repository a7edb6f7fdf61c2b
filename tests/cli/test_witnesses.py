"""``interlock log witnesses``: how the witnesses stand to the log."""

from __future__ import annotations

from tests.cli.command_line import Staff


def test_a_log_that_asks_nobody_says_so(ada: Staff) -> None:
    found = ada.ask("log", "witnesses")
    assert (found["witnesses"], found["quorum"], found["quorum_size"]) == ([], None, 0)
    shown = ada.run("log", "witnesses")
    assert shown.code == 0
    assert f"{found['origin']}: no quorum is asked for." in shown.out
