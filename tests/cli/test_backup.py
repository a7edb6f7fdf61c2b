"""Backup while the server is busy, restore, and two people who accept the loss, each by commands."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.cli.command_line import Serving, Staff, here
from tests.cli.exporter import Company


def _hire(ada: Staff, name: str, role: str, token_file: Path) -> Staff:
    person = ada.ask("people", "add", name, "--role", role)
    ada.ask("people", "token", person["id"], "--out", token_file)
    return Staff(ada.server, token_file)


def test_a_busy_server_is_backed_up_and_restored_with_issuing_closed(
    data_dir: Path, ada: Staff, company: Company, tmp_path: Path
) -> None:
    device = company.device()
    _hire(ada, "Pat Approver", "approver", tmp_path / "pat.token")
    stop = threading.Event()
    checked_in: list[int] = []

    def load() -> None:
        while not stop.is_set():
            company.check_in(device)
            checked_in.append(1)

    busy = threading.Thread(target=load)
    busy.start()
    archive = tmp_path / "backup.tar.gz"
    try:
        while not checked_in:
            pass
        before = len(checked_in)
        made = here("backup", archive, "--data-dir", data_dir, "--json")
    finally:
        stop.set()
        busy.join()
    assert made.code == 0, made.err
    assert len(checked_in) > before
    assert archive.stat().st_mode & 0o777 == 0o600

    folder = tmp_path / "restored"
    passphrase = data_dir / "passphrase"
    restored = here("restore", archive, "--data-dir", folder, "--passphrase-file", passphrase, "--json")
    assert restored.code == 0, restored.err
    assert restored.json["rows"] == made.json["rows"]
    with Serving(folder) as server:
        again, pat = (Staff(server.address, path) for path in (ada.token_file, tmp_path / "pat.token"))
        assert again.ask("restoration", "show")["loss"] == restored.json["loss"]
        refused = again.run("issue", device.id, "--plan", company.plan, "--json")
        assert (refused.code, refused.failure["code"]) == (1, "restore.waiting")
        assert again.ask("restoration", "accept")["second"] is None
        assert again.run("restoration", "accept", "--json").failure["code"] == "four_eyes.same_person"
        assert pat.ask("restoration", "accept")["second"] is not None
        assert again.ask("issue", device.id, "--plan", company.plan)["device"] == device.id


def test_a_damaged_archive_and_a_full_folder_are_refused(fresh: Path, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar.gz"
    assert here("backup", archive, "--data-dir", fresh).code == 0
    taken = here("backup", archive, "--data-dir", fresh, "--json")
    assert (taken.code, taken.failure["code"]) == (1, "backup.exists")
    full = here("restore", archive, "--data-dir", fresh, "--json")
    assert (full.code, full.failure["code"]) == (1, "restore.not_empty")
    archive.write_bytes(archive.read_bytes()[:-100])
    key = ("--passphrase-file", fresh / "passphrase")
    damaged = here("restore", archive, "--data-dir", tmp_path / "restored", *key, "--json")
    assert (damaged.code, damaged.failure["code"]) == (1, "backup.damaged")
