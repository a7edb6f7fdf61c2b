"""A status list is what the IETF draft says: an implementation that is not ours reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from licensing_protocol.canonical import decode_object, encode
from licensing_protocol.status_list import SHARD_ENTRIES
from licensing_protocol.trust import Delegation
from tests.server.exporter import CAPABILITY, Exporter

PACKAGE = "@sd-jwt/jwt-status-list@0.19.0"
READER = Path(__file__).with_name("read_status_list.mjs")
PATIENCE_S = 120


@pytest.fixture(scope="session")
def modules() -> Path:
    """The folder of Node packages, outside of this project, with the other implementation in it."""
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"left untested: status lists with {PACKAGE}, for want of {' and '.join(missing)}")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = caches / "interlock-tests" / PACKAGE.replace("/", "-")
    if not (folder / "node_modules").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
        if done.returncode:
            pytest.skip(f"left untested: status lists with {PACKAGE}, which npm cannot install: {done.stderr[-300:]}")
    return folder


def test_another_implementation_reads_our_list(sqlite_exporter: Exporter, modules: Path) -> None:
    exporter = sqlite_exporter
    suspended, revoked, untouched = (exporter.device() for _ in range(3))
    exporter.order("suspend", scope={"device": suspended.id, "capability": CAPABILITY})
    exporter.order("revoke", scope={"device": revoked.id, "capability": CAPABILITY})
    references = [
        (device.entitlement or {})["grants"][CAPABILITY]["status"] for device in (suspended, revoked, untouched)
    ]
    text = exporter.ask("GET", references[0]["uri"].removeprefix("https://exporter.example"), None).text
    (key,) = exporter.trusted().keys(Delegation.STATUS)
    read = _read(modules, text, key.jwk, [reference["idx"] for reference in references])
    assert read["statuses"] == [2, 1, 0]
    assert read["size"] == SHARD_ENTRIES
    assert read["header"]["typ"] == "statuslist+jwt"


def _read(modules: Path, text: str, jwk: Any, indices: list[int]) -> Any:
    asked = encode({"text": text, "jwk": jwk, "indices": indices})
    done = subprocess.run(["node", str(READER), str(modules)], input=asked, capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr.decode()
    return decode_object(done.stdout)
