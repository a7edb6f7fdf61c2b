"""What the log is configured with is in the log: once for each change, however many servers start with it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from licensing_protocol.canonical import digest, to_base64url
from licensing_server.config import Settings
from licensing_server.database import Database
from licensing_server.setup import note_configuration
from licensing_server.web import Role
from tests.server.exporter import Exporter
from tests.server.process import running

POLICY = "quorum none\n"
FIRST = {
    "log_public": False,
    "log_policy": None,
    "quorum_orders": False,
    "quorum_issuances": False,
    "quorum_wait": 600,
}
AT_ONCE = 4


def configured(exporter: Exporter) -> list[Any]:
    """Return what the log says that it was and is configured with, change by change."""
    exporter.settle()
    found = exporter.all("/v1/log/entries?type=log.configured", Role.AUDITOR)
    assert {(entry["actor"], entry["subject"]) for entry in found} <= {("system", "log")}
    return [entry["data"] for entry in found]


def test_a_server_that_starts_with_another_configuration_says_so_and_one_with_the_same_does_not(
    exporter: Exporter, tmp_path: Path
) -> None:
    policy = tmp_path / "policy"
    policy.write_text(POLICY)
    public = exporter.settings.model_copy(update={"log_public": True, "log_policy": policy})
    assert configured(exporter) == []
    for settings in (exporter.settings, exporter.settings, public, public):
        with running(settings, tmp_path):
            pass
    second = FIRST | {"log_public": True, "log_policy": to_base64url(digest(POLICY.encode()))}
    assert configured(exporter) == [{"before": None, "after": FIRST}, {"before": FIRST, "after": second}]
    # The file is the configuration, whatever it is called.
    policy.write_text(f"# the same quorum\n{POLICY}")
    with running(public, tmp_path):
        pass
    assert configured(exporter)[2]["before"] == second


def test_of_servers_that_start_at_once_one_says_so(exporter: Exporter, database_url: str) -> None:
    databases = [Database(database_url) for _ in range(AT_ONCE)]
    for wait in (601, 602, 603):
        settings = exporter.settings.model_copy(update={"quorum_wait": wait})
        start_at_once(databases, settings)
    assert [entry["after"]["quorum_wait"] for entry in configured(exporter)] == [601, 602, 603]
    for database in databases:
        database.close()


def start_at_once(databases: list[Database], settings: Settings) -> None:
    together = threading.Barrier(len(databases))

    def start(database: Database) -> None:
        together.wait()
        note_configuration(database, settings)

    threads = [threading.Thread(target=start, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
