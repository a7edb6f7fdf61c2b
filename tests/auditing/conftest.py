"""A running server with a record of its own, as the auditor finds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.cli.command_line import Serving, Staff, process


@dataclass(frozen=True)
class Audited:
    """A server, its log's address, and the policy and token of somebody who audits it."""

    staff: Staff
    address: str
    policy: Path

    @property
    def token(self) -> Path:
        """The file with the auditor's token."""
        return self.staff.token_file


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """A server that has done a few things."""
    folder = tmp_path_factory.mktemp("audited")
    made = process("init", "--data-dir", folder / "data", "--administrator", "Ada Admin", "--json")
    assert made.code == 0, made.err
    with Serving(folder / "data") as server:
        staff = Staff(server.address, folder / "data" / "admin.token")
        for name in ("Ministry of Parks", "Ministry of Roads"):
            staff.ask("parties", "add", name, "--country", "FR")
        token = staff.token_file.read_text().strip()
        key = httpx2.get(f"{server.address}/v1/log/key", headers={"Authorization": f"Bearer {token}"}).text
        policy = folder / "policy"
        policy.write_text(f"log {key.strip()}\nquorum none\n")
        yield Audited(staff, server.address, policy)
