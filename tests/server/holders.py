"""The people who hold the root keys of an exporter under test: they sign what its server proposes, by the commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.cli.command_line import here
from tests.server.exporter import Exporter

KEYS = ("root-key-1.pem", "root-key-3.pem")


@dataclass
class Holders:
    """Two of the three holders of a throw-away ceremony, whose keys lie in the server's data folder."""

    exporter: Exporter
    proposals: int = 0

    def publish(self, command: str, *arguments: str) -> Any:
        """Let the server propose something, sign it, bring it in, and let the running server see it."""
        self.proposals += 1
        data = self.exporter.settings.data_dir
        out = str(data / f"proposal-{self.proposals}")
        files = self._run("keys", command, *arguments, "--out", out, "--data-dir", str(data))["to_sign"]
        signing = [part for name in KEYS for part in ("--key", str(data / "ceremony" / name))]
        for file in files:
            self._run("keys", "sign", file, *signing, "--passphrase-file", str(data / "passphrase"))
        told = self._run("keys", "import", *files, "--data-dir", str(data))
        with self.exporter.database.read() as session:
            self.exporter.app.state.newest.refresh(session)
        self.exporter.settle()
        return told

    def show(self) -> Any:
        """Return what is published, and what signs."""
        return self._run("keys", "show", "--data-dir", str(self.exporter.settings.data_dir))

    def _run(self, *arguments: str) -> Any:
        answer = here(*arguments, "--json", INTERLOCK_DATABASE_URL=self.exporter.settings.url)
        assert answer.code == 0, answer.err
        return answer.json
